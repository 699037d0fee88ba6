"""Processes, statements and transactions.

When a statement has its value, the other processes run until all are over or wait, and what they did belongs to the
statement's transaction. Who waits then is there still in the session's next statement.

What was taken back cannot stay in a stack: when a statement fails, every process that ran in it is ended, with its
``ensure:`` blocks, before the transaction is given up (``unwind``); then the queues become what they were when it began
(``restore``). A process that did not run in it never knows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NoReturn

from ..image.merging import SharedQueue
from . import flow
from .processes import Processes
from .queues import Activity, Queues


class Session(Processes):
    """The processes of one session on one world, from statement to statement."""

    def begin(self) -> None:
        """A transaction begins. Semaphores that others signalled meanwhile wake those who wait here."""
        self.turn += 1
        self.open, self.lost = True, False
        self._back, self._before = None, {}
        self._fresh()
        self._homes(bool(self.living))
        if not self.living:
            self.postponed.clear()
            if self.queues.ready or self.queues.lines:
                self.queues = Queues()  # the main process of a statement that was interrupted while another ran
            return
        if self._thread != threading.get_ident():
            self._strand()
            return
        self._back, self._before = self.queues.copy(self.living.values()), dict(self.living)
        for line in list(self.queues.lines.values()):
            if isinstance(line.thing, SharedQueue):
                if self.world.send(line.thing, "size"):
                    self.notify(line.thing)
                continue
            while line.queue and self._take_signal(line.thing):
                self._wake(next(iter(line.queue)), "signal")

    def _fresh(self) -> None:
        self.main = self.active = None
        self.ending = False
        self.failure = None
        self.reports = []

    def run(self, work: Callable[[], Any]) -> Any:
        """The value of one piece of a statement, once the processes have come to rest. nil if it terminated itself."""
        self.idle = False
        try:
            try:
                value = work()
            except flow.Terminate:
                value = None
            if self.living:
                self._settle()
            return value
        except BaseException:
            self.unwind()
            raise

    def _settle(self) -> None:
        self.idle = True
        main = self.here()
        while (target := self._choose()) is not main:
            self._transfer(target)
        if self.failure is not None:
            self._fail()

    def at_stake(self) -> bool:
        """Would giving up this transaction end or move any process?"""
        return self.open and (self._back is not None or bool(self.living))

    def unwind(self) -> None:
        """The transaction is to be taken back: end what ran in it, with its ensure: blocks."""
        if self.main is None or not self.at_stake():
            return
        self.ending, self.failure = True, None
        main = self.active = self.main
        self.queues.remove(main)
        main.orders = []
        for one in list(self.living.values()):
            if one.turn == self.turn and one.started:
                self._end(one)

    def restore(self) -> None:
        """The transaction was taken back: the queues become what they were when it began."""
        if not self.at_stake():
            return
        for one in self.living.values():
            if one.born == self.turn or one.turn == self.turn:
                one.over = True
                if one.greenlet:
                    self._kept.append(one.greenlet)  # it would not end; never asked again
        # Also those that came to their end in it: what they did is taken back, and they cannot do it again.
        self.lost = any(one.over for one in self._before.values())
        self.living = {key: one for key, one in self._before.items() if not one.over}
        if self._back is not None:
            self._back()
        else:
            self.queues = Queues()
        self.main = self.active = None
        self.open = self.ending = False

    def _end(self, one: Activity) -> None:
        """Unwind a process while a statement is given up."""
        self.queues.remove(one)
        one.orders = [_terminate]
        for _ in range(3):  # its ensure: blocks may have been told to end, too
            try:
                self._transfer(one)
            except flow.Flow:
                self.failure = None
            if one.over:
                return

    def close(self) -> None:
        """The session ends: terminate everybody, with their ensure: blocks. Inside a transaction."""
        if self.living:
            self.run(self._terminate_all)
            self._strand()

    def _terminate_all(self) -> None:
        for one in list(self.living.values()):
            if not one.over:
                self.terminate(one, at_once=True)

    def _strand(self) -> None:
        """Forget processes whose thread is gone, or that would not end."""
        for one in self.living.values():
            one.over = True
            self._kept.append(one.greenlet)
        self.living, self.queues = {}, Queues()


def _terminate() -> NoReturn:
    raise flow.Terminate()
