/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What single steps cost on this machine: each program does one of them REPEAT times when the
 * target process calls getppid(). Run-time statistics divided by REPEAT, less what `empty_loop`
 * takes, is the cost of one.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define REPEAT 64

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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u8[88]);
} hash_of_connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u64);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[65536]);
} bytes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} stages SEC(".maps");

__u64 lost = 0;
volatile __u64 sink = 0;

static __always_inline int is_target(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&target_pids, &pid) != 0;
}

/* A program called part_NAME that repeats STATEMENT; `x` is a variable to write to, `user` a user
 * address. */
#define PART(name, prepare, statement)                                                             \
	SEC("raw_tp/sys_exit")                                                                     \
	int part_##name(struct bpf_raw_tracepoint_args *ctx)                                       \
	{                                                                                          \
		__u64 x = 0;                                                                       \
		__u32 zero = 0;                                                                    \
		void *regs = (void *)ctx->args[0];                                                 \
                                                                                                   \
		if (!is_target())                                                                  \
			return 0;                                                                  \
		prepare;                                                                           \
		for (int i = 0; i < REPEAT; i++) {                                                 \
			statement;                                                                 \
			sink += x;                                                                 \
		}                                                                                  \
		(void)zero;                                                                        \
		(void)regs;                                                                        \
		return 0;                                                                          \
	}

PART(empty_loop, , )
PART(pid_tgid, , x = bpf_get_current_pid_tgid())
PART(time, , x = bpf_ktime_get_ns())
PART(cpu, , x = bpf_get_smp_processor_id())
PART(read_kernel_8, , bpf_probe_read_kernel(&x, 8, regs + 120))
PART(read_kernel_88, __u8 area[88], bpf_probe_read_kernel(area, 88, regs + 56); x = area[0])
/* Since 6.2: a plain load from any address that has been given a type. */
struct pt_regs {
	__u64 words[21];
};
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;
PART(read_typed_8, if (!bpf_ksym_exists(bpf_rdonly_cast)) return 0;
	volatile struct pt_regs *typed = bpf_rdonly_cast(
		regs, bpf_core_type_id_kernel(struct pt_regs)),
	x = typed->words[15])
PART(pid_hash, __u32 pid = bpf_get_current_pid_tgid() >> 32,
	x = bpf_map_lookup_elem(&target_pids, &pid) != 0)
PART(connection_hash, __u64 key = 77, x = bpf_map_lookup_elem(&hash_of_connections, &key) != 0)
PART(lru_hash, __u32 key = 77, x = bpf_map_lookup_elem(&lru, &key) != 0)
PART(percpu_array, , x = bpf_map_lookup_elem(&percpu, &zero) != 0)
PART(array, , x = bpf_map_lookup_elem(&bytes, &zero) != 0)
PART(ring_query, , x = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA))
PART(ring_output_64, void *area = bpf_map_lookup_elem(&bytes, &zero);
	if (!area) return 0, x = bpf_ringbuf_output(&events, area, 64, BPF_RB_NO_WAKEUP))
PART(ring_output_264, void *area = bpf_map_lookup_elem(&bytes, &zero);
	if (!area) return 0, x = bpf_ringbuf_output(&events, area, 264, BPF_RB_NO_WAKEUP))
PART(ring_output_4160, void *area = bpf_map_lookup_elem(&bytes, &zero);
	if (!area) return 0, x = bpf_ringbuf_output(&events, area, 4160, BPF_RB_NO_WAKEUP))
PART(ring_reserve_264, , void *record = bpf_ringbuf_reserve(&events, 264, 0);
	if (record) bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP))

/* User memory: what the stack pointer of the process points to. */
#define STACK(length)                                                                              \
	__u64 user = 0;                                                                            \
	void *area = bpf_map_lookup_elem(&bytes, &zero);                                           \
	if (!area)                                                                                 \
		return 0;                                                                          \
	bpf_probe_read_kernel(&user, 8, regs + 152)
PART(read_user_16, STACK(), bpf_probe_read_user(area, 16, (void *)user))
PART(read_user_200, STACK(), bpf_probe_read_user(area, 200, (void *)user))
PART(read_user_4096, STACK(), bpf_probe_read_user(area, 4096, (void *)(user & ~4095ull)))

SEC("raw_tp/sys_exit")
int tail_again(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_tail_call(ctx, &stages, 0);
	return 0;
}

/* 33 tail calls, the most there can be. */
SEC("raw_tp/sys_exit")
int part_tail_calls(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_target())
		bpf_tail_call(ctx, &stages, 0);
	return 0;
}
