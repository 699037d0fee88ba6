"""Primitives of text: String (literal and mutable), Symbol, Character."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from ...image.collections import String, text_of
from ...image.object import is_object
from ...image.values import LETTERS, Character, Symbol
from ..flow import Fault
from . import huge, primitive
from .elements import elements, ghost_of, like, new_ordered, out_of_range, place, span
from .sequences import writable

if TYPE_CHECKING:
    from ..world import World


def is_text(thing: Any) -> bool:
    """A String, literal or not, or a Symbol."""
    return isinstance(thing, str) or ghost_of(thing) is String


def need_text(world: World, thing: Any) -> str:
    """The text of an argument; a Character counts as a text of one."""
    if thing.__class__ is str:
        return thing  # type: ignore[no-any-return]
    contents = getattr(thing, "_items", None)
    if contents.__class__ is str:
        return contents  # type: ignore[no-any-return]
    if is_text(thing):
        return text_of(thing)
    if type(thing) is Character:
        return str(thing)
    raise Fault("SystemExceptions.WrongClass", f"{world.describe(thing)} is no text", value=thing)


def own_text(self: Any) -> str:
    """The text of a receiver; a prototype has none of its own."""
    contents = self if self.__class__ is str else getattr(self, "_items", None)
    if contents.__class__ is str:
        return contents  # type: ignore[no-any-return]
    if isinstance(self, str):
        return str.__str__(self)
    return text_of(self) if "_items" in vars(self) else ""


def chars(self: Any) -> Any:
    """The contents as a list of characters, to be written in place."""
    contents = writable(self)
    if type(contents) is str:
        contents = vars(self)["_items"] = list(contents)
    return contents


# --- String ---------------------------------------------------------------------


@primitive("string.at", world=True)
def at(world: World) -> Any:
    def at(self: Any, index: Any) -> Character:
        contents = self if isinstance(self, str) else vars(self).get("_items", "")
        if index.__class__ is int and 0 < index <= len(contents):
            return LETTERS[contents[index - 1]]
        raise out_of_range(world, index, len(contents))

    return at


@primitive("string.atPut", world=True, changes=True)
def at_put(world: World) -> Any:
    def at_put(self: Any, index: Any, value: Any) -> Any:
        contents = chars(self)
        where = place(world, index, len(contents))
        if type(value) is not Character:
            raise Fault(
                "SystemExceptions.WrongClass", f"a String holds Characters, not {world.describe(value)}", value=value
            )
        contents[where] = str(value)
        return value

    return at_put


@primitive("character.<")
def character_less(self: Character, other: Any) -> bool:
    return code_of(self) < code_of(other)


@primitive("character.>")
def character_greater(self: Character, other: Any) -> bool:
    return code_of(self) > code_of(other)


@primitive("character.<=")
def character_less_equal(self: Character, other: Any) -> bool:
    return code_of(self) <= code_of(other)


@primitive("character.>=")
def character_greater_equal(self: Character, other: Any) -> bool:
    return code_of(self) >= code_of(other)


def code_of(thing: Any) -> int:
    if type(thing) is not Character:
        raise Fault("SystemExceptions.WrongClass", "a Character is compared with Characters only")
    return thing.code


@primitive("string.size")
def size(self: Any) -> int:
    return len(self) if isinstance(self, str) else len(vars(self).get("_items", ""))


@primitive("string.equals")
def equals(self: Any, other: Any) -> bool:
    mine = self if self.__class__ is str else getattr(self, "_items", None)
    if mine.__class__ is str:
        theirs = other if other.__class__ is str else getattr(other, "_items", None)
        if theirs.__class__ is str:
            return mine == theirs  # type: ignore[no-any-return]
    return self is other or (type(self) is not Symbol and bool(self == other))


RECENT: dict[str, Symbol] = {}  # Symbols made lately: what nobody holds is forgotten, and making one takes a while


@primitive("string.asSymbol")
def as_symbol(self: Any) -> Symbol:
    text = own_text(self)
    found = RECENT.get(text)
    if found is None:
        found = Symbol(text)
        if len(RECENT) >= 500:
            RECENT.clear()
        if len(text) < 100:
            RECENT[text] = found
    return found


@primitive("string.asString")
def as_string(self: Any) -> Any:
    """A Symbol's text; a String is its own."""
    return str.__str__(self) if type(self) is Symbol else self


def _maker(name: str, change: Any) -> None:
    @primitive(name, world=True)
    def make(world: World) -> Any:
        def convert(self: Any) -> Any:
            text = change(own_text(self))
            if self.__class__ is str or is_object(self) and "parent*" not in vars(self):
                return world.new_string(text)
            return Symbol(text) if type(self) is Symbol else like(world, self, text, String)

        return convert


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_maker("string.asUppercase", str.upper)
_maker("string.asLowercase", str.lower)
_maker("string.first upper", _capital)
_maker("string.first lower", lambda text: text[:1].lower() + text[1:])
_maker("string.trimmed", str.strip)


@primitive("string.compare")
def compare(self: Any, other: Any) -> int:
    """-1, 0 or 1: the order of two texts, code point by code point, upper and lower case being different."""
    first, second = own_text(self), text_of(other)
    return (first > second) - (first < second)


def _ordering(name: str, test: Any) -> None:
    @primitive(name, world=True)
    def make(world: World) -> Any:
        def compare(self: Any, other: Any) -> bool:
            mine = self if self.__class__ is str else own_text(self)
            theirs = other if other.__class__ is str else need_text(world, other)
            first, second = mine.lower(), theirs.lower()
            # < of Strings does not look at case (ANSI 5.7.10); equal but for case, it does, so that = and < agree.
            return test(first, second) if first != second else test(mine, theirs)  # type: ignore[no-any-return]

        return compare


_ordering("string.<", operator.lt)
_ordering("string.>", operator.gt)
_ordering("string.<=", operator.le)
_ordering("string.>=", operator.ge)


@primitive("string.sameAs", world=True)
def same_as(world: World) -> Any:
    return lambda self, other: is_text(other) and own_text(self).lower() == text_of(other).lower()


@primitive("string.startsWith", world=True)
def starts_with(world: World) -> Any:
    return lambda self, other: own_text(self).startswith(need_text(world, other))


@primitive("string.endsWith", world=True)
def ends_with(world: World) -> Any:
    return lambda self, other: own_text(self).endswith(need_text(world, other))


@primitive("string.includesSubstring", world=True)
def includes_substring(world: World) -> Any:
    return lambda self, other: need_text(world, other) in own_text(self)


@primitive("string.indexOfText", world=True)
def index_of_text(world: World) -> Any:
    """Where a text begins, from an index on; 0 if it is not there."""
    return lambda self, other, start=1: own_text(self).find(need_text(world, other), max(start, 1) - 1) + 1


@primitive("string.occurrencesOfString", world=True)
def occurrences_of_string(world: World) -> Any:
    def occurrences(self: Any, other: Any) -> int:
        part = need_text(world, other)
        return own_text(self).count(part) if part else 0

    return occurrences


@primitive("string.replaceText", world=True)
def replace_text(world: World) -> Any:
    """A copy with every occurrence of a text replaced by another."""

    def replace(self: Any, old: Any, new: Any) -> Any:
        part = need_text(world, old)
        text = own_text(self)
        return like(world, self, text.replace(part, need_text(world, new)) if part else text, String)

    return replace


@primitive("string.substrings", world=True)
def substrings(world: World) -> Any:
    """The pieces between separators, none of them empty. Without an argument, what lies between white space."""

    def substrings(self: Any, separators: Any = None) -> Any:
        text = own_text(self)
        if separators is None:
            pieces = text.split()
        else:
            marks = need_text(world, separators)
            if len(marks) == 1:
                pieces = [piece for piece in text.split(marks) if piece]
                return new_ordered(world, list(map(world.new_string, pieces)))
            pieces = [piece for piece in re.split(f"[{re.escape(marks)}]", text) if piece] if marks else [text]
        return new_ordered(world, list(map(world.new_string, pieces)))

    return substrings


@primitive("string.splitOn", world=True)
def split_on(world: World) -> Any:
    """The pieces between occurrences of a separator text; empty ones count."""

    def split_on(self: Any, separator: Any) -> Any:
        mark = need_text(world, separator)
        text = own_text(self)
        return new_ordered(world, [world.new_string(piece) for piece in (text.split(mark) if mark else [text])])

    return split_on


@primitive("string.lines", world=True)
def lines(world: World) -> Any:
    return lambda self: world.new_array([world.new_string(line) for line in own_text(self).splitlines()])


@primitive("string.join", world=True)
def join(world: World) -> Any:
    """The elements of a collection, each as text, with the receiver between them."""

    def join(self: Any, parts: Any) -> Any:
        texts = [part if part.__class__ is str else need_text(world, part) for part in elements(world, parts)]
        return world.new_string(own_text(self).join(texts))

    return join


NUMBER = re.compile(r"\s*([+-]?)(?:(\d+)r(-?[0-9A-Z]+)|(\d+)(\.\d+)?(?:[eE]([+-]?\d+))?)")


@primitive("string.asNumber")
def as_number(self: Any) -> Any:
    """The number that the text begins with, or nil."""
    text = own_text(self)
    if text.isdecimal() and text.isascii() and len(text) < 1000:
        return int(text)
    match = NUMBER.match(text)
    if match is None:
        return None
    sign, base, digits, whole, part, power = match.groups()
    try:
        if base is not None:
            number: Any = int(digits, int(base))
        elif part is None and (power is None or (power[0] != "-" and len(power) < 6)):
            number = huge.from_digits(whole) * 10 ** int(power or 0)
        else:
            number = float(f"{whole}{part or ''}e{power or 0}")
    except ValueError:
        return int(base) if base is not None else None
    return -number if sign == "-" else number


@primitive("string.asInteger")
def as_integer(self: Any) -> Any:
    text = own_text(self)
    if text.isdecimal() and text.isascii() and len(text) < 1000:
        return int(text)
    match = re.match(r"\s*([+-]?\d+)", text)
    return huge.from_digits(match[1]) if match else None


@primitive("string.isNumeric")
def is_numeric(self: Any) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?", own_text(self)) is not None


@primitive("string.bytes", world=True)
def to_bytes(world: World) -> Any:
    from ...image.collections import ByteArray

    return lambda self: world.families.new(ByteArray, bytearray(own_text(self).encode("utf-8", "surrogatepass")))


@primitive("bytes.asString", world=True)
def decode(world: World) -> Any:
    def decode(self: Any) -> Any:
        return world.new_string(
            bytes(self if isinstance(self, bytes) else vars(self).get("_items", b"")).decode("utf-8")
        )

    return decode


@primitive("string.replaceSpan", world=True, changes=True)
def replace_span(world: World) -> Any:
    """Write text over the characters from start to stop, in place."""

    def replace(self: Any, start: Any, stop: Any, other: Any, first: Any = 1) -> Any:
        contents = chars(self)
        begin, end = span(world, start, stop, len(contents))
        text = (
            need_text(world, other) if is_text(other) else "".join(need_text(world, e) for e in elements(world, other))
        )
        given = text[first - 1 : first - 1 + end - begin]
        if len(given) < end - begin:
            raise out_of_range(world, first + end - begin - 1, len(text))
        contents[begin:end] = given
        return self

    return replace


@primitive("string.replaceAll", world=True, changes=True)
def replace_all(world: World) -> Any:
    """Replace one Character by another, in place."""

    def replace(self: Any, old: Any, new: Any) -> Any:
        a, b = need_text(world, old), need_text(world, new)
        chars(self)[:] = [b if char == a else char for char in chars(self)]
        return self

    return replace


@primitive("string.reverseInPlace", changes=True)
def reverse_in_place(self: Any) -> Any:
    chars(self).reverse()
    return self


@primitive("string.atAllPut", world=True, changes=True)
def at_all_put(world: World) -> Any:
    def at_all_put(self: Any, value: Any) -> Any:
        contents = chars(self)
        contents[:] = [need_text(world, value)] * len(contents)
        return self

    return at_all_put


@primitive("string.asArray", world=True)
def as_array(world: World) -> Any:
    return lambda self: world.new_array([Character(char) for char in own_text(self)])


@primitive("string.bindWith", world=True)
def bind_with(world: World) -> Any:
    """``%1 %2``: the arguments' display strings put in their places; ``%<yes|no>1`` is one of two texts for a Boolean
    (gst), ``%%`` a percent sign."""

    def bind_with(self: Any, *values: Any) -> Any:
        def put(match: re.Match[str]) -> str:
            if match[0] == "%%":
                return "%"
            at = int(match[3])
            if not 0 < at <= len(values):
                return match[0]
            value = values[at - 1]
            if match[1] is None or not isinstance(value, bool):
                return text_of(world.send(value, "displayString"))
            return match[1] if value else match[2]

        return world.new_string(re.sub(r"%(?:%|(?:<([^|>]*)\|([^>]*)>)?(\d+))", put, own_text(self)))

    return bind_with


def _refused(selector: str) -> None:
    @primitive(f"string.refused {selector}", world=True)
    def make(world: World) -> Any:
        """A text is a sequence, but takes no part in the arithmetic of sequences: 'a' + 1 is not understood."""
        return lambda self, other: world.does_not_understand(self, selector, (other,))


for _selector in ("+", "-", "*", "/", "//", "\\"):
    _refused(_selector)


@primitive("symbol.numArgs")
def num_args(self: Any) -> int:
    text = own_text(self)
    return text.count(":") or (0 if text[:1].isalpha() or text[:1] == "_" else 1)


@primitive("symbol.value", world=True)
def symbol_value(world: World) -> Any:
    """``#size value: 'abc'`` sends it, so that a Symbol can stand for a block."""
    return lambda self, receiver, *args: world.send(receiver, str.__str__(self), *args)
