"""What differs between two moments of an image, slot by slot: after a trial, and after a conversation's code ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any

from ZODB.POSException import POSKeyError
from ZODB.utils import p64, u64

from ..image.collections import String
from ..image.object import MISSING, Body, get_slot, own_slots
from ..image.values import ScaledDecimal
from ..interp.families import is_method

if TYPE_CHECKING:
    from ..interp import Worker

ITEMS = "_items"
"""Where a collection keeps its elements."""
MAX_ITEMS = 20
MAX_TOLD = 200
"""Changed slots, and characters of one printed value, that are told."""


def changed_slots(worker: Worker, oids: Iterable[bytes], before: bytes) -> list[dict[str, Any]]:
    """Slots of those objects that differ between the moment after transaction `before` and now: object (and its oid in
    hexadecimal), slot, was, is.

    kind: "behaviour" for methods and parents, else "data"; new: the object itself is.
    """
    told: list[dict[str, Any]] = []

    def described(thing: Body) -> str:
        return worker.world.describe(worker.connection.get(thing._p_oid))

    worker.transactions.manager.begin()
    old = worker.connection.db().open(before=p64(u64(before) + 1))
    try:
        for oid in sorted(oids):
            thing = worker.connection.get(oid)
            if not isinstance(thing, Body):
                continue  # the machinery's own: counters, trees
            now = own_slots(thing)
            earlier = _existed(old, oid)
            was = _as_seen(earlier, now)
            name = worker.world.describe(thing)
            for slot in sorted(n for n in {**was, **now} if not _same(was.get(n, MISSING), now.get(n, MISSING))):
                behaves = slot == "parent*" or is_method(now.get(slot)) or is_method(was.get(slot))
                if slot.startswith("_") and (slot != ITEMS or earlier is None):
                    continue  # the machinery's own
                told.append({
                    "oid": oid.hex(),
                    "object": name,
                    "slot": "elements" if slot == ITEMS else slot,
                    "was": plain(was[slot], described) if slot in was else None,
                    "is": plain(now[slot], described) if slot in now else None,
                    "was_kind": kind_of_value(was[slot]) if slot in was else None,
                    "is_kind": kind_of_value(now[slot]) if slot in now else None,
                    "was_author": _author(was.get(slot)),
                    "new": earlier is None,
                    "kind": "behaviour" if behaves else "data",
                })  # fmt: skip
    finally:
        old.close()
        worker.transactions.manager.abort()
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


def plain(value: Any, described: Callable[[Body], str]) -> str:
    """A value in a few words, without sending it a message. `described`: an object in words."""
    if isinstance(value, Body):
        text = described(value)
    elif isinstance(value, list | tuple):
        text = _several(plain(each, described) for each in value[:MAX_ITEMS + 1])
    elif isinstance(value, dict):  # a Set's has no values
        first = list(islice(value.items(), MAX_ITEMS + 1))
        arrow = ["" if v is None else f"->{plain(v, described)}" for _, v in first]
        text = _several(plain(k, described) + to for (k, _), to in zip(first, arrow, strict=True))
    elif value is None:
        text = "nil"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = repr(value)
    return text[:MAX_TOLD]


def _several(texts: Iterable[str]) -> str:
    shown = list(texts)
    return f"({' '.join(shown[:MAX_ITEMS])}{' ...' if len(shown) > MAX_ITEMS else ''})"


def _author(value: Any) -> str:
    return str(own_slots(value)["author"]) if is_method(value) else ""


def _existed(old: Any, oid: bytes) -> Body | None:
    """The object as it was, None where it is new."""
    try:
        thing: Body = old.get(oid)
        own_slots(thing)
    except POSKeyError:
        return None
    return thing


def _as_seen(earlier: Body | None, now: dict[str, Any]) -> dict[str, Any]:
    """The slots it had; and for data it has only now, what it showed there before: its parents'."""
    if earlier is None:
        return {}
    was = dict(own_slots(earlier))
    for slot in now.keys() - was.keys():
        inherited = get_slot(earlier, slot)
        if slot[:1] not in ("_", "&") and inherited is not MISSING and not is_method(inherited):
            was[slot] = inherited
    return was


def _same(a: Any, b: Any) -> bool:
    """Whether two values, of two connections, are the same to a person: objects by identity, the rest by value."""
    if isinstance(a, Body) or isinstance(b, Body):
        return isinstance(a, Body) and isinstance(b, Body) and a._p_oid == b._p_oid
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return type(a) is type(b) and bool(a == b)
