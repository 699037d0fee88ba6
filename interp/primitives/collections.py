"""Primitives that every collection shares: walking, choosing, testing, summing up, converting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...image.collections import (
    Bag,
    ByteArray,
    IdentitySet,
    OrderedCollection,
    Set,
    equal,
)
from ...image.keys import keys_of
from ...image.object import is_object
from ...image.values import Character
from ..flow import Fault
from . import primitive
from .elements import check_byte, chosen_list, elements, empty, find, ghost_of, held, made, one, run, two
from .text import is_text, own_text

if TYPE_CHECKING:
    from ..world import World


@primitive("collection.new", world=True)
def new(world: World) -> Any:
    """An empty collection of the receiver's kind; it delegates to the receiver."""

    def new(self: Any, capacity: Any = 0) -> Any:
        if type(capacity) is not int or capacity < 0:
            raise Fault("SystemExceptions.InvalidArgument", "the size of a collection is an Integer from 0 on")
        kind: Any = world.kind_of(self) if is_object(self) else type(self)
        return made(world, self, kind._p_empty(), kind) if hasattr(kind, "_p_empty") else world.send(self, "clone")

    return new


@primitive("collection.do", world=True)
def do(world: World) -> Any:
    def do(self: Any, block: Any) -> Any:
        call = one(world, block)
        for element in held(world, self):
            call(element)
        return self

    return do


@primitive("collection.doSeparatedBy", world=True)
def do_separated_by(world: World) -> Any:
    def do_separated_by(self: Any, block: Any, between: Any) -> Any:
        call, first = one(world, block), True
        for element in elements(world, self):
            if first:
                first = False
            else:
                run(world, between)
            call(element)
        return self

    return do_separated_by


@primitive("collection.elements", world=True)
def all_elements(world: World) -> Any:
    """An Array of the elements."""
    return lambda self: world.new_array(list(elements(world, self)))


@primitive("collection.size", world=True)
def size(world: World) -> Any:
    return lambda self: len(elements(world, self))


@primitive("collection.select", world=True)
def select(world: World) -> Any:
    """The chosen elements as an Array; the kinds make of it what they are."""
    return lambda self, block: world.new_array(chosen_list(world, elements(world, self), block, True, "select:"))


@primitive("collection.reject", world=True)
def reject(world: World) -> Any:
    return lambda self, block: world.new_array(chosen_list(world, elements(world, self), block, False, "reject:"))


@primitive("collection.collect", world=True)
def collect(world: World) -> Any:
    def collect(self: Any, block: Any) -> Any:
        call = one(world, block)
        return world.new_array([call(element) for element in elements(world, self)])

    return collect


@primitive("collection.inject", world=True)
def inject(world: World) -> Any:
    def inject(self: Any, start: Any, block: Any) -> Any:
        call, value = two(world, block), start
        for element in elements(world, self):
            value = call(value, element)
        return value

    return inject


@primitive("collection.fold", world=True)
def fold(world: World) -> Any:
    def fold(self: Any, block: Any) -> Any:
        values = elements(world, self)
        if not values:
            raise empty()
        call, value = two(world, block), values[0]
        for element in values[1:]:
            value = call(value, element)
        return value

    return fold


@primitive("collection.detect", world=True)
def detect(world: World) -> Any:
    """The first element for which the block answers true, else what the other block answers."""

    def detect(self: Any, block: Any, otherwise: Any) -> Any:
        test = one(world, block)
        for value in elements(world, self):
            answer = test(value)
            if answer is True:
                return value
            if answer is not False:
                world.not_boolean(answer, "detect:ifNone:")
        return run(world, otherwise)

    return detect


def _satisfy(name: str, selector: str, decides: bool) -> None:
    """Ask the elements until one gives the answer that decides; without one it is the other."""

    @primitive(name, world=True)
    def make(world: World) -> Any:
        def satisfy(self: Any, block: Any) -> bool:
            test = one(world, block)
            for value in elements(world, self):
                answer = test(value)
                if answer is decides:
                    return decides
                if answer is not (not decides):
                    world.not_boolean(answer, selector)
            return not decides

        return satisfy


_satisfy("collection.any", "anySatisfy:", True)
_satisfy("collection.all", "allSatisfy:", False)


@primitive("collection.count", world=True)
def count(world: World) -> Any:
    def count(self: Any, block: Any) -> int:
        test, found = one(world, block), 0
        for value in elements(world, self):
            answer = test(value)
            if answer is True:
                found += 1
            elif answer is not False:
                world.not_boolean(answer, "count:")
        return found

    return count


@primitive("collection.includes", world=True)
def includes(world: World) -> Any:
    return lambda self, wanted: find(elements(world, self), wanted) >= 0


@primitive("collection.identityIncludes", world=True)
def identity_includes(world: World) -> Any:
    from ..redefined import same

    return lambda self, wanted: any(one is wanted or same(one, wanted) for one in elements(world, self))


@primitive("collection.occurrencesOf", world=True)
def occurrences_of(world: World) -> Any:
    def occurrences_of(self: Any, wanted: Any) -> int:
        if wanted.__class__ is Character:  # equal to itself alone
            if is_text(self) and world.table("do:").get(self.__class__) is world.primitives["collection.do"]:
                return own_text(self).count(wanted._char)
            return sum(1 for one in elements(world, self) if one is wanted)
        return sum(1 for one in elements(world, self) if equal(one, wanted))

    return occurrences_of


@primitive("collection.sum", world=True)
def total(world: World) -> Any:
    """The sum of what a block answers for each element; 0 for none."""

    def total(self: Any, block: Any = None) -> Any:
        values: Sequence[Any] = elements(world, self)
        if block is not None:
            call = one(world, block)
            values = [call(value) for value in values]
        if all(type(value) is int or type(value) is float for value in values):
            return sum(values)
        result: Any = 0
        for index, value in enumerate(values):
            result = world.send(result, "+", value) if index else value
        return result

    return total


def _extreme(world: World, values: Sequence[Any], over: str) -> Any:
    if not values:
        raise empty()
    if all(type(value) is int or type(value) is float for value in values):
        return max(values) if over == ">" else min(values)
    best = values[0]
    for value in values[1:]:
        if world.truth(world.send(value, over, best), over):
            best = value
    return best


@primitive("collection.max", world=True)
def largest(world: World) -> Any:
    return lambda self: _extreme(world, elements(world, self), ">")


@primitive("collection.min", world=True)
def smallest(world: World) -> Any:
    return lambda self: _extreme(world, elements(world, self), "<")


def _by(world: World, over: str) -> Any:
    def best(self: Any, block: Any) -> Any:
        values = elements(world, self)
        if not values:
            return None  # as in Pharo and gst
        call = one(world, block)
        found, rank = values[0], call(values[0])
        for value in values[1:]:
            other = call(value)
            if world.truth(world.send(other, over, rank), over):
                found, rank = value, other
        return found

    return best


@primitive("collection.detectMax", world=True)
def detect_max(world: World) -> Any:
    return _by(world, ">")


@primitive("collection.detectMin", world=True)
def detect_min(world: World) -> Any:
    return _by(world, "<")


# --- converting -----------------------------------------------------------------


@primitive("collection.asOrderedCollection", world=True)
def as_ordered_collection(world: World) -> Any:
    return lambda self: world.families.new(OrderedCollection, list(elements(world, self)))


@primitive("collection.asBag", world=True)
def as_bag(world: World) -> Any:
    def as_bag(self: Any) -> Any:
        return world.families.new(Bag, dict(Counter(keys_of(elements(world, self)))))

    return as_bag


@primitive("collection.asSet", world=True)
def as_set(world: World) -> Any:
    return lambda self: world.families.new(Set, dict.fromkeys(keys_of(elements(world, self))))


@primitive("collection.asIdentitySet", world=True)
def as_identity_set(world: World) -> Any:
    from ...image.keys import identity

    return lambda self: world.families.new(IdentitySet, {identity(value): value for value in elements(world, self)})


@primitive("collection.asByteArray", world=True)
def as_byte_array(world: World) -> Any:
    def as_byte_array(self: Any) -> Any:
        values = elements(world, self)
        return world.families.new(
            ByteArray, bytearray(value.code if type(value) is Character else check_byte(value) for value in values)
        )

    return as_byte_array


@primitive("collection.asString", world=True)
def as_string(world: World) -> Any:
    """Text from Characters, and from bytes; the displayString of any other collection."""

    def as_string(self: Any) -> Any:
        values = list(elements(world, self))
        if ghost_of(self) in (bytes, ByteArray):
            return world.new_string("".join(map(chr, values)))
        if all(type(value) is Character for value in values):
            return world.new_string("".join(map(str, values)))
        return world.send(self, "displayString")

    return as_string
