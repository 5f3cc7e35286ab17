/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The floor: the least that a program on sys_exit can do to hand the bytes of a call to user space.
 * The same target check, the same header size, the same ring, the same wake-ups as the socket
 * tracer; no connection, no position, no inference, and it believes that every read and write is on
 * a socket.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CAPTURE_MAX 65536
#define NR_READ 0
#define NR_WRITE 1

#if !defined(__TARGET_ARCH_x86)
#error "add this architecture's registers"
#endif
/* The part of struct pt_regs from r10 on (arch/x86/include/asm/ptrace.h). */
#define REGISTERS_OFFSET 56
struct registers {
	__u64 r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};

/* As long as the socket tracer's struct segment_event. */
struct header {
	__u64 pid_tgid;
	__u64 time_ns;
	__u32 length;
	__u32 fd;
	__u64 unused[5];
};

struct scratch {
	__u64 quiet_bytes; /* since the last wake-up */
	struct header header;
	__u8 data[CAPTURE_MAX];
};

const volatile __u64 wake_bytes = 256 * 1024;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u8);
} target_pids SEC(".maps");

/* One entry a CPU. Resized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Calls that found the ring full. */
__u64 lost = 0;

SEC("raw_tp/sys_exit")
int floor_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid(), size = ctx->args[1], flag;
	__u32 pid = pid_tgid >> 32, cpu = bpf_get_smp_processor_id();
	struct registers registers;
	struct scratch *scratch;

	if ((long)size <= 0 || !bpf_map_lookup_elem(&target_pids, &pid))
		return 0;
	if (bpf_probe_read_kernel(
		    &registers, sizeof(registers), (void *)ctx->args[0] + REGISTERS_OFFSET))
		return 0;
	if (registers.orig_ax != NR_READ && registers.orig_ax != NR_WRITE)
		return 0;
	scratch = bpf_map_lookup_elem(&scratches, &cpu);
	if (!scratch)
		return 0;
	if (size > CAPTURE_MAX)
		size = CAPTURE_MAX;
	scratch->header.pid_tgid = pid_tgid;
	scratch->header.time_ns = bpf_ktime_get_ns();
	scratch->header.length = size;
	scratch->header.fd = registers.di;
	if (bpf_probe_read_user(scratch->data, size, (void *)registers.si))
		return 0;
	scratch->quiet_bytes += sizeof(scratch->header) + size;
	flag = BPF_RB_NO_WAKEUP;
	if (scratch->quiet_bytes >= wake_bytes) {
		scratch->quiet_bytes = 0;
		flag = BPF_RB_FORCE_WAKEUP;
	}
	if (bpf_ringbuf_output(&events, &scratch->header, sizeof(scratch->header) + size, flag))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

/* What the run-time statistics show for a program that does nothing. */
SEC("raw_tp/sys_exit")
int nothing(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
