"""What a class of streams that says itself what ``next`` or ``nextPut:`` mean gets for the rest of the protocol: the
library's primitives know the contents of a stream, and such a class need not have any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.values import Character
from ..families import Family, sends
from ..flow import Fault
from .elements import one

if TYPE_CHECKING:
    from ..world import World


def own(world: World, family: Family, name: str) -> Any:
    """The function that takes a primitive's place for such a class; None where the primitive does."""
    make = READING.get(name)
    if make is not None and sends(family.find("next")[1]) and sends(family.find("atEnd")[1]):
        return make(world)
    each, whole = sends(family.find("nextPut:")[1]), sends(family.find("nextPutAll:")[1])
    make = WRITING.get(name)
    # What it writes by super is the library's: only what it does not say itself goes by what it says.
    return make(world) if make is not None and (each if name == "stream.nextPutAll" else each or whole) else None


def _rest(world: World, thing: Any) -> Any:
    while world.send(thing, "atEnd") is not True:
        yield world.send(thing, "next")


def _collected(world: World, found: list[Any]) -> Any:
    if found and all(type(each) is Character for each in found):
        return world.new_string("".join(map(str, found)))
    return world.new_array(found)


def _do(world: World) -> Any:
    def do(self: Any, block: Any) -> Any:
        call = one(world, block)
        for each in _rest(world, self):
            call(each)
        return self

    return do


def _up_to_end(world: World) -> Any:
    return lambda self: _collected(world, list(_rest(world, self)))


def _until(world: World, thing: Any, found: Any) -> list[Any]:
    """Elements up to one that ``found`` knows, which is skipped."""
    values = []
    for each in _rest(world, thing):
        if found(each):
            break
        values.append(each)
    return values


def _up_to(world: World) -> Any:
    def up_to(self: Any, wanted: Any) -> Any:
        return _collected(world, _until(world, self, lambda each: world.send(each, "=", wanted) is True))

    return up_to


def _up_to_satisfying(world: World) -> Any:
    def up_to_satisfying(self: Any, block: Any) -> Any:
        call = one(world, block)
        return _collected(world, _until(world, self, lambda each: call(each) is True))

    return up_to_satisfying


def _next_line(world: World) -> Any:
    def next_line(self: Any) -> Any:
        line = _until(world, self, lambda each: each is Character("\n"))
        return world.new_string("".join(map(str, line)).removesuffix("\r"))

    return next_line


def _some(world: World, wanted: Any, all_of_them: bool) -> Any:
    def some(self: Any, count: Any) -> Any:
        found: list[Any] = []
        while len(found) < count and world.send(self, "atEnd") is not True:
            found.append(world.send(self, "next"))
        if all_of_them and len(found) < count:
            raise Fault("SystemExceptions.NotEnoughElements", f"{count} elements are wanted, and {len(found)} are left")
        return _collected(world, found) if wanted else self

    return some


def _skip_to(world: World) -> Any:
    def skip_to(self: Any, wanted: Any) -> bool:
        return any(world.send(each, "=", wanted) is True for each in _rest(world, self))

    return skip_to


READING: dict[str, Any] = {
    "stream.do": _do,
    "stream.upToEnd": _up_to_end,
    "stream.contents": _up_to_end,
    "stream.upTo": _up_to,
    "stream.upToSatisfying": _up_to_satisfying,
    "stream.nextLine": _next_line,
    "stream.nextCount": lambda world: _some(world, True, True),
    "stream.nextAvailable": lambda world: _some(world, True, False),
    "stream.skip": lambda world: _some(world, False, False),
    "stream.skipTo": _skip_to,
}


def _put_all(world: World) -> Any:
    def put_all(self: Any, values: Any) -> Any:
        world.send(values, "do:", lambda each: world.send(self, "nextPut:", each))
        return self

    return put_all


def _text(selector: str) -> Any:
    def make(world: World) -> Any:
        def write(self: Any, value: Any) -> Any:
            world.send(self, "nextPutAll:", world.send(value, selector))
            return self

        return write

    return make


def _character(text: str) -> Any:
    def make(world: World) -> Any:
        def write(self: Any) -> Any:
            world.send(self, "nextPut:", Character(text))
            return self

        return write

    return make


WRITING: dict[str, Any] = {
    "stream.nextPutAll": _put_all,
    "stream.print": _text("printString"),
    "stream.display": _text("displayString"),
    "stream.nl": _character("\n"),
    "stream.lf": _character("\n"),
    "stream.cr": _character("\n"),
    "stream.tab": _character("\t"),
    "stream.space": _character(" "),
}
