// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package main

// const char *greeting(void);
import "C"

func greeting() string { return C.GoString(C.greeting()) }
