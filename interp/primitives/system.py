"""Primitives of the world itself: the Transcript, names, time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.object import is_object, own_slots
from ...image.values import Character, Symbol
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("transcript.show", world=True)
def show(world: World) -> Any:
    def show(self: Any, thing: Any) -> Any:
        world.transcript.append(shown(world, thing, "displayString"))
        return self

    return show


def shown(world: World, thing: Any, how: str) -> str:
    """printString or displayString as Python text. A text or Character is shown as it is, if displayString is asked.

    A carriage return ends a line, as the Smalltalks have it that write ``aStream cr``.
    """
    plain = how == "displayString" and (type(thing) is str or type(thing) is Character)
    text: str = str(thing) if plain else text_of(world.send(thing, how))
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@primitive("transcript.nl", world=True)
def nl(world: World) -> Any:
    def nl(self: Any) -> Any:
        world.transcript.append("\n")
        return self

    return nl


def _show_line(how: str) -> Any:
    def make(world: World) -> Any:
        def show_line(self: Any) -> Any:
            world.transcript.append(shown(world, self, how) + "\n")
            return self

        return show_line

    return make


primitive("object.displayNl", world=True)(_show_line("displayString"))
primitive("object.printNl", world=True)(_show_line("printString"))


@primitive("system.at", world=True)
def at(world: World) -> Any:
    def at(self: Any, name: Any) -> Any:
        slots = own_slots(world.names)
        text = text_of(name)
        if text not in slots:
            report = f"key not found: the world has nothing named {text}"
            raise Fault("SystemExceptions.NotFound", report, "key not found", value=name)
        return slots[text]

    return at


@primitive("system.atPut", world=True)
def at_put(world: World) -> Any:
    def at_put(self: Any, name: Any, value: Any) -> Any:
        world.set_name(text_of(name), value)
        return value

    return at_put


@primitive("system.includesKey", world=True)
def includes_key(world: World) -> Any:
    return lambda self, name: text_of(name) in own_slots(world.names)


@primitive("system.removeKey", world=True)
def remove_key(world: World) -> Any:
    def remove_key(self: Any, name: Any) -> Any:
        text = text_of(name)
        slots = own_slots(world.names)
        if text not in slots:
            raise Fault("SystemExceptions.NotFound", f"the world has nothing named {text}")
        value = slots[text]
        world.families.remove_slot(world.names, text)
        if is_object(value) and own_slots(value).get("name*") == text:
            delattr(value, "name*")
        world.stale(None)
        return value

    return remove_key


@primitive("system.quit")
def quit_(self: Any, status: Any = 0) -> Any:
    from ..flow import Quit

    raise Quit(status if type(status) is int else 0)


@primitive("system.milliseconds")
def milliseconds(self: Any) -> int:
    return time.monotonic_ns() // 1_000_000


@primitive("system.microseconds")
def microseconds(self: Any) -> int:
    return time.time_ns() // 1000


@primitive("system.keys", world=True)
def keys(world: World) -> Any:
    def keys(self: Any) -> Any:
        names = (name for name in sorted(own_slots(world.names)) if name[0].isalpha() and name[-1] != "*")
        return world.new_array([Symbol(name) for name in names])

    return keys


@primitive("system.version")
def version(self: Any) -> str:
    from importlib.metadata import version

    return f"BAT OS {version('bat-os')}"
