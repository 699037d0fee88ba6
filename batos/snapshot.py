"""What an object is, as data that can cross the wire: values as values, objects as handles, all of it bounded.

No message is sent to an object for it: a picture of an object must not run its code, which may fail, loop or change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .bridge.codes import Code
from .image.object import Body, own_slots
from .image.values import Character, ScaledDecimal, Symbol

if TYPE_CHECKING:
    from .interp.world import World

MOST_SLOTS = 1000  # of one object in a state
MOST_TEXT = 4096  # characters of one string
MOST_ITEMS = 100  # of one literal array
MOST_DEPTH = 4


class Refused(Exception):
    """A command that cannot be carried out as it was put: `.code` for the wire."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def handle_of(thing: Any) -> str | None:
    """The handle of a stored object, in hexadecimal; None for anything else."""
    oid = getattr(thing, "_p_oid", None) if isinstance(thing, Body) else None
    return oid.hex() if oid else None


def object_of(world: World, handle: str | None) -> Body:
    """The object that a handle names; None names the genesis object. Refused if there is none."""
    if handle is None:
        return world.genesis
    try:
        thing = world.connection.get(bytes.fromhex(handle.zfill(16)))
        if isinstance(thing, Body):
            own_slots(thing)
            return thing
    except KeyError:
        pass
    raise Refused(Code.NO_SUCH_OBJECT, f"no object of this image has the handle {handle}")


def as_data(world: World, value: Any, depth: int = 0) -> Any:
    """A value as data."""
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return value
    if kind is str:
        return cut(value, MOST_TEXT)
    if kind is bytes:
        return value[:MOST_TEXT]
    if kind is tuple:
        if depth >= MOST_DEPTH:
            return {"literal": "(...)"}
        return [as_data(world, item, depth + 1) for item in value[:MOST_ITEMS]]
    if isinstance(value, Body):
        return {"handle": handle_of(value) or "", "print": world.describe(value)}
    if kind in (Symbol, Character, Fraction, ScaledDecimal):
        return {"literal": printed(value)}
    return {"handle": "", "print": "a BlockClosure" if kind is FunctionType else f"a {kind.__name__}"}


def printed(value: Any) -> str:
    """A value on one line, as the language writes it."""
    if isinstance(value, Symbol):
        return "#" + str.__str__(value)
    if isinstance(value, Character):
        return f"${value}"
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return cut(str(value), MOST_TEXT)


def show(world: World, value: Any) -> str:
    """A value on one line for a list of slots."""
    if isinstance(value, Body):
        return world.describe(value)
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) is str:
        return "'" + cut(value, 200).replace("'", "''") + "'"
    if type(value) is tuple:
        more = " ..." if len(value) > 20 else ""
        return "(" + " ".join(show(world, item) for item in value[:20]) + more + ")"
    if type(value) is bytes:
        return "#[" + " ".join(map(str, value[:64])) + (" ...]" if len(value) > 64 else "]")
    if type(value) is FunctionType:
        return "a block"
    if type(value) is int and value.bit_length() > 10_000:
        return f"an Integer of {value.bit_length()} bits"
    return cut(printed(value), 200)


def slots_of(thing: Body) -> Iterator[tuple[str, Any, bool]]:
    """Name, value and whether it is a method, of each slot a person has made. Accessors kept under `&name` come as
    `name`."""
    from .interp.families import is_method

    slots = own_slots(thing)
    for name in names_of(thing):
        value = slots[name]
        yield name, value, is_method(value)


def methods_of(thing: Body) -> list[Body]:
    """The methods of an object's own. Only kinds of values are looked at: a million data cost little."""
    from .interp.families import is_method

    values = own_slots(thing).values()
    samples = {type(value): value for value in values}
    kinds = {kind for kind, value in samples.items() if is_method(value)}
    return [value for value in values if type(value) in kinds] if kinds else []


def names_of(thing: Body) -> list[str]:
    """The names of those slots. A million of them take a tenth of a second: their values are not looked at."""
    return [name for name in own_slots(thing) if name[0] != "_" and (name[-1] != "*" or name == "parent*")]


def state_of(world: World, thing: Body) -> tuple[dict[str, Any], bool]:
    """The slots of an object as data, methods as their selectors; and whether there was more."""
    state: dict[str, Any] = {}
    for name, value, method in slots_of(thing):
        if len(state) >= MOST_SLOTS:
            return state, True
        if method:
            selector = name.removeprefix("&") if len(name) > 1 else name
            state[name] = {"method": selector, "handle": handle_of(value) or "", "print": selector}
        else:
            state[name] = as_data(world, value)
    return state, False


def from_data(world: World, value: Any) -> Any:
    """The value that data from the wire stands for: handles become objects, lists and maps new collections."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, list):
        return world.new_array([from_data(world, item) for item in value])
    if isinstance(value, dict):
        handle = value.get("handle")
        if isinstance(handle, str) and value.keys() <= {"handle", "print"}:
            try:
                return object_of(world, handle)
            except ValueError:
                raise Refused(Code.NO_SUCH_OBJECT, f"{handle[:40]!r} is no handle") from None
        if "literal" in value:
            raise Refused(Code.BAD_VALUE, "a literal is for reading; send an evaluate to write it")
        return world.new_dictionary({key: from_data(world, item) for key, item in value.items()})
    raise Refused(Code.BAD_VALUE, f"a {type(value).__name__} cannot become a value of the image")


def cut(text: str, most: int) -> str:
    """At most `most` characters, with the number of those left out."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most} characters more)"
