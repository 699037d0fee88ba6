"""The copy of the world that a trial runs in, and a process that holds one ready.

Opening a world is half of what a trial takes: its names, its families, how they delegate. The world is the same from
trial to trial, but for what was committed meanwhile. So a process is forked from the zygote that opens it once, at one
moment of the image, runs nothing in it, and forks the trials from then on. A trial is told what has changed since and
sees it as any worker sees what another has committed. Where behaviour has changed, everything would be learnt anew:
then the client has another such process made.

It holds no more of the image than its records, in its memory, and its descriptors are the control socket and nothing
else; what a trial writes stays in that trial's copy of the memory.
"""

from __future__ import annotations

import gc
import signal
import sys
from types import SimpleNamespace
from typing import Any

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.MappingStorage import MappingStorage

from ...image.method import Method
from ...interp import Budget, Worker, World
from .records import AskingStorage, Frames

RECURSION = 20_000
REHEARSALS = 10
"""Python makes code fast at the eighth time."""
REHEARSED = "def rehearse_(self, amount):\n    self.n = amount + 1\n    return self\n"
OPENING_SECONDS = 10
UNWATCHED = Budget(None, None)
"""The interpreter's own watch over time and memory is a thread, which the zygote must not have: here the system
watches."""


class Opened:
    """A worker on a copy of the image as of one moment; what it commits stays in `changes`."""

    def __init__(self, frames: Frames, last: bytes, ahead: bytes) -> None:
        self.base = AskingStorage(frames, last)
        self.base.take_ahead(ahead)
        self.changes = MappingStorage()
        self._db: Any = None
        self._worker: Worker | None = None

    @property
    def worker(self) -> Worker:
        """Made when it is first asked for."""
        if self._worker is None:
            self._db = ZODB.DB(DemoStorage(base=self.base, changes=self.changes), large_record_size=1 << 40)
            self._worker = Worker(SimpleNamespace(db=self._db), name="trial")
            sys.setrecursionlimit(RECURSION)
        return self._worker

    def move_on(self, frames: Frames, last: bytes, ahead: bytes, changed: list[bytes]) -> None:
        """On to a later moment, in which these objects have changed."""
        self.base.move_on(frames, last, changed)
        self.base.take_ahead(ahead)
        if changed and self._db is not None:
            self._db._mvcc_storage.invalidate(last, changed)

    def get_ready(self) -> str:
        """Learn what every message needs; the oid of what says that behaviour has changed. No message is sent."""
        worker = self.worker
        for _ in range(REHEARSALS):
            worker.transact(_rehearse)
            worker.evaluate("nil", budget=UNWATCHED, echo=False)
        self.base.move_on(None, self.base.lastTransaction(), [])
        gc.collect()
        gc.freeze()  # what is shared with the children stays shared
        return str(worker.connection.root()["epoch"]._p_oid.hex())


def _rehearse(world: World) -> None:
    """Give an object that nobody else can reach a method, and send it: as a trial will."""
    thing = world.clone(world.genesis)
    world.define(thing, Method("rehearse:", REHEARSED, "python", author="model:rehearsal"))
    world.send(thing, "rehearse:", 1)


def open_for_others(descriptor: int) -> tuple[Opened, str]:
    """In a process that is to fork trials: the world, asked for over `descriptor`."""
    signal.alarm(OPENING_SECONDS)  # whatever is in that image: this does not hang
    frames = Frames(descriptor)
    _, last = frames.receive()
    _, ahead = frames.receive()
    opened = Opened(frames, last, ahead)
    epoch = opened.get_ready()
    signal.alarm(0)
    return opened, epoch
