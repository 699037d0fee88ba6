"""Primitives that make sequences: of a size, of elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import (
    Array,
    ByteArray,
    OrderedCollection,
    SortedCollection,
    String,
)
from ...image.object import MISSING, is_object
from ...image.values import Character
from ..flow import Fault
from . import primitive
from .elements import (
    check_byte,
    elements,
    filled,
    made,
)
from .ordering import order, sort_block
from .sequences import MOST

if TYPE_CHECKING:
    from ..world import World


def fill(world: World, self: Any, count: Any, value: Any) -> Any:
    if type(count) is not int or count < 0:
        raise Fault("SystemExceptions.InvalidArgument", f"a size is an Integer from 0 on, not {world.describe(count)}")
    if count > MOST:
        raise Fault(
            "SystemExceptions.InvalidArgument", f"{count} elements at once are more than memory should be asked for"
        )
    kind: Any = world.kind_of(self) if is_object(self) else Array
    if kind is ByteArray:
        return made(world, self, bytearray([0 if value is None else check_byte(value)]) * count, kind)
    if kind is String:
        if value is not None and type(value) is not Character:
            raise Fault("SystemExceptions.WrongClass", "a String is made of Characters")
        return made(world, self, (" " if value is None else str(value)) * count, kind)
    return made(world, self, [value] * count, kind)


@primitive("array.new", world=True)
def new_array(world: World) -> Any:
    def new(self: Any, count: Any = 0) -> Any:
        return fill(world, self, count, None)

    def for_family(family: Any) -> Any:
        """``Array new:`` itself, which programs send in their inner loops."""
        live = world.families.default(Array).live
        if family.owner is None or family.owner is not world.lookup("Array"):
            return None

        def new_plain(self: Any, count: Any = 0) -> Any:
            if count.__class__ is not int or not 0 <= count <= MOST:
                return fill(world, self, count, None)
            array = live()
            items = [None] * count
            array.__dict__ = {"_items": items, "_v_array": items, "_v_mine": items}
            return array

        return new_plain

    new.for_family = for_family  # type: ignore[attr-defined]
    return new


@primitive("array.newWithAll", world=True)
def new_with_all(world: World) -> Any:
    return lambda self, count, value: fill(world, self, count, value)


@primitive("sequence.with", world=True)
def with_(world: World) -> Any:
    """A new collection of the receiver's kind with the arguments as elements."""

    def with_(self: Any, *values: Any) -> Any:
        return from_values(world, self, list(values))

    return with_


@primitive("sequence.withAll", world=True)
def with_all(world: World) -> Any:
    return lambda self, values: from_values(world, self, list(elements(world, values)))


def from_values(world: World, prototype: Any, values: list[Any]) -> Any:
    kind: Any = world.kind_of(prototype) if is_object(prototype) else Array
    if kind is OrderedCollection or kind is SortedCollection:
        thing = filled(world, prototype, values)
        if thing is not MISSING:
            return thing
    if kind is String:
        if not all(type(value) is Character for value in values):
            raise Fault("SystemExceptions.WrongClass", "a String is made of Characters")
        return made(world, prototype, "".join(map(str, values)), kind)
    if kind is ByteArray:
        return made(world, prototype, bytearray(map(check_byte, values)), kind)
    if kind is SortedCollection:
        thing = made(world, prototype, values, kind)
        order(world, values, sort_block(world, thing))
        return thing
    return made(world, prototype, values, kind)
