// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const serverName = "go.test"

type serverStats struct {
	Requests int64 `json:"requests"`
	// Bodies that were not those of their request.
	Wrong int64 `json:"wrong"`
}

var stats serverStats

func selfSigned() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fail(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{serverName},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		fail(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}

// The last part of the path is the number. Below /load/ the stack grows first. Whoever reads with X-Length does not read
// chunks, and waits.
func answer(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	body, readErr := io.ReadAll(r.Body)
	atomic.AddInt64(&stats.Requests, 1)
	if err != nil || readErr != nil || !bytes.Equal(body, content(n, requestSize(n))) {
		atomic.AddInt64(&stats.Wrong, 1)
	}
	if strings.HasPrefix(r.URL.Path, "/load/") {
		grow(n % 150)
		time.Sleep(time.Duration(n%4) * time.Millisecond)
	}
	isRaw := r.Header.Get("X-Length") != ""
	if isRaw {
		// Time to move the stack of who waits.
		time.Sleep(10 * time.Millisecond)
	}
	size := responseSize(n)
	w.Header().Set("X-Id", strconv.Itoa(n))
	if n%2 == 0 || isRaw {
		w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	w.WriteHeader(statusOf(n))
	w.Write(content(n, size))
}

func serve() {
	config := &tls.Config{
		Certificates: []tls.Certificate{selfSigned()},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if has("tls12") {
		config.MaxVersion = tls.VersionTLS12
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	server := &http.Server{
		Handler:   http.HandlerFunc(answer),
		TLSConfig: config,
		// Connections that a client gave up are not worth a line.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { fail(server.ServeTLS(listener, "", "")) }()
	say(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	obey(map[string]command{
		"stats": func([]int) interface{} {
			return serverStats{atomic.LoadInt64(&stats.Requests), atomic.LoadInt64(&stats.Wrong)}
		},
	})
}
