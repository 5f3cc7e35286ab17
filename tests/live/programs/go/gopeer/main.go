// SPDX-License-Identifier: Apache-2.0

// An HTTPS server and client whose every request can be checked: what request number n carries and is answered with
// follows from n alone (messages.go), and both ends compare it byte for byte.
//
//	gopeer server [tls12]             says its port; `stats` tells what it has answered
//	gopeer client PORT h1|h2|raw [tls12]
//	    run FIRST COUNT PARALLEL      requests, so many at once
//	    close                         its idle connections
//	gopeer load PORT                  all three kinds of clients at once (load.go)
//	    load GOROUTINES SECONDS
//
// It is driven by lines on standard input, answers each with a line of JSON, and ends with its input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

type command func(arguments []int) interface{}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func say(answer interface{}) {
	line, err := json.Marshal(answer)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func obey(commands map[string]command) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || commands[words[0]] == nil {
			fail(fmt.Errorf("no such command: %q", lines.Text()))
		}
		var numbers []int
		for _, word := range words[1:] {
			number, err := strconv.Atoi(word)
			if err != nil {
				fail(err)
			}
			numbers = append(numbers, number)
		}
		say(commands[words[0]](numbers))
	}
}

func has(option string) bool {
	for _, argument := range os.Args[1:] {
		if argument == option {
			return true
		}
	}
	return false
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("server, client or load?"))
	}
	if os.Args[1] == "server" {
		serve()
		return
	}
	if len(os.Args) < 3 {
		fail(fmt.Errorf("which port?"))
	}
	if os.Args[1] == "load" {
		say(struct{}{})
		obey(map[string]command{"load": load})
		return
	}
	var client client
	switch {
	case has("raw"):
		client = newRawClient()
	default:
		client = newWebClient(has("h2"))
	}
	say(struct{}{})
	obey(map[string]command{
		"run": func(numbers []int) interface{} {
			return run(client, numbers[0], numbers[1], numbers[2])
		},
		"close": func([]int) interface{} {
			client.close()
			return struct{}{}
		},
	})
}
