/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System call numbers and where their arguments lie, per architecture. The arguments are still in
 * pt_regs when a call returns (only the register of the return value is overwritten), so that one
 * hook, on the exit, is enough to see both what was asked and what came of it.
 */
#ifndef LIBTRACE_SYSCALLS_H
#define LIBTRACE_SYSCALLS_H

#include "kernel_types.bpf.h"

#if defined(__TARGET_ARCH_x86)

/* What is read of struct pt_regs, by its index in words: an ABI (PTRACE_GETREGS) that does not
 * move. */
#define REGISTER_R14 1
#define REGISTER_R10 7
#define REGISTER_R8 9
#define REGISTER_DX 12
#define REGISTER_SI 13
#define REGISTER_DI 14
#define REGISTER_ORIG_AX 15
#define REGISTER_CS 17

struct call_registers {
	__u64 number;
	__u64 arguments[5];
	__u64 goroutine; /* of a Go program: Go keeps it in a register, also across system calls */
	__u16 cs;
};

/* __USER32_CS: a program in compatibility mode, whose call numbers mean something else. */
#define CALL_IS_COMPAT(registers) ((registers)->cs == 0x23)

/* raw_syscalls:sys_enter and sys_exit, as their `format` files in tracefs say. */
struct syscall_event {
	__u64 common;
	__s64 number;
	union {
		__s64 result;
		__u64 arguments[6];
	};
};

/* Where the current thread's registers are saved; for programs that are not handed them.
 * Since 5.15. */
static __always_inline const void *current_registers(void)
{
	return (const void *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

static __always_inline void read_call(const void *address, struct call_registers *registers)
{
	struct pt_regs copy;
	struct pt_regs *from = &copy;

	if (can_cast())
		from = cast_to(address, struct pt_regs);
	else
		bpf_probe_read_kernel(&copy, sizeof(copy), address);
	registers->number = from->words[REGISTER_ORIG_AX];
	registers->arguments[0] = from->words[REGISTER_DI];
	registers->arguments[1] = from->words[REGISTER_SI];
	registers->arguments[2] = from->words[REGISTER_DX];
	registers->arguments[3] = from->words[REGISTER_R10];
	registers->arguments[4] = from->words[REGISTER_R8];
	registers->goroutine = from->words[REGISTER_R14];
	/* A 16-bit member of a union in newer kernels. */
	registers->cs = *(__u16 *)&from->words[REGISTER_CS];
}

#define NR_READ 0
#define NR_WRITE 1
#define NR_CLOSE 3
#define NR_MMAP 9
#define NR_READV 19
#define NR_WRITEV 20
#define NR_SENDFILE 40
#define NR_CONNECT 42
#define NR_ACCEPT 43
#define NR_SENDTO 44
#define NR_RECVFROM 45
#define NR_SENDMSG 46
#define NR_RECVMSG 47
#define NR_SHUTDOWN 48
#define NR_ACCEPT4 288
#define NR_RECVMMSG 299
#define NR_SENDMMSG 307
#define NR_PREADV2 327
#define NR_PWRITEV2 328

#else
#error "add this architecture's registers and system call numbers"
#endif

#endif
