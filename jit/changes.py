"""What differs between two moments of an image, slot by slot: after a trial, and after a conversation's code ran."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ZODB.POSException import POSKeyError
from ZODB.utils import p64, u64

from ..image.collections import String
from ..image.object import MISSING, Body, own_slots
from ..image.values import ScaledDecimal
from ..interp.families import is_method

if TYPE_CHECKING:
    from ..interp import Worker

MAX_TOLD = 200
"""Changed slots, and characters of one printed value, that are told."""


def changed_slots(worker: Worker, oids: Iterable[bytes], before: bytes) -> list[dict[str, Any]]:
    """Slots of those objects that differ between the moment after transaction `before` and now: object, slot, was, is.

    kind: "behaviour" for methods and parents, else "data"; new: the object itself is.
    """
    told: list[dict[str, Any]] = []
    worker.manager.begin()
    old = worker.connection.db().open(before=p64(u64(before) + 1))
    try:
        for oid in sorted(oids):
            thing = worker.connection.get(oid)
            if not isinstance(thing, Body):
                continue  # the machinery's own: counters, trees
            now = own_slots(thing)
            was = _old_slots(old, oid)
            before_ = was or {}
            names = [n for n in {**before_, **now} if not _same(before_.get(n, MISSING), now.get(n, MISSING))]
            name = worker.world.describe(thing)
            for slot in sorted(n for n in names if n != "_items" or was is not None):
                behaves = slot == "parent*" or is_method(now.get(slot)) or is_method(before_.get(slot))
                if was is None and not behaves and slot.startswith("_"):
                    continue
                told.append({
                    "object": name,
                    "slot": slot,
                    "was": plain(before_[slot]) if slot in before_ else None,
                    "is": plain(now[slot]) if slot in now else None,
                    "was_kind": kind_of_value(before_[slot]) if slot in before_ else None,
                    "is_kind": kind_of_value(now[slot]) if slot in now else None,
                    "was_author": _author(before_.get(slot)),
                    "new": was is None,
                    "kind": "behaviour" if behaves else "data",
                })  # fmt: skip
    finally:
        old.close()
        worker.manager.abort()
    return told


def kind_of_value(value: Any) -> str:
    """ "number", "text", "bool", "nil" or "object"."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Fraction | ScaledDecimal):
        return "number"
    return "text" if isinstance(value, str | String) else "object"


def plain(value: Any) -> str:
    """A value in a few words, without sending it a message."""
    if isinstance(value, Body):
        ghost: Any = getattr(type(value), "_p_ghost", type(value))
        return f"a {ghost.__name__}"
    if isinstance(value, list | tuple):
        text = f"({' '.join(plain(v) for v in value[:20])}{' ...' if len(value) > 20 else ''})"
    elif value is None:
        text = "nil"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = repr(value)
    return text[:MAX_TOLD]


def _author(value: Any) -> str:
    return str(own_slots(value)["author"]) if is_method(value) else ""


def _old_slots(old: Any, oid: bytes) -> dict[str, Any] | None:
    try:
        return dict(own_slots(old.get(oid)))
    except POSKeyError:
        return None


def _same(a: Any, b: Any) -> bool:
    """Whether two values, of two connections, are the same to a person: objects by identity, the rest by value."""
    if isinstance(a, Body) or isinstance(b, Body):
        return isinstance(a, Body) and isinstance(b, Body) and a._p_oid == b._p_oid
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return type(a) is type(b) and bool(a == b)
