"""Primitives that make objects: clone, new, copy, deepCopy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import Array, OrderedCollection, String
from ...image.method import Method
from ...image.object import MISSING, UvmObject, is_object, own_slots, set_dict
from ..families import is_method
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("object.clone", world=True)
def clone(world: World) -> Any:
    known = world.clone_types  # id(prototype) -> (live type, has contents); emptied whenever a family retires

    def clone(self: Any) -> Any:
        entry = known.get(id(self))
        if entry is None:
            if not is_object(self):
                return self
            kind = world.kind_of(self)
            entry = known[id(self)] = world.families.clones_of(self, kind), kind
        live: Any
        live, kind = entry
        thing = live()
        slots = world.fresh(self)
        if kind is not UvmObject:
            items = own_slots(self).get("_items", MISSING)
            slots["_items"] = kind._p_empty() if items is MISSING else type(items)(items)
        thing.__dict__ = slots
        if kind is not UvmObject:
            live._p_live(thing)
        return thing

    def for_family(family: Any) -> Any:
        """A prototype's own clone: what is the same each time is worked out once."""
        owner = family.owner
        if owner is None or world.kind_of(owner) is not UvmObject:
            return None
        live = world.families.clones_of(owner)
        slots = world.fresh(owner)

        def clone_owner(self: Any) -> Any:
            # A dict of its own: without it the first write would make one that shares its keys with others of the type,
            # and CPython's inline caches do not work on those (Persistent's allocation leaves no values in line).
            thing = live()
            thing.__dict__ = {"parent*": self}
            return thing

        def instance(self: Any) -> Any:
            thing = live()
            thing.__dict__ = slots.copy()
            return thing

        return clone_owner if len(slots) == 1 else instance

    clone.for_family = for_family  # type: ignore[attr-defined]
    return clone


@primitive("object.new", world=True)
def new(world: World) -> Any:
    """A clone, sent initialize unless that is the genesis object's own, which does nothing."""
    bound: list[Any] = []  # the primitive of clone and the table of initialize, once the world has them

    def new(self: Any) -> Any:
        if not bound:
            bound.extend((world.primitives["object.clone"], world.table("initialize")))
        clone, initialize = bound
        thing = clone(self)
        function = initialize[type(thing)]
        method = getattr(function, "__dict__", {}).get("method")
        if method is None or own_slots(world.genesis).get("initialize") is not method:
            world.send(thing, "initialize")
        return thing

    return new


CONTENTS = (Array, String, OrderedCollection)
COPIED = {"_items", "_v_array", "_v_mine", "_v_grow"}


@primitive("object.copy", world=True)
def shallow_copy(world: World) -> Any:
    def copy(self: Any) -> Any:
        if not is_object(self):
            return world.mutable_copy(self)
        ghost: Any = getattr(type(self), "_p_ghost", UvmObject)
        if ghost in CONTENTS and self.__dict__.keys() <= COPIED:
            # Nothing but contents: a list or a str, and no family of its own.
            items = self.__dict__["_items"]
            return world.families.new(ghost, items if type(items) is str else items.copy())
        slots = {name: value for name, value in own_slots(self).items() if name != "name*" and name[:3] != "_v_"}
        if ghost is Method or is_method(self):
            raise Fault("SystemExceptions.InvalidState", "a method is not copied; define it where it is wanted")
        if "_items" in slots:
            slots["_items"] = slots["_items"].copy() if hasattr(slots["_items"], "copy") else slots["_items"]
        thing = ghost.__new__(ghost)
        set_dict(thing, slots)
        world.families.adopt(thing)
        return thing

    return copy


@primitive("object.deepCopy", world=True)
def deep_copy(world: World) -> Any:
    """Copies of everything the receiver reaches by data slots and contents; named objects and methods are shared."""
    copy = shallow_copy(world)

    def deep_copy(self: Any) -> Any:
        copies: dict[int, Any] = {}
        keep: list[Any] = []  # the originals, so that no id is used twice
        todo: list[Any] = []

        def copied(thing: Any, first: bool = False) -> Any:
            if type(thing) is tuple:
                return tuple(map(copied, thing))
            if not is_object(thing):
                return world.mutable_copy(thing) if first else thing
            if id(thing) in copies:
                return copies[id(thing)]
            if not first and (is_method(thing) or "name*" in own_slots(thing)):
                return thing
            keep.append(thing)
            twin = copies[id(thing)] = copy(thing)
            todo.append(twin)
            return twin

        result = copied(self, True)
        while todo:
            twin = todo.pop()
            for name, value in list(own_slots(twin).items()):
                if name == "_items":
                    items = value
                    if type(items) is list:
                        items[:] = [copied(item) for item in items]
                    elif type(items) is dict:
                        pairs = [(copied(key), copied(item)) for key, item in items.items()]
                        items.clear()
                        items.update(pairs)
                elif name[-1] != "*" and not is_method(value):
                    twin_value = copied(value)
                    if twin_value is not value:
                        setattr(twin, name, twin_value)
        return result

    return deep_copy
