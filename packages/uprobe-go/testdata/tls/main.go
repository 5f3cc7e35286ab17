// SPDX-License-Identifier: Apache-2.0

// A server and a client over TLS, as small as they can be: what the tests look for in program files is all linked in.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, greeting())
		})
		fmt.Println(http.ListenAndServeTLS(os.Args[2], os.Args[3]+".crt", os.Args[3]+".key", handler))
		return
	}
	if len(os.Args) == 2 {
		response, err := http.Get(os.Args[1])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		defer response.Body.Close()
		io.Copy(os.Stdout, response.Body)
	}
}
