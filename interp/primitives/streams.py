"""Primitives of streams: a position in a list of elements.

Text streams hold single characters (str), which leave as Characters. One that is written at its end is *loose*: it
holds pieces of any length, its position is END, whatever that is in elements, and ``_v_put`` appends a piece. ``state``
makes elements of them before anybody looks.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ...image.collections import ByteArray, String, equal, text_of
from ...image.object import MISSING, is_object, own_slots
from ...image.sequences import Stream
from ...image.values import LETTERS, Character, Symbol
from ..flow import Fault
from . import primitive
from .elements import elements, ghost_of, one
from .text import is_text

if TYPE_CHECKING:
    from ..world import World

WHITE = " \t\n\r\f\v"
END = sys.maxsize


def new_stream(world: World, kind: str, contents: list[Any] | None = None, prototype: Any = None) -> Any:
    """A stream for writing text (or what else ``kind`` says), at its end."""
    prototype = prototype or world.lookup("ReadWriteStream")
    live: Any = world.families.clones_of(prototype, Stream)
    stream = live.__new__(live)
    contents = [] if contents is None else contents
    slots = world.fresh(prototype)
    slots.update({"_items": contents, "_position": len(contents), "_kind": kind})
    if prototype is world.lookup("ReadStream") and reads_plainly(world, live):
        slots["_v_chars" if kind == "String" else "_v_read"] = contents
    stream.__dict__ = slots
    return stream


def reads_plainly(world: World, cls: type) -> bool:
    """Do the library's own methods answer next and atEnd of such a stream? Then compiled code may (hashing.py)."""
    return all(world.table(name)[cls] is world.primitives["stream." + name] for name in ("next", "atEnd"))


def kind_of(collection: Any) -> str:
    ghost = ghost_of(collection)
    if ghost in (str, String, Symbol):
        return "String"
    return "ByteArray" if ghost in (bytes, ByteArray) else "Array"


def raw(world: World, collection: Any) -> list[Any]:
    """A collection's elements as a stream holds them."""
    if is_text(collection):
        return list(text_of(collection))
    return list(elements(world, collection))


@primitive("stream.on", world=True)
def on(world: World) -> Any:
    """A stream on a collection: at its start (to read), empty (to write over it), or at its end (to write on)."""

    def on(self: Any, collection: Any, how: Any) -> Any:
        if not is_text(collection) and not world.understands(collection, "do:"):
            raise Fault(
                "SystemExceptions.WrongClass", f"a stream is on a collection, not on {world.describe(collection)}"
            )
        contents = [] if str(how) == "empty" else raw(world, collection)
        stream = new_stream(world, kind_of(collection), contents, self)
        stream._position = 0 if str(how) != "end" else len(contents)
        return stream

    return on


def state(self: Any) -> list[Any]:
    contents = own_slots(self).get("_items", MISSING) if is_object(self) else MISSING
    if contents is MISSING:
        raise Fault("SystemExceptions.InvalidState", "this is the prototype of streams: make one with on:")
    slots: Any = vars(self)
    if slots.get("_loose"):
        contents[:] = "".join(contents)  # type: ignore[index]
        slots["_loose"] = False
        slots["_position"] = len(contents)  # type: ignore[arg-type]
        slots.pop("_v_put", None)
    return contents  # type: ignore[no-any-return]


def loosen(self: Any) -> Any:
    """What appends a piece to a stream of text that is at its end, which is loose from now on; None of any other."""
    slots: Any = vars(self)
    items = slots.get("_items")
    if items is None or slots["_kind"] != "String" or not (slots.get("_loose") or slots["_position"] == len(items)):
        return None
    slots["_loose"] = True
    slots["_position"] = END
    put = slots["_v_put"] = items.append
    return put


def out(value: Any, kind: str) -> Any:
    return Character(value) if kind == "String" and type(value) is str and len(value) == 1 else value


def collected(world: World, self: Any, values: list[Any]) -> Any:
    """Elements as the kind of collection that the stream is on."""
    kind = self._kind
    if kind == "String":
        try:
            return world.new_string("".join(values))
        except TypeError:  # not all are text
            pass
        return world.new_array([out(value, kind) for value in values])
    if kind == "ByteArray" and all(type(value) is int and 0 <= value <= 255 for value in values):
        return world.families.new(ByteArray, bytearray(values))
    return world.new_array(values)


def past_end() -> Fault:
    return Fault("SystemExceptions.EndOfStream", "end of stream reached")


# --- reading --------------------------------------------------------------------


@primitive("stream.next", world=True, changes=True)
def next_(world: World) -> Any:
    """The next element; nil at the end, after PastEnd has been signalled (which is resumable)."""

    def next_(self: Any) -> Any:
        try:
            at = self._position
            value = self._items[at]
        except IndexError:
            return world.send(self, "pastEnd")
        except AttributeError:
            contents, at = state(self), 0
            if not contents:
                return world.send(self, "pastEnd")
            value = contents[0]
        self._position = at + 1
        return LETTERS[value] if value.__class__ is str and self._kind == "String" else value

    return next_


@primitive("stream.nextCount", world=True, changes=True)
def next_count(world: World) -> Any:
    def next_count(self: Any, count: Any) -> Any:
        contents, at = state(self), self._position
        if type(count) is not int or count < 0:
            raise Fault("SystemExceptions.InvalidArgument", "how many to read is an Integer from 0 on")
        if at + count > len(contents):
            raise past_end()
        self._position = at + count
        return collected(world, self, contents[at : at + count])

    return next_count


@primitive("stream.nextAvailable", world=True, changes=True)
def next_available(world: World) -> Any:
    def next_available(self: Any, count: Any) -> Any:
        contents, at = state(self), self._position
        self._position = min(at + count, len(contents))
        return collected(world, self, contents[at : self._position])

    return next_available


@primitive("stream.peek")
def peek(self: Any) -> Any:
    try:
        value = self._items[self._position]
        return LETTERS[value] if value.__class__ is str and self._kind == "String" else value
    except (IndexError, AttributeError):
        pass
    contents, at = state(self), self._position
    return out(contents[at], self._kind) if at < len(contents) else None


@primitive("stream.peekFor", changes=True)
def peek_for(self: Any, wanted: Any) -> bool:
    contents, at = state(self), self._position
    if at < len(contents) and equal(out(contents[at], self._kind), wanted):
        self._position = at + 1
        return True
    return False


@primitive("stream.atEnd")
def at_end(self: Any) -> bool:
    try:
        return self._position >= len(self._items)  # type: ignore[no-any-return]
    except AttributeError:
        return not state(self)


@primitive("stream.upTo", world=True, changes=True)
def up_to(world: World) -> Any:
    """What comes before the next element equal to the argument, which is skipped; all if there is none."""

    def up_to(self: Any, wanted: Any) -> Any:
        contents, at, kind = state(self), self._position, self._kind
        end = at
        if kind == "String" and type(wanted) is Character:
            try:
                end = contents.index(wanted._char, at)
            except ValueError:
                end = len(contents)
        else:
            while end < len(contents) and not equal(out(contents[end], kind), wanted):
                end += 1
        self._position = min(end + 1, len(contents))
        return collected(world, self, contents[at:end])

    return up_to


@primitive("stream.upToEnd", world=True, changes=True)
def up_to_end(world: World) -> Any:
    def up_to_end(self: Any) -> Any:
        contents, at = state(self), self._position
        self._position = len(contents)
        return collected(world, self, contents[at:])

    return up_to_end


@primitive("stream.upToAll", world=True, changes=True)
def up_to_all(world: World) -> Any:
    """What comes before the next occurrence of a whole sequence, which is skipped."""

    def up_to_all(self: Any, sequence: Any) -> Any:
        contents, start = state(self), self._position
        wanted = raw(world, sequence)
        at = start
        while at + len(wanted) <= len(contents):
            if all(equal(a, b) for a, b in zip(contents[at : at + len(wanted)], wanted, strict=True)):
                self._position = at + len(wanted)
                return collected(world, self, contents[start:at])
            at += 1
        self._position = len(contents)
        return collected(world, self, contents[start:])

    return up_to_all


@primitive("stream.upToSatisfying", world=True, changes=True)
def up_to_satisfying(world: World) -> Any:
    def up_to_satisfying(self: Any, block: Any) -> Any:
        contents, start = state(self), self._position
        test, at = one(world, block), start
        while at < len(contents) and not world.truth(test(out(contents[at], self._kind)), "upToSatisfying:"):
            at += 1
        self._position = min(at + 1, len(contents))
        return collected(world, self, contents[start:at])

    return up_to_satisfying


@primitive("stream.nextLine", world=True, changes=True)
def next_line(world: World) -> Any:
    """The text up to the end of the line (lf, cr or cr-lf), which is skipped."""

    def next_line(self: Any) -> Any:
        contents, at = state(self), self._position
        if at >= len(contents):
            return world.send(self, "pastEnd")
        end = at
        while end < len(contents) and contents[end] not in ("\n", "\r"):
            end += 1
        self._position = end + (2 if contents[end : end + 2] == ["\r", "\n"] else 1 if end < len(contents) else 0)
        return collected(world, self, contents[at:end])

    return next_line


@primitive("stream.skip", changes=True)
def skip(self: Any, count: Any) -> Any:
    if type(count) is not int:
        raise Fault("SystemExceptions.WrongClass", "how many to skip is an Integer")
    size = len(state(self))
    self._position = min(max(self._position + count, 0), size)
    return self


@primitive("stream.skipTo", changes=True)
def skip_to(self: Any, wanted: Any) -> bool:
    """Go behind the next element equal to the argument; false, at the end, if there is none."""
    contents, at = state(self), self._position
    while at < len(contents):
        at += 1
        if equal(out(contents[at - 1], self._kind), wanted):
            self._position = at
            return True
    self._position = at
    return False


@primitive("stream.skipSeparators", changes=True)
def skip_separators(self: Any) -> bool:
    """Go to the next character that is no white space; whether there is one."""
    contents, at = state(self), self._position
    while at < len(contents) and (contents[at] in WHITE if type(contents[at]) is str else str(contents[at]) in WHITE):
        at += 1
    self._position = at
    return at < len(contents)


@primitive("stream.position")
def position(self: Any) -> int:
    state(self)
    return int(self._position)


@primitive("stream.setPosition", world=True, changes=True)
def set_position(world: World) -> Any:
    def set_position(self: Any, at: Any) -> Any:
        size = len(state(self))
        if type(at) is not int or not 0 <= at <= size:
            raise Fault(
                "SystemExceptions.IndexOutOfRange",
                f"Index value {world.print_string(at)} out of range: only {size} elements",
                value=at,
            )
        self._position = at
        return self

    return set_position


@primitive("stream.toEnd", changes=True)
def to_end(self: Any) -> Any:
    self._position = len(state(self))
    return self


@primitive("stream.size")
def size(self: Any) -> int:
    return len(state(self))


@primitive("stream.do", world=True, changes=True)
def do(world: World) -> Any:
    def do(self: Any, block: Any) -> Any:
        call = one(world, block)
        while self._position < len(state(self)):
            at = self._position
            self._position = at + 1
            call(out(state(self)[at], self._kind))
        return self

    return do


@primitive("stream.contents", world=True)
def contents(world: World) -> Any:
    return lambda self: collected(world, self, list(state(self)))


@primitive("stream.written", world=True)
def written(world: World) -> Any:
    """What lies before the position."""

    def written(self: Any) -> Any:
        if vars(self).get("_loose"):
            return world.new_string("".join(self._items))
        return collected(world, self, state(self)[: self._position])

    return written


@primitive("stream.readStream", world=True)
def read_stream(world: World) -> Any:
    def read_stream(self: Any) -> Any:
        stream = new_stream(world, self._kind, list(state(self)), world.lookup("ReadStream"))
        stream._position = 0
        return stream

    return read_stream
