"""Receipts: what a session's last commands did, kept in the very transactions that did it.

A kernel that dies may have carried out a command and not have said so. The client sends it again to the next kernel,
which looks here. Since the receipt is written with the command's own changes, it is there exactly if they are.

It also keeps out a kernel that only seemed to be dead. Each time a session goes to another kernel it gets a higher
*lease*. The new one writes it into the receipt before anything else; the old one, should it wake up, finds when it
commits that its lease is over (its receipt conflicts with that one), and its message comes to nothing.

An entry is bytes, which the bridge made of an answer; nothing is unpickled that came from outside.
"""

from __future__ import annotations

import time
import uuid
from hashlib import blake2b
from typing import Any, Final

from BTrees.OOBTree import OOBTree
from persistent import Persistent
from ZODB.POSException import ConflictError

from .errors import ImageMistake

MOST_COMMANDS: Final = 64
MOST_BYTES: Final = 32 << 10
STALE: Final = 24 * 3600.0  # seconds after which nobody asks any more

Entry = tuple[int, tuple[bytes, ...]]
"""A command's id, and what it answered so far."""


class SessionMoved(ImageMistake):
    """The session of this message is another kernel's by now, which carries it out."""

    code = "session-moved"


class Receipt(Persistent):
    """What one session's last commands did, the oldest first. ``dropped`` is the highest id that is remembered no more
    though its sender may still ask."""

    def __init__(self, lease: int) -> None:
        self.lease = lease
        self.entries: tuple[Entry, ...] = ()
        self.dropped = -1
        self.when = time.time()
        self.writes = 0

    def take(self, lease: int) -> None:
        """Raises SessionMoved if the lease is over."""
        if lease < self.lease:
            raise SessionMoved("another kernel has this session now; nothing of this message was kept here")
        if lease > self.lease:
            self.lease = lease
            self._note()

    def record(self, command: int, owed: int, answers: tuple[bytes, ...]) -> None:
        """Remember what a command answered; what is below ``owed`` has been heard."""
        entries = [entry for entry in self.entries if owed <= entry[0] != command]
        entries.append((command, answers))
        while len(entries) > 1 and (len(entries) > MOST_COMMANDS or _size(entries) > MOST_BYTES):
            self.dropped = max(self.dropped, entries.pop(0)[0])
        self.entries = tuple(entries)
        self._note()

    def _note(self) -> None:
        self.when = time.time()
        self.writes += 1

    def found(self, command: int) -> tuple[bytes, ...] | None:
        return dict(self.entries).get(command)

    def _p_resolveConflict(self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """An undo of an earlier message does not take back that later ones were carried out."""
        if new.get("writes", 0) < old.get("writes", 0):
            return saved
        raise ConflictError


def _size(entries: list[Entry]) -> int:
    return sum(len(answer) for _, answers in entries for answer in answers)


def prepare(connection: Any) -> str:
    """Make room for receipts, and forget those that nobody asks for any more; answers the image's own name. Wants a
    transaction, and commits nothing."""
    root = connection.root()
    if "id" not in root:
        root["id"] = uuid.uuid4().hex
    if "receipts" not in root:
        root["receipts"] = OOBTree()
    receipts = root["receipts"]
    horizon = time.time() - STALE
    for key in [key for key, receipt in receipts.items() if receipt.when < horizon]:
        del receipts[key]
    return str(root["id"])


def receipt_of(root: Any, session: bytes, lease: int) -> Receipt:
    """The receipt of a session, which is made if need be. Raises SessionMoved if the lease is over."""
    # A session's name is a secret: who knows it is the session.
    key = blake2b(session, digest_size=16).digest()
    receipt = root["receipts"].get(key)
    if receipt is None:
        receipt = root["receipts"][key] = Receipt(lease)
    receipt.take(lease)
    return receipt  # type: ignore[no-any-return]
