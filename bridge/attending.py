"""Short messages without a change of thread: the worker's thread that has just finished stays at the socket.

A message that the loop takes in, and hands to a worker's thread, costs two changes of thread more than one that is
carried out by whoever took it in, and under Python's one lock these are dear: they doubled a round trip. But the loop
must not carry out messages, which may take for ever. So a worker's thread, when it has finished a message, *attends*:
it waits for the socket itself and carries out right there what comes, one request at a time. Meanwhile the loop does
not watch the socket. It glances at the attendant now and then, and when that has been at one request for longer than a
glance it relieves it: the loop watches the socket again and other threads take what waits. A worker that is about to
wait (for the disk, at a commit) has itself relieved. An attendant to whom nothing comes for a while goes by itself, so
that a kernel at rest sleeps.

So whatever a message does, a ping is answered after two glances at the latest.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Server
    from .session import Request

GLANCE = 0.005  # seconds between two glances of the loop at the attendant
PATIENCE = 0.05  # seconds that an attendant waits for something to come


class Attendant:
    """A thread at the socket. `next` is what it does next; both are changed under the server's lock only."""

    __slots__ = ("thread", "next", "since")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.next: Request | None = None
        self.since: float | None = None  # when it began what it is doing; None: it waits


class Attendance:
    """Who is at the server's socket: the loop, or an attendant."""

    def __init__(self, server: Server) -> None:
        self.attendant: Attendant | None = None
        self._server = server
        self._watching = False  # does the loop watch the socket?
        self._glancing = False

    @property
    def is_mine(self) -> bool:
        """Is the thread that asks at the socket?"""
        return self.attendant is not None and self.attendant.thread == threading.get_ident()

    # -- on a worker's thread -----------------------------------------------------------------------------------------

    def attend(self, work: Callable[[Request], None]) -> None:
        """Stays at the socket, if nobody else does, and calls `work` with one request after another; returns when
        relieved, or when nothing came for a while."""
        server, me = self._server, Attendant()
        with server.lock:
            if self.attendant is not None or server.stopping or server.router is None:
                return
            self.attendant = me
            descriptor = os.dup(server.router.fd)  # ours, so that it cannot become somebody else's while we wait
        server.call(self._step_back)
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        try:
            while True:
                with server.lock:
                    if self.attendant is not me or server.router is None:
                        return
                    me.since, more = None, False
                    if me.next is None:
                        more = server.take_in()
                    request, me.next = me.next, None
                    if request is not None:
                        me.since = monotonic()
                if request is not None:
                    work(request)
                elif more:
                    continue
                elif not waiting.poll(PATIENCE * 1000):
                    with server.lock:
                        if self.attendant is me:
                            self._leave()
                    return
        finally:
            os.close(descriptor)

    def about_to_wait(self) -> None:
        """Said by a worker's thread before it waits for something: if it is at the socket, the loop goes there."""
        if self.is_mine:
            with self._server.lock:
                if self.is_mine:
                    self._leave()

    def _leave(self) -> None:
        me, self.attendant = self.attendant, None
        if me is not None and me.next is not None:
            request, me.next = me.next, None
            self._server.hand_over(request)
        self._server.call(self.step_forward)

    # -- on the loop --------------------------------------------------------------------------------------------------

    def relieve(self) -> None:
        """Whoever is at the socket is not any more; what was meant for it goes to another thread."""
        with self._server.lock:
            if self.attendant is not None:
                self._leave()

    def step_forward(self) -> None:
        """The loop watches the socket, unless somebody else does."""
        server = self._server
        with server.lock:
            if self._watching or self.attendant is not None or server.router is None:
                return
            server.loop.add_reader(server.router.fd, server.drain)
            self._watching = True
        server.drain()

    def end(self) -> None:
        """Nobody watches the socket any more."""
        server = self._server
        with server.lock:
            self.attendant = None
            if self._watching and server.router is not None:
                server.loop.remove_reader(server.router.fd)
                self._watching = False

    def _step_back(self) -> None:
        server = self._server
        with server.lock:
            if self.attendant is None or server.router is None:
                return
            if self._watching:
                server.loop.remove_reader(server.router.fd)
                self._watching = False
        if not self._glancing:
            self._glancing = True
            server.loop.call_later(GLANCE, self._glance)

    def _glance(self) -> None:
        attendant = self.attendant
        since = attendant.since if attendant is not None else None
        if attendant is None:
            self._glancing = False
            self.step_forward()
        elif since is not None and monotonic() - since > GLANCE:
            self.relieve()
            self._glancing = False
        else:
            self._server.loop.call_later(GLANCE, self._glance)
