/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is traced, as far as only the socket tracer knows it: ports, and processes that come and go.
 */
#ifndef LIBTRACE_FILTER_H
#define LIBTRACE_FILTER_H

#include "maps.bpf.h"
#include "target.bpf.h"

/* 1: target_ports has entries. */
const volatile __u8 filter_ports = 0;
/* 1: user space looks into the files that processes run and map: it is told of them at once. */
const volatile __u8 want_files = 0;

static __always_inline void set_target(__u32 pid, __u8 is)
{
	target_pids[pid_index(pid)] = is;
}

static __always_inline bool is_target_port(__u16 local, __u16 remote)
{
	return bpf_map_lookup_elem(&target_ports, &local) ||
	       bpf_map_lookup_elem(&target_ports, &remote);
}

#endif
