// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand"
	"strconv"
	"sync"
	"time"
)

type loadResult struct {
	// Requests that each goroutine made: /load/K/1, /load/K/2, …
	Done []int `json:"done"`
	// What went wrong, at most ten of it.
	Problems []string `json:"problems"`
}

// Uses so many KiB of the stack, which grows by moving to where there is room.
//
//go:noinline
func grow(depth int) byte {
	var frame [1024]byte
	frame[depth%len(frame)] = byte(depth)
	if depth == 0 {
		return frame[0]
	}
	return grow(depth-1) + frame[depth%len(frame)]
}

// The same, and calls at the bottom, where growing goes on within the call.
//
//go:noinline
func deep(depth int, call func()) byte {
	var frame [128]byte
	frame[depth%len(frame)] = byte(depth)
	if depth == 0 {
		call()
		return frame[0]
	}
	return deep(depth-1, call) + frame[depth%len(frame)]
}

// Goroutines that make requests until the time is over: half over HTTP/1.1, the others over HTTP/2 and by hand. With GOGC=5
// garbage is collected all the time, and stacks shrink while goroutines wait in Read.
func load(numbers []int) interface{} {
	goroutines, end := numbers[0], time.Now().Add(time.Duration(numbers[1])*time.Second)
	clients := []client{newWebClient(false), newWebClient(false), newWebClient(true), &rawClient{}}
	result := loadResult{Done: make([]int, goroutines), Problems: []string{}}
	var lock sync.Mutex
	var workers sync.WaitGroup
	for k := 0; k < goroutines; k++ {
		workers.Add(1)
		go func(k int) {
			defer workers.Done()
			random := rand.New(rand.NewSource(int64(k)))
			pause := func() { time.Sleep(time.Duration(random.Intn(2000)) * time.Millisecond) }
			// They do not all begin at once.
			for pause(); time.Now().Before(end); pause() {
				n := result.Done[k] + 1
				var made exchange
				grow(random.Intn(100))
				deep(random.Intn(60), func() {
					made = clients[k%len(clients)].exchange("/load/"+strconv.Itoa(k)+"/"+strconv.Itoa(n), n)
				})
				result.Done[k] = n
				if made.Problem != "" || made.Status != statusOf(n) {
					lock.Lock()
					if len(result.Problems) < 10 {
						result.Problems = append(result.Problems, made.Problem)
					}
					lock.Unlock()
				}
			}
		}(k)
	}
	workers.Wait()
	for _, c := range clients {
		c.close()
	}
	return result
}
