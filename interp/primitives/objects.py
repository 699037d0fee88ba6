"""Primitives of every object: slots, cloning, identity, printing, sending by name."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from ...image.collections import CLASSES, equal, text_of
from ...image.object import MISSING, is_object, own_slots, reserved, set_dict
from ...image.values import Character, Symbol
from ..apart import APART, nearest
from ..families import is_method
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


def slot_name(name: Any) -> str:
    """The text of a slot's name given as String or Symbol, refused where it cannot be one."""
    if not is_text(name):
        raise Fault("SystemExceptions.WrongClass", "the name of a slot must be a String or Symbol")
    text = text_of(name)
    if not text or reserved(text):
        raise Fault("SystemExceptions.InvalidArgument", f"{text!r} cannot be the name of a slot")
    return str(text)


def need_object(thing: Any, what: str) -> None:
    if not is_object(thing):
        text = f"{what} is for objects; numbers, strings and other values have no slots of their own"
        raise Fault("SystemExceptions.WrongClass", text)


@primitive("object.setSlot", world=True)
def set_slot(world: World) -> Any:
    def set_slot(self: Any, name: Any, value: Any) -> Any:
        need_object(self, "setSlot:value:")
        text = slot_name(name)
        if world.checked:
            world.variables.check_storable(value, self, text)
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


@primitive("object.hasOwnSlot")
def has_own_slot(self: Any, name: Any) -> bool:
    text = slot_name(name)
    return is_object(self) and (text in own_slots(self) or "&" + text in own_slots(self))


@primitive("object.slotNames", world=True)
def slot_names(world: World) -> Any:
    return lambda self: world.new_array([Symbol(name) for name in visible_slots(self)])


# What makes a class of a prototype (classes.py), besides its parent*.
CLASS_SLOTS = frozenset(["name*", "side*", "sort*", "class*", "ivars*", "pool*", "pools*", "category*", "comment*"])


def visible_slots(thing: Any) -> list[str]:
    """The names of an object's own slots, each once: an accessor and the datum it shares its name with are one."""
    if not is_object(thing):
        return []
    slots = own_slots(thing)
    hidden = CLASS_SLOTS if "side*" in slots else ("name*",)
    names = (name.lstrip("&.") for name in slots if name[0] != "_" and name not in hidden)
    return list(dict.fromkeys(names))


def data_slots(thing: Any) -> list[str]:
    """The names of an object's own data slots, in the order they were first written."""
    if not is_object(thing):
        return []
    slots = own_slots(thing)
    return [name for name in slots if name[0] not in "_&" and name[-1] != "*" and not is_method(slots[name])]


def slot_of_number(world: World, thing: Any, index: Any) -> str:
    names = data_slots(thing)
    if type(index) is not int or not 1 <= index <= len(names):
        raise Fault(
            "SystemExceptions.IndexOutOfRange",
            f"Index value {world.describe(index)} out of range: only {len(names)} elements",
            value=index,
        )
    return names[index - 1]


@primitive("object.slotAt", world=True)
def slot_at(world: World) -> Any:
    return lambda self, index: own_slots(self)[slot_of_number(world, self, index)]


@primitive("object.slotAtPut", world=True)
def slot_at_put(world: World) -> Any:
    def slot_at_put(self: Any, index: Any, value: Any) -> Any:
        return world.send(self, "setSlot:value:", slot_of_number(world, self, index), value)

    return slot_at_put


@primitive("object.parents", world=True)
def parents(world: World) -> Any:
    from ...image.object import parents as above

    def parents(self: Any) -> Any:
        if is_object(self):
            return world.new_array(list(above(self)))
        return world.new_array(list(world.family(self).parents))

    return parents


def set_parents(world: World, thing: Any, above: list[Any]) -> None:
    world.families.set_slot(thing, "parent*", above[0] if len(above) == 1 else tuple(above))


@primitive("object.addParent", world=True)
def add_parent(world: World) -> Any:
    from ...image.object import parents as above

    def add_parent(self: Any, other: Any) -> Any:
        need_object(self, "addParent:")
        need_object(other, "addParent:")
        now = list(above(self))
        if not any(one is other for one in now):
            set_parents(world, self, [*now, other])
        return self

    return add_parent


@primitive("object.removeParent", world=True)
def remove_parent(world: World) -> Any:
    from ...image.object import parents as above

    def remove_parent(self: Any, other: Any) -> Any:
        need_object(self, "removeParent:")
        now = list(above(self))
        left = [one for one in now if one is not other]
        if len(left) == len(now):
            raise Fault("SystemExceptions.NotFound", f"{world.describe(other)} is no parent of {world.describe(self)}")
        set_parents(world, self, left)
        return self

    return remove_parent


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
        if is_object(self) or self is None or isinstance(self, bool):
            return world.describe(self)
        # Of a value, describe would ask for its printString.
        name = next((name for one in world.family(self).order if (name := world.name_of(one))), "Object")
        return ("an " if name[:1] in "AEIOU" else "a ") + name

    return describe


def is_text(thing: Any) -> bool:
    return isinstance(thing, str) or getattr(type(thing), "_p_ghost", None) is CLASSES["String"]


def argument_list(world: World, arguments: Any) -> list[Any]:
    """The arguments that an Array (or anything with elements) holds."""
    from .elements import elements

    if not (isinstance(arguments, tuple) or world.understands(arguments, "do:")):
        raise Fault("SystemExceptions.WrongClass", f"{world.describe(arguments)} is no Array of arguments")
    return list(elements(world, arguments))


def arguments_of(selector: str) -> int:
    """How many arguments a selector takes."""
    return selector.count(":") or (0 if selector[:1].isalpha() or selector[:1] == "_" else 1)


@primitive("object.perform", world=True)
def perform(world: World) -> Any:
    known: dict[Symbol, tuple[Any, int]] = {}  # selector -> who answers it, and how many arguments it takes

    def perform(self: Any, selector: Any, *args: Any) -> Any:
        if selector.__class__ is Symbol:
            found = known.get(selector)
            if found is None:
                known[selector] = found = world.table(str(selector)), arguments_of(selector)
            if found[1] == len(args):
                return found[0][self.__class__](self, *args)
        if is_method(selector):
            return world.method_function(selector, world.genesis, world.family(self), type(self))(self, *args)
        if not is_text(selector):
            problem = f"{world.describe(selector)} is no selector: perform: wants a Symbol"
            raise Fault("SystemExceptions.WrongClass", problem)
        text = text_of(selector)
        wanted = arguments_of(text)
        if wanted != len(args):
            raise Fault(
                "SystemExceptions.WrongArgumentCount",
                f"wrong argument count: #{text} takes {wanted}, {len(args)} were given",
                "wrong argument count",
            )
        return world.send(self, text, *args)

    return perform


@primitive("object.performWithArguments", world=True)
def perform_with_arguments(world: World) -> Any:
    plain = perform(world)

    def perform_with_arguments(self: Any, selector: Any, arguments: Any) -> Any:
        return plain(self, selector, *argument_list(world, arguments))

    return perform_with_arguments


@primitive("object.respondsTo", world=True)
def responds_to(world: World) -> Any:
    def responds_to(self: Any, selector: Any) -> bool:
        text = text_of(selector)
        if text == "name" and world.family(self).find(text)[0] is world.genesis:
            return bool(is_object(self) and world.name_of(self))  # it is not understood by who has none
        return world.understands(self, text)

    return responds_to


@primitive("object.delegatesTo", world=True)
def delegates_to(world: World) -> Any:
    """Is other the receiver, or somewhere along its parents?"""

    def delegates_to(self: Any, other: Any) -> bool:
        family = getattr(self.__class__, "_p_family", None)
        if family is None or family.retired:
            family = world.family(self)
        if id(other) in family.above or self is other:
            return True
        return type(self) in APART and nearest(world, self) is other

    return delegates_to


@primitive("object.prototype", world=True)
def prototype(world: World) -> Any:
    """The nearest named object the receiver delegates to: what a class would be."""

    def prototype(self: Any) -> Any:
        side = own_slots(self).get("side*") if is_object(self) else None
        if side is not None:
            return side
        if type(self) in APART and (found := nearest(world, self)) is not None:
            return found
        order = world.family(self).order
        return next((one for one in order if one is not self and world.name_of(one)), world.genesis)

    return prototype


@primitive("object.doesNotUnderstand", world=True)
def does_not_understand(world: World) -> Any:
    from ..misses import default

    return lambda self, message: default(world, self, message)


@primitive("object.name", world=True)
def object_name(world: World) -> Any:
    def name(self: Any) -> Any:
        # Whoever has no name does not understand the question: it may be meant for a slot nobody made yet.
        return (is_object(self) and world.name_of(self)) or world.does_not_understand(self, "name", ())

    return name


@primitive("object.isNamed", world=True)
def is_named(world: World) -> Any:
    return lambda self: is_object(self) and bool(world.name_of(self))


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
