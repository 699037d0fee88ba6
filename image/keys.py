"""Keys: how a value is found in a dictionary, set or bag.

By equality: Python's dicts ask ``==`` and ``hash``, which agree with ``=`` and ``hash`` of the language but for the
Booleans (``True == 1`` in Python), so these get keys of their own. Strings and arrays that can be written are kept as
literal ones: a key that is changed afterwards could not be found again.

By identity: the key names the object, and the collection holds the object itself, so that its id stays its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from .values import Character, ScaledDecimal, Symbol

PLAIN = frozenset((str, int, float, Symbol, Character, Fraction, ScaledDecimal, bytes, type(None)))
SINGLE = frozenset((int, Symbol, Character, type(None), bool))  # of these, equal values are one object


class BoolKey:
    """Stands for true or false as a key: in Python ``True == 1``, in the language it is not."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        return _bool_key, (self.value,)


_TRUE, _FALSE = BoolKey(True), BoolKey(False)


def _bool_key(value: bool) -> BoolKey:
    return _TRUE if value else _FALSE


def key_of(thing: Any) -> Any:
    """The Python key for a value compared by equality."""
    kind = thing.__class__
    if kind in PLAIN:
        return thing
    if kind is bool:
        return _TRUE if thing else _FALSE
    if kind is tuple:
        return tuple(map(key_of, thing))
    items = getattr(thing, "_items", None)
    if items.__class__ is str:
        return items
    frozen = getattr(kind, "_p_as_key", None)
    return thing if frozen is None else frozen(thing)


def keys_of(things: Iterable[Any]) -> Iterable[Any]:
    """The keys of many values; most often they are all of one kind."""
    if type(things) is not list and type(things) is not tuple:
        things = list(things)
    kinds = set(map(type, things))
    if kinds <= PLAIN:
        return things
    frozen = getattr(kinds.pop(), "_p_as_key", None) if len(kinds) == 1 else None
    return map(frozen or key_of, things)


def of_key(key: Any) -> Any:
    """The value that key_of made a key for."""
    kind = type(key)
    if kind is BoolKey:
        return key.value
    if kind is tuple:
        return tuple(map(of_key, key))
    return key


def is_stable(key: Any) -> bool:
    """Is this the key of a value, whose hash needs no message and no loading?"""
    kind = type(key)
    if kind is tuple:
        return all(map(is_stable, key))
    return kind in PLAIN or kind is BoolKey


def identity(thing: Any) -> Any:
    """The key under which a thing is found by identity."""
    kind = thing.__class__
    if kind in SINGLE:
        return thing if kind is not bool else key_of(thing)
    if kind is float:
        return (float, thing)
    return (id, id(thing))


class Pairs(list[tuple[Any, Any]]):
    """Keys and values as they were loaded: not hashed yet, because the keys may be objects that are not loaded yet."""

    def copy(self) -> Pairs:
        return Pairs(self)
