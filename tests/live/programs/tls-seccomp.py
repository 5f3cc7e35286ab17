# SPDX-License-Identifier: Apache-2.0
"""Runs a Python program under a seccomp filter that lists what it may do; anything else kills it.

  tls-seccomp.py SCRIPT [ARGUMENT…]
  tls-seccomp.py forbidden             does what is not in the list: ends by SIGSYS

The list is what sandboxes list: system calls that programs make. Calls that only the kernel's own trampolines make
(uretprobe, uprobe) are not among them.
"""

import ctypes
import os
import platform
import runpy
import struct
import sys

# Modules are loaded before the filter is.
import asyncio  # noqa: F401
import http.client  # noqa: F401
import http.server  # noqa: F401
import ssl  # noqa: F401
import threading  # noqa: F401

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
# Where they are in struct seccomp_data.
NUMBER, ARCHITECTURE = 0, 4

# Numbers of: read write close openat newfstatat fstat poll ppoll lseek ioctl fcntl readlinkat getdents64; mmap mprotect
# munmap mremap madvise brk; rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack; socket bind listen accept4 connect sendto recvfrom
# sendmsg recvmsg shutdown getsockname getpeername setsockopt getsockopt socketpair; epoll_create1 epoll_ctl epoll_pwait;
# clone clone3 set_robust_list rseq futex sched_yield exit exit_group; getpid gettid getrandom clock_gettime
# clock_nanosleep sched_getaffinity. On x86_64 also the older: stat readlink epoll_wait open access pipe2 dup.
ALLOWED = {
    "x86_64": (
        0xC000003E,
        [0, 1, 3, 257, 262, 5, 7, 271, 8, 16, 72, 267, 217, 9, 10, 11, 25, 28, 12, 13, 14, 15, 131]
        + [41, 49, 50, 288, 42, 44, 45, 46, 47, 48, 51, 52, 54, 55, 53, 291, 233, 281, 56, 435, 273, 334, 202, 24]
        + [60, 231, 39, 186, 318, 228, 230, 204, 4, 89, 232, 2, 21, 293, 32],
    ),
    "aarch64": (
        0xC00000B7,
        [63, 64, 57, 56, 79, 80, 73, 62, 29, 25, 78, 61, 222, 226, 215, 216, 233, 214, 134, 135, 139]
        + [132, 198, 200, 201, 242, 203, 206, 207, 211, 212, 210, 204, 205, 208, 209, 199, 20, 21, 22, 220, 435, 99]
        + [293, 98, 124, 93, 94, 172, 178, 278, 113, 115, 123, 59, 23],
    ),
}


def install_filter():
    architecture, numbers = ALLOWED[platform.machine()]
    count = len(numbers)
    program = [
        (LOAD_WORD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD_WORD, 0, 0, NUMBER),
        *((JUMP_EQUAL, count - i, 0, number) for i, number in enumerate(numbers)),
        (RETURN, 0, 0, KILL_PROCESS),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *i) for i in program))
    described = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    )
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    for order in (
        (PR_SET_NO_NEW_PRIVS, 1, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(described)),
    ):
        if prctl(*order, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


install_filter()
if sys.argv[1] == "forbidden":
    os.getpriority(os.PRIO_PROCESS, 0)
else:
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
