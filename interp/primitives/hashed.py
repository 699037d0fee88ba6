"""Primitives of collections that find their elements by hash: dictionaries, sets, bags.

Elements are compared by ``=`` as sent: families that redefine it carry it as Python's ``__eq__`` (families.py). The
collections
of identity keep elements under their identity key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...image.collections import Dictionary, IdentityDictionary, table_of
from ...image.keys import BoolKey, identity, key_of, of_key
from ...image.object import MISSING, is_object, own_slots
from ..flow import Fault
from . import primitive
from .elements import ghost_of, like, one, run, two

if TYPE_CHECKING:
    from ..world import World


def table(self: Any) -> Any:
    """The mapping that holds a collection's contents, to be written."""
    if not is_object(self) or "_items" not in own_slots(self):
        raise Fault("SystemExceptions.InvalidState", "this is the prototype; its clones hold elements")
    return table_of(self)


UNLIKE = frozenset((BoolKey, tuple))  # kinds of keys that stand for another value


def no_key(world: World, key: Any) -> Fault:
    return Fault("SystemExceptions.NotFound", f"key not found: {world.print_string(key)}", "key not found", value=key)


@primitive("dict.keyNotFound", world=True)
def key_not_found(world: World) -> Any:
    def key_not_found(self: Any, key: Any) -> Any:
        raise no_key(world, key)

    return key_not_found


@primitive("association.new", world=True)
def association(world: World) -> Any:
    known: dict[Any, Any] = world.clone_types  # emptied whenever a family retires

    def association(self: Any, value: Any) -> Any:
        above = world.lookup("Association")
        live = known.get(("->", id(above)))
        if live is None:
            live = known["->", id(above)] = world.families.clones_of(above)
        thing = live()
        thing.__dict__ = {"parent*": above, "key": self, "value": value}
        return thing

    return association


# --- Dictionary -----------------------------------------------------------------


# What programs send in their inner loops asks for the common case first: contents that are a dict already.


@primitive("dict.at", world=True)
def at(world: World) -> Any:
    def at(self: Any, key: Any) -> Any:
        try:
            contents = self._items
            if contents.__class__ is dict:
                return contents[key if key.__class__ is int or key.__class__ is str else key_of(key)]
        except (KeyError, AttributeError):
            pass
        value = table(self).get(key_of(key), MISSING)
        if value is MISSING:
            raise no_key(world, key)
        return value

    return at


@primitive("dict.atPut", changes=True)
def at_put(self: Any, key: Any, value: Any) -> Any:
    try:
        contents = self._items
        if contents.__class__ is dict:
            contents[key if key.__class__ is int or key.__class__ is str else key_of(key)] = value
            return value
    except AttributeError:
        pass
    table(self)[key_of(key)] = value
    return value


@primitive("dict.atIfAbsent", world=True)
def at_if_absent(world: World) -> Any:
    def at_if_absent(self: Any, key: Any, otherwise: Any) -> Any:
        try:
            contents = self._items
            if contents.__class__ is dict:
                return contents[key if key.__class__ is int or key.__class__ is str else key_of(key)]
        except (KeyError, AttributeError):
            pass
        value = table(self).get(key_of(key), MISSING)
        return run(world, otherwise) if value is MISSING else value

    return at_if_absent


@primitive("dict.atIfPresent", world=True)
def at_if_present(world: World) -> Any:
    def at_if_present(self: Any, key: Any, block: Any) -> Any:
        value = table(self).get(key_of(key), MISSING)
        return None if value is MISSING else one(world, block)(value)

    return at_if_present


@primitive("dict.includesKey")
def includes_key(self: Any, key: Any) -> bool:
    try:
        contents = self._items
        if contents.__class__ is dict:
            return (key if key.__class__ is int or key.__class__ is str else key_of(key)) in contents
    except AttributeError:
        pass
    return key_of(key) in table(self)


@primitive("dict.removeKeyIfAbsent", world=True, changes=True)
def remove_key(world: World) -> Any:
    def remove_key(self: Any, key: Any, otherwise: Any) -> Any:
        value = table(self).pop(key_of(key), MISSING)
        return run(world, otherwise) if value is MISSING else value

    return remove_key


@primitive("dict.removeEverything", changes=True)
def remove_everything(self: Any) -> Any:
    table(self).clear()
    return self


@primitive("dict.keys", world=True)
def keys(world: World) -> Any:
    return lambda self: world.new_array([key for key, _ in pairs(self)])


@primitive("dict.values", world=True)
def values(world: World) -> Any:
    return lambda self: world.new_array([value for _, value in pairs(self)])


def pairs(self: Any) -> list[tuple[Any, Any]]:
    """Keys and values of either kind of dictionary; none in a prototype."""
    contents = table_of(self)
    if ghost_of(self) is IdentityDictionary:
        return list(contents.values())
    return [(of_key(key), value) for key, value in contents.items()]


def plain_pairs(self: Any) -> Iterable[tuple[Any, Any]]:
    """The same to go through once, without a list of them where the keys are held as they are."""
    contents = vars(self).get("_items")
    if contents.__class__ is dict and ghost_of(self) is Dictionary and UNLIKE.isdisjoint(map(type, contents)):
        return zip(list(contents), list(contents.values()), strict=True)
    return pairs(self)


def pairs_of(world: World, thing: Any) -> list[tuple[Any, Any]]:
    """Keys and values of any collection that has keys."""
    if ghost_of(thing) in (Dictionary, IdentityDictionary):
        return pairs(thing)
    found: list[tuple[Any, Any]] = []

    def gather(key: Any, value: Any) -> None:
        found.append((key, value))

    world.send(thing, "keysAndValuesDo:", gather)
    return found


@primitive("dict.size")
def size(self: Any) -> int:
    return len(table_of(self))


@primitive("dict.keysAndValuesDo", world=True)
def keys_and_values_do(world: World) -> Any:
    def keys_and_values_do(self: Any, block: Any) -> Any:
        call = two(world, block)
        for key, value in plain_pairs(self):
            call(key, value)
        return self

    return keys_and_values_do


@primitive("dict.keysDo", world=True)
def keys_do(world: World) -> Any:
    def keys_do(self: Any, block: Any) -> Any:
        call = one(world, block)
        for key, _ in pairs(self):
            call(key)
        return self

    return keys_do


def _answer(world: World, model: Any, found: list[tuple[Any, Any]]) -> Any:
    if ghost_of(model) is IdentityDictionary:
        return like(world, model, {identity(key): (key, value) for key, value in found})
    return like(world, model, {key_of(key): value for key, value in found})


def _filter(world: World, self: Any, block: Any, wanted: bool, selector: str) -> Any:
    test, found = one(world, block), []
    for key, value in pairs(self):
        if world.truth(test(value), selector) is wanted:
            found.append((key, value))
    return _answer(world, self, found)


@primitive("dict.select", world=True)
def select(world: World) -> Any:
    return lambda self, block: _filter(world, self, block, True, "select:")


@primitive("dict.reject", world=True)
def reject(world: World) -> Any:
    return lambda self, block: _filter(world, self, block, False, "reject:")


@primitive("dict.collect", world=True)
def collect(world: World) -> Any:
    def collect(self: Any, block: Any) -> Any:
        call = one(world, block)
        return _answer(world, self, [(key, call(value)) for key, value in pairs(self)])

    return collect


@primitive("dict.keyAtValueIfAbsent", world=True)
def key_at_value(world: World) -> Any:
    """The key of the first value that is the argument (by ``==``), or, with byEquality, equal to it."""
    from ...image.collections import equal
    from ..redefined import same

    def key_at_value(self: Any, wanted: Any, otherwise: Any, by_equality: Any = False) -> Any:
        for key, value in pairs(self):
            if value is wanted or (equal(value, wanted) if by_equality else same(value, wanted)):
                return key
        return run(world, otherwise)

    return key_at_value


# --- IdentityDictionary -----------------------------------------------------------


@primitive("idict.at", world=True)
def identity_at(world: World) -> Any:
    def identity_at(self: Any, key: Any) -> Any:
        try:
            contents = self._items
            if contents.__class__ is dict:
                return contents[identity(key)][1]
        except (KeyError, AttributeError):
            pass
        pair = table(self).get(identity(key), MISSING)
        if pair is MISSING:
            raise no_key(world, key)
        return pair[1]

    return identity_at


@primitive("idict.atPut", changes=True)
def identity_at_put(self: Any, key: Any, value: Any) -> Any:
    try:
        contents = self._items
        if contents.__class__ is dict:
            contents[identity(key)] = (key, value)
            return value
    except AttributeError:
        pass
    table(self)[identity(key)] = (key, value)
    return value


@primitive("idict.atIfAbsent", world=True)
def identity_at_if_absent(world: World) -> Any:
    def identity_at_if_absent(self: Any, key: Any, otherwise: Any) -> Any:
        try:
            contents = self._items
            if contents.__class__ is dict:
                return contents[identity(key)][1]
        except (KeyError, AttributeError):
            pass
        pair = table(self).get(identity(key), MISSING)
        return run(world, otherwise) if pair is MISSING else pair[1]

    return identity_at_if_absent


@primitive("idict.atIfPresent", world=True)
def identity_at_if_present(world: World) -> Any:
    def identity_at_if_present(self: Any, key: Any, block: Any) -> Any:
        pair = table(self).get(identity(key), MISSING)
        return None if pair is MISSING else one(world, block)(pair[1])

    return identity_at_if_present


@primitive("idict.includesKey")
def identity_includes_key(self: Any, key: Any) -> bool:
    try:
        contents = self._items
        if contents.__class__ is dict:
            return identity(key) in contents
    except AttributeError:
        pass
    return identity(key) in table(self)


@primitive("idict.removeKeyIfAbsent", world=True, changes=True)
def identity_remove_key(world: World) -> Any:
    def identity_remove_key(self: Any, key: Any, otherwise: Any) -> Any:
        pair = table(self).pop(identity(key), MISSING)
        return run(world, otherwise) if pair is MISSING else pair[1]

    return identity_remove_key


@primitive("hashed.rehash", changes=True)
def rehash(self: Any) -> Any:
    """Hash every key anew: some may be other than when they were put in."""
    contents = table(self)
    if type(contents) is dict:
        pairs_now = list(contents.items())
        contents.clear()
        contents.update(pairs_now)
    return self
