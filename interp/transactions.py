"""A worker's transactions: begun with what others have committed, committed or taken back, and what a conflict is told
as."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import transaction
from transaction.interfaces import NoTransaction
from ZODB.POSException import ConflictError, ReadOnlyError

from ..image.errors import CommitUncertain, ImageProblem
from ..image.resting import Resting
from ..image.storable import unreachable
from . import flow
from .awakening import awaken
from .families import is_retired
from .world import World

RETRIES = 20
LOST = (
    "another message changed the same objects at the same time; nothing of this message was kept, and it cannot run "
    "again, because processes of earlier statements had run in it"
)


def _not_ours(record: logging.LogRecord) -> bool:
    """ZODB logs whatever ends the loading of an object; a message that is told to end is no failure of the storage."""
    return not (record.exc_info and record.exc_info[0] and issubclass(record.exc_info[0], flow.Flow))


logging.getLogger("ZODB.Connection").addFilter(_not_ours)


class Transactions:
    """One connection with its own transaction manager, and the world that its objects run in."""

    world: World
    resting: Resting

    def __init__(self, image: Any) -> None:
        self.image = image
        self.manager = transaction.TransactionManager(explicit=True)
        self.manager.begin()
        connection = image.db.open(self.manager)
        if "genesis" not in connection.root():
            connection.close()
            self.manager.abort()
            awaken(image)
            self.manager.begin()
            connection = image.db.open(self.manager)
        self.connection = connection
        self._root = connection.root()
        self._on_file = getattr(image, "path", None) is not None
        self._at_rest: transaction.Transaction | None = None  # one that only read and has ended: it serves again
        self._epoch = 0
        self.tally = {"commits": 0, "reads": 0, "conflicts": 0, "failures": 0}  # by how they ended

    def attach(self, world: World) -> None:
        """Have that world the connection's; ends the transaction in which the connection was opened."""
        self.world = world
        self._epoch = self._read_epoch()
        self.resting = Resting(self.connection, is_retired)
        self.manager.abort()

    def close(self) -> None:
        with suppress(NoTransaction):
            self.manager.abort()
        # The connection goes back to a pool, and must not take the world along, whose types its objects have.
        self.connection.cacheMinimize()
        self.connection.families = None
        self.connection.close()

    def begin(self) -> None:
        """From here on the image is as others have left it; a world that has learnt what is no longer so forgets it."""
        if self._at_rest is None:
            self.manager.begin()
        else:
            self.manager._txn, self._at_rest = self._at_rest, None
            self.connection.newTransaction(self.manager._txn)
        families = self.world.families
        families.behaviour_moved = families.names_moved = False
        epoch = self._read_epoch()
        if epoch != self._epoch:
            self._epoch = epoch
            families.forget()
            self.world.attach()
            self.resting.types_retired()
        self.resting.look()

    def _read_epoch(self) -> int:
        self._root._p_activate()
        epoch = self._root.data.get("epoch")
        return epoch.value if epoch is not None else 0

    @property
    def changes_something(self) -> bool:
        return bool(self.connection._registered_objects)

    def commit(self, note: str, about_to_wait: Callable[[], None] | None = None) -> None:
        """Keep what was changed. ``about_to_wait`` is called before it is written, if there is anything."""
        world = self.world
        epoch = self.connection.root()["epoch"].move() if world.families.behaviour_moved else self._epoch
        current = self.manager.get()
        if not current._resources:
            world.processes.open = False
            self._rest(current)
            self.tally["reads"] += 1
            return
        current.note(note[:200])
        if about_to_wait is not None:
            about_to_wait()
        try:
            self.manager.commit()
        except (ConflictError, ImageProblem, ReadOnlyError):
            raise
        except Exception as failure:
            # A server that went away in the middle may or may not have kept it; a file says so itself.
            if self.image.path is None and unreachable(failure):
                text = "the storage server went away while this message was committed; whether it was kept is not known"
                raise CommitUncertain(text) from failure
            raise
        world.processes.open = False
        # Ours is known; had another worker moved it too, the next begin sees a value that neither drew.
        self._epoch = epoch
        self.tally["commits"] += 1

    def _rest(self, current: transaction.Transaction) -> None:
        """Ends a transaction that has only read: there is nothing to commit. Making and ending one in the regular way
        takes as long as a short message; this one has kept nothing and serves the next."""
        if self._on_file:  # which need not be told
            self.connection._cache.incrgc()
        else:
            self.connection.afterCompletion(current)
        self.manager.free(current)
        self._at_rest = current

    def abort(self) -> None:
        families = self.world.families
        moved = families.behaviour_moved or families.names_moved
        self.manager.abort()
        if moved:
            families.forget()


def pause(conflicts: int) -> None:
    """Before a message runs again: longer each time, so that those who want one object come one after another, even
    where a commit takes a server tens of milliseconds; by chance, so that they do not meet again."""
    time.sleep(random.uniform(0, min(0.5, 0.002 * 1.5**conflicts)))


def conflict_text(world: World, conflict: ConflictError) -> str:
    """Which object two messages both changed."""
    name = "an object"
    if conflict.oid is not None:
        try:
            thing = world.connection.get(conflict.oid)
            name = world.describe(thing)
        except Exception:
            name = f"the object {conflict.oid.hex()}"
    return (
        f"another message changed {name} at the same time, {RETRIES} times in a row; nothing of this message was kept"
    )
