"""Threads with a stack deep enough for messages.

A recursion without end must reach Python's limit, which is an error of the language, before it reaches the end of the
stack, which would be the end of the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

STACK_BYTES = 512 << 20

_here = threading.local()


def has_deep_stack() -> None:
    """To be said on a thread that was started with a stack of STACK_BYTES: messages run right on it."""
    _here.deep = True


def is_deep() -> bool:
    return getattr(_here, "deep", False)


class DeepThread:
    """A thread that does one thing after another. Processes (greenlets) live on the thread that they began on."""

    def __init__(self, daemon: bool = False) -> None:
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        before = threading.stack_size(STACK_BYTES)
        try:
            self._thread = threading.Thread(target=_work, args=(self._jobs,), name="batos-deep", daemon=daemon)
            self._thread.start()
        finally:
            threading.stack_size(before)

    def do(self, function: Callable[[], Any]) -> Any:
        """What function answers, or raises. Ctrl-C meanwhile calls ``function.interrupt``, if it has one."""
        box: list[Any] = [None, None]
        done = threading.Event()
        self._jobs.put((function, box, done))
        # Not thread.join(): one that Ctrl-C breaks off takes the thread for ended (CPython before 3.13).
        while not done.is_set():
            try:
                done.wait()
            except KeyboardInterrupt:
                interrupted = getattr(function, "interrupt", None)
                if interrupted is None:
                    raise
                interrupted()
        if box[1] is not None:
            raise box[1]
        return box[0]

    def close(self, wait: bool = True) -> None:
        self._jobs.put(None)
        if wait:
            self._thread.join()


def _work(jobs: SimpleQueue[Any]) -> None:
    has_deep_stack()
    while (job := jobs.get()) is not None:
        function, box, done = job
        try:
            box[0] = function()
        except BaseException as failure:
            box[1] = failure
        finally:
            done.set()
            del job, function, box


def deep(function: Callable[[], Any]) -> Any:
    """Run function on a thread with a stack deep enough for messages, and answer what it answers."""
    thread = DeepThread()
    try:
        return thread.do(function)
    finally:
        thread.close(wait=False)
