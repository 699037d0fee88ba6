"""Sessions whose processes wait for a later message: they stay on the thread where they live.

A process is a stack of one thread (interp/switching.py), so that the next message of its session has to be carried out
there. Such a thread leaves the pool, which makes another one when it needs it, and comes back when nothing of the
session waits any more, or when the session is gone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bridge.session import Request
    from .interp import Worker

log = logging.getLogger("batos.residing")

MOST = 16  # sessions with processes that wait; those of any further one end with their message
LOOK = 2.0  # seconds between two looks whether the session is still there


class Residents:
    """Threads that belong to one session for a while. `is_there(identity)`: does the session exist? `carry_out`: a
    request on a worker."""

    def __init__(self, is_there: Callable[[bytes], bool], carry_out: Callable[[Worker, Request], None]) -> None:
        self._is_there = is_there
        self._carry_out = carry_out
        self._lock = threading.Lock()
        self._homes: dict[bytes, SimpleQueue[Request | None]] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._homes)

    def has(self, identity: bytes) -> bool:
        return identity in self._homes

    def forward(self, request: Request) -> bool:
        """Give a request to the thread where its session lives; False when any thread will do."""
        if not self._homes:
            return False
        with self._lock:
            home = self._homes.get(request.session.identity)
            if home is None:
                return False
            home.put(request)
            return True

    def settle(self, worker: Worker, identity: bytes) -> None:
        """Said on the worker's thread when a message is over, before its answer goes out: the next one may come at
        once."""
        name = identity.hex()
        if not worker.has_processes(name):
            if identity in self._homes:
                with self._lock:
                    self._homes.pop(identity, None)
            return
        with self._lock:
            if identity in self._homes:
                return
            if len(self._homes) < MOST and not self._closed:
                self._homes[identity] = SimpleQueue()
                return
        log.warning("too many sessions have processes that wait: these are ended")
        worker.end_session(name)

    def reside(self, worker: Worker, identity: bytes, again: Callable[[Request], None]) -> None:
        """Stay with a session for as long as it has processes; `again` takes what came when it was over."""
        home = self._homes.get(identity)
        if home is None:
            return
        try:
            while self._homes.get(identity) is home:
                try:
                    request = home.get(timeout=LOOK)
                except Empty:
                    if self._is_there(identity):
                        continue
                    break
                if request is None:
                    break
                self._carry_out(worker, request)
        finally:
            with self._lock:
                if self._homes.get(identity) is home:
                    del self._homes[identity]
            worker.end_session(identity.hex())
            while True:
                try:
                    left = home.get_nowait()
                except Empty:
                    break
                if left is not None:
                    again(left)

    def close(self) -> None:
        """End them all; their processes are terminated."""
        with self._lock:
            self._closed = True
            for home in self._homes.values():
                home.put(None)
