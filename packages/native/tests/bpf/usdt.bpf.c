// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A USDT probe of a program made for the test. */
#include "target-thread.h"
#include <stdbool.h>
#include <bpf/usdt.bpf.h>

__u64 runs = 0;
__u64 argument = 0;
__u64 cookie = 0;

SEC("usdt")
int on_probe(struct pt_regs *registers)
{
	long value = 0;

	if (!is_target())
		return 0;
	__sync_fetch_and_add(&runs, 1);
	bpf_usdt_arg(registers, 0, &value);
	argument = value;
	cookie = bpf_usdt_cookie(registers);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
