"""What compiled code does in line as long as nobody redefines it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..image.collections import (
    Array,
    Bag,
    Dictionary,
    IdentityDictionary,
    IdentitySet,
    OrderedCollection,
    Set,
    String,
)
from ..image.object import own_slots
from ..image.sequences import Stream
from ..image.values import Character, Symbol
from .arithmetic import NUMBER_SELECTORS
from .families import is_method

if TYPE_CHECKING:
    from .world import World


def same(a: Any, b: Any) -> bool:
    """``==`` for values that Python may hold twice: numbers of one type and equal value are one."""
    return type(a) is type(b) and type(a) in (int, float) and a == b


SIZES = ("size", "isEmpty", "notEmpty")
VALUES: tuple[tuple[Any, Iterable[str]], ...] = (  # for receivers like these
    (0, NUMBER_SELECTORS),
    (0.0, (*NUMBER_SELECTORS, "sqrt")),
    (Character(32), ("=", "~=")),
    (Symbol("x"), ("=", "~=")),
    (True, ("not",)),
    (same, ("value", "value:", "value:value:", "value:value:value:", "on:do:")),
    ("", ("at:", "=", "~=", *SIZES)),
)
KEYED = (
    "at:",
    "at:put:",
    "at:ifAbsent:",
    "at:ifPresent:",
    "at:ifAbsentPut:",
    "includesKey:",
    "removeKey:",
    "removeKey:ifAbsent:",
    *SIZES,
)
MEMBERS = ("add:", "includes:", "remove:", "remove:ifAbsent:", *SIZES)
COLLECTIONS: tuple[tuple[Any, Iterable[str]], ...] = (
    (Array, ("at:", "at:put:", *SIZES)),
    (String, ("at:", *SIZES)),
    (OrderedCollection, ("at:", "at:put:", "add:", "removeLast", *SIZES)),
    (Dictionary, KEYED),
    (IdentityDictionary, KEYED),
    (Set, MEMBERS),
    (IdentitySet, MEMBERS),
    (Bag, ("add:", "includes:")),
)
READING = ("next", "atEnd")  # of ReadStreams
WATCHED = frozenset((*READING, *(name for _, names in (*VALUES, *COLLECTIONS) for name in names)))


def redefined(world: World) -> frozenset[str]:
    """Selectors that a person redefined for any of these: they are sent."""
    found = set(world.root.get("redefined", ()))
    families = [(world.family(value), names) for value, names in VALUES]
    families += [(world.families.default(kind), names) for kind, names in COLLECTIONS]
    streams = world.lookup("ReadStream")
    if streams is not None:
        families.append((world.families.by_type[world.families.clones_of(streams, Stream)], READING))
    for family, names in families:
        for name in names:
            _, value = family.find(name)
            if is_method(value) and own_slots(value).get("author") != "genesis":
                found.add(name)
    return frozenset(found)
