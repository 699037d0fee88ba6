"""A hash trie of small persistent pieces: what shared bags and dictionaries are made of.

A shard keeps its entries in one dict until there are too many; then it becomes an inner node with sixteen children,
chosen by the next four bits of the key's hash. A change writes the one leaf it is in, and changes to different keys of
one leaf merge. Splitting a leaf while another transaction changes it is refused: that one runs again and finds the
children.

Python's own hash of text differs from process to process, and ``True`` is equal to ``1`` there: keys get a hash and a
form of their own here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from persistent import Persistent
from ZODB.POSException import ConflictError

from .object import freeze, thaw
from .values import Character, ScaledDecimal, Symbol

LEAF: Final = 64
"""Entries that a leaf may have before it splits."""

BITS: Final = 4
FANOUT: Final = 1 << BITS
DEEPEST: Final = 60
_MASK: Final = (1 << 64) - 1
_MISSING: Final = object()


class _Truth:
    """What stands for ``true`` and ``false`` in a dict of ours, where Python's would be taken for 1 and 0."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is _Truth and other.value is self.value

    def __hash__(self) -> int:
        return 7 + self.value

    def __reduce__(self) -> tuple[Any, ...]:
        return _Truth, (self.value,)


def stable_hash(key: Any) -> int:
    """64 bits, the same in every process and for equal numbers of any type. TypeError if ``key`` is no value."""
    kind = type(key)
    if kind is str:
        bits = zlib.crc32(key.encode("utf-8", "surrogatepass"))
    elif kind is int or kind is Fraction or kind is ScaledDecimal:
        bits = hash(key)  # numbers hash by value alone
    elif kind is float:
        if key != key:
            raise TypeError("NaN is equal to nothing, not even itself, so it can be no key")
        bits = hash(key)
    elif kind is Symbol:
        bits = zlib.crc32(key.encode("utf-8", "surrogatepass"), 1)
    elif kind is Character:
        bits = key.code + 0x5DEECE66D
    elif kind is bytes:
        bits = zlib.crc32(key, 2)
    elif kind is bool or kind is _Truth:
        bits = 0xB001 + (key.value if kind is _Truth else key)
    elif key is None:
        bits = 0xA11
    elif kind is tuple:
        bits = 0x345678
        for part in key:
            bits = (bits ^ stable_hash(part)) * 1000003 & _MASK
    else:
        raise TypeError(f"the key of a shared collection is a value (text, a number ...), not a {kind.__name__}")
    # Multiplying by an odd constant and folding spreads neighbours; small integers would fill one child otherwise.
    bits = bits * 0x9E3779B97F4A7C15 & _MASK
    return bits ^ bits >> 32


def inner(key: Any) -> Any:
    """The form of a key in which Python tells true from 1."""
    kind = type(key)
    if kind is bool:
        return _Truth(key)
    if kind is tuple:
        return tuple(inner(part) for part in key)
    return key


def _outer(key: Any) -> Any:
    kind = type(key)
    if kind is _Truth:
        return key.value
    if kind is tuple:
        return tuple(_outer(part) for part in key)
    return key


class Shard(Persistent):
    """One node: a leaf with ``entries``, or an inner node with ``children``."""

    def __init__(self) -> None:
        self.entries: dict[Any, Any] | None = {}
        self.children: tuple[Shard, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "entries": frozen(state["entries"])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "entries": thawed(state["entries"])})

    def get(self, key: Any, default: Any) -> Any:
        leaf, _ = self._leaf(stable_hash(key))
        assert leaf.entries is not None
        return leaf.entries.get(inner(key), default)

    def put(self, key: Any, value: Any) -> bool:
        """Answer whether the key is new."""
        leaf, depth = self._leaf(stable_hash(key))
        assert leaf.entries is not None
        key = inner(key)
        fresh = key not in leaf.entries
        leaf.entries[key] = value
        leaf._p_changed = True
        if fresh and len(leaf.entries) > LEAF and depth < DEEPEST:
            leaf._split(depth)
        return fresh

    def remove(self, key: Any) -> None:
        """Raises KeyError, with the key, if it is not there."""
        leaf, _ = self._leaf(stable_hash(key))
        assert leaf.entries is not None
        if leaf.entries.pop(inner(key), _MISSING) is _MISSING:
            raise KeyError(key)
        leaf._p_changed = True

    def change(self, key: Any, by: int) -> None:
        """Add ``by`` to the number under ``key``; at 0 the key goes."""
        count = self.get(key, 0) + by
        if count:
            self.put(key, count)
        else:
            self.remove(key)

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Every key with its value. What is changed meanwhile may or may not be seen."""
        if self.entries is not None:
            for key, value in list(self.entries.items()):
                yield _outer(key), value
        else:
            for child in self.children:
                yield from child.pairs()
                child._p_deactivate()  # a walk over a million keys must not keep them; a changed one stays

    def parts(self) -> Iterator[Shard]:
        """This shard and all below it."""
        yield self
        for child in self.children:
            yield from child.parts()

    def _leaf(self, bits: int) -> tuple[Shard, int]:
        node, depth = self, 0
        while node.entries is None:
            node = node.children[bits >> depth & FANOUT - 1]
            depth += BITS
        return node, depth

    def _split(self, depth: int) -> None:
        assert self.entries is not None
        children = tuple(type(self)() for _ in range(FANOUT))
        for key, value in self.entries.items():
            entries = children[stable_hash(key) >> depth & FANOUT - 1].entries
            assert entries is not None
            entries[key] = value
        self.children = children
        self.entries = None

    def _p_resolveConflict(self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        before, there, mine = old["entries"], saved["entries"], new["entries"]
        if before is None or there is None or mine is None:
            raise ConflictError
        merged = dict(there)
        for key in before.keys() | mine.keys():
            was, now = before.get(key, _MISSING), mine.get(key, _MISSING)
            if _same(was, now):
                continue
            value = self._merge(was, there.get(key, _MISSING), now)
            if value is _MISSING:
                merged.pop(key, None)
            else:
                merged[key] = value
        return {**saved, "entries": merged}

    @staticmethod
    def _merge(was: Any, there: Any, now: Any) -> Any:
        """The value under one key that this transaction changed from ``was`` to ``now``; ``there`` is committed."""
        if not _same(was, there):
            raise ConflictError
        return now


class Tally(Shard):
    """A shard of counts: changes to the same key add up."""

    @staticmethod
    def _merge(was: Any, there: Any, now: Any) -> Any:
        was, there, now = (0 if count is _MISSING else count for count in (was, there, now))
        count = there + now - was
        if count < 0:
            raise ConflictError  # both took the last one
        return count or _MISSING


def frozen(items: dict[Any, Any] | None) -> dict[Any, Any] | None:
    """The items as they are stored: blocks run as functions and are stored as what they were compiled from."""
    return items if items is None else {key: freeze(value) for key, value in items.items()}


def thawed(items: dict[Any, Any] | None) -> dict[Any, Any] | None:
    return items if items is None else {key: thaw(value) for key, value in items.items()}


def _same(one: Any, other: Any) -> bool:
    """Whether two stored values are the same. References to objects are, if they name the same object."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    try:
        return bool(one == other)
    except ValueError:  # two references to different objects
        return False
