"""Ending a message that runs, from another thread: an interrupt, or the warden's word that its budget is spent.

An asynchronous exception arrives wherever the message is, but not around a commit or an abort: only what is done inside
``within(budget)`` is ended. What comes too late is taken back.
"""

from __future__ import annotations

import ctypes
import threading
import time

from . import flow, warden
from .outcome import Budget

PATIENCE = 2.0  # seconds that a message has to come to its end once it was told to


class Ending:
    """Of one worker: whether a message runs that may be ended, and what it was told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.asked: type[flow.Abandoned] | None = None  # to end a program between two of its messages
        self.running: int | None = None  # ident of the thread whose message may be ended now
        self.pending: type[flow.Abandoned] | None = None
        self._again = 0.0  # when it is to be told again
        self.limits: warden.Limits | None = None  # of the message that runs now
        self.watched = False  # by the warden
        self._told = threading.Event()  # set when a message that may be waiting for the clock is to end

    def within(self, budget: Budget) -> Within:
        """While this is open, another thread may end the message. Never open around a commit or an abort."""
        return Within(self, budget)

    def begin(self, budget: Budget) -> None:
        """From here on it may be ended. Raises what was asked for before."""
        # The warden comes first: its thread must not be started once this one may be ended. A thread that is just being
        # made goes by its maker's number, and would be the one that the exception reaches.
        if budget.seconds is not None or budget.bytes is not None:
            until = None if budget.seconds is None else time.monotonic() + budget.seconds
            self.limits = warden.Limits(until, budget.bytes)
            warden.watch(self)
        with self._lock:
            asked, self.asked = self.asked, None
            if asked is not None:
                self.limits = None
                raise asked()
            self.pending = None
            self._told.clear()
            self.running = threading.get_ident()

    def settle_down(self) -> None:
        """From here on nobody may end the message; what was under way and has not arrived is taken back."""
        while True:
            try:
                with self._lock:
                    self.limits = None
                    if self.pending is not None:
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(threading.get_ident()), None)
                    self.running = None
                return
            except flow.Abandoned:
                continue  # it came just now: the message was over

    def abandon(self, how: type[flow.Abandoned] = flow.Interrupted) -> bool:
        """From any thread: end the message that runs now, if one does."""
        with self._lock:
            if self.running is None:
                if how is flow.Interrupted:
                    self.asked = how  # between two messages of a program: the next one does not begin
                return False
            if self.pending is not None:
                return True
            # Python drops an exception that arrives in a finalizer or a callback of the collector; a message that goes
            # on for long after it was told is told again (by the warden), with time between for its ensure: blocks.
            self.pending, self._again = how, time.monotonic() + PATIENCE
            warden.hush()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.running), ctypes.py_object(how))
            self._told.set()
        return True

    def remind(self) -> None:
        """Told by the warden, now and then: what was to be ended and still runs is told again."""
        with self._lock:
            how, running = self.pending, self.running
            if how is None or running is None or time.monotonic() < self._again:
                return
            self._again = time.monotonic() + PATIENCE
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(running), ctypes.py_object(how))
            self._told.set()

    def wait(self, seconds: float) -> None:
        """Let the clock go on, at most an hour; whoever ends the message ends this, too."""
        if self._told.wait(min(max(seconds, 0.0), 3600.0)):
            self._told.clear()


class Within:
    """What Ending.within answers. A class: a generator would take a good part of a short message's time."""

    __slots__ = ("ending", "budget")

    def __init__(self, ending: Ending, budget: Budget) -> None:
        self.ending = ending
        self.budget = budget

    def __enter__(self) -> None:
        self.ending.begin(self.budget)

    def __exit__(self, *_: object) -> None:
        self.ending.settle_down()
