"""What walks in line ask when they run (walking.py): is it the library's own method that answers, and what are the
elements?

A walker answers None where a receiver has a walk of its own; the message is then sent. The elements are the snapshot
that the primitive of the same name goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

from ...image.object import is_object
from .elements import collected, elements, indexed, sequence_like
from .hashed import pairs, plain_pairs

if TYPE_CHECKING:
    from ..world import World

Read = Callable[["World", Any], Iterable[Any]]

# selector -> primitive that the library answers it with -> what it goes through
WALKERS: dict[str, dict[str, Read]] = {
    "do:": {"collection.do": indexed},  # it is the library's do: that answers
    "reverseDo:": {"sequence.reverseDo": lambda world, thing: indexed(world, thing)[::-1]},
    "keysDo:": {"dict.keysDo": lambda world, thing: [key for key, _ in pairs(thing)]},
    "doWithIndex:": {"sequence.doWithIndex": lambda world, thing: zip(indexed(world, thing), count(1))},
    "keysAndValuesDo:": {
        "sequence.keysAndValuesDo": lambda world, thing: enumerate(indexed(world, thing), 1),
        "dict.keysAndValuesDo": lambda world, thing: plain_pairs(thing),
    },
    "do:separatedBy:": {"collection.doSeparatedBy": elements},
    "collect:": {"sequence.collect": indexed},
    "select:": {"sequence.select": elements},
    "reject:": {"sequence.reject": elements},
    "inject:into:": {"collection.inject": elements},
    "detect:ifNone:": {"collection.detect": elements},
    "anySatisfy:": {"collection.any": elements},
    "allSatisfy:": {"collection.all": elements},
    "count:": {"collection.count": elements},
}
WALKERS["withIndexDo:"] = WALKERS["doWithIndex:"]


def walkers(world: World) -> dict[str, Callable[..., Any]]:
    """The globals of compiled code that walk: ``walk do:`` and so on, and what makes collections of results."""
    found: dict[str, Callable[..., Any]] = {
        f"walk {selector}": _walker(world, selector, {world.primitives[name]: read for name, read in readers.items()})
        for selector, readers in WALKERS.items()
    }
    found["walk with:do:"] = _both(world)
    found["collected"] = lambda model, values: collected(world, model, values)
    found["chosen"] = lambda model, values: sequence_like(world, model, values)
    return found


def _answering(world: World, selector: str) -> Callable[[Any], Any]:
    """Which function would answer a message?"""
    table = world.table(selector)

    def answering(thing: Any) -> Any:
        function = table.get(thing.__class__)
        if function is None:
            if is_object(thing):
                world.families.current(thing)
            function = table[thing.__class__]
        return function

    return answering


def _walker(world: World, selector: str, readers: dict[Any, Read]) -> Callable[[Any], Any]:
    answering, table = _answering(world, selector), world.table(selector)

    def walk(thing: Any) -> Any:
        read = readers.get(table.get(thing.__class__) or answering(thing))
        return None if read is None else read(world, thing)

    return walk


def _both(world: World) -> Callable[[Any, Any], Any]:
    answering, library = _answering(world, "with:do:"), world.primitives["sequence.withDo"]

    def walk(thing: Any, other: Any) -> Any:
        if answering(thing) is not library:
            return None
        mine, theirs = indexed(world, thing), elements(world, other)
        return zip(mine, theirs, strict=True) if len(mine) == len(theirs) else None  # the message says what is wrong

    return walk
