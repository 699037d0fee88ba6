"""Primitives of sequences: Array, ByteArray, Interval, Ordered- and SortedCollection; Strings share some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import (
    Array,
    ByteArray,
    OrderedCollection,
    SortedCollection,
    String,
    equal,
    text_of,
)
from ...image.object import MISSING, is_object, own_slots, set_dict
from ...image.sequences import Interval
from ...image.values import Character, Symbol
from ..flow import Fault
from . import primitive
from .collections import order
from .elements import (
    READERS,
    check_byte,
    chosen_list,
    elements,
    empty,
    find,
    ghost_of,
    like,
    literal_written,
    made,
    one,
    out_of_range,
    place,
    run,
    sequence_like,
    span,
    two,
)

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
            set_dict(array, {"_items": items, "_v_array": items, "_v_mine": items})
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
        values = elements(world, self)
        if type(start) is not int or start < 1:
            raise out_of_range(world, start, len(values))
        return find(values, wanted, start - 1) + 1

    return index_of


@primitive("sequence.lastIndexOf", world=True)
def last_index_of(world: World) -> Any:
    def last_index_of(self: Any, wanted: Any) -> int:
        values = elements(world, self)
        return next((i + 1 for i in range(len(values) - 1, -1, -1) if equal(values[i], wanted)), 0)

    return last_index_of


@primitive("sequence.identityIndexOf", world=True)
def identity_index_of(world: World) -> Any:
    from ..world import same

    def identity_index_of(self: Any, wanted: Any) -> int:
        values = elements(world, self)
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
                set_dict(thing, {"_items": contents[start - 1 : stop]})
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
        texts = (str, live, text.clean)

        def join(self: Any, other: Any) -> Any:
            if other.__class__ in texts:
                thing = live()
                set_dict(thing, {"_items": text_of(self) + text_of(other)})
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

    return reverse


@primitive("sequence.reverseDo", world=True)
def reverse_do(world: World) -> Any:
    def reverse_do(self: Any, block: Any) -> Any:
        call = one(world, block)
        for value in elements(world, self)[::-1]:
            call(value)
        return self

    return reverse_do


@primitive("sequence.doWithIndex", world=True)
def do_with_index(world: World) -> Any:
    def do_with_index(self: Any, block: Any) -> Any:
        call = two(world, block)
        for index, value in enumerate(elements(world, self), 1):
            call(value, index)
        return self

    return do_with_index


@primitive("sequence.keysAndValuesDo", world=True)
def keys_and_values_do(world: World) -> Any:
    def keys_and_values_do(self: Any, block: Any) -> Any:
        call = two(world, block)
        for index, value in enumerate(elements(world, self), 1):
            call(index, value)
        return self

    return keys_and_values_do


@primitive("sequence.fromToDo", world=True)
def from_to_do(world: World) -> Any:
    def from_to_do(self: Any, start: Any, stop: Any, block: Any) -> Any:
        values = elements(world, self)
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
    mine, theirs = elements(world, self), elements(world, other)
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
        values = [call(value) for value in elements(world, self)]
        ghost = ghost_of(self)
        if ghost is SortedCollection:
            return world.families.new(OrderedCollection, values)
        if ghost in (bytes, ByteArray):
            return world.new_array(values)
        return sequence_like(world, self, values)

    return collect


# --- changing -------------------------------------------------------------------


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


def sort_block(world: World, self: Any) -> Any:
    if "sortBlock" in vars(self):
        return self.sortBlock
    value = world.family(self).find("sortBlock")[1]
    return None if value is MISSING or not callable(value) else value


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


# --- Interval -------------------------------------------------------------------


def numbers(world: World, start: Any, stop: Any, step: Any) -> Any:
    if not step:
        raise Fault("SystemExceptions.InvalidArgument", "the step of an Interval cannot be 0")
    if type(start) is int and type(stop) is int and type(step) is int:
        return world.families.new(Interval, range(start, stop + (1 if step > 0 else -1), step))
    send = world.send
    over = "<=" if world.truth(send(step, ">", 0), "to:by:") else ">="
    values: list[Any] = []
    value = start
    while world.truth(send(value, over, stop), "to:by:"):
        values.append(value)
        value = send(start, "+", send(step, "*", len(values)))  # counted, so that 0 to: 1 by: 0.1 does not drift
    thing = world.families.new(Interval, tuple(values))
    thing._bounds = (start, stop, step)
    return thing


@primitive("interval.new", world=True)
def interval(world: World) -> Any:
    return lambda self, start, stop, step=1: numbers(world, start, stop, step)


@primitive("number.interval", world=True)
def number_interval(world: World) -> Any:
    return lambda self, stop, step=1: numbers(world, self, stop, step)


@primitive("interval.bound")
def bound(self: Any, which: int) -> Any:
    """1: the first number, 2: the last (that is reached, if any is), 3: the step."""
    contents = vars(self).get("_items", ())
    bounds = vars(self).get("_bounds") or (contents.start, contents.stop, contents.step)
    if which == 2:
        if len(contents):
            return contents[-1]
        return bounds[1] if "_bounds" in vars(self) else contents.stop - (1 if contents.step > 0 else -1)
    return bounds[which - 1]
