"""Primitives of every object: slots, cloning, identity, printing, sending by name."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from ...image.collections import CLASSES, Array, Collection, equal, text_of
from ...image.method import Method
from ...image.object import MISSING, Body, UvmObject, is_object, own_slots, reserved, set_dict
from ...image.values import Character, Symbol
from ..families import is_method
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


def slot_name(name: Any) -> str:
    """The text of a slot's name given as String or Symbol, refused where it cannot be one."""
    if not isinstance(name, str) and getattr(type(name), "_p_ghost", None) is not CLASSES["String"]:
        raise Fault("SystemExceptions.WrongClass", "the name of a slot must be a String or Symbol")
    text = text_of(name)
    if not text or reserved(text):
        raise Fault("SystemExceptions.InvalidArgument", f"{text!r} cannot be the name of a slot")
    return str(text)


def need_object(thing: Any, what: str) -> None:
    if not is_object(thing):
        raise Fault("SystemExceptions.WrongClass", f"{what}: a {type(thing).__name__} value has no slots of its own")


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
        thing = live.__new__(live)
        if kind is UvmObject:
            set_dict(thing, {"parent*": self})
        else:
            items = own_slots(self).get("_items", MISSING)
            set_dict(thing, {"parent*": self, "_items": kind._p_empty() if items is MISSING else type(items)(items)})
            live._p_live(thing)
        return thing

    def for_family(family: Any) -> Any:
        """A prototype's own clone: what is the same each time is worked out once."""
        owner = family.owner
        if owner is None or world.kind_of(owner) is not UvmObject:
            return None
        live = world.families.clones_of(owner)

        def clone_owner(self: Any) -> Any:
            thing = live()
            set_dict(thing, {"parent*": self})
            return thing

        return clone_owner

    clone.for_family = for_family  # type: ignore[attr-defined]
    return clone


@primitive("object.copy", world=True)
def shallow_copy(world: World) -> Any:
    def copy(self: Any) -> Any:
        if not is_object(self):
            return world.mutable_copy(self)
        ghost: Any = getattr(type(self), "_p_ghost", UvmObject)
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


@primitive("object.setSlot", world=True)
def set_slot(world: World) -> Any:
    def set_slot(self: Any, name: Any, value: Any) -> Any:
        need_object(self, "setSlot:value:")
        text = slot_name(name)
        if world.checked:
            world.check_storable(value, self, text)
        world.families.set_slot(self, text, value)
        return value

    return set_slot


@primitive("object.getSlot", world=True)
def get_slot(world: World) -> Any:
    def get_slot(self: Any, name: Any) -> Any:
        text = slot_name(name)
        if is_object(self):
            value = own_slots(self).get(text, MISSING)
            if value is not MISSING:
                return value
        _, value = world.family(self).find(text)
        return None if value is MISSING else value

    return get_slot


@primitive("object.hasSlot", world=True)
def has_slot(world: World) -> Any:
    def has_slot(self: Any, name: Any) -> bool:
        text = slot_name(name)
        return (is_object(self) and text in own_slots(self)) or world.family(self).find(text)[1] is not MISSING

    return has_slot


@primitive("object.removeSlot", world=True)
def remove_slot(world: World) -> Any:
    def remove_slot(self: Any, name: Any) -> Any:
        need_object(self, "removeSlot:")
        text = slot_name(name)
        slots = own_slots(self)
        if text not in slots and "&" + text not in slots:
            raise Fault("SystemExceptions.NotFound", f"{world.describe(self)} has no slot {text} of its own")
        world.families.remove_slot(self, text)
        return self

    return remove_slot


@primitive("object.slotNames", world=True)
def slot_names(world: World) -> Any:
    def slot_names(self: Any) -> Any:
        if not is_object(self):
            return world.new_array([])
        names = (name for name in own_slots(self) if name[0] not in "_&" and name != "name*")
        return world.new_array([Symbol(name) for name in names])

    return slot_names


@primitive("object.parents", world=True)
def parents(world: World) -> Any:
    from ...image.object import parents as above

    def parents(self: Any) -> Any:
        if is_object(self):
            return world.new_array(list(above(self)))
        return world.new_array(list(world.family(self).parents))

    return parents


@primitive("object.identical")
def identical(self: Any, other: Any) -> bool:
    return self is other or (type(self) is type(other) and type(self) in (int, float) and self == other)


def equals(self: Any, other: Any) -> bool:
    """The kind's own equality: of contents for collections, else identity. Not ``==``, which may send ``=``."""
    if not is_object(self):
        return equal(self, other)
    ghost: Any = getattr(type(self), "_p_ghost", type(self))
    return self is other or ghost.__eq__(self, other) is True


# Values of which there is one each: equality is identity.
SINGLE = (bool, type(None), Character, Symbol, FunctionType)


@primitive("object.equals", world=True)
def equals_(world: World) -> Any:
    def equals_of_kind(self: Any, other: Any) -> bool:
        return equals(self, other)

    def for_family(family: Any) -> Any:
        cls = family.clean
        plain = cls in SINGLE if family.native else family.ghost.__eq__ is object.__eq__
        return identical_only if plain else None

    equals_of_kind.for_family = for_family  # type: ignore[attr-defined]
    return equals_of_kind


def identical_only(self: Any, other: Any) -> bool:
    return self is other


@primitive("object.hash", world=True)
def hash_(world: World) -> Any:
    def hash_(self: Any) -> int:
        kind: Any = getattr(type(self), "_p_ghost", type(self))
        return int(kind.__hash__(self)) & 0x3FFFFFFFFFFFFFFF

    return hash_


@primitive("object.identityHash")
def identity_hash(self: Any) -> int:
    return id(self) >> 4 if is_object(self) else hash(self) & 0x3FFFFFFFFFFFFFFF


@primitive("object.describe", world=True)
def describe(world: World) -> Any:
    """The default printString: the object's name, or its nearest named parent's with an article."""

    def describe(self: Any) -> str:
        if isinstance(self, Body) or self is None or isinstance(self, bool):
            return world.describe(self)
        # Of a value, describe would ask for its printString.
        name = next((name for one in world.family(self).order if (name := world.name_of(one))), "Object")
        return ("an " if name[:1] in "AEIOU" else "a ") + name

    return describe


@primitive("object.perform", world=True)
def perform(world: World) -> Any:
    def perform(self: Any, selector: Any, *args: Any) -> Any:
        text = text_of(selector)
        wanted = text.count(":") or (0 if text[:1].isalpha() or text[:1] == "_" else 1)
        if wanted != len(args):
            raise Fault(
                "SystemExceptions.WrongArgumentCount", f"#{text} takes {wanted} arguments, {len(args)} were given"
            )
        return world.send(self, text, *args)

    return perform


@primitive("object.performWithArguments", world=True)
def perform_with_arguments(world: World) -> Any:
    plain = perform(world)

    def perform_with_arguments(self: Any, selector: Any, arguments: Any) -> Any:
        items = arguments if isinstance(arguments, tuple) else arguments._items
        return plain(self, selector, *items)

    return perform_with_arguments


@primitive("object.respondsTo", world=True)
def responds_to(world: World) -> Any:
    return lambda self, selector: world.understands(self, text_of(selector))


@primitive("object.delegatesTo", world=True)
def delegates_to(world: World) -> Any:
    """Is other the receiver, or somewhere along its parents?"""

    def delegates_to(self: Any, other: Any) -> bool:
        return self is other or any(one is other for one in world.family(self).order)

    return delegates_to


@primitive("object.prototype", world=True)
def prototype(world: World) -> Any:
    """The nearest named object the receiver delegates to: what a class would be."""

    def prototype(self: Any) -> Any:
        order = world.family(self).order
        return next((one for one in order if one is not self and world.name_of(one)), None)

    return prototype


@primitive("object.doesNotUnderstand", world=True)
def does_not_understand(world: World) -> Any:
    from ..misses import default

    return lambda self, message: default(world, self, message)


@primitive("object.name", world=True)
def object_name(world: World) -> Any:
    return lambda self: world.name_of(self) if is_object(self) else ""


@primitive("object.instVarAt", world=True)
def kind_name(world: World) -> Any:
    """The class of the image an object is stored as: UvmObject, Array, Dictionary ..."""
    return lambda self: getattr(type(self), "_p_ghost", type(self)).__name__


@primitive("object.become", world=True)
def become(world: World) -> Any:
    """Swap the slots (contents, parents and all) of two objects; both keep their identity to whoever holds them."""

    def become(self: Any, other: Any) -> Any:
        need_object(self, "become:")
        need_object(other, "become:")
        mine, theirs = dict(own_slots(self)), dict(own_slots(other))
        kinds = [getattr(type(one), "_p_ghost", type(one)) for one in (self, other)]
        if kinds[0] is not kinds[1]:
            raise Fault("SystemExceptions.WrongClass", "become: wants two objects of one kind")
        for thing, slots in ((self, theirs), (other, mine)):
            thing._p_changed = True
            set_dict(thing, slots)
        for thing in (self, other):
            world.families.behaviour_changed(thing, None)
        return self

    return become


__all__ = ["Array", "Collection"]
