"""The shared kinds of the language: objects whose contents many messages change at once (shared.py: how they merge).

The object itself is an ordinary one, with slots and a parent*; its hidden contents are a record of their own, so that
changing them leaves the object alone and nothing but the contents has to merge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from persistent import Persistent

from . import shared
from .buckets import Spread
from .collections import CLASSES, Collection, key_of, of_key
from .object import MISSING, Body, own_slots


class SharedCounter(Collection):
    """A number that messages increase at once; ``_items`` is a shared.Counter."""

    _p_traits = "SharedCounter"
    _p_empty = shared.Counter


class SharedQueue(Collection):
    """First in, first out; ``_items`` is a shared.SharedQueue."""

    _p_traits = "SharedQueue"
    _p_empty = shared.SharedQueue


class SharedBag(Collection):
    """Values with how often they occur; ``_items`` is a shared.SharedBag."""

    _p_traits = "SharedBag"
    _p_empty = shared.SharedBag


class SharedDictionary(Collection):
    """Keys that are values, to anything; ``_items`` is a shared.SharedDictionary."""

    _p_traits = "SharedDictionary"
    _p_empty = shared.SharedDictionary


def plain_key(key: Any) -> Any:
    """A key as shared.py wants it: the literal for a String or Array that can be written."""
    return of_key(key_of(key))


def parts(thing: Body) -> Iterator[Persistent]:
    """The records that reading all of an object's own state reads: itself, and those its contents are spread over."""
    yield thing
    contents = own_slots(thing).get("_items", MISSING)
    if isinstance(contents, Spread):
        yield from (contents, *contents.root.parts())
        if contents.rest is not None:
            yield contents.rest
    elif isinstance(contents, Persistent):
        yield from contents.parts()  # type: ignore[attr-defined]


CLASSES.update({cls.__name__: cls for cls in (SharedCounter, SharedQueue, SharedBag, SharedDictionary)})
