"""Values of one Python type that a Smalltalker knows as several classes: true and false, small and large integers.

Dispatch goes by Python type, and what everybody writes goes to the common traits object (Boolean, Integer, Float). The
prototypes named here hang below it: they are what ``class`` answers, and a method that a program puts into one of them
(``True extend [ ... ]``) is entered into dispatch as one function that looks at the value first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..image.object import own_slots
from .families import Family, is_method

if TYPE_CHECKING:
    from .world import World

SMALL = 1 << 62  # where SmallInteger ends on 64 bits: GNU Smalltalk's bound

Kinds = tuple[tuple[str, Callable[[Any], bool]], ...]

APART: dict[type, Kinds] = {
    bool: (("True", lambda value: value is True), ("False", lambda value: value is False)),
    int: (
        ("SmallInteger", lambda value: -SMALL <= value < SMALL),
        ("LargePositiveInteger", lambda value: value >= SMALL),
        ("LargeNegativeInteger", lambda value: value < -SMALL),
    ),
    float: (("FloatD", lambda value: True),),
}


def nearest(world: World, value: Any) -> Any:
    """The prototype that this value is of, where its type has several; else None."""
    for name, holds in APART.get(type(value), ()):
        if holds(value):
            return world.lookup_traits(name) if world.names is not None and name in own_slots(world.names) else None
    return None


def function_apart(world: World, family: Family, selector: str, cls: type) -> Any:
    """The function for a selector that one of the prototypes of this type has a method of its own for; else None."""
    if world.names is None:
        return None
    tests: list[tuple[Callable[[Any], bool], Any]] = []
    for name, holds in APART[cls]:
        holder = own_slots(world.names).get(name)
        slots = own_slots(holder) if holder is not None else {}
        method = slots.get("&" + selector, slots.get(selector))
        if is_method(method):
            tests.append((holds, world.method_function(method, holder, family, cls)))
    if not tests:
        return None
    others = world.function(family, selector, cls, whole=True)

    def by_value(receiver: Any, *args: Any) -> Any:
        for holds, function in tests:
            if holds(receiver):
                return function(receiver, *args)
        return others(receiver, *args)

    return by_value
