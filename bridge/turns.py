"""Whose turn it is: of each session one request at a time, in order, and of all sessions one after another.

So a client with a thousand messages delays another by one. Nothing is sent here; for whoever has the server's lock.
"""

from __future__ import annotations

from collections import deque
from time import monotonic

from .session import Request, Session


class Turns:
    """At most `capacity` requests are under way (those that have stepped aside among them), and `length` of a session
    wait."""

    def __init__(self, capacity: int, length: int) -> None:
        self.capacity = capacity
        self.length = length
        self.running = 0
        self.queued = 0
        self._ready: deque[Session] = deque()  # with something queued and nothing running, each once

    def add(self, session: Session, request: Request) -> bool:
        """Puts a request behind the others of its session; False if too many wait there."""
        if len(session.queue) >= self.length:
            return False
        session.queue.append(request)
        self.queued += 1
        if session.running is None and len(session.queue) == 1:
            self._ready.append(session)
        return True

    def remove(self, session: Session, request: Request) -> None:
        """Takes out a request that waits."""
        session.queue.remove(request)
        self.queued -= 1

    def begin(self) -> Request | None:
        """The request whose turn it is, which runs from now on; None if there is none, or no place for it."""
        while self._ready and self.running < self.capacity:
            session = self._ready.popleft()
            if session.queue and session.running is None:
                request = session.running = session.queue.popleft()
                request.began = monotonic()
                self.running += 1
                self.queued -= 1
                return request
        return None

    def finish(self, session: Session) -> None:
        """What ran of a session is over."""
        session.running = None
        session.handled += 1
        self.running -= 1
        if session.queue:
            self._ready.append(session)
