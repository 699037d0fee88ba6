"""Collections of the world: objects whose contents lie in a hidden slot, ``_items``.

They are objects like any other (slots, parent*, families), so that a prototype can delegate to them and a clone of one
is one. The contents are a Python list, dict or bytearray, changed in place by primitives, which register the object
first (``family.touch``); nobody else ever sees the list itself.

Equality and hash go by contents where Smalltalk says so, so that Python's dicts find them.
"""

from __future__ import annotations

from typing import Any

from .object import Body, UvmObject, freeze, set_dict, thaw


def equal(a: Any, b: Any) -> bool:
    """``=`` of two values as seen by collections. Unlike Python's, Booleans are no numbers."""
    if a is b:
        return True
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    return bool(a == b)


class Collection(UvmObject):
    """What the kinds below share: contents under ``_items``, blocks inside them stored as blocks."""

    _p_traits = "Collection"
    _p_empty: Any = list

    def __init__(self, items: Any = None) -> None:
        set_dict(self, {"_items": type(self)._p_empty() if items is None else items})

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        items = state.get("_items")
        if isinstance(items, list):
            state["_items"] = [freeze(item) for item in items]
        elif isinstance(items, dict):
            state["_items"] = {key: freeze(value) for key, value in items.items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        items = state.get("_items")
        if isinstance(items, list):
            state["_items"] = [thaw(item) for item in items]
        elif isinstance(items, dict):
            state["_items"] = {key: thaw(value) for key, value in items.items()}
        super().__setstate__(state)


def items_of(thing: Any) -> Any:
    """The contents of a sequence, whether it is one of ours or a literal."""
    if isinstance(thing, tuple | bytes | str):
        return thing
    if thing._p_changed is None:
        thing._p_activate()
    return thing._items


def sequences_equal(a: Any, b: Any) -> bool:
    mine, theirs = items_of(a), items_of(b)
    return len(mine) == len(theirs) and all(map(equal, mine, theirs))


class Array(Collection):
    """A sequence of fixed size; ``_items`` is a list. Literal arrays are tuples, equal to it by contents.

    Compiled code indexes the same list as ``_v_array``, which nothing but an Array has, and writes into it as
    ``_v_mine``, which only a live Array has. Whoever replaces ``_items`` must drop both; neither is stored.
    """

    _p_traits = "Array"

    @staticmethod
    def _p_live(thing: Any) -> None:
        slots = vars(thing)
        if "_items" in slots:
            slots["_v_array"] = slots["_v_mine"] = slots["_items"]

    @staticmethod
    def _p_clean(thing: Any) -> None:
        vars(thing).pop("_v_mine", None)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        slots = vars(self)
        if isinstance(slots.get("_items"), list):
            slots["_v_array"] = slots["_items"]  # type: ignore[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple) or getattr(type(other), "_p_ghost", type(other)) is Array:
            return sequences_equal(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(items_of(self)))


class OrderedCollection(Collection):
    """A sequence that grows at both ends; ``_items`` is a list."""

    _p_traits = "OrderedCollection"

    def __eq__(self, other: object) -> bool:
        if getattr(type(other), "_p_ghost", type(other)) is OrderedCollection:
            return sequences_equal(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(("OrderedCollection", *items_of(self)))


class SortedCollection(Collection):
    """A sequence kept in order by a block in its slot ``sortBlock`` (nil: by <=); ``_items`` is a list, always
    sorted."""

    _p_traits = "SortedCollection"


class ByteArray(Collection):
    """Bytes that can be written; ``_items`` is a bytearray. Literal ones are Python bytes."""

    _p_traits = "ByteArray"
    _p_empty = bytearray

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes) or getattr(type(other), "_p_ghost", type(other)) is ByteArray:
            return bytes(items_of(self)) == bytes(items_of(other))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(items_of(self)))


class String(Collection):
    """Text that can be written. ``_items`` is a str until the first write, then a list of characters (str of length 1).

    Literal strings are Python str; both compare and hash by contents.
    """

    _p_traits = "String"
    _p_empty = str

    def __eq__(self, other: object) -> bool:
        if type(other) is str or getattr(type(other), "_p_ghost", type(other)) is String:
            return text_of(self) == text_of(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(text_of(self))

    def __str__(self) -> str:
        return text_of(self)


def text_of(thing: Any) -> str:
    """The Python text of a String, literal or not, or of a Symbol."""
    if isinstance(thing, str):
        return str.__str__(thing)
    if thing._p_changed is None:
        thing._p_activate()
    items = thing._items
    return items if type(items) is str else "".join(items)


class Dictionary(Collection):
    """Keys to values by equality; ``_items`` is a dict. Booleans are kept under keys of their own (true is not 1)."""

    _p_traits = "Dictionary"
    _p_empty = dict


class IdentityDictionary(Collection):
    """Keys to values by identity; ``_items`` maps an identity key to (key, value)."""

    _p_traits = "IdentityDictionary"
    _p_empty = dict


class Set(Collection):
    """Each value once, by equality; ``_items`` is a dict of keys to None, in order of arrival."""

    _p_traits = "Set"
    _p_empty = dict


class IdentitySet(Collection):
    """Each value once, by identity; ``_items`` maps an identity key to the value."""

    _p_traits = "IdentitySet"
    _p_empty = dict


class Bag(Collection):
    """Values with how often they occur; ``_items`` is a dict of value to count."""

    _p_traits = "Bag"
    _p_empty = dict


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
    if thing is True:
        return _TRUE
    if thing is False:
        return _FALSE
    return thing


def of_key(key: Any) -> Any:
    """The value that key_of made a key for."""
    return key.value if type(key) is BoolKey else key


CLASSES: dict[str, type[Body]] = {
    cls.__name__: cls
    for cls in (
        UvmObject,
        Array,
        OrderedCollection,
        SortedCollection,
        ByteArray,
        String,
        Dictionary,
        IdentityDictionary,
        Set,
        IdentitySet,
        Bag,
    )
}
