"""Collections of a class that keeps its elements itself (``Collection subclass: Chain [ do: aBlock [ ... ] ]``).

The library's primitives read the contents that an Array or OrderedCollection has in Python. An instance of such a class
has none: its own ``do:`` is asked, or its ``at:`` and ``size``, and the primitive is run on an Array of what they give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..flow import Fault
from .elements import elements

if TYPE_CHECKING:
    from ..world import World

WRITING = {"sequence.sort", "sequence.swap", "sequence.atAllPut", "sequence.replaceFromToWithStartingAt"}
PLAIN = {"collection.new", "sequence.with", "sequence.withAll", "sequence.atPut", "collection.elements"}


def by_messages(world: World, name: str, function: Any) -> Any:
    """What a primitive of collections is for such an instance."""
    if name in PLAIN:
        return function
    made: Callable[..., Any] | None = {
        "collection.do": _do, "collection.size": _size, "sequence.size": _size, "sequence.at": _at
    }.get(name)  # fmt: skip
    if made is not None:
        return made(world, function)

    def on_array(self: Any, *args: Any) -> Any:
        array = world.new_array(list(elements(world, self)))
        answer = function(array, *args)
        if name in WRITING:
            for index, value in enumerate(array._items, 1):
                world.send(self, "at:put:", index, value)
            return self
        return self if answer is array else answer

    return on_array


def _asks(world: World, self: Any, selector: str) -> bool:
    """Has its class a method of its own for that, which is not one of these?"""
    return not hasattr(world.table(selector)[type(self)], "by_messages")


def _missing(world: World, self: Any, selector: str) -> Fault:
    text = f"This method is a subclass responsibility: {world.describe(self)} has no {selector} of its own"
    return Fault("SystemExceptions.SubclassResponsibility", text)


def _marked(function: Any) -> Any:
    function.by_messages = True
    return function


def _do(world: World, _: Any) -> Any:
    def do(self: Any, block: Any) -> Any:
        if not (world.understands(self, "at:") and _asks(world, self, "at:") and _asks(world, self, "size")):
            raise _missing(world, self, "do:")
        for index in range(1, world.send(self, "size") + 1):
            world.send(block, "value:", world.send(self, "at:", index))
        return self

    return _marked(do)


def _size(world: World, _: Any) -> Any:
    def size(self: Any) -> int:
        if not _asks(world, self, "do:"):
            raise _missing(world, self, "do:")
        return len(elements(world, self))

    return _marked(size)


def _at(world: World, _: Any) -> Any:
    def at(self: Any, index: Any) -> Any:
        if not _asks(world, self, "do:"):
            raise _missing(world, self, "at:")
        return world.send(world.new_array(list(elements(world, self))), "at:", index)

    return _marked(at)
