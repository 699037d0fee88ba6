"""Taking from a process everything that running a message does not need.

Three layers, each for itself enough against most things: resource limits (everywhere), Landlock (Linux 5.13 and
later: no file system, and from ABI 4 no TCP, from ABI 6 no signals outside), seccomp (Linux on x86-64 and arm64: only
some thirty system calls, none of which opens, connects, forks or executes). What could not be applied is not silent:
`lock_down` answers what holds, and that goes into the verdict.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
PR_SET_DUMPABLE = 4
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446

# System calls a single-threaded Python needs to compute, to use memory, and to read and write what is open already.
CALLS = {
    "x86_64": (
        0xC000003E,
        # read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17)
        # sched_yield mremap madvise nanosleep getpid exit gettimeofday getrusage times sigaltstack gettid time futex
        + (24, 25, 28, 35, 39, 60, 96, 98, 100, 131, 186, 201, 202)
        # restart_syscall clock_gettime clock_getres clock_nanosleep exit_group getrandom
        + (219, 228, 229, 230, 231, 318),
    ),
    "aarch64": (
        0xC00000B7,
        (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 67)
        + (124, 216, 233, 101, 172, 93, 169, 165, 153, 132, 178, 98)
        + (128, 113, 114, 115, 94, 278),
    ),
}


def lock_down(cpu_seconds: int, memory_bytes: int) -> list[str]:
    """Lock this process in, for good. The names of the layers that hold; a missing one is told as `no ...`."""
    holds = [_limits(cpu_seconds, memory_bytes)]
    if not sys.platform.startswith("linux"):
        return [*holds, "no landlock", "no seccomp"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return [*holds, "no landlock", "no seccomp"]
    holds.append(_landlock(libc))
    holds.append(_seccomp(libc))
    return holds


def _limits(cpu_seconds: int, memory_bytes: int) -> str:
    def limit(what: int, value: int) -> None:
        hard = resource.getrlimit(what)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (most, most))

    limit(resource.RLIMIT_CPU, cpu_seconds)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NPROC, 0)  # has no effect on root, where seccomp has
    limit(resource.RLIMIT_NOFILE, 16)
    limit(resource.RLIMIT_AS, _address_space() + memory_bytes)
    return "rlimits"


def _address_space() -> int:
    """Bytes of address space in use; elsewhere than on Linux an estimate."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 1 << 30


def _landlock(libc: ctypes.CDLL) -> str:
    """Forbid all files (there is not one rule that allows any), TCP, and signals to others, as far as the ABI goes."""
    abi = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if abi < 1:
        return "no landlock"
    files = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        if abi >= since:
            files |= 1 << bit
    attributes = struct.pack("QQQ", files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint(0))
    if ruleset < 0:
        return "no landlock"
    done = libc.syscall(LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    os.close(ruleset)
    return f"landlock {abi}" if done == 0 else "no landlock"


def _seccomp(libc: ctypes.CDLL) -> str:
    """Allow the calls above; every other one fails with EPERM, one of another architecture ends the process."""
    known = CALLS.get(platform.machine())
    if known is None or sys.maxsize < 1 << 32:
        return "no seccomp"
    architecture, calls = known
    load, equal, above, give = 0x20, 0x15, 0x35, 0x06
    kill, refuse, allow = 0x80000000, 0x00050001, 0x7FFF0000
    program = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture),
        (give, 0, 0, kill),
        (load, 0, 0, 0),
        (above, 0, 1, 0x40000000),  # the x32 calls of x86-64
        (give, 0, 0, kill),
        *((equal, len(calls) - i, 0, call) for i, call in enumerate(calls)),
        (give, 0, 0, refuse),
        (give, 0, 0, allow),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    done = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filter_), 0, 0)
    return "seccomp" if done == 0 else "no seccomp"
