"""The process trials are forked from: `python -m batos.jit.sandbox.zygote FD`.

Forking the kernel itself would be fatal sooner or later: it has threads, and a child of a threaded process holds the
locks of threads it does not have. So this one is started early, alone, with an empty environment; it imports what a
trial needs, runs one message to warm every cache, and then waits. It has one thread and no business but forking.

On the control socket FD: in, a letter, a time limit in milliseconds, and descriptors; out, JSON lines.
    T, the trial's socket: forks a trial; out: how it ended
    W, a socket for records and a control socket: forks a process with an opened world (opened.py), which says on its
       own control socket that it is ready, and takes T there
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

JOB = struct.Struct("!cI")
STACK = 100 << 20
KILL_AFTER = 0.05


def main(descriptor: int) -> None:
    control = socket.socket(fileno=descriptor)
    _alone()
    from .child import run_trial, warm_up

    warm_up()
    gc.collect()
    gc.freeze()  # what is shared with the children stays shared: no collection touches it
    control.sendall(b'{"ready": true}\n')
    _serve(control, run_trial)


def _serve(control: socket.socket, run: Callable[[int], None]) -> None:
    """Fork what is asked for, until the kernel is gone."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, JOB.size, 2)
        if len(message) != JOB.size or not descriptors:
            return
        kind, milliseconds = JOB.unpack(message)
        if kind == b"W":
            _fork_opened(control, *descriptors)
            continue
        pid = os.fork()
        if pid == 0:
            _become_child(control, descriptors[0], run)
        os.close(descriptors[0])
        ended = _wait(pid, milliseconds / 1000)
        control.sendall(json.dumps(ended).encode() + b"\n")


def _fork_opened(control: socket.socket, records: int, its_control: int) -> None:
    """A process of its own, which nobody here waits for: it ends when its control socket is closed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.fork() == 0:
                control.close()
                _hold_open(records, socket.socket(fileno=its_control))
            code = 0
        finally:
            os._exit(code)
    os.close(records)
    os.close(its_control)
    os.waitpid(pid, 0)


def _hold_open(records: int, control: socket.socket) -> None:
    from .child import run_trial
    from .opened import open_for_others

    os.setsid()
    opened, epoch = open_for_others(records)
    os.close(records)
    control.sendall(json.dumps({"process": os.getpid(), "epoch": epoch}).encode() + b"\n")
    _serve(control, partial(run_trial, opened=opened))


def _alone() -> None:
    """Independent of the terminal. Gone when the kernel is: its end of the control socket closes then.

    (The parent-death signal would not do: it comes when the *thread* that started us ends.)
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = STACK if hard == resource.RLIM_INFINITY else min(STACK, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))


def _become_child(control: socket.socket, descriptor: int, run: Any) -> None:
    code = 1
    try:
        os.setsid()
        control.close()
        keep = os.dup2(descriptor, 3) if descriptor != 3 else 3
        for number in (0, 1, 2):
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
        os.closerange(4, 65_536)
        run(keep)
        code = 0
    except BaseException:
        code = 3
    finally:
        os._exit(code)


def _wait(pid: int, seconds: float) -> dict[str, Any]:
    """Wait for the child, and end it with all it may have started when its time is over."""
    started = time.monotonic()
    late = not _ends_within(pid, seconds)
    if late:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return {
        "late": late,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "seconds": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * (1024 if sys.platform.startswith("linux") else 1),
    }


def _ends_within(pid: int, seconds: float) -> bool:
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            pass
        else:
            try:
                return bool(select.select([handle], [], [], seconds)[0])
            finally:
                os.close(handle)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        time.sleep(KILL_AFTER / 10)
    return False


if __name__ == "__main__":
    main(int(sys.argv[1]))
