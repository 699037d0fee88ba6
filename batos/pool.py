"""Worker threads: each with an interpreter of its own, taking requests one at a time.

There are as many as requests may run at once, and more for a while when some step aside to wait for a model or a
person: a thread that waits keeps its world, so another one, with another world, takes its place. A world is dear to
make (a tenth of a second, some megabytes): a thread too many is kept for a minute, in case the next one steps aside.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING

from .bridge.codes import Code
from .interp.depth import has_deep_stack, start_deep

if TYPE_CHECKING:
    from .bridge.session import Request
    from .interp import Worker

log = logging.getLogger("batos.pool")

MOST = 64  # threads, waiting ones included
SOON = 0.01  # seconds that a request waits for a thread before another one is made
LINGER = 60.0  # seconds that there may be a thread more than is wanted
QUICK = 0.005  # seconds; who was done in less has something to gain from not changing threads


class Pool:
    """`start(request)` has `work(worker, request)` called on some thread; `make()` makes a thread's worker. `wanted()`
    says how many requests may be under way, those that have stepped aside among them: so many threads there are at
    most, besides those that are `away`. A thread that was done quickly then calls `attend(carry_out)`, which may hand
    it more."""

    def __init__(
        self,
        wanted: Callable[[], int],
        make: Callable[[str], Worker],
        work: Callable[[Worker, Request], None],
        attend: Callable[[Callable[[Request], None]], None],
    ) -> None:
        self._wanted = wanted
        self._attend = attend
        self._make = make
        self._work = work
        self._jobs: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._away = 0  # threads that are not to be counted on
        self._numbered = 0
        self._surplus_since: float | None = None
        self._closed = False
        self._lacking = threading.Event()  # there may be fewer threads than requests
        threading.Thread(target=self._find_threads, name="pool", daemon=True).start()

    def start(self, request: Request) -> None:
        """Takes a request on; returns at once."""
        self._jobs.put(request)
        if self._is_lacking():
            self._lacking.set()

    @contextmanager
    def away(self) -> Iterator[None]:
        """While the body runs, which may take long, this thread takes no requests: another one may be made."""
        with self._lock:
            self._away += 1
        if self._jobs.qsize() and self._is_lacking():
            self._lacking.set()
        try:
            yield
        finally:
            with self._lock:
                self._away -= 1

    def _is_lacking(self) -> bool:
        return len(self._threads) < min(MOST, self._wanted() + self._away)

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
                if self._jobs.qsize() and self._is_lacking():
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
        name = f"worker-{self._numbered}"
        self._threads.add(start_deep(self._run, name, worker, name=name, daemon=True))

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
            while True:
                try:
                    request = self._jobs.get(timeout=LINGER)
                except queue.Empty:
                    pass
                else:
                    if request is None:
                        break
                    began = monotonic()
                    carry_out(request)
                    if monotonic() - began < QUICK:
                        self._attend(carry_out)
                    del request  # it knows its session, and an answer of megabytes perhaps
                if self._is_surplus():
                    break
        finally:
            self._discard(worker)
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _is_surplus(self) -> bool:
        """Whether the calling thread is to end: there has been one too many for long."""
        now = monotonic()
        with self._lock:
            if len(self._threads) <= self._wanted() + self._away:
                self._surplus_since = None
                return False
            if self._surplus_since is None:
                self._surplus_since = now
            if now - self._surplus_since < LINGER:
                return False
            self._surplus_since = None
            self._threads.discard(threading.current_thread())
            return True

    def _discard(self, worker: Worker | None) -> None:
        if worker is not None:
            try:
                worker.close()
            except Exception:
                log.exception("a worker did not close")
