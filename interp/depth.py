"""Threads with a stack deep enough for messages.

A recursion without end must reach Python's limit, which is an error of the language, before it reaches the end of the
stack, which would be the end of the process. A send to a method takes a frame, which is no stack in CPython 3.11, or
some hundred bytes of it; one that passes through a sort in C takes 1.3 KB a frame. A stack is address space, of which
what was reached becomes memory: where the system gives no large one (a limit, a strict rule of overcommitting), a
smaller one must do, with fewer frames.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

SIZES = ((768 << 20, 250_000), (384 << 20, 120_000))
"""Bytes of a stack, and how many frames are allowed on it: the first that the system gives. More would do, but a
recursion without end is far more common than one so deep, and is to be told of in a moment, not after gigabytes."""

_here = threading.local()


def has_deep_stack() -> None:
    """To be said on a thread whose stack is deep enough for Python's limit: messages run right on it."""
    _here.deep = True


def is_deep() -> bool:
    return getattr(_here, "deep", False)


_smallest = SIZES[0][1]
_starting = threading.Lock()


def start_deep(function: Callable[..., None], *args: Any, name: str, daemon: bool) -> threading.Thread:
    """A thread that runs function, started, and Python's limit, which is one for all threads, set for its stack."""
    global _smallest
    with _starting:
        before = threading.stack_size()
        try:
            for size, frames in SIZES:
                threading.stack_size(size)
                thread = threading.Thread(target=function, args=args, name=name, daemon=daemon)
                try:
                    thread.start()
                except RuntimeError:
                    if size == SIZES[-1][0]:
                        raise
                    continue
                _smallest = min(_smallest, frames)
                break
        finally:
            threading.stack_size(before)
        sys.setrecursionlimit(_smallest)
    return thread


class DeepThread:
    """A thread that does one thing after another. Processes (greenlets) live on the thread that they began on."""

    def __init__(self, daemon: bool = False) -> None:
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self._thread = start_deep(_work, self._jobs, name="batos-deep", daemon=daemon)

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
