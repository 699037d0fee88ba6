"""What the primitives of collections share: reading any collection, calling blocks, answering the receiver's kind.

A collection is a literal (tuple, str, bytes), an object of image/collections.py with its contents under ``_items``,
or anything
whose ``do:`` somebody wrote. ``elements`` reads them all. It answers a snapshot, so that a loop over a
collection that changes meanwhile sees what was there when it began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
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
    equal,
    table_of,
    text_of,
)
from ...image.keys import of_key
from ...image.object import MISSING, Body, is_object, own_slots, set_dict
from ...image.sequences import Interval
from ...image.values import LETTERS, Character, Symbol
from ..families import sends
from ..flow import Fault

if TYPE_CHECKING:
    from ..world import World

LISTS = (Array, OrderedCollection, SortedCollection)


def ghost_of(thing: Any) -> type:
    """The class an object is stored as; the type itself for a native value."""
    return getattr(type(thing), "_p_ghost", type(thing))  # type: ignore[no-any-return]


def items(thing: Any) -> Any:
    """The hidden contents of an object, loaded; nil's own where a prototype has none yet."""
    return own_slots(thing).get("_items", MISSING)


def characters(text: str) -> list[Character]:
    return list(map(LETTERS.__getitem__, text))


def _text(thing: Any) -> list[Any]:
    return characters(text_of(thing))


def _list(thing: Any) -> list[Any]:
    return list(items(thing))


def _keys(thing: Any) -> list[Any]:
    return [of_key(key) for key in table_of(thing)]


def _repeated(thing: Any) -> list[Any]:
    return [value for key, count in table_of(thing).items() for value in (of_key(key),) * count]


READERS: dict[type, Callable[[Any], Sequence[Any]]] = {
    tuple: lambda thing: thing,
    bytes: lambda thing: thing,
    str: characters,
    Symbol: _text,
    String: _text,
    Array: _list,
    OrderedCollection: _list,
    SortedCollection: _list,
    ByteArray: lambda thing: bytes(items(thing)),
    Interval: items,
    Dictionary: lambda thing: list(table_of(thing).values()),
    IdentityDictionary: lambda thing: [value for _, value in table_of(thing).values()],
    Set: _keys,
    IdentitySet: lambda thing: list(table_of(thing).values()),
    Bag: _repeated,
}


def elements(world: World, thing: Any) -> Sequence[Any]:
    """The elements of any collection, in its own order. One that defines ``do:`` itself is asked by it."""
    cls = type(thing)
    reader = READERS.get(getattr(cls, "_p_ghost", cls))
    if reader is not None:
        function = world.table("do:").get(cls)
        if function is None:
            if is_object(thing):
                world.families.current(thing)
            function = world.table("do:")[type(thing)]
        if function is world.primitives["collection.do"]:
            return () if is_object(thing) and "_items" not in vars(thing) else reader(thing)
    found: list[Any] = []

    def gather(element: Any) -> None:
        found.append(element)

    world.send(thing, "do:", gather)
    return found


def held(world: World, thing: Any) -> Sequence[Any]:
    """The elements that a collection holds itself, whatever its ``do:``: what that means by ``super do:``."""
    reader = READERS.get(getattr(type(thing), "_p_ghost", type(thing)))
    if reader is None:
        return elements(world, thing)
    return () if is_object(thing) and "_items" not in vars(thing) else reader(thing)


def indexed(world: World, thing: Any) -> Sequence[Any]:
    """The elements of a sequence by its indexes, whatever ``do:`` was made to mean: one that goes through backwards
    (``do: aBlock [ self reverseDo: aBlock ]``) is not asked for what it asks for."""
    if thing.__class__ is tuple:
        return thing  # type: ignore[no-any-return]
    reader = READERS.get(getattr(type(thing), "_p_ghost", type(thing)))
    if reader is None or (is_object(thing) and "_items" not in vars(thing)):
        return elements(world, thing)
    return reader(thing)


# --- blocks --------------------------------------------------------------------


def one(world: World, block: Any) -> Callable[[Any], Any]:
    """What to call for ``block value: x``."""
    if type(block) is FunctionType and block.__code__.co_argcount == 1:
        return block
    send = world.table("value:")
    return lambda value: send[type(block)](block, value)


def two(world: World, block: Any) -> Callable[[Any, Any], Any]:
    """What to call for ``block value: x value: y``."""
    if type(block) is FunctionType and block.__code__.co_argcount == 2:
        return block
    send = world.table("value:value:")
    return lambda first, second: send[type(block)](block, first, second)


def run(world: World, block: Any) -> Any:
    """``block value``: a block's value; of anything else, what it answers to value (itself, by default)."""
    if type(block) is FunctionType and not block.__code__.co_argcount:
        return block()
    return world.send(block, "value")


def chosen(world: World, values: Sequence[Any], block: Any, wanted: bool, selector: str) -> Iterator[Any]:
    """The values for which the block answers ``wanted``."""
    test = one(world, block)
    for value in values:
        answer = test(value)
        if answer is wanted:
            yield value
        elif answer is not True and answer is not False:
            world.not_boolean(answer, selector)


def chosen_list(world: World, values: Sequence[Any], block: Any, wanted: bool, selector: str) -> list[Any]:
    """The same, at once."""
    test = one(world, block)
    found: list[Any] = []
    keep = found.append
    for value in values:
        answer = test(value)
        if answer is wanted:
            keep(value)
        elif answer is not True and answer is not False:
            world.not_boolean(answer, selector)
    return found


# --- answering the receiver's kind ------------------------------------------------


def enliven(thing: Any) -> None:
    """Let a new Array note what compiled code looks for in a live one."""
    note = getattr(type(thing), "_p_live", None)
    if note is not None:
        note(thing)


def like(world: World, model: Any, contents: Any, ghost: type[Body] | None = None) -> Any:
    """A new collection with these contents that delegates to what ``model`` delegates to."""
    kind = ghost or ghost_of(model)
    above = vars(model).get("parent*", MISSING) if is_object(model) else MISSING
    if above is MISSING or (ghost is not None and ghost is not ghost_of(model)):
        return world.families.new(kind, contents)
    if is_object(above):
        live: Any = world.families.clones_of(above, kind)
        thing = live.__new__(live)
        thing.__dict__ = {"parent*": above, "_items": contents}
        enliven(thing)
        return thing
    thing = kind.__new__(kind)  # type: ignore[call-overload]
    set_dict(thing, {"parent*": above, "_items": contents})
    world.families.adopt(thing)
    return thing


def made(world: World, prototype: Any, contents: Any, kind: type[Body]) -> Any:
    """A new clone of a prototype with these contents: what ``new`` and ``with:`` answer."""
    if not is_object(prototype) or prototype is world.lookup(kind._p_traits):
        # What is no more than its class says needs no parent* of its own.
        return world.families.new(kind, contents)
    live: Any = world.families.clones_of(prototype, kind)
    thing = live.__new__(live)
    slots = world.fresh(prototype)
    slots["_items"] = contents
    thing.__dict__ = slots
    enliven(thing)
    return thing


def filled(world: World, prototype: Any, values: list[Any]) -> Any:
    """For a class that a definition made: its ``new``, and then ``addAll:``, which its own methods may be behind.
    MISSING for the library's prototypes and their clones, whose contents can be given to them at once."""
    if not is_object(prototype) or "sort*" not in own_slots(prototype):
        return MISSING
    thing = world.send(prototype, "new")
    world.send(thing, "addAll:", world.new_array(values))
    return thing


def added(world: World, thing: Any, values: Any, *selectors: str) -> bool:
    """Add the values by the first of the selectors for which somebody wrote a method, as addAll: does by ANSI. False
    if nobody did, and nothing was added."""
    family = world.family(thing)
    for selector in selectors:
        if sends(family.find(selector)[1]):
            for value in elements(world, values):
                world.send(thing, selector, value)
            return True
    return False


def new_ordered(world: World, values: list[Any]) -> Any:
    return world.families.new(OrderedCollection, values)


def sequence_like(world: World, model: Any, values: list[Any]) -> Any:
    """The values as a collection of the model's species: Strings take Characters only, ByteArrays bytes only."""
    ghost = ghost_of(model)
    if ghost in (str, Symbol, String):
        if all(type(value) is Character for value in values):
            return like(world, model, "".join(map(str, values)), String)
        return world.new_array(values)
    if ghost in (bytes, ByteArray):
        return like(world, model, bytearray(check_byte(value) for value in values), ByteArray)
    if ghost in (OrderedCollection, Array):
        return like(world, model, values)
    if ghost is SortedCollection:
        thing = like(world, model, values)
        copy_block(model, thing)
        return thing
    return world.new_array(values)


def collected(world: World, model: Any, values: list[Any]) -> Any:
    """The results of ``collect:`` as a collection of the receiver's species; an Array where that cannot hold them."""
    ghost = ghost_of(model)
    if ghost is SortedCollection:
        return world.families.new(OrderedCollection, values)
    if ghost in (bytes, ByteArray):
        return world.new_array(values)
    return sequence_like(world, model, values)


def copy_block(model: Any, thing: Any) -> None:
    """A SortedCollection made from another keeps its order."""
    if "sortBlock" in own_slots(model):
        thing.sortBlock = model.sortBlock


def check_byte(value: Any) -> int:
    if type(value) is int and 0 <= value <= 255:
        return value
    shown = value if type(value) in (int, float) else "this"
    raise Fault("SystemExceptions.WrongArgument", f"a ByteArray holds integers from 0 to 255, not {shown}", value=value)


# --- indexes ----------------------------------------------------------------------


def out_of_range(world: World, index: Any, size: int) -> Fault:
    shown = index if type(index) is int else world.print_string(index)
    return Fault(
        "SystemExceptions.IndexOutOfRange", f"Index value {shown} out of range: only {size} elements", value=index
    )


def place(world: World, index: Any, size: int) -> int:
    """The Python index for an index of the language, which is checked."""
    if type(index) is int and 0 < index <= size:
        return index - 1
    raise out_of_range(world, index, size)


def span(world: World, start: Any, stop: Any, size: int) -> tuple[int, int]:
    """Python's bounds for ``from: start to: stop``. An empty stretch may begin right behind the end."""
    for index in (start, stop):
        if type(index) is not int:
            raise out_of_range(world, index, size)
    if stop < start:
        if stop == start - 1 and 1 <= start <= size + 1:
            return start - 1, stop
        if stop < start - 1:
            # gst answers an empty collection for any interval that runs backwards; the bounds must still be near.
            return 0, 0
        raise out_of_range(world, start, size)
    if start < 1:
        raise out_of_range(world, start, size)
    if stop > size:
        raise out_of_range(world, stop, size)
    return start - 1, stop


def find(values: Sequence[Any], wanted: Any, start: int = 0) -> int:
    """The Python index of the first element equal to wanted, or -1. Unlike Python's, true is not 1."""
    try:
        if type(values) is range:
            return values.index(wanted) if type(wanted) in (int, float) and start == 0 else _walk(values, wanted, start)
        if type(values) in (list, tuple):
            at = values.index(wanted, start)
            while not equal(values[at], wanted):
                at = values.index(wanted, at + 1)
            return at
    except ValueError:
        return -1
    return _walk(values, wanted, start)


def _walk(values: Sequence[Any], wanted: Any, start: int) -> int:
    return next((i for i in range(start, len(values)) if equal(values[i], wanted)), -1)


def empty() -> Fault:
    return Fault("SystemExceptions.EmptyCollection", "tried to access an empty collection")


def literal_written(kind: str) -> Fault:
    return Fault("SystemExceptions.ReadOnlyObject", f"a literal {kind} cannot be written: copy it first")
