"""How the image's records reach a trial: asked for one by one over a socket, whatever storage they lie in.

The child never opens the image. It has a storage that asks the kernel's side for what it needs, which answers from one
fixed moment of the image; a DemoStorage on top keeps what the trial writes in the child's memory. So a trial works the
same on a file, in memory, over ZEO or RelStorage, and has no file or server to tamper with.

What trials asked for before is sent along at the start: a trial of a small world then asks for nothing. A trial that
begins in a world opened earlier (opened.py) is sent only what that does not have, or has as it was then.

Frames, both ways: one letter, length (4 bytes), bytes.
    child to kernel    L oid (8 bytes)                             R the result, JSON
    kernel to child    D serial (8 bytes) record, or N not there   P oid serial length record ..., S the job, JSON
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from ZODB.POSException import POSKeyError, ReadConflictError
from ZODB.utils import maxtid, p64

HEAD = struct.Struct("!cI")
MAX_FRAME = 256 << 20
MAX_REMEMBERED = 4_000
MAX_AHEAD = 8 << 20
"""Bytes of records sent along at the start."""
MAX_CHANGED = 1_000
"""Objects changed since a world was opened, beyond which it is opened anew."""


class Closed(Exception):
    """The other side is gone."""


class Frames:
    """Frames over one descriptor, by plain read and write: the calls the child is left with."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def send(self, kind: bytes, body: bytes = b"") -> None:
        data = memoryview(HEAD.pack(kind, len(body)) + body)
        while data:
            try:
                data = data[os.write(self.descriptor, data) :]
            except (BrokenPipeError, ConnectionResetError) as problem:
                raise Closed from problem

    def receive(self, limit: int = MAX_FRAME) -> tuple[bytes, bytes]:
        kind, length = HEAD.unpack(self._exactly(HEAD.size))
        if length > limit:
            raise Closed(f"a frame of {length} bytes")
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            try:
                part = os.read(self.descriptor, min(count, 1 << 20))
            except ConnectionResetError as problem:
                raise Closed from problem
            if not part:
                raise Closed
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class AskingStorage:
    """The child's base storage: read-only, one moment of the image, each record asked for once."""

    def __init__(self, frames: Frames, last: bytes) -> None:
        self._frames: Frames | None = frames  # None: nobody is there to answer
        self._last = last
        self._records: dict[bytes, tuple[bytes, bytes]] = {}

    def move_on(self, frames: Frames | None, last: bytes, changed: list[bytes]) -> None:
        """It is a later moment now, at which these objects have other records; who answers is another one, too."""
        self._frames, self._last = frames, last
        for oid in changed:
            self._records.pop(oid, None)

    def take_ahead(self, body: bytes) -> None:
        """Records that came along with the job."""
        at = 0
        while at < len(body):
            oid, serial = body[at : at + 8], body[at + 8 : at + 16]
            (length,) = struct.unpack_from("!I", body, at + 16)
            self._records[oid] = body[at + 20 : at + 20 + length], serial
            at += 20 + length

    def loadBefore(self, oid: bytes, tid: bytes) -> tuple[bytes, bytes, bytes | None] | None:
        found = self._records.get(oid)
        if found is None:
            if self._frames is None:
                raise Closed
            self._frames.send(b"L", oid)
            kind, body = self._frames.receive()
            if kind != b"D":
                raise POSKeyError(oid)
            found = self._records[oid] = body[8:], body[:8]
        record, serial = found
        return (record, serial, None) if serial < tid else None

    def load(self, oid: bytes, version: str = "") -> tuple[bytes, bytes]:
        found = self.loadBefore(oid, maxtid)
        if found is None:
            raise POSKeyError(oid)
        return found[0], found[1]

    def lastTransaction(self) -> bytes:
        return self._last

    def getName(self) -> str:
        return "the image"

    def sortKey(self) -> str:
        return "trial"

    def getSize(self) -> int:
        return 0

    def __len__(self) -> int:
        return 0

    def isReadOnly(self) -> bool:
        return True

    def close(self) -> None:
        pass

    def new_oid(self) -> bytes:
        # Oids of a trial's new objects begin where no image has any.
        return p64(1 << 62)

    def history(self, oid: bytes, size: int = 1) -> list[Any]:
        return []


class Server:
    """The kernel's side: the records of one image as of the last `begin`. One trial at a time."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self._view: Any = None
        self._asked: dict[bytes, None] = {}
        self._kept: dict[bytes, tuple[bytes, bytes]] = {}
        self._given: set[bytes] = set()  # what an opened world was given,
        self._changed: set[bytes] | None = None  # and what has changed since; None: none is open, or too much has

    def aim(self, db: Any) -> None:
        """From now on the records of another image. What trials ask for first is remembered: genesis is the same."""
        self.close()
        self._db = db
        self._kept.clear()
        self._changed = None

    def begin(self) -> bytes:
        """Move on to now: the image's last transaction."""
        if self._view is None:
            self._view = self._db._mvcc_storage.new_instance()  # one moment, whoever commits meanwhile
        changed = self._view.poll_invalidations()
        for oid in list(self._kept) if changed is None else changed:
            self._kept.pop(oid, None)
        if self._changed is not None and changed is not None and len(self._changed) + len(changed) <= MAX_CHANGED:
            self._changed.update(changed)
        else:
            self._changed = None
        return bytes(self._db.lastTransaction())

    def opened(self) -> None:
        """A world has been opened at this moment, with what was asked for so far."""
        self._given, self._changed = set(self._asked), set()

    def changed(self) -> list[bytes] | None:
        """What has changed since a world was opened. None where that is not known, or too much."""
        return None if self._changed is None else list(self._changed)

    def close(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            view.release()

    def ahead(self, changed: Iterable[bytes] | None = None) -> bytes:
        """The records to send along; for a world that was opened earlier, since when these have changed."""
        if changed is None:
            return b"".join(self._ahead(self._asked))
        fresh = self._asked.keys() - self._given
        return b"".join(self._ahead([*fresh, *(self._asked.keys() & changed)]))

    def _ahead(self, oids: Iterable[bytes]) -> Iterator[bytes]:
        total = 0
        for oid in oids:
            found = self._find(oid)
            if found is not None:
                record, serial = found
                total += len(record)
                if total > MAX_AHEAD:
                    return
                yield oid + serial + struct.pack("!I", len(record)) + record

    def answer(self, oid: bytes) -> tuple[bytes, bytes]:
        """The frame that answers a question for an oid."""
        found = self._find(oid) if len(oid) == 8 else None
        if found is None:
            return b"N", b""
        if len(self._asked) < MAX_REMEMBERED:
            self._asked[oid] = None
        return b"D", found[1] + found[0]

    def _find(self, oid: bytes) -> tuple[bytes, bytes] | None:
        found = self._kept.get(oid)
        if found is None:
            try:
                record, serial = self._view.load(oid)
            except (POSKeyError, ReadConflictError):
                return None
            found = bytes(record), bytes(serial)
            if oid in self._asked:
                self._kept[oid] = found
        return found
