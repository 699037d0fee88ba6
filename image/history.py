"""The image's past: its transactions, undo and redo, the versions of one object, and the image as it was.

A file keeps every version of every object until it is packed, so the past is simply there. Undo is a transaction like
any other: it writes back what was before, and can be undone itself. What an undo undid stands in its metadata, so that
undoing again goes further back instead of to and fro, and redo knows what to bring back.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import transaction
from persistent.TimeStamp import TimeStamp
from ZODB.POSException import ConflictError, MultipleUndoErrors, POSKeyError, UndoError
from ZODB.utils import p64, u64

from .errors import CannotUndo, NoSuchMoment
from .storage import Image

FOUNDATIONS = frozenset({"initial database creation", "A new image", "Prototypal Awakening"})
"""What made the image is no message: without a root and a genesis object nothing could be opened, or sent."""


class Moment(NamedTuple):
    """One committed transaction."""

    tid: bytes
    time: float
    """When it was committed, in seconds since the epoch."""
    user: str
    description: str
    """The message that made it, as the worker noted it."""
    size: int
    """Bytes it added to the file."""
    undoes: tuple[bytes, ...] = ()
    """The transactions that it took back, if it is an undo (or a redo, which takes back an undo)."""

    def describe(self) -> str:
        """``'savings deposit: 20' (2026-11-21 20:41:03)``"""
        when = datetime.fromtimestamp(self.time).strftime("%Y-%m-%d %H:%M:%S")
        text = " ".join(self.description.split())
        return f"{text[:57] + '...' if len(text) > 60 else text or 'a change'!r} ({when})"


class Version(NamedTuple):
    """One object as one transaction left it."""

    tid: bytes
    time: float
    user: str
    description: str
    size: int


def transactions(image: Image, limit: int = 20) -> list[Moment]:
    """The last ones, newest first. Those before the last pack, and on storages without a past all, are not there."""
    return list(itertools.islice(_backwards(image), limit))


def changed_by(image: Image, tid: bytes) -> list[bytes]:
    """The oids of the objects that a transaction wrote, in its order. Raises NoSuchMoment."""
    iterate = getattr(image.db.storage, "iterator", None)
    iterator = iterate(tid, tid) if iterate else ()
    try:
        for found in iterator:
            if found.tid == tid:
                return list(dict.fromkeys(record.oid for record in found))
    finally:
        close = getattr(iterator, "close", None)
        if close:
            close()
    raise NoSuchMoment(f"There is no transaction {_name(tid)} in the history.", image.location)


def undo(image: Image, count: int = 1, user: str = "") -> list[Moment]:
    """Take back the last ``count`` transactions that are not taken back yet; answer them, newest first.

    All of them or none. Undos and redos themselves are not counted: undoing twice takes back two messages. Raises
    CannotUndo if there are not so many, if something else was built on them meanwhile, or if the storage keeps no past.
    """
    _must_undo(image)
    found: list[Moment] = []
    taken_back: set[bytes] = set()
    for moment in _backwards(image):
        if moment.undoes:
            if moment.tid not in taken_back:
                taken_back.update(moment.undoes)
        elif moment.tid not in taken_back:
            found.append(moment)
            if len(found) == count:
                break
    found = [moment for moment in found if moment.description not in FOUNDATIONS]
    if len(found) < count:
        raise CannotUndo(f"Only {len(found)} messages can be undone, not {count}.", image.location)
    _take_back(image, found, "undo", user)
    return found


def redo(image: Image, user: str = "") -> list[Moment]:
    """Bring back what the last undo took back; answer the undo. Raises CannotUndo if the last change was no undo."""
    _must_undo(image)
    taken_back: set[bytes] = set()
    for moment in _backwards(image):
        if moment.tid in taken_back:
            continue
        if not moment.undoes:
            break
        if moment.description.startswith("redo"):
            taken_back.update(moment.undoes)
            continue
        _take_back(image, [moment], "redo", user)
        return [moment]
    raise CannotUndo("There is nothing to redo: the last change was no undo.", image.location)


def undo_transactions(image: Image, tids: Iterable[bytes], user: str = "") -> list[Moment]:
    """Take back just these, in one transaction, whatever came after, if nothing was built on them."""
    _must_undo(image)
    wanted = set(tids)
    found = []
    for moment in _backwards(image):
        if moment.tid in wanted:
            found.append(moment)
            if len(found) == len(wanted):
                break
    if len(found) < len(wanted):
        missing = wanted - {moment.tid for moment in found}
        raise NoSuchMoment(
            f"There is no transaction {', '.join(sorted(map(_name, missing)))} in the history.", image.location
        )
    _take_back(image, found, "undo", user)
    return found


def versions(image: Image, oid: bytes, limit: int = 20) -> list[Version]:
    """The versions of one object, newest first. Raises NoSuchMoment if there is no such object."""
    try:
        found = image.db.history(oid, size=limit)
    except (POSKeyError, KeyError):
        raise NoSuchMoment(f"There is no object {u64(oid):#x} in the image.", image.location) from None
    return [
        Version(each["tid"], each["time"], _text(each["user_name"]), _text(each["description"]), each["size"])
        for each in found
    ]


@contextmanager
def as_it_was(image: Image, moment: bytes | float | Moment | Version) -> Iterator[Any]:
    """A connection that sees the image as a transaction left it, and cannot write.

    ``moment`` is the transaction, or a time in seconds since the epoch. ``connection.get(oid)`` is an object as it was;
    what did not exist yet, or was packed away, raises POSKeyError. Raises NoSuchMoment for a moment before the image or
    after now.
    """
    last = image.db.storage.lastTransaction()
    if isinstance(moment, int | float):
        if moment > time.time():
            raise NoSuchMoment("The image cannot be seen as it will be.", image.location)
        tid = TimeStamp(*time.gmtime(moment)[:5], moment % 60).raw()
    else:
        tid = moment if isinstance(moment, bytes) else moment.tid
        if not p64(0) < tid <= last:
            raise NoSuchMoment(f"There is no transaction {_name(tid)} in the history.", image.location)
    manager = transaction.TransactionManager()
    stamp = TimeStamp(min(tid, last))
    connection = image.db.open(manager, before=stamp.laterThan(stamp).raw())
    try:
        try:
            connection.root()
        except POSKeyError:
            raise NoSuchMoment("The image was not there yet, or that time was packed away.", image.location) from None
        yield connection
    finally:
        manager.abort()
        connection.close()


def _backwards(image: Image) -> Iterator[Moment]:
    """Transactions from the newest to the oldest, read a hundred at a time."""
    first = 0
    while True:
        page = image.db.undoInfo(first, first + 100)
        for each in page:
            undoes = each.get("undoes", ())
            yield Moment(
                _tid(each["id"]),
                each["time"],
                _text(each["user_name"]),
                _text(each["description"]),
                each.get("size", 0),
                tuple(undoes) if isinstance(undoes, tuple | list) else (),
            )
        if len(page) < 100:
            return
        first += 100


def _must_undo(image: Image) -> None:
    if image.read_only:
        raise CannotUndo(f"{image.location} was opened only to be read.", image.location)
    if not image.db.supportsUndo():
        raise CannotUndo(f"{image.location} is stored where no past is kept, so nothing can be undone.", image.location)


def _take_back(image: Image, moments: list[Moment], what: str, user: str) -> None:
    manager = transaction.TransactionManager()
    current = manager.begin()
    names = ", ".join(moment.description.split("\n")[0][:60] or "a change" for moment in moments[:5])
    current.note(f"{what}: {names}{', ...' if len(moments) > 5 else ''}")
    if user:
        current.user = user
    current.setExtendedInfo("undoes", tuple(moment.tid for moment in moments))
    try:
        image.db.undoMultiple([_id(moment.tid) for moment in moments], current)
        manager.commit()
    except (UndoError, ConflictError) as error:
        manager.abort()
        raise CannotUndo(_why(image, moments, error), image.location) from error
    except BaseException:
        manager.abort()
        raise


def _why(image: Image, moments: list[Moment], error: Exception) -> str:
    """Which later messages stand on what was to be undone."""
    oids = [oid for oid, _ in error._errs] if isinstance(error, MultipleUndoErrors) else [getattr(error, "oid", None)]
    oldest = min(moment.tid for moment in moments)
    mine = {moment.tid for moment in moments}
    later: dict[bytes, Version] = {}
    for oid in oids:
        for version in versions(image, oid, 50) if oid else ():
            if version.tid > oldest and version.tid not in mine:
                later[version.tid] = version
    what = moments[0].describe() if len(moments) == 1 else f"these {len(moments)} messages"
    if not later:
        return f"{what} cannot be undone: {error}"
    newest = [Moment(*later[tid]).describe() for tid in sorted(later, reverse=True)]
    shown = ", ".join(newest[:3]) + (f" and {len(newest) - 3} more" if len(newest) > 3 else "")
    return f"{what} cannot be undone alone: {shown} changed the same object since. Undo that first."


def _tid(undo_id: bytes) -> bytes:
    from base64 import decodebytes

    return decodebytes(undo_id + b"\n")


def _id(tid: bytes) -> bytes:
    from base64 import encodebytes

    return encodebytes(tid).rstrip()


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _name(tid: bytes) -> str:
    return tid.hex()
