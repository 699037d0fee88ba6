"""Primitives of sequences that change: Ordered- and SortedCollections, writing over elements, sorting in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import (
    OrderedCollection,
)
from ..flow import Fault
from . import primitive
from .elements import (
    added,
    check_byte,
    chosen_list,
    elements,
    empty,
    find,
    made,
    out_of_range,
    place,
    run,
    span,
    two,
)
from .ordering import order, sort_block
from .sequences import writable

if TYPE_CHECKING:
    from ..world import World


@primitive("ordered.add", changes=True)
def add(self: Any, value: Any) -> Any:
    try:
        self._items.append(value)
    except AttributeError:
        writable(self).append(value)
    return value


@primitive("ordered.addFirst", changes=True)
def add_first(self: Any, value: Any) -> Any:
    writable(self).insert(0, value)
    return value


@primitive("ordered.addAll", world=True, changes=True)
def add_all(world: World) -> Any:
    def add_all(self: Any, values: Any) -> Any:
        if not added(world, self, values, "add:", "addLast:"):
            writable(self).extend(elements(world, values))
        return values

    return add_all


@primitive("ordered.addAllFirst", world=True, changes=True)
def add_all_first(world: World) -> Any:
    def add_all_first(self: Any, values: Any) -> Any:
        writable(self)[:0] = elements(world, values)
        return values

    return add_all_first


@primitive("ordered.addBeforeIndex", world=True, changes=True)
def add_before_index(world: World) -> Any:
    def add_before_index(self: Any, value: Any, index: Any) -> Any:
        contents = writable(self)
        if type(index) is not int or not 1 <= index <= len(contents) + 1:
            raise out_of_range(world, index, len(contents))
        contents.insert(index - 1, value)
        return value

    return add_before_index


@primitive("ordered.addAfterIndex", world=True, changes=True)
def add_after_index(world: World) -> Any:
    def add_after_index(self: Any, value: Any, index: Any) -> Any:
        contents = writable(self)
        if type(index) is not int or not 0 <= index <= len(contents):
            raise out_of_range(world, index, len(contents))
        contents.insert(index, value)
        return value

    return add_after_index


@primitive("ordered.removeFirst", changes=True)
def remove_first(self: Any) -> Any:
    try:
        return self._items.pop(0)
    except (AttributeError, IndexError):
        if not writable(self):
            raise empty() from None
        raise


@primitive("ordered.removeLast", changes=True)
def remove_last(self: Any) -> Any:
    try:
        return self._items.pop()
    except (AttributeError, IndexError):
        if not writable(self):
            raise empty() from None
        raise


@primitive("ordered.removeSome", world=True, changes=True)
def remove_some(world: World) -> Any:
    """Take the first (or last) n elements off; an Array-like of them."""

    def remove_some(self: Any, count: Any, at_end: Any) -> Any:
        contents = writable(self)
        if type(count) is not int or count < 0:
            raise Fault("SystemExceptions.InvalidArgument", "how many to remove is an Integer from 0 on")
        if count > len(contents):
            raise empty()
        begin = len(contents) - count if at_end else 0
        taken = contents[begin : begin + count]
        del contents[begin : begin + count]
        return world.families.new(OrderedCollection, taken)

    return remove_some


@primitive("ordered.removeIfAbsent", world=True, changes=True)
def remove_if_absent(world: World) -> Any:
    def remove_if_absent(self: Any, value: Any, otherwise: Any) -> Any:
        contents = writable(self)
        at = find(contents, value)
        if at < 0:
            return run(world, otherwise)
        return contents.pop(at)

    return remove_if_absent


@primitive("ordered.removeIndex", world=True, changes=True)
def remove_index(world: World) -> Any:
    def remove_index(self: Any, index: Any) -> Any:
        contents = writable(self)
        return contents.pop(place(world, index, len(contents)))

    return remove_index


@primitive("ordered.removeFromTo", world=True, changes=True)
def remove_from_to(world: World) -> Any:
    def remove_from_to(self: Any, start: Any, stop: Any) -> Any:
        contents = writable(self)
        begin, end = span(world, start, stop, len(contents))
        del contents[begin:end]
        return self

    return remove_from_to


@primitive("ordered.removeAllSuchThat", world=True, changes=True)
def remove_all_such_that(world: World) -> Any:
    def remove_all_such_that(self: Any, block: Any) -> Any:
        contents = writable(self)
        contents[:] = chosen_list(world, list(contents), block, False, "removeAllSuchThat:")
        return self

    return remove_all_such_that


@primitive("ordered.removeEverything", changes=True)
def remove_everything(self: Any) -> Any:
    writable(self).clear()
    return self


@primitive("sequence.atAllPut", world=True, changes=True)
def at_all_put(world: World) -> Any:
    def at_all_put(self: Any, value: Any) -> Any:
        contents = writable(self)
        if isinstance(contents, bytearray):
            check_byte(value)
        contents[:] = bytes([value]) * len(contents) if isinstance(contents, bytearray) else [value] * len(contents)
        return self

    return at_all_put


@primitive("sequence.replaceFromToWithStartingAt", world=True, changes=True)
def replace(world: World) -> Any:
    """Write a stretch of another sequence over this one's from start to stop."""

    def replace(self: Any, start: Any, stop: Any, other: Any, first: Any = 1) -> Any:
        contents = writable(self)
        begin, end = span(world, start, stop, len(contents))
        values = elements(world, other)
        if type(first) is not int or first < 1:
            raise out_of_range(world, first, len(values))
        given = values[first - 1 : first - 1 + end - begin]
        if len(given) < end - begin:
            raise out_of_range(world, first + end - begin - 1, len(values))
        if isinstance(contents, bytearray):
            contents[begin:end] = bytes(map(check_byte, given))
        else:
            contents[begin:end] = given
        return self

    return replace


@primitive("sequence.swap", world=True, changes=True)
def swap(world: World) -> Any:
    def swap(self: Any, first: Any, second: Any) -> Any:
        contents = writable(self)
        a, b = place(world, first, len(contents)), place(world, second, len(contents))
        contents[a], contents[b] = contents[b], contents[a]
        return self

    return swap


@primitive("sequence.sort", world=True, changes=True)
def sort(world: World) -> Any:
    def sort(self: Any, block: Any = None) -> Any:
        contents = writable(self)
        values = list(contents)
        order(world, values, block)
        contents[:] = values
        return self

    return sort


# --- SortedCollection -----------------------------------------------------------


@primitive("sorted.add", world=True, changes=True)
def sorted_add(world: World) -> Any:
    """Put an element behind those that may stand before it: found by halving."""

    def sorted_add(self: Any, value: Any) -> Any:
        contents = writable(self)
        block = sort_block(world, self)
        if block is None:
            send = world.table("<=")

            def before(first: Any, second: Any) -> Any:
                return send[type(first)](first, second)
        else:
            before = two(world, block)  # type: ignore[assignment]
        low, high = 0, len(contents)
        while low < high:
            middle = (low + high) // 2
            if world.truth(before(contents[middle], value), "add:"):
                low = middle + 1
            else:
                high = middle
        contents.insert(low, value)
        return value

    return sorted_add


@primitive("sorted.addAll", world=True, changes=True)
def sorted_add_all(world: World) -> Any:
    def sorted_add_all(self: Any, values: Any) -> Any:
        if added(world, self, values, "add:"):
            return values
        contents = writable(self)
        together = [*contents, *elements(world, values)]
        order(world, together, sort_block(world, self))
        contents[:] = together
        return values

    return sorted_add_all


@primitive("sorted.sortBlock", world=True, changes=True)
def set_sort_block(world: World) -> Any:
    def set_sort_block(self: Any, block: Any) -> Any:
        if world.name_of(self):
            thing = made(world, self, [], world.kind_of(self))
            thing.sortBlock = block
            return thing
        values = list(writable(self))
        order(world, values, block)
        self.sortBlock = block
        writable(self)[:] = values
        return self

    return set_sort_block
