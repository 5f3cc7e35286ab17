/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where Go keeps arguments, results and the current goroutine when a function begins and when it
 * returns: ABIInternal (https://go.dev/s/regabi, src/cmd/compile/abi-internal.md; since Go 1.17 on
 * amd64, 1.18 on arm64) and, before it, everything on the stack.
 */
#ifndef LIBTRACE_GO_REGISTERS_H
#define LIBTRACE_GO_REGISTERS_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* 0: arguments and results are on the stack. */
const volatile __u8 register_abi = 1;

#if defined(__TARGET_ARCH_x86)

typedef struct pt_regs go_registers;

/* The integer registers that arguments and results go in, in order. */
#define GO_REGISTER_1(registers) ((registers)->rax)
#define GO_REGISTER_2(registers) ((registers)->rbx)
#define GO_REGISTER_3(registers) ((registers)->rcx)
#define GO_REGISTER_G(registers) ((registers)->r14)
#define GO_STACK_POINTER(registers) ((registers)->rsp)
/* Above the return address. */
#define GO_STACK_ARGUMENTS 8
/* Where g is before it had a register: this far from the thread's own base. */
#define GO_THREAD_G (-8)

struct thread_struct {
	unsigned long fsbase;
} __attribute__((preserve_access_index));

struct task_struct {
	struct thread_struct thread;
} __attribute__((preserve_access_index));

static __always_inline __u64 thread_base(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread.fsbase);
}

/* The goroutine that runs, without a register for it. */
static __always_inline __u64 goroutine_of_thread(const go_registers *registers)
{
	__u64 g = 0;

	bpf_probe_read_user(&g, sizeof(g), (void *)(thread_base() + GO_THREAD_G));
	return g;
}

#elif defined(__TARGET_ARCH_arm64)

typedef struct user_pt_regs go_registers;

#define GO_REGISTER_1(registers) ((registers)->regs[0])
#define GO_REGISTER_2(registers) ((registers)->regs[1])
#define GO_REGISTER_3(registers) ((registers)->regs[2])
#define GO_REGISTER_G(registers) ((registers)->regs[28])
#define GO_STACK_POINTER(registers) ((registers)->sp)
/* Above the place for the link register. */
#define GO_STACK_ARGUMENTS 8

/* arm64 had a register for it from the beginning. */
static __always_inline __u64 goroutine_of_thread(const go_registers *registers)
{
	return GO_REGISTER_G(registers);
}

#else
#error "add this architecture's registers"
#endif

/* Address of the goroutine (struct g) that runs. */
static __always_inline __u64 current_goroutine(const go_registers *registers)
{
	return register_abi ? GO_REGISTER_G(registers) : goroutine_of_thread(registers);
}

/* The words that a method with a slice as its argument is called with. */
struct go_arguments {
	__u64 receiver;
	__u64 pointer;
	__u64 length;
};

/* What it returns: (int, error). */
struct go_results {
	__u64 number;
	__u64 error_type; /* 0: nil */
	__u64 error_data;
};

/*
 * Where the caller has room for them on the stack. Those that came in registers are there as soon
 * as the function has put them down, which it does when it needs them after a call.
 */
static __always_inline bool read_stack_arguments(
	const go_registers *registers, struct go_arguments *arguments)
{
	return !bpf_probe_read_user(arguments, sizeof(*arguments),
		(void *)(GO_STACK_POINTER(registers) + GO_STACK_ARGUMENTS));
}

static __always_inline bool read_arguments(
	const go_registers *registers, struct go_arguments *arguments)
{
	if (!register_abi)
		return read_stack_arguments(registers, arguments);
	arguments->receiver = GO_REGISTER_1(registers);
	arguments->pointer = GO_REGISTER_2(registers);
	arguments->length = GO_REGISTER_3(registers);
	return true;
}

/* On the stack, results lie behind the receiver and the slice of three words. */
static __always_inline bool read_results(const go_registers *registers, struct go_results *results)
{
	if (!register_abi)
		return !bpf_probe_read_user(results, sizeof(*results),
			(void *)(GO_STACK_POINTER(registers) + GO_STACK_ARGUMENTS + 4 * 8));
	results->number = GO_REGISTER_1(registers);
	results->error_type = GO_REGISTER_2(registers);
	results->error_data = GO_REGISTER_3(registers);
	return true;
}

#endif
