"""A large dictionary in pieces: contents beyond a few thousand keys lie in persistent buckets of their own.

One ``at:put:`` then rewrites the bucket its key is in, and one ``at:`` loads it, instead of all keys. It has the
interface of the dict that it replaces (collections.py), for keys made by ``key_of``. Keys whose hash needs a message
(objects) have no hash that stays the same from process to process; they stay together, in ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from persistent import Persistent

from .keys import is_stable, key_of, of_key
from .object import freeze, thaw
from .shards import BITS, DEEPEST, FANOUT, LEAF, Shard, inner, stable_hash

BIG: Final = 4096
"""Keys that a dictionary may have in one record."""

_MISSING: Final = object()


def table_of(thing: Any) -> Any:
    from . import collections  # which is built on this module

    return collections.table_of(thing)


class Bucket(Shard):
    """A shard whose values may be blocks."""

    def fill(self, hashed: list[tuple[int, Any, Any]], depth: int = 0) -> None:
        """Take (hash, key, value) of many keys at once; the bucket is new."""
        if len(hashed) <= LEAF or depth >= DEEPEST:
            self.entries = {key: value for _, key, value in hashed}
            return
        parts: list[list[tuple[int, Any, Any]]] = [[] for _ in range(FANOUT)]
        for one in hashed:
            parts[one[0] >> depth & FANOUT - 1].append(one)
        self.entries = None
        self.children = tuple(type(self)() for _ in parts)
        for child, part in zip(self.children, parts, strict=True):
            child.fill(part, depth + BITS)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if state["entries"] is not None:
            state["entries"] = {key: freeze(value) for key, value in state["entries"].items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["entries"] is not None:
            state = {**state, "entries": {key: thaw(value) for key, value in state["entries"].items()}}
        super().__setstate__(state)


class Spread(Persistent):
    """A mapping of many keys. Iterating loads bucket after bucket and lets each go again."""

    def __init__(self, contents: Mapping[Any, Any] | None = None) -> None:
        self.root = Bucket()
        self.count = 0
        self.rest: Any = None  # a Dictionary of the keys without a stable hash
        hashed = []
        for key, value in (contents or {}).items():
            if is_stable(key):
                key = of_key(key)
                hashed.append((stable_hash(key), inner(key), value))
            else:
                self[key] = value
        self.count = len(hashed)
        self.root.fill(hashed)

    def get(self, key: Any, default: Any = None) -> Any:
        if is_stable(key):
            return self.root.get(of_key(key), default)
        return default if self.rest is None else table_of(self.rest).get(key, default)

    def __getitem__(self, key: Any) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __contains__(self, key: Any) -> bool:
        return self.get(key, _MISSING) is not _MISSING

    def __setitem__(self, key: Any, value: Any) -> None:
        if is_stable(key):
            if self.root.put(of_key(key), value):
                self.count += 1
            return
        if self.rest is None:
            from .collections import Dictionary

            self.rest = Dictionary()
        self.rest._p_changed = True
        table_of(self.rest)[key] = value

    def setdefault(self, key: Any, value: Any) -> Any:
        found = self.get(key, _MISSING)
        if found is _MISSING:
            self[key] = found = value
        return found

    def __delitem__(self, key: Any) -> None:
        if self.pop(key, _MISSING) is _MISSING:
            raise KeyError(key)

    def pop(self, key: Any, default: Any) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            return default
        if is_stable(key):
            self.root.remove(of_key(key))
            self.count -= 1
        else:
            self.rest._p_changed = True
            del table_of(self.rest)[key]
        return value

    def clear(self) -> None:
        self.root, self.count, self.rest = Bucket(), 0, None

    def __len__(self) -> int:
        return self.count + (0 if self.rest is None else len(table_of(self.rest)))

    def items(self) -> Iterator[tuple[Any, Any]]:
        for key, value in self.root.pairs():
            yield key_of(key), value
        if self.rest is not None:
            yield from list(table_of(self.rest).items())

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self.items())

    keys = __iter__

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def copy(self) -> Spread:
        return Spread(self)  # type: ignore[arg-type]
