"""Primitives of the world itself: the Transcript, names, time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.object import is_object, own_slots
from ...image.values import Character
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("transcript.show", world=True)
def show(world: World) -> Any:
    def show(self: Any, thing: Any) -> Any:
        if isinstance(thing, str):
            text = text_of(thing)
        elif type(thing) is Character:
            text = str(thing)
        else:
            text = text_of(world.send(thing, "displayString"))
        world.transcript.append(text)
        return self

    return show


@primitive("system.at", world=True)
def at(world: World) -> Any:
    def at(self: Any, name: Any) -> Any:
        slots = own_slots(world.names)
        text = text_of(name)
        if text not in slots:
            raise Fault("SystemExceptions.NotFound", f"the world has nothing named {text}")
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
        world._stale(None)
        return value

    return remove_key


@primitive("system.milliseconds")
def milliseconds(self: Any) -> int:
    return time.monotonic_ns() // 1_000_000


@primitive("system.microseconds")
def microseconds(self: Any) -> int:
    return time.time_ns() // 1000
