/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System call numbers and where their arguments lie, per architecture. The arguments are still in
 * pt_regs when a call returns (only the register of the return value is overwritten), so that one
 * hook, on the exit, is enough to see both what was asked and what came of it.
 */
#ifndef LIBTRACE_SYSCALLS_H
#define LIBTRACE_SYSCALLS_H

#if defined(__TARGET_ARCH_x86)

/* The part of struct pt_regs from r10 on: arch/x86/include/asm/ptrace.h, an ABI (PTRACE_GETREGS)
 * that does not move. */
struct call_registers {
	__u64 r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs;
};
#define CALL_REGISTERS_OFFSET 56
#define CALL_ARGUMENT_0(r) ((r)->di)
#define CALL_ARGUMENT_1(r) ((r)->si)
#define CALL_ARGUMENT_2(r) ((r)->dx)
#define CALL_ARGUMENT_3(r) ((r)->r10)
#define CALL_ARGUMENT_4(r) ((r)->r8)

/* orig_ax, ip, cs. */
struct call_identity {
	__u64 number, ip, cs;
};
#define CALL_IDENTITY_OFFSET 120
/* __USER32_CS: a program in compatibility mode, whose call numbers mean something else. */
#define CALL_IS_COMPAT(identity) (((identity)->cs & 0xffff) == 0x23)

#define NR_READ 0
#define NR_WRITE 1
#define NR_CLOSE 3
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
