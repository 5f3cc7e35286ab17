// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"sync"
)

// What became of a request.
type exchange struct {
	N        int `json:"n"`
	Status   int `json:"status"`
	Sent     int `json:"sent"`
	Received int `json:"received"`
	// Port of the client's end.
	Port int `json:"port"`
	// "" when all was as it should be.
	Problem string `json:"problem,omitempty"`
	Version string `json:"version"`
	Cipher  string `json:"cipher"`
}

type client interface {
	exchange(path string, n int) exchange
	close()
}

func tlsConfig() *tls.Config {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: serverName}
	if has("tls12") {
		config.MaxVersion = tls.VersionTLS12
	}
	return config
}

func serverAddress() string {
	return "127.0.0.1:" + os.Args[2]
}

func (e *exchange) learn(state *tls.ConnectionState) {
	e.Version = map[uint16]string{tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}[state.Version]
	e.Cipher = tls.CipherSuiteName(state.CipherSuite)
}

// net/http over HTTP/1.1 or HTTP/2.
type webClient struct {
	transport *http.Transport
	major     int
}

func newWebClient(isHttp2 bool) *webClient {
	transport := &http.Transport{
		TLSClientConfig:     tlsConfig(),
		ForceAttemptHTTP2:   isHttp2,
		MaxIdleConnsPerHost: 2000,
		DisableCompression:  true,
	}
	if isHttp2 {
		return &webClient{transport, 2}
	}
	return &webClient{transport, 1}
}

func (c *webClient) exchange(path string, n int) exchange {
	result := exchange{N: n, Sent: requestSize(n)}
	method, body := "GET", io.Reader(nil)
	if result.Sent > 0 {
		method, body = "POST", bytes.NewReader(content(n, result.Sent))
	}
	request, err := http.NewRequest(method, "https://"+serverAddress()+path, body)
	if err != nil {
		fail(err)
	}
	request.Header.Set("X-N", strconv.Itoa(n))
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		result.Port = got.Conn.LocalAddr().(*net.TCPAddr).Port
	}}
	response, err := c.transport.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		result.Problem = err.Error()
		return result
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	result.Status = response.StatusCode
	result.Received = len(received)
	result.learn(response.TLS)
	switch {
	case err != nil:
		result.Problem = err.Error()
	case response.ProtoMajor != c.major:
		result.Problem = response.Proto
	case !bytes.Equal(received, content(n, responseSize(n))):
		result.Problem = fmt.Sprintf("%d bytes of another body", len(received))
	}
	return result
}

func (c *webClient) close() {
	c.transport.CloseIdleConnections()
}

// Requests first … first+count-1 of /s/N, so many at once.
func run(c client, first int, count int, parallel int) []exchange {
	results := make([]exchange, count)
	next := make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < parallel; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				n := first + i
				results[i] = c.exchange("/s/"+strconv.Itoa(n), n)
			}
		}()
	}
	for i := 0; i < count; i++ {
		next <- i
	}
	close(next)
	workers.Wait()
	return results
}
