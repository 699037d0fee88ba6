"""Primitives of sequences: Array, ByteArray, Interval, Ordered- and SortedCollection; Strings share some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import (
    ByteArray,
    OrderedCollection,
    SortedCollection,
    String,
    equal,
    text_of,
)
from ...image.object import MISSING, is_object, own_slots
from ...image.sequences import Interval
from ...image.values import Character, Symbol
from ..flow import Fault
from . import primitive
from .elements import (
    READERS,
    check_byte,
    chosen_list,
    collected,
    elements,
    empty,
    find,
    ghost_of,
    indexed,
    like,
    literal_written,
    one,
    out_of_range,
    place,
    sequence_like,
    span,
    two,
)
from .ordering import order, sort_block

if TYPE_CHECKING:
    from ..world import World

MOST = 1 << 27  # elements that one message may ask for; more is a slip of the pen, and would fill the memory
WORDS: dict[type, str] = {tuple: "Array", str: "String", Symbol: "Symbol", bytes: "ByteArray"}


def writable(self: Any) -> Any:
    """The contents, to be changed in place; refused for literals."""
    if is_object(self):
        contents = own_slots(self).get("_items", MISSING)
        if contents is MISSING:
            raise Fault("SystemExceptions.InvalidState", "this is the prototype; its clones hold elements")
        if ghost_of(self) is Interval:
            raise literal_written("Interval")
        return contents
    raise literal_written(WORDS.get(type(self), "value"))


# --- reading --------------------------------------------------------------------


def contents_of(self: Any) -> Any:
    """Elements in order, quickly, for reading: a list, tuple, range, bytes or str."""
    if is_object(self):
        contents = own_slots(self).get("_items", ())
        return text_of(self) if ghost_of(self) is String and contents != () else contents
    return str.__str__(self) if isinstance(self, str) else self


def element(self: Any, contents: Any, index: int) -> Any:
    """The element there: of text, a Character."""
    text = type(contents) is str or ghost_of(self) is String
    return Character(contents[index]) if text else contents[index]


@primitive("sequence.at", world=True)
def at(world: World) -> Any:
    def at(self: Any, index: Any) -> Any:
        contents = self if isinstance(self, tuple) else vars(self).get("_items", ())
        if type(index) is int and 0 < index <= len(contents):
            return contents[index - 1]
        raise out_of_range(world, index, len(contents))

    return at


@primitive("bytes.at", world=True)
def bytes_at(world: World) -> Any:
    return lambda self, index: (values := contents_of(self))[place(world, index, len(values))]


@primitive("sequence.atPut", world=True, changes=True)
def at_put(world: World) -> Any:
    def at_put(self: Any, index: Any, value: Any) -> Any:
        contents = vars(self).get("_items") if is_object(self) else None
        if contents.__class__ is list and index.__class__ is int and 0 < index <= len(contents):
            contents[index - 1] = value
            return value
        contents = writable(self)
        contents[place(world, index, len(contents))] = value
        return value

    return at_put


@primitive("bytes.atPut", world=True, changes=True)
def bytes_at_put(world: World) -> Any:
    def bytes_at_put(self: Any, index: Any, value: Any) -> Any:
        contents = writable(self)
        contents[place(world, index, len(contents))] = check_byte(value)
        return value

    return bytes_at_put


@primitive("sequence.size")
def size(self: Any) -> int:
    return len(self) if not is_object(self) else len(vars(self).get("_items", ()))


@primitive("sequence.first", world=True)
def first(world: World) -> Any:
    def first(self: Any) -> Any:
        contents = contents_of(self)
        if not contents:
            raise empty()
        return element(self, contents, 0)

    return first


@primitive("sequence.last", world=True)
def last(world: World) -> Any:
    def last(self: Any) -> Any:
        contents = contents_of(self)
        if not contents:
            raise empty()
        return element(self, contents, -1)

    return last


@primitive("sequence.indexOf", world=True)
def index_of(world: World) -> Any:
    """The index of the first element equal to the argument from ``start`` on, or 0."""

    def index_of(self: Any, wanted: Any, start: Any = 1) -> int:
        if type(self) is str and type(wanted) is Character and start == 1:
            return self.find(chr(wanted.code)) + 1
        values = indexed(world, self)
        if type(start) is not int or start < 1:
            raise out_of_range(world, start, len(values))
        return find(values, wanted, start - 1) + 1

    return index_of


@primitive("sequence.lastIndexOf", world=True)
def last_index_of(world: World) -> Any:
    def last_index_of(self: Any, wanted: Any) -> int:
        values = indexed(world, self)
        return next((i + 1 for i in range(len(values) - 1, -1, -1) if equal(values[i], wanted)), 0)

    return last_index_of


@primitive("sequence.identityIndexOf", world=True)
def identity_index_of(world: World) -> Any:
    from ..redefined import same

    def identity_index_of(self: Any, wanted: Any) -> int:
        values = indexed(world, self)
        return next((i + 1 for i, one in enumerate(values) if one is wanted or same(one, wanted)), 0)

    return identity_index_of


@primitive("sequence.copyFromTo", world=True)
def copy_from_to(world: World) -> Any:
    def copy_from_to(self: Any, start: Any, stop: Any = None) -> Any:
        contents = contents_of(self)
        begin, end = span(world, start, len(contents) if stop is None else stop, len(contents))
        return stretch(world, self, contents[begin:end])

    def for_family(family: Any) -> Any:
        text = world.families.default(String)
        if family is not text and family.live is not str:
            return None
        live: Any = text.live

        def copy_text(self: Any, start: Any, stop: Any = None) -> Any:
            contents = self if self.__class__ is str else self._items
            if start.__class__ is stop.__class__ is int and 0 < start <= stop <= len(contents):
                thing = live()
                thing.__dict__ = {"_items": contents[start - 1 : stop]}
                return thing
            return copy_from_to(self, start, stop)

        return copy_text

    copy_from_to.for_family = for_family  # type: ignore[attr-defined]
    return copy_from_to


def stretch(world: World, model: Any, contents: Any) -> Any:
    """A new sequence of the model's species with these raw contents (text, list, bytes ...)."""
    if type(contents) is str:
        return like(world, model, contents, String)
    if isinstance(contents, bytes | bytearray):
        return like(world, model, bytearray(contents), ByteArray)
    return sequence_like(world, model, list(contents))


@primitive("sequence.concatenate", world=True)
def concatenate(world: World) -> Any:
    def concatenate(self: Any, other: Any) -> Any:
        mine = contents_of(self)
        if type(mine) is str:
            if isinstance(other, str) or ghost_of(other) is String:
                return like(world, self, mine + text_of(other), String)
            if not _is_collection(world, other):
                raise Fault(
                    "SystemExceptions.WrongClass",
                    f"a String is joined with a collection, not with {world.describe(other)}",
                )
        elif not _is_collection(world, other):
            raise Fault(
                "SystemExceptions.WrongClass",
                f"a collection is joined with a collection, not with {world.describe(other)}",
            )
        return kept_sorted(world, self, [*elements(world, self), *elements(world, other)])

    def for_family(family: Any) -> Any:
        text = world.families.default(String)
        if family is not text and family.live is not str:
            return None
        live: Any = text.live
        clean: Any = text.clean

        def join(self: Any, other: Any) -> Any:
            cls = other.__class__
            mine = self if self.__class__ is str else self._items
            theirs = other if cls is str else other._items if cls is live or cls is clean else None
            if mine.__class__ is theirs.__class__ is str:
                thing = live()
                thing.__dict__ = {"_items": mine + theirs}
                return thing
            return concatenate(self, other)

        return join

    concatenate.for_family = for_family  # type: ignore[attr-defined]
    return concatenate


def kept_sorted(world: World, model: Any, values: list[Any]) -> Any:
    """The values as a collection of the model's species; in its order, if it has one."""
    if ghost_of(model) is SortedCollection:
        order(world, values, sort_block(world, model))
    return sequence_like(world, model, values)


def _is_collection(world: World, thing: Any) -> bool:
    return ghost_of(thing) in READERS or world.understands(thing, "do:")


@primitive("sequence.copyWith", world=True)
def copy_with(world: World) -> Any:
    return lambda self, value: kept_sorted(world, self, [*elements(world, self), value])


@primitive("sequence.reverse", world=True)
def reverse(world: World) -> Any:
    def reverse(self: Any) -> Any:
        contents = contents_of(self)
        if ghost_of(self) is SortedCollection:
            return world.families.new(OrderedCollection, list(contents)[::-1])
        return stretch(world, self, contents[::-1])

    def for_family(family: Any) -> Any:
        text = world.families.default(String)
        if family is not text and family.live is not str:
            return None
        live: Any = text.live

        def reverse_text(self: Any) -> Any:
            thing = live()
            thing.__dict__ = {"_items": text_of(self)[::-1]}
            return thing

        return reverse_text

    reverse.for_family = for_family  # type: ignore[attr-defined]
    return reverse


@primitive("sequence.reverseDo", world=True)
def reverse_do(world: World) -> Any:
    def reverse_do(self: Any, block: Any) -> Any:
        call = one(world, block)
        for value in indexed(world, self)[::-1]:
            call(value)
        return self

    return reverse_do


@primitive("sequence.doWithIndex", world=True)
def do_with_index(world: World) -> Any:
    def do_with_index(self: Any, block: Any) -> Any:
        call = two(world, block)
        for index, value in enumerate(indexed(world, self), 1):
            call(value, index)
        return self

    return do_with_index


@primitive("sequence.keysAndValuesDo", world=True)
def keys_and_values_do(world: World) -> Any:
    def keys_and_values_do(self: Any, block: Any) -> Any:
        call = two(world, block)
        for index, value in enumerate(indexed(world, self), 1):
            call(index, value)
        return self

    return keys_and_values_do


@primitive("sequence.fromToDo", world=True)
def from_to_do(world: World) -> Any:
    def from_to_do(self: Any, start: Any, stop: Any, block: Any) -> Any:
        values = indexed(world, self)
        begin, end = span(world, start, stop, len(values))
        call = one(world, block)
        for value in values[begin:end]:
            call(value)
        return self

    return from_to_do


@primitive("sequence.withDo", world=True)
def with_do(world: World) -> Any:
    def with_do(self: Any, other: Any, block: Any) -> Any:
        mine, theirs = _pairs(world, self, other)
        call = two(world, block)
        for first, second in zip(mine, theirs, strict=True):
            call(first, second)
        return self

    return with_do


@primitive("sequence.withCollect", world=True)
def with_collect(world: World) -> Any:
    def with_collect(self: Any, other: Any, block: Any) -> Any:
        mine, theirs = _pairs(world, self, other)
        call = two(world, block)
        return world.new_array([call(first, second) for first, second in zip(mine, theirs, strict=True)])

    return with_collect


def _pairs(world: World, self: Any, other: Any) -> tuple[Any, Any]:
    mine, theirs = indexed(world, self), elements(world, other)
    if len(mine) != len(theirs):
        raise Fault(
            "SystemExceptions.InvalidArgument", f"collections of different sizes: {len(mine)} and {len(theirs)}"
        )
    return mine, theirs


@primitive("sequence.select", world=True)
def select(world: World) -> Any:
    return lambda self, block: sequence_like(
        world, self, chosen_list(world, elements(world, self), block, True, "select:")
    )


@primitive("sequence.reject", world=True)
def reject(world: World) -> Any:
    return lambda self, block: sequence_like(
        world, self, chosen_list(world, elements(world, self), block, False, "reject:")
    )


@primitive("sequence.collect", world=True)
def collect(world: World) -> Any:
    """A collection of the receiver's species; an Array where that cannot hold the results."""

    def collect(self: Any, block: Any) -> Any:
        call = one(world, block)
        return collected(world, self, [call(value) for value in indexed(world, self)])

    return collect
