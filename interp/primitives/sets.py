"""Primitives of Sets, IdentitySets and Bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import Bag, Dictionary, IdentitySet, Set, table_of
from ...image.keys import identity, key_of, keys_of
from ...image.object import MISSING
from ..flow import Fault
from . import primitive
from .elements import added, chosen, elements, filled, ghost_of, like, made, one, run
from .hashed import table

if TYPE_CHECKING:
    from ..world import World


@primitive("set.add", changes=True)
def set_add(self: Any, value: Any) -> Any:
    # An equal element that is there already stays.
    try:
        key = value if value.__class__ is int or value.__class__ is str else key_of(value)
        contents = self._items
        if contents.__class__ is dict:
            contents[key] = None  # a dict keeps the key it has
            return value
    except AttributeError:
        pass
    table(self).setdefault(key_of(value), None)
    return value


@primitive("set.addAll", world=True, changes=True)
def set_add_all(world: World) -> Any:
    def set_add_all(self: Any, values: Any) -> Any:
        if added(world, self, values, "add:"):
            return values
        contents = table(self)
        for value in elements(world, values):
            contents.setdefault(key_of(value), None)
        return values

    return set_add_all


@primitive("set.includes")
def set_includes(self: Any, value: Any) -> bool:
    try:
        contents = self._items
        if contents.__class__ is dict:
            return (value if value.__class__ is int or value.__class__ is str else key_of(value)) in contents
    except AttributeError:
        pass
    return key_of(value) in table_of(self)


@primitive("set.removeIfAbsent", world=True, changes=True)
def set_remove(world: World) -> Any:
    def set_remove(self: Any, value: Any, otherwise: Any) -> Any:
        try:
            if (value.__class__ is int or value.__class__ is str) and self._items.pop(value, MISSING) is not MISSING:
                return value
        except (TypeError, AttributeError):  # a list of pairs, as loaded, or no contents
            pass
        if table(self).pop(key_of(value), MISSING) is MISSING:
            return run(world, otherwise)
        return value

    return set_remove


@primitive("set.remove", world=True, changes=True)
def set_remove_plainly(world: World) -> Any:
    def remove(self: Any, value: Any) -> Any:
        try:
            if (value.__class__ is int or value.__class__ is str) and self._items.pop(value, MISSING) is not MISSING:
                return value
        except (TypeError, AttributeError):  # a list of pairs, as loaded, or no contents
            pass
        # Somebody's own remove:ifAbsent: decides.
        return world.send(self, "remove:ifAbsent:", value, not_found)

    def not_found() -> Any:
        raise Fault("SystemExceptions.NotFound", "Object not found")

    return remove


@primitive("set.with", world=True)
def set_with(world: World) -> Any:
    def set_with(self: Any, *found: Any) -> Any:
        thing = filled(world, self, list(found))
        return _from(world, self, found) if thing is MISSING else thing

    return set_with


@primitive("set.withAll", world=True)
def set_with_all(world: World) -> Any:
    def set_with_all(self: Any, found: Any) -> Any:
        thing = filled(world, self, list(elements(world, found)))
        return _from(world, self, elements(world, found)) if thing is MISSING else thing

    return set_with_all


def _contents(kind: type, found: Any) -> dict[Any, Any]:
    if kind is IdentitySet:
        return {identity(value): value for value in found}
    if kind is Bag:
        counts: dict[Any, int] = {}
        for key in keys_of(found):
            counts[key] = counts.get(key, 0) + 1
        return counts
    return dict.fromkeys(keys_of(found))


def _from(world: World, prototype: Any, found: Any) -> Any:
    kind: Any = world.kind_of(prototype)
    return made(world, prototype, _contents(kind, found), kind)


@primitive("set.select", world=True)
def set_select(world: World) -> Any:
    return lambda self, block: like(
        world, self, _contents(ghost_of(self), chosen(world, elements(world, self), block, True, "select:"))
    )


@primitive("set.reject", world=True)
def set_reject(world: World) -> Any:
    return lambda self, block: like(
        world, self, _contents(ghost_of(self), chosen(world, elements(world, self), block, False, "reject:"))
    )


@primitive("set.collect", world=True)
def set_collect(world: World) -> Any:
    def set_collect(self: Any, block: Any) -> Any:
        call = one(world, block)
        found = [call(value) for value in elements(world, self)]
        kind = Bag if ghost_of(self) is Bag else Set
        return world.families.new(kind, _contents(kind, found))

    return set_collect


@primitive("iset.add", changes=True)
def identity_set_add(self: Any, value: Any) -> Any:
    try:
        contents = self._items
        if contents.__class__ is dict:
            contents[identity(value)] = value
            return value
    except AttributeError:
        pass
    table(self)[identity(value)] = value
    return value


@primitive("iset.addAll", world=True, changes=True)
def identity_set_add_all(world: World) -> Any:
    def identity_set_add_all(self: Any, values: Any) -> Any:
        if added(world, self, values, "add:"):
            return values
        contents = table(self)
        for value in elements(world, values):
            contents[identity(value)] = value
        return values

    return identity_set_add_all


@primitive("iset.includes")
def identity_set_includes(self: Any, value: Any) -> bool:
    try:
        contents = self._items
        if contents.__class__ is dict:
            return identity(value) in contents
    except AttributeError:
        pass
    return identity(value) in table_of(self)


@primitive("iset.removeIfAbsent", world=True, changes=True)
def identity_set_remove(world: World) -> Any:
    def identity_set_remove(self: Any, value: Any, otherwise: Any) -> Any:
        if table(self).pop(identity(value), MISSING) is MISSING:
            return run(world, otherwise)
        return value

    return identity_set_remove


@primitive("bag.add", changes=True)
def bag_add(self: Any, value: Any, count: Any = 1) -> Any:
    if type(count) is not int or count < 0:
        raise Fault("SystemExceptions.InvalidArgument", "how often an element is added is an Integer from 0 on")
    contents = getattr(self, "_items", None)
    key = value if value.__class__ is int else key_of(value)
    if contents.__class__ is not dict:
        contents = table(self)
    if count:
        contents[key] = contents.get(key, 0) + count
    return value


@primitive("bag.occurrencesOf")
def bag_occurrences(self: Any, value: Any) -> int:
    return int(table_of(self).get(key_of(value), 0))


@primitive("bag.size")
def bag_size(self: Any) -> int:
    return sum(table_of(self).values())


@primitive("bag.removeIfAbsent", world=True, changes=True)
def bag_remove(world: World) -> Any:
    def bag_remove(self: Any, value: Any, otherwise: Any) -> Any:
        contents, key = table(self), key_of(value)
        count = contents.get(key, 0)
        if not count:
            return run(world, otherwise)
        if count == 1:
            del contents[key]
        else:
            contents[key] = count - 1
        return value

    return bag_remove


@primitive("bag.removeAllOccurrences", changes=True)
def bag_remove_all(self: Any, value: Any) -> int:
    return int(table(self).pop(key_of(value), 0))


@primitive("bag.counts", world=True)
def bag_counts(world: World) -> Any:
    """A Dictionary of each element to how often it occurs."""
    return lambda self: world.families.new(Dictionary, dict(table_of(self).items()))
