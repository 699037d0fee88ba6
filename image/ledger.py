"""What the image remembers of questions put to a model: answers that wait for a person, refusals, conversations.

Under the root's ``jit``, a BTree of plain values (dicts of text, numbers, tuples), each replaced whole: many workers
may write beside each other, and nothing here is behaviour. Kept in the image because it belongs to it: a copy of the
image, a restart or another worker knows it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from BTrees.OOBTree import OOBTree
from persistent import Persistent

ROOT = "jit"


def remembered(root: Any, prototype: bytes, selector: str) -> dict[str, Any] | None:
    """What is kept for a prototype (its oid) and a selector; None where nothing is."""
    found = root.get(ROOT)
    entry = found.get(_key(prototype, selector)) if found is not None else None
    return dict(entry) if entry is not None else None


def remember(root: Any, prototype: bytes, selector: str, entry: dict[str, Any] | None) -> None:
    """Keep an entry in place of what was there; None forgets."""
    _put(root, _key(prototype, selector), dict(entry) if entry is not None else None)


def all_remembered(root: Any) -> Iterator[tuple[bytes, str, dict[str, Any]]]:
    """(oid of the prototype, selector, entry) of everything kept for misses."""
    found = root.get(ROOT)
    if found is None:
        return
    for key, entry in found.items(min="miss ", max="miss!"):
        oid, selector = key.removeprefix("miss ").split(" ", 1)
        yield bytes.fromhex(oid), selector, dict(entry)


class Talk(Persistent):
    """The conversation of one workspace: `turns`, oldest first. An object of its own, so that the transaction that
    wrote its last turn is known."""

    turns: tuple[dict[str, Any], ...] = ()


def turns(root: Any, workspace: str) -> tuple[dict[str, Any], ...]:
    """The conversation of a workspace so far, oldest turn first."""
    found = root.get(ROOT)
    talk = found.get("chat " + workspace) if found is not None else None
    return talk.turns if talk is not None else ()


def keep_turns(root: Any, workspace: str, kept: tuple[dict[str, Any], ...]) -> Talk:
    """Replace a workspace's conversation."""
    found = root.get(ROOT)
    talk = found.get("chat " + workspace) if found is not None else None
    if talk is None:
        talk = Talk()
        _put(root, "chat " + workspace, talk)
    talk.turns = kept
    return talk


def _put(root: Any, key: str, value: Any) -> None:
    found = root.get(ROOT)
    if value is None:
        if found is not None:
            found.pop(key, None)
        return
    if found is None:
        found = root[ROOT] = OOBTree()
    found[key] = value


def _key(prototype: bytes, selector: str) -> str:
    return f"miss {prototype.hex()} {selector}"
