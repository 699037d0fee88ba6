"""Worker threads: each with an interpreter of its own, taking requests one at a time.

There are as many as requests may run at once, and more for a while when some step aside to wait for a model or a
person: a thread that waits keeps its world, so another one, with another world, takes its place.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import TYPE_CHECKING

from .bridge.codes import Code
from .interp.depth import STACK_BYTES, has_deep_stack

if TYPE_CHECKING:
    from .bridge.session import Request
    from .interp import Worker

log = logging.getLogger("batos.pool")

MOST = 64  # threads, waiting ones included
SOON = 0.01  # seconds that a request waits for a thread before another one is made
QUICK = 0.005  # seconds; who was done in less has something to gain from not changing threads


class Pool:
    """`start(request)` has `work(worker, request)` called on some thread; `make()` makes a thread's worker. A thread
    that was done quickly then calls `attend(carry_out)`, which may hand it more."""

    def __init__(
        self,
        size: int,
        make: Callable[[str], Worker],
        work: Callable[[Worker, Request], None],
        attend: Callable[[Callable[[Request], None]], None],
    ) -> None:
        self.size = size
        self._attend = attend
        self._make = make
        self._work = work
        self._jobs: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._outstanding = 0  # requests taken on and not finished
        self._numbered = 0
        self._closed = False
        self._lacking = threading.Event()  # there may be fewer threads than requests
        threading.Thread(target=self._find_threads, name="pool", daemon=True).start()

    def start(self, request: Request) -> None:
        """Takes a request on; returns at once."""
        with self._lock:
            self._outstanding += 1
            lacking = self._outstanding > len(self._threads) < MOST
        self._jobs.put(request)
        if lacking:
            self._lacking.set()

    def _find_threads(self) -> None:
        """Makes threads where requests wait for one. Not at once: a request is mostly begun by a thread that has just
        answered the one before and is about to take it, and a thread too many costs the making of a whole world."""
        while True:
            self._lacking.wait()
            self._lacking.clear()
            sleep(SOON)
            with self._lock:
                if self._closed:
                    return
                if self._jobs.qsize() and self._outstanding > len(self._threads) < MOST:
                    self._spawn()
                    self._lacking.set()

    def warm(self, worker: Worker) -> None:
        """Begins with one thread, around a worker that is there already."""
        with self._lock:
            self._spawn(worker)

    def close(self, patience: float = 5.0) -> None:
        """Ends the threads; those that are still busy after `patience` seconds are left to die with the process."""
        with self._lock:
            threads = list(self._threads)
            self._closed = True
        self._lacking.set()
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join(patience)

    def __len__(self) -> int:
        return len(self._threads)

    def _spawn(self, worker: Worker | None = None) -> None:
        self._numbered += 1
        before = threading.stack_size(STACK_BYTES)
        try:
            name = f"worker-{self._numbered}"
            thread = threading.Thread(target=self._run, args=(name, worker), name=name, daemon=True)
            thread.start()
        finally:
            threading.stack_size(before)
        self._threads.add(thread)

    def _run(self, name: str, worker: Worker | None) -> None:
        has_deep_stack()

        def carry_out(request: Request) -> None:
            nonlocal worker
            try:
                if worker is None:
                    worker = self._make(name)
                self._work(worker, request)
            except BaseException as problem:  # our own mistake; the worker may be in any state
                log.exception("a request failed")
                request.fail(Code.FAILED, f"the kernel failed ({type(problem).__name__}); its log says how")
                self._discard(worker)
                worker = None

        try:
            while (request := self._jobs.get()) is not None:
                began = monotonic()
                carry_out(request)
                if monotonic() - began < QUICK:
                    self._attend(carry_out)
                if self._is_surplus():
                    break
        finally:
            self._discard(worker)
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _is_surplus(self) -> bool:
        with self._lock:
            self._outstanding -= 1
            if len(self._threads) - self._outstanding <= self.size or len(self._threads) <= self.size:
                return False
            self._threads.discard(threading.current_thread())
            return True

    def _discard(self, worker: Worker | None) -> None:
        if worker is not None:
            try:
                worker.close()
            except Exception:
                log.exception("a worker did not close")
