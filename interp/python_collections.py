"""What Python's own words for collections (``for``, ``in``, ``len``, ``[...]``, ``sorted``, ``items()``) mean in a
Python body where the collection is one of the image.

Indexes in a Python body count from 0, as everywhere in Python: ``self.items[0]`` is ``items at: 1``. Iterating goes
over a copy of the contents, so that a body may change what it goes through. A Dictionary gives its keys, as a dict
does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..image.object import is_object

if TYPE_CHECKING:
    from .world import World

GO_THROUGH = frozenset(
    "list tuple set frozenset sorted sum min max any all enumerate zip reversed map filter dict".split()
)
"""Functions of Python that go through their arguments."""
TAKES_MANY = frozenset(
    "join extend update union intersection difference symmetric_difference issubset issuperset isdisjoint".split()
)
"""Methods of Python's own values that do."""


def python_words(world: World) -> dict[str, Callable[..., Any]]:
    """The helpers that rewritten code calls. Each leaves what is no object of the image to Python."""
    send = world.send

    def by_keys(thing: Any) -> bool:
        return world.understands(thing, "includesKey:")

    def each(thing: Any) -> Any:
        if not is_object(thing):
            return thing
        found: list[Any] = []

        def keep(value: Any) -> None:  # a block is a function of Python's; a method of a list is none
            found.append(value)

        if by_keys(thing):
            send(thing, "keysDo:", keep)
        elif world.understands(thing, "do:"):
            send(thing, "do:", keep)
        else:
            raise TypeError(f"{world.describe(thing)} is no collection")
        return found

    def size(thing: Any) -> Any:
        return send(thing, "size") if is_object(thing) else len(thing)

    def holds(thing: Any, value: Any) -> bool:
        if not is_object(thing):
            return value in thing
        return bool(send(thing, "includesKey:" if by_keys(thing) else "includes:", value))

    def at(thing: Any, index: Any) -> Any:
        if not is_object(thing):
            return thing[index]
        return send(thing, "at:", index) if by_keys(thing) else each(thing)[index]

    def put(thing: Any, index: Any, value: Any) -> None:
        if not is_object(thing):
            thing[index] = value
        elif by_keys(thing):
            send(thing, "at:put:", index, value)
        else:
            count = send(thing, "size")
            send(thing, "at:put:", (index if index >= 0 else count + index) + 1, value)

    def pairs(thing: Any) -> list[tuple[Any, Any]]:
        return [(key, send(thing, "at:", key)) for key in each(thing)]

    def get(thing: Any, key: Any, default: Any) -> Any:
        return send(thing, "at:ifAbsent:", key, lambda: default)

    def pop(thing: Any, index: Any) -> Any:
        if by_keys(thing):
            return send(thing, "removeKey:", index)
        value = at(thing, index)
        send(thing, "removeIndex:", (index if index >= 0 else send(thing, "size") + index) + 1)
        return value

    def insert(thing: Any, index: Any, value: Any) -> None:
        send(thing, "add:beforeIndex:", value, index + 1)

    return {
        "each ": each,
        "size ": size,
        "holds ": holds,
        "at ": at,
        "put ": put,
        "items/0": pairs,
        "get/2": get,
        "pop/1": pop,
        "insert/2": insert,
    }
