"""Collections of the world: objects whose contents lie in a hidden slot, ``_items``.

They are objects like any other (slots, parent*, families), so that a prototype can delegate to them and a clone of one
is one. The contents are a Python list, dict or bytearray, changed in place by primitives, which register the object
first (``family.touch``); nobody else ever sees the list itself.

Equality and hash go by contents where Smalltalk says so, so that Python's dicts find them.

Compiled code reads and writes the contents themselves, under names that say what they are: the list of a live
OrderedCollection is its ``_v_array``, ``_v_mine`` and ``_v_grow``, too. Each class says which names its objects have
(``_p_reading``), and which they have while they are live only (``_p_writing``): what is not registered with the
transaction cannot be written by them. Objects with anything but contents (a parent*, methods, data) have none of them:
they may say something else to the same messages. Whoever replaces ``_items`` calls ``show`` or ``hide``; nothing of
this is stored.
"""

from __future__ import annotations

from typing import Any, cast

from .buckets import BIG, Spread
from .keys import Pairs, identity, is_stable, key_of, of_key
from .object import MISSING, Body, UvmObject, freeze, own_slots, set_dict, thaw

__all__ = ["CLASSES", "key_of", "of_key"]


def equal(a: Any, b: Any) -> bool:
    """``=`` of two values as seen by collections. Unlike Python's, Booleans are no numbers."""
    if a is b:
        return True
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    if type(a) is tuple and type(b) is tuple:
        return sequences_equal(a, b)
    return bool(a == b)


class Collection(UvmObject):
    """What the kinds below share: contents under ``_items``, blocks inside them stored as blocks."""

    _p_traits = "Collection"
    _p_empty: Any = list
    _p_reading: tuple[str, ...] = ()
    _p_writing: tuple[str, ...] = ()

    @staticmethod
    def _p_live(thing: Any) -> None:
        show(thing)

    @staticmethod
    def _p_clean(thing: Any) -> None:
        slots = vars(thing)
        for name in ghost_of(thing)._p_writing:
            slots.pop(name, None)

    def __init__(self, items: Any = None) -> None:
        set_dict(self, {"_items": type(self)._p_empty() if items is None else items})

    def __getstate__(self) -> dict[str, Any]:
        state = Body.__getstate__(self)  # not super(): a family is no subclass
        items = state.get("_items")
        if isinstance(items, list):
            state["_items"] = [freeze(item) for item in items]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        items = state.get("_items")
        if type(items) is list:
            state["_items"] = [thaw(item) for item in items]
        super().__setstate__(state)
        show(self, live=False)


def show(thing: Any, live: bool = True) -> None:
    """Let compiled code find the contents of an object, or no longer find them."""
    kind = ghost_of(thing)
    if not kind._p_reading:
        return
    slots = vars(thing)
    items = slots.get("_items")
    if items.__class__ is kind._p_empty and (
        len(slots) == 1 or all(name[0] == "_" or name == "name*" for name in slots)
    ):
        for name in kind._p_reading:
            slots[name] = items
        if live:
            for name in kind._p_writing:
                slots[name] = items
    else:
        hide(thing)


def hide(thing: Any) -> None:
    """Let compiled code no longer find the contents of an object."""
    slots, kind = vars(thing), ghost_of(thing)
    for name in (*kind._p_reading, *kind._p_writing):
        slots.pop(name, None)


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
    """A sequence of fixed size; ``_items`` is a list. Literal arrays are tuples, equal to it by contents."""

    _p_traits = "Array"
    _p_reading = ("_v_array",)
    _p_writing = ("_v_mine",)

    @staticmethod
    def _p_as_key(thing: Any) -> Any:
        """A literal array, if all elements are values."""
        keys = tuple(map(key_of, items_of(thing)))
        return keys if all(map(is_stable, keys)) else thing

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple) or getattr(type(other), "_p_ghost", type(other)) is Array:
            return sequences_equal(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(items_of(self)))


class OrderedCollection(Collection):
    """A sequence that grows at both ends; ``_items`` is a list."""

    _p_traits = "OrderedCollection"
    _p_reading = ("_v_array",)
    _p_writing = ("_v_mine", "_v_grow")

    def __eq__(self, other: object) -> bool:
        if getattr(type(other), "_p_ghost", type(other)) is OrderedCollection:
            return sequences_equal(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(("OrderedCollection", *items_of(self)))


class SortedCollection(Collection):
    """A sequence kept in order by a block in its slot ``sortBlock`` (nil: by <=); ``_items`` is a list, always
    sorted. Equal to one of the same elements in the same order of the same block."""

    _p_traits = "SortedCollection"

    def __eq__(self, other: object) -> bool:
        if ghost_of(other) is not SortedCollection:
            return NotImplemented
        mine, theirs = own_slots(self), own_slots(cast(Body, other))
        return mine.get("sortBlock") is theirs.get("sortBlock") and sequences_equal(self, other)

    def __hash__(self) -> int:
        return hash(("SortedCollection", *items_of(self)))


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

    @staticmethod
    def _p_as_key(thing: Any) -> Any:
        try:
            items = thing._items
        except AttributeError:
            return text_of(thing)
        return items if items.__class__ is str else text_of(thing)

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
    kind = type(thing)
    if kind is str:
        return thing  # type: ignore[no-any-return]
    if isinstance(thing, str):
        return str.__str__(thing)
    if not kind._p_awake and thing._p_changed is None:
        thing._p_activate()
    items = thing._items
    return items if type(items) is str else "".join(items)


def ghost_of(thing: Any) -> Any:
    """The class an object is stored as; the type itself of any other value."""
    return getattr(type(thing), "_p_ghost", type(thing))


def table_of(thing: Any) -> Any:
    """The mapping of a Hashed; one that is empty, and not kept, where the object has no contents."""
    items = own_slots(thing).get("_items", MISSING)
    if type(items) is Pairs:
        items = vars(thing)["_items"] = ghost_of(thing)._p_gather(items)
        show(thing, thing._p_jar is None or bool(thing._p_changed))
    return {} if items is MISSING else items


class Hashed(Collection):
    """What finds its elements by hash. ``_items`` is a dict; read and write it through ``table_of``.

    Stored as a dict where all keys are values. Objects as keys are stored as pairs and hashed at the first use, since
    while they are loaded they do not know their ``=`` and ``hash`` yet. More than BIG keys are spread over buckets.
    """

    _p_empty = dict

    @staticmethod
    def _p_gather(pairs: Pairs) -> dict[Any, Any]:
        return {key_of(key): value for key, value in pairs}

    @staticmethod
    def _p_scatter(table: dict[Any, Any]) -> list[tuple[Any, Any]]:
        return list(table.items())

    def __getstate__(self) -> dict[str, Any]:
        state = Body.__getstate__(self)
        items = state.get("_items")
        if type(items) is dict:
            scatter = ghost_of(self)._p_scatter
            if scatter is not Hashed._p_scatter or not all(map(is_stable, items)):
                items = Pairs(scatter(items))
            elif len(items) > BIG:
                state["_items"] = vars(self)["_items"] = Spread(items)  # type: ignore[index]
                hide(self)
            else:
                state["_items"] = {key: freeze(value) for key, value in items.items()}
        if type(items) is Pairs:
            state["_items"] = Pairs([(freeze(key), freeze(value)) for key, value in items])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        items = state.get("_items")
        if type(items) is Pairs:
            state["_items"] = Pairs([(thaw(key), thaw(value)) for key, value in items])
        elif type(items) is dict:
            state["_items"] = {key: thaw(value) for key, value in items.items()}
        super().__setstate__(state)

    def __eq__(self, other: object) -> bool:
        ghost = ghost_of(self)
        if ghost_of(other) is not ghost:
            return NotImplemented
        if self is other:
            return True
        mine, theirs = table_of(self), table_of(other)
        if len(mine) != len(theirs):
            return False
        return all(
            (there := theirs.get(key, MISSING)) is not MISSING and ghost._p_same(value, there)
            for key, value in mine.items()
        )

    def __hash__(self) -> int:
        return len(table_of(self)) * 0x9E37 + 7

    @staticmethod
    def _p_same(mine: Any, theirs: Any) -> bool:
        return equal(mine, theirs)


class Dictionary(Hashed):
    """Keys to values by equality; ``_items`` is a dict. Booleans are kept under keys of their own (true is not 1)."""

    _p_traits = "Dictionary"
    _p_reading = ("_v_table",)
    _p_writing = ("_v_entries",)


class IdentityDictionary(Hashed):
    """Keys to values by identity; ``_items`` maps an identity key to (key, value)."""

    _p_traits = "IdentityDictionary"
    _p_reading = ("_v_pairs",)
    _p_writing = ("_v_own_pairs",)

    @staticmethod
    def _p_gather(pairs: Pairs) -> dict[Any, Any]:
        return {identity(key): (key, value) for key, value in pairs}

    @staticmethod
    def _p_scatter(table: dict[Any, Any]) -> list[tuple[Any, Any]]:
        return list(table.values())

    @staticmethod
    def _p_same(mine: Any, theirs: Any) -> bool:
        return equal(mine[1], theirs[1])


class Set(Hashed):
    """Each value once, by equality; ``_items`` is a dict of keys to None, in order of arrival."""

    _p_traits = "Set"
    _p_reading = ("_v_set",)
    _p_writing = ("_v_members",)


class IdentitySet(Hashed):
    """Each value once, by identity; ``_items`` maps an identity key to the value."""

    _p_traits = "IdentitySet"
    _p_reading = ("_v_ids",)
    _p_writing = ("_v_own_ids",)

    @staticmethod
    def _p_gather(pairs: Pairs) -> dict[Any, Any]:
        return {identity(value): value for value, _ in pairs}

    @staticmethod
    def _p_scatter(table: dict[Any, Any]) -> list[tuple[Any, Any]]:
        return [(value, None) for value in table.values()]

    @staticmethod
    def _p_same(mine: Any, theirs: Any) -> bool:
        return True  # they are under the same identity


class Bag(Hashed):
    """Values with how often they occur; ``_items`` is a dict of value to count."""

    _p_traits = "Bag"
    _p_reading = ("_v_bag",)
    _p_writing = ("_v_counts",)


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
