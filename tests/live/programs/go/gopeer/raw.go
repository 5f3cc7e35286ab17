// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// HTTP/1.1 by hand, on *tls.Conn itself: what is read goes to a buffer on the goroutine's stack.
type rawClient struct {
	lock sync.Mutex
	idle []*tls.Conn
}

const rawBuffer = 4096

// Garbage is collected without a pause: a stack of which little is used is halved each time.
func newRawClient() *rawClient {
	go func() {
		for {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}()
	return &rawClient{}
}

func (c *rawClient) take() (*tls.Conn, error) {
	c.lock.Lock()
	if last := len(c.idle) - 1; last >= 0 {
		connection := c.idle[last]
		c.idle = c.idle[:last]
		c.lock.Unlock()
		return connection, nil
	}
	c.lock.Unlock()
	return tls.Dial("tcp", serverAddress(), tlsConfig())
}

func (c *rawClient) give(connection *tls.Conn) {
	c.lock.Lock()
	c.idle = append(c.idle, connection)
	c.lock.Unlock()
}

func (c *rawClient) close() {
	c.lock.Lock()
	for _, connection := range c.idle {
		connection.Close()
	}
	c.idle = nil
	c.lock.Unlock()
}

func (c *rawClient) exchange(path string, n int) exchange {
	result := exchange{N: n, Sent: requestSize(n)}
	connection, err := c.take()
	if err != nil {
		result.Problem = err.Error()
		return result
	}
	grow(100)
	state := connection.ConnectionState()
	result.learn(&state)
	result.Port = connection.LocalAddr().(*net.TCPAddr).Port
	if result.Problem = result.speak(connection, path); result.Problem == "" {
		c.give(connection)
	} else {
		connection.Close()
	}
	return result
}

func (e *exchange) speak(connection *tls.Conn, path string) string {
	if _, err := connection.Write(rawRequest(path, e.N)); err != nil {
		return err.Error()
	}
	// Never handed to an interface, so that it stays on the stack. The stack may move while Read waits.
	var buffer [rawBuffer]byte
	filled := 0
	for {
		if filled == len(buffer) {
			return "a head of more than the buffer"
		}
		got, err := connection.Read(buffer[filled:])
		filled += got
		if at := headEnd(buffer[:filled]); at > 0 {
			e.Status = numberAt(buffer[:at], []byte("HTTP/1.1 "))
			left := numberAt(buffer[:at], []byte("\r\nContent-Length: "))
			return e.compare(connection, &buffer, at, filled, left)
		}
		if err != nil {
			return err.Error()
		}
	}
}

// The body, `left` bytes of it, from buffer[at:filled] and what is read then.
func (e *exchange) compare(connection *tls.Conn, buffer *[rawBuffer]byte, at int, filled int, left int) string {
	wanted := content(e.N, responseSize(e.N))
	if left != len(wanted) {
		return fmt.Sprintf("a body of %d bytes", left)
	}
	for {
		piece := buffer[at:filled]
		if len(piece) > len(wanted) || !bytes.Equal(piece, wanted[:len(piece)]) {
			return "another body"
		}
		e.Received += len(piece)
		wanted = wanted[len(piece):]
		if len(wanted) == 0 {
			return ""
		}
		got, err := connection.Read(buffer[:])
		if got == 0 && err != nil {
			return err.Error()
		}
		at, filled = 0, got
	}
}

func rawRequest(path string, n int) []byte {
	size := requestSize(n)
	method := "GET"
	if size > 0 {
		method = "POST"
	}
	head := method + " " + path + " HTTP/1.1\r\nHost: " + serverName + "\r\nX-N: " + strconv.Itoa(n) + "\r\nX-Length: 1\r\n"
	if size > 0 {
		head += "Content-Length: " + strconv.Itoa(size) + "\r\n"
	}
	return append([]byte(head+"\r\n"), content(n, size)...)
}

// Bytes up to the end of the empty line; 0: it has not come.
func headEnd(read []byte) int {
	if at := bytes.Index(read, []byte("\r\n\r\n")); at >= 0 {
		return at + 4
	}
	return 0
}

// The number that stands behind a text; -1: the text is not there.
func numberAt(read []byte, text []byte) int {
	at := bytes.Index(read, text)
	if at < 0 {
		return -1
	}
	number := 0
	for _, digit := range read[at+len(text):] {
		if digit < '0' || digit > '9' {
			break
		}
		number = number*10 + int(digit-'0')
	}
	return number
}
