"""How values look: printString, displayString, printOn: and storeString, in GNU Smalltalk's forms.

Whoever redefines ``printOn:`` has changed printString, and the other way round: each asks whether the other was
redefined.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...image.collections import (
    Array,
    Bag,
    ByteArray,
    Dictionary,
    IdentityDictionary,
    IdentitySet,
    OrderedCollection,
    Set,
    SortedCollection,
    String,
    text_of,
)
from ...image.object import is_object
from ...image.sequences import Interval
from ...image.values import Character, Symbol
from ..classes import is_collection
from . import primitive
from .elements import elements, ghost_of
from .hashed import pairs
from .huge import digits_of

if TYPE_CHECKING:
    from ..world import World

SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(:[A-Za-z_][A-Za-z0-9_]*)*:?|[-+*/\\~<>=@,%|&?!]+")
NAMED = (OrderedCollection, SortedCollection, Set, IdentitySet, Bag)
BARE = (tuple, bytes, Array, ByteArray, Interval)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def symbol_form(text: str) -> str:
    return "#" + (text if SIMPLE.fullmatch(text) else quoted(text))


def character_form(thing: Character) -> str:
    text = str(thing)
    return "$" + text if text == " " or text.isprintable() else f"Character value: {thing.code}"


def kind_name(world: World, thing: Any) -> str:
    """The name of the nearest named prototype."""
    return next(
        (name for one in world.family(thing).order if one is not thing and (name := world.name_of(one))), "Collection"
    )


class Printer:
    """The printed forms of one world.

    ``active`` are the collections being printed: one that holds itself prints as ``(...)``.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.active: set[int] = set()

    def form(self, thing: Any) -> str:
        """The library's own form, whatever a person made of printString or printOn:."""
        from ..world import NATIVE

        kind = ghost_of(thing)
        if kind is str or kind is String:
            return quoted(text_of(thing)) if kind is str or "_items" in vars(thing) else self.world.describe(thing)
        if kind is Symbol:
            return symbol_form(str.__str__(thing))
        if kind is Character:
            return character_form(thing)
        if kind is bool:
            return "true" if thing else "false"
        if thing is None:
            return "nil"
        if kind in BARE or kind in NAMED or kind in (Dictionary, IdentityDictionary):
            if is_object(thing) and not len(vars(thing).get("_items", ())):
                if "_items" not in vars(thing) or self.world.name_of(thing):
                    return self.world.describe(thing)  # a prototype, which goes by its name
            return self._collection(thing, kind)
        if is_object(thing):
            if is_collection(self.world, self.world.family(thing)):
                return self._collection(thing, kind)  # a class of collections that keeps its elements itself
            return self.world.describe(thing)
        if isinstance(thing, int | float) or kind.__name__ in ("Fraction", "ScaledDecimal"):
            return str(self.world.primitives["number.printString"](thing))
        name = NATIVE.get(kind, kind.__name__)
        return ("an " if name[:1] in "AEIOU" else "a ") + name

    def _collection(self, thing: Any, kind: type) -> str:
        if id(thing) in self.active:
            return "(...)"
        self.active.add(id(thing))
        try:
            say = self.say
            if kind in (Dictionary, IdentityDictionary):
                name = kind_name(self.world, thing)
                head = ("an " if name[:1] in "AEIOU" else "a ") + name + " "
                body = [f"{say(key)}->{say(value)} " for key, value in pairs(thing)]
            else:
                head = self._head(thing, kind)
                body = [say(one) + " " for one in elements(self.world, thing)]
            return f"{head}({''.join(body) or ' '})"
        finally:
            self.active.discard(id(thing))

    def _head(self, thing: Any, kind: type) -> str:
        """The kind's name; none before an Array, unless it is a clone of somebody's own prototype."""
        if kind in BARE and not (is_object(thing) and "parent*" in vars(thing)):
            return ""
        name = kind_name(self.world, thing)
        return "" if kind in BARE and name == kind.__name__ else name + " "

    def say(self, thing: Any) -> str:
        """An element's printString."""
        kind = type(thing)
        if kind is int:
            return digits_of(thing)
        return text_of(self.world.send(thing, "printString"))


def printer(world: World) -> Printer:
    # In the world itself: a weak dictionary's values, which know their key, would keep it for ever.
    found: Printer | None = vars(world).get("printer")
    if found is None:
        found = vars(world)["printer"] = Printer(world)
    return found


@primitive("object.printString", world=True)
def print_string(world: World) -> Any:
    from .streams import new_stream

    forms = printer(world)

    def print_string(self: Any) -> Any:
        function = world.table("printOn:")[type(self)]
        if function is world.primitives["object.printOn"]:
            return forms.form(self)
        stream = new_stream(world, "String")
        world.send(self, "printOn:", stream)
        return "".join(stream._items)

    return print_string


@primitive("object.printOn", world=True)
def print_on(world: World) -> Any:
    forms = printer(world)

    def print_on(self: Any, stream: Any) -> Any:
        function = world.table("printString")[type(self)]
        # A primitive's printString is the form itself; one in messages is somebody's own.
        text = function(self) if "method" in getattr(function, "__dict__", ()) else forms.form(self)
        world.send(stream, "nextPutAll:", text)
        return self

    return print_on


@primitive("object.form", world=True)
def form(world: World) -> Any:
    """The library's own printed form."""
    return printer(world).form


@primitive("string.displayString")
def display_string(self: Any) -> Any:
    return str.__str__(self) if isinstance(self, str) else text_of(self) if "_items" in vars(self) else "String"


@primitive("character.displayString")
def character_display(self: Any) -> str:
    return str(self)


@primitive("object.storeString", world=True)
def store_string(world: World) -> Any:
    """Text that, evaluated, answers an equal value."""

    def store(thing: Any) -> str:
        kind = ghost_of(thing)
        if kind in (OrderedCollection, SortedCollection, Set, IdentitySet, Bag, tuple, Array, Interval) and (
            not is_object(thing) or "_items" in vars(thing)
        ):
            name = "Array" if kind in (tuple, Array, Interval) else kind_name(world, thing)
            inside = elements(world, thing)
            if name == "Array":
                adds = "".join(f" at: {i} put: {store(one)};" for i, one in enumerate(inside, 1))
                return f"((Array new: {len(inside)}){adds} yourself)"
            return (
                f"({name} new" + "".join(f" add: {store(one)};" for one in inside) + (" yourself)" if inside else ")")
            )
        if kind in (Dictionary, IdentityDictionary) and "_items" in vars(thing):
            inside = pairs(thing)
            adds = "".join(f" at: {store(key)} put: {store(value)};" for key, value in inside)
            return f"({kind_name(world, thing)} new{adds}{' yourself)' if inside else ')'}"
        if is_object(thing) and ghost_of(thing) is not String:
            return text_of(world.send(thing, "storeString"))
        if isinstance(thing, Character) and not str(thing).isprintable():
            return f"(Character value: {thing.code})"
        return printer(world).say(thing)

    def store_string(self: Any) -> str:
        if is_object(self) and ghost_of(self).__name__ in ("UvmObject", "Stream"):
            return printer(world).say(self)
        return store(self)

    return store_string
