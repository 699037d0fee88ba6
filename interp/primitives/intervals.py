"""Primitives of Intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.sequences import Interval
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


def numbers(world: World, start: Any, stop: Any, step: Any) -> Any:
    if not step:
        raise Fault("SystemExceptions.InvalidArgument", "the step of an Interval cannot be 0")
    if type(start) is int and type(stop) is int and type(step) is int:
        return world.families.new(Interval, range(start, stop + (1 if step > 0 else -1), step))
    send = world.send
    over = "<=" if world.truth(send(step, ">", 0), "to:by:") else ">="
    values: list[Any] = []
    value = start
    while world.truth(send(value, over, stop), "to:by:"):
        values.append(value)
        value = send(start, "+", send(step, "*", len(values)))  # counted, so that 0 to: 1 by: 0.1 does not drift
    thing = world.families.new(Interval, tuple(values))
    thing._bounds = (start, stop, step)
    return thing


@primitive("interval.new", world=True)
def interval(world: World) -> Any:
    return lambda self, start, stop, step=1: numbers(world, start, stop, step)


@primitive("number.interval", world=True)
def number_interval(world: World) -> Any:
    return lambda self, stop, step=1: numbers(world, self, stop, step)


@primitive("interval.bound")
def bound(self: Any, which: int) -> Any:
    """1: the first number, 2: the last (that is reached, if any is), 3: the step."""
    contents = vars(self).get("_items", ())
    bounds = vars(self).get("_bounds") or (contents.start, contents.stop, contents.step)
    if which == 2:
        if len(contents):
            return contents[-1]
        return bounds[1] if "_bounds" in vars(self) else contents.stop - (1 if contents.step > 0 else -1)
    return bounds[which - 1]
