// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <cerrno>
#include <csignal>
#include <cstddef>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* include/linux/syscalls: x86_64 only, since 6.11 (commit 63ded110979b). */
#define NR_URETPROBE 335

namespace
{

enum outcome {
	OUTCOME_REFUSED = 0, /* the call returned: ENOSYS, or what the filter said */
	OUTCOME_TAKEN = 1,   /* the kernel knows the call, and kills who makes it by hand */
	OUTCOME_UNKNOWN = 2,
};

/* Lets everything pass but NR_URETPROBE. */
bool install_filter()
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_URETPROBE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* What becomes of a child that makes the call. It only makes system calls: other threads of this
 * process may have held locks when it was forked. */
enum outcome try_call(bool filtered)
{
	pid_t child = static_cast<pid_t>(syscall(SYS_fork));
	int status = 0;

	if (child < 0)
		return OUTCOME_UNKNOWN;
	if (child == 0) {
		signal(SIGILL, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		if (filtered && !install_filter())
			syscall(SYS_exit_group, 2);
		syscall(NR_URETPROBE);
		syscall(SYS_exit_group, 0);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return OUTCOME_UNKNOWN;
	}
	if (WIFSIGNALED(status))
		return OUTCOME_TAKEN;
	return WEXITSTATUS(status) == 0 ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
}

/* returnProbes(): 'trap', 'call' or 'filtered-call'; see src/return-probes.ts */
Napi::Value return_probes(const Napi::CallbackInfo &info)
{
	const char *answer = "trap";
#if defined(__x86_64__)
	enum outcome plain = try_call(false);

	if (plain == OUTCOME_TAKEN)
		answer = try_call(true) == OUTCOME_TAKEN ? "call" : "filtered-call";
	else if (plain == OUTCOME_UNKNOWN)
		answer = "filtered-call";
#endif
	return Napi::String::New(info.Env(), answer);
}

} // namespace

void register_return_probe_functions(Napi::Env env, Napi::Object exports)
{
	exports.Set("returnProbes", Napi::Function::New(env, return_probes));
}
