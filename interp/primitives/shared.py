"""Primitives for messages that run at the same time: the shared kinds, and readCurrent.

None of them registers its receiver: the contents are a record of their own, which merges (image/shared.py).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...image.collections import Dictionary
from ...image.keys import key_of
from ...image.merging import SharedBag, SharedDictionary, SharedQueue, parts, plain_key
from ...image.object import MISSING, is_object, own_slots
from ...image.values import ScaledDecimal
from ..flow import Fault
from . import primitive
from .elements import READERS, one, run, two

if TYPE_CHECKING:
    from ..world import World

NUMBERS = (int, Fraction, ScaledDecimal, float)


def contents(thing: Any) -> Any:
    found = own_slots(thing).get("_items", MISSING) if is_object(thing) else MISSING
    if found is MISSING:
        raise Fault("SystemExceptions.InvalidState", "this is the prototype; send it new")
    return found


def _key(world: World, key: Any) -> Any:
    found = plain_key(key)
    if is_object(found) or type(found).__name__ == "function":
        raise Fault(
            "SystemExceptions.WrongArgument",
            f"{world.describe(key)} cannot be an element or key of a shared collection: values can "
            "(numbers, Strings, Symbols, Characters, Booleans, nil, Arrays of these)",
            value=key,
        )
    return found


def _times(count: Any) -> int:
    if type(count) is not int or count < 0:
        raise Fault("SystemExceptions.InvalidArgument", "how often is an Integer from 0 on", value=count)
    return count


READERS[SharedQueue] = lambda thing: list(contents(thing))
READERS[SharedBag] = lambda thing: list(contents(thing))
READERS[SharedDictionary] = lambda thing: [value for _, value in contents(thing).items()]


@primitive("object.readCurrent", world=True)
def read_current(world: World) -> Any:
    def read_current(self: Any) -> Any:
        if is_object(self):
            for part in parts(self):
                if part._p_changed is None:
                    part._p_activate()
                if part._p_jar is not None and part._p_serial != NEW:
                    world.connection.readCurrent(part)
        return self

    return read_current


NEW = b"\0" * 8  # the serial of what was never committed


# --- counters ---------------------------------------------------------------------


def _number(found: Any) -> Any:
    return found.numerator if type(found) is Fraction and found.denominator == 1 else found


@primitive("counter.value")
def value(self: Any) -> Any:
    return _number(contents(self).value)


@primitive("counter.increase")
def increase(self: Any, by: Any = 1) -> Any:
    if type(by) not in NUMBERS:
        raise Fault("SystemExceptions.WrongClass", "a counter is increased by a number", value=by)
    return _number(contents(self).increase(by))


# --- queues -----------------------------------------------------------------------


@primitive("squeue.add")
def queue_add(self: Any, item: Any) -> Any:
    contents(self).add(item)
    return item


@primitive("squeue.takeIfAbsent", world=True)
def queue_take(world: World) -> Any:
    def take(self: Any, otherwise: Any) -> Any:
        item = contents(self).take(MISSING)
        return run(world, otherwise) if item is MISSING else item

    return take


@primitive("squeue.peekIfAbsent", world=True)
def queue_peek(world: World) -> Any:
    def peek(self: Any, otherwise: Any) -> Any:
        item = contents(self).peek(MISSING)
        return run(world, otherwise) if item is MISSING else item

    return peek


@primitive("shared.size")
def size(self: Any) -> int:
    return len(contents(self))


# --- bags -------------------------------------------------------------------------


@primitive("sbag.add", world=True)
def bag_add(world: World) -> Any:
    def add(self: Any, element: Any, count: Any = 1) -> Any:
        if _times(count):
            contents(self).add(_key(world, element), count)
        return element

    return add


@primitive("sbag.occurrencesOf")
def bag_occurrences(self: Any, element: Any) -> int:
    found = plain_key(element)
    return 0 if is_object(found) else int(contents(self).occurrences_of(found))


@primitive("sbag.removeIfAbsent", world=True)
def bag_remove(world: World) -> Any:
    def remove(self: Any, element: Any, otherwise: Any) -> Any:
        if not bag_occurrences(self, element):
            return run(world, otherwise)
        contents(self).remove(plain_key(element))
        return element

    return remove


@primitive("sbag.removeAllOccurrences")
def bag_remove_all(self: Any, element: Any) -> int:
    count = bag_occurrences(self, element)
    if count:
        contents(self).remove(plain_key(element), count)
    return count


@primitive("sbag.counts", world=True)
def bag_counts(world: World) -> Any:
    return lambda self: world.families.new(
        Dictionary, {key_of(element): count for element, count in contents(self).counts()}
    )


# --- dictionaries -----------------------------------------------------------------


@primitive("sdict.atIfAbsent", world=True)
def at_if_absent(world: World) -> Any:
    def at_if_absent(self: Any, key: Any, otherwise: Any) -> Any:
        found = plain_key(key)
        item = MISSING if is_object(found) else contents(self).get(found, MISSING)
        return run(world, otherwise) if item is MISSING else item

    return at_if_absent


@primitive("sdict.atPut", world=True)
def at_put(world: World) -> Any:
    def at_put(self: Any, key: Any, item: Any) -> Any:
        contents(self)[_key(world, key)] = item
        return item

    return at_put


@primitive("sdict.includesKey")
def includes_key(self: Any, key: Any) -> bool:
    found = plain_key(key)
    return not is_object(found) and found in contents(self)


@primitive("sdict.removeKeyIfAbsent", world=True)
def remove_key(world: World) -> Any:
    def remove_key(self: Any, key: Any, otherwise: Any) -> Any:
        found = plain_key(key)
        item = MISSING if is_object(found) else contents(self).pop(found, MISSING)
        return run(world, otherwise) if item is MISSING else item

    return remove_key


@primitive("sdict.keys", world=True)
def keys(world: World) -> Any:
    return lambda self: world.new_array(list(contents(self)))


@primitive("sdict.values", world=True)
def values(world: World) -> Any:
    return lambda self: world.new_array([item for _, item in contents(self).items()])


@primitive("sdict.keysAndValuesDo", world=True)
def keys_and_values_do(world: World) -> Any:
    def keys_and_values_do(self: Any, block: Any) -> Any:
        call = two(world, block)
        for key, item in list(contents(self).items()):
            call(key, item)
        return self

    return keys_and_values_do


@primitive("sdict.keysDo", world=True)
def keys_do(world: World) -> Any:
    def keys_do(self: Any, block: Any) -> Any:
        call = one(world, block)
        for key in list(contents(self)):
            call(key)
        return self

    return keys_do
