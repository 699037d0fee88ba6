"""Primitives that put elements in order."""

from __future__ import annotations

from functools import cmp_to_key
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ...image.collections import (
    OrderedCollection,
    SortedCollection,
    String,
    text_of,
)
from ...image.object import MISSING
from ...image.values import Character
from . import primitive
from .elements import elements, ghost_of, two

if TYPE_CHECKING:
    from ..world import World


def order(world: World, values: list[Any], block: Any) -> None:
    """Sort in place, stably. ``block value: a value: b`` says whether a may stand before b; nil: by ``<=``.

    A block of one argument gives each element's rank.
    """
    if block is None:
        kinds = {type(value) for value in values}
        if kinds <= {int, float} or kinds == {Character}:
            values.sort()
            return
        if kinds and all(_is_plain_text(world, kind) for kind in kinds):
            values.sort(key=_fold)  # as <= of Strings
            return
        send = world.table("<=")

        def before(first: Any, second: Any) -> Any:
            return send[type(first)](first, second)

    elif type(block) is FunctionType and block.__code__.co_argcount == 1:
        ranks = [block(value) for value in values]
        places = list(range(len(values)))
        order(world, ranks_in_order := list(zip(ranks, places, strict=True)), _ranked_before(world))
        values[:] = [values[at] for _, at in ranks_in_order]
        return
    else:
        before = two(world, block)  # type: ignore[assignment]

    truth = world.truth

    def compare(first: Any, second: Any) -> int:
        # Python only asks "is first less": it is when second may not stand before it. Equals then keep their order.
        answer = before(second, first)
        return 0 if (answer if answer is True or answer is False else truth(answer, "sort:")) else -1

    values.sort(key=cmp_to_key(compare))


def _fold(thing: Any) -> tuple[str, str]:
    text = text_of(thing)
    return text.lower(), text


def _is_plain_text(world: World, kind: type) -> bool:
    """Strings, literal or not, whose <= is the library's."""
    if getattr(kind, "_p_ghost", kind) not in (str, String):
        return False
    comparing = world.table("<=")
    return comparing[kind] is comparing[str]


def _ranked_before(world: World) -> Any:
    send = world.table("<=")

    def before(first: Any, second: Any) -> Any:
        return send[type(first[0])](first[0], second[0])

    return before


@primitive("collection.asSortedCollection", world=True)
def as_sorted_collection(world: World) -> Any:
    def as_sorted_collection(self: Any, block: Any = None) -> Any:
        values = list(elements(world, self))
        order(world, values, block)
        thing = world.families.new(SortedCollection, values)
        if block is not None:
            thing.sortBlock = block
        return thing

    return as_sorted_collection


@primitive("collection.sorted", world=True)
def sorted_(world: World) -> Any:
    """An Array of the elements in order (an OrderedCollection of an OrderedCollection's)."""

    def sorted_(self: Any, block: Any = None) -> Any:
        from .elements import sequence_like

        values = list(elements(world, self))
        order(world, values, block)
        if ghost_of(self) is SortedCollection:
            return world.families.new(OrderedCollection, values)
        return sequence_like(world, self, values)

    return sorted_


def sort_block(world: World, self: Any) -> Any:
    if "sortBlock" in vars(self):
        return self.sortBlock
    value = world.family(self).find("sortBlock")[1]
    return None if value is MISSING or not callable(value) else value
