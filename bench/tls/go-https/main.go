// SPDX-License-Identifier: Apache-2.0

// go-https KEY CERT: answers every request over TLS; says {"port":N}, ends with its input.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	handler := func(response http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(response, "hello over TLS\n")
	}
	quiet := log.New(io.Discard, "", 0)
	server := &http.Server{Handler: http.HandlerFunc(handler), ErrorLog: quiet}
	go func() { panic(server.ServeTLS(listener, os.Args[2], os.Args[1])) }()
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
