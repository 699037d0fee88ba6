"""Primitives of streams that are written: elements, text, lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.values import Character
from ..flow import Fault
from . import primitive
from .elements import check_byte, elements
from .huge import digits_of
from .streams import loosen, state
from .text import is_text

if TYPE_CHECKING:
    from ..world import World


def put(self: Any, values: Any) -> None:
    """Write over what is there, and on behind it."""
    found, at = state(self), self._position
    if at == len(found):
        found += values
    else:
        found[at : at + len(values)] = values
    self._position = at + len(values)


def put_text(self: Any, text: str) -> None:
    """The same for text on a stream of text; at the end in one piece."""
    append = loosen(self)
    if append is None:
        state(self)
        put(self, text)
    else:
        append(text)


# What programs do most comes first: a Character or a text at the end of a text. Such a stream has a ``_v_put``.


@primitive("stream.nextPut", world=True, changes=True)
def next_put(world: World) -> Any:
    def next_put(self: Any, value: Any) -> Any:
        try:
            self._v_put(value._char)
            return value
        except AttributeError:
            pass
        if value.__class__ is Character and (append := loosen(self)) is not None:
            append(value._char)
            return value
        found, kind = state(self), self._kind
        stored = value
        if kind == "String":
            if type(value) is not Character:
                if is_text(value) and len(text_of(value)) == 1:
                    raise Fault(
                        "SystemExceptions.WrongClass", "nextPut: writes a Character; nextPutAll: writes a String"
                    )
                raise Fault(
                    "SystemExceptions.WrongClass", f"a stream on a String takes Characters, not {world.describe(value)}"
                )
            stored = str(value)
        elif kind == "ByteArray":
            check_byte(value)
        if self._position == len(found):
            found.append(stored)
            self._position += 1
        else:
            put(self, [stored])
        return value

    return next_put


@primitive("stream.nextPutAll", world=True, changes=True)
def next_put_all(world: World) -> Any:
    def next_put_all(self: Any, values: Any) -> Any:
        try:
            append = self._v_put
            text = values if values.__class__ is str else getattr(values, "_items", None)
            if text.__class__ is str:
                append(text)
                return self
        except AttributeError:
            pass
        kind = self._kind
        if kind == "String":
            if is_text(values):
                put_text(self, text_of(values))
                return self
            given = list(elements(world, values))
            if not all(type(value) is Character for value in given):
                raise Fault(
                    "SystemExceptions.WrongClass", f"a stream on a String takes text, not {world.describe(values)}"
                )
            put(self, [str(value) for value in given])
        elif kind == "ByteArray":
            put(
                self,
                [value.code if type(value) is Character else check_byte(value) for value in elements(world, values)],
            )
        else:
            put(self, list(elements(world, values)))
        return self

    return next_put_all


@primitive("stream.print", world=True, changes=True)
def print_(world: World) -> Any:
    def print_(self: Any, thing: Any) -> Any:
        if thing.__class__ is int and "_v_put" in vars(self):
            self._v_put(digits_of(thing))
            return self
        text = digits_of(thing) if thing.__class__ is int else text_of(world.send(thing, "printString"))
        if self._kind == "String":
            put_text(self, text)
        else:
            world.send(self, "nextPutAll:", text)
        return self

    return print_


@primitive("stream.display", world=True, changes=True)
def display(world: World) -> Any:
    """``<<``: what displayString answers."""

    def display(self: Any, thing: Any) -> Any:
        try:
            append = self._v_put
            text = thing if thing.__class__ is str else getattr(thing, "_items", None)
            if text.__class__ is str:
                append(text)
                return self
        except AttributeError:
            pass
        text = text_of(thing) if is_text(thing) else text_of(world.send(thing, "displayString"))
        if self._kind == "String":
            put_text(self, text)
        else:
            world.send(self, "nextPutAll:", text)
        return self

    return display


def _writes(name: str, text: str) -> None:
    @primitive(f"stream.{name}", changes=True)
    def write(self: Any, count: int = 1) -> Any:
        values: Any = text if count == 1 else text * count
        try:
            self._v_put(values)
            return self
        except AttributeError:
            pass
        if self._kind == "String":
            put_text(self, values)
        else:
            put(self, [Character(char) for char in values])
        return self


for _name, _text in {"nl": "\n", "tab": "\t", "space": " ", "cr": "\r", "lf": "\n"}.items():
    _writes(_name, _text)


@primitive("stream.truncate", changes=True)
def truncate(self: Any) -> Any:
    del state(self)[self._position :]
    return self


@primitive("stream.reset", changes=True)
def reset(self: Any) -> Any:
    state(self)
    self._position = 0
    return self


@primitive("stream.emptyStream", changes=True)
def empty_stream(self: Any) -> Any:
    state(self).clear()
    self._position = 0
    return self
