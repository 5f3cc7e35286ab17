// SPDX-License-Identifier: Apache-2.0
//go:build cgo

const char *greeting(void)
{
	return "hello";
}
