// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strconv"
)

// Bytes of the body of request n; 0: a GET.
func requestSize(n int) int {
	if n%3 != 0 {
		return 0
	}
	return n % 1000
}

// Bytes of the response's body. Some are more than one TLS record.
func responseSize(n int) int {
	if n%50 == 0 {
		return 40000 + n%1000
	}
	return n * 37 % 1000
}

func statusOf(n int) int {
	if n%10 == 3 {
		return 404
	}
	return 200
}

// A body that tells whose it is at every place.
func content(n int, size int) []byte {
	unit := append(strconv.AppendInt(nil, int64(n), 10), ',')
	return bytes.Repeat(unit, size/len(unit)+1)[:size]
}
