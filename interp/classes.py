"""Classes, which are prototypes: what `Object subclass: #Foo` makes, and what its methods can name.

``Foo`` is one object. Its slots hold the methods of its instances, which delegate to it. What answers when *Foo itself*
is sent a message is its *side*, the object ``Foo class``: there are the class's own methods, and the sides of the
superclasses are its parents, up to ``Object class`` and then ``Class``. So Foo's instances do not understand what Foo
does, nor Foo what they do. Prototypes of the library have a side too, but understand their own methods besides.

Instance variables are slots whose names begin with a point (``.balance``), which no message can have for selector:
they are lexical variables of the methods of the class and its subclasses, and a variable never answers a message
by itself. ``new`` and ``clone`` set them all to nil. Variables of the class alone (class-instance variables) are such
slots of Foo itself. Class variables are slots of one object, ``pool*``, which everybody finds through the class that
declares them.

Slots that make a class, none of them data to a person: ``side*``, ``sort*`` ("class", "metaclass" or "trait": made by a
class definition), ``class*`` (of a side: whose it is), ``ivars*``, ``pool*``, ``pools*``, ``category*``, ``comment*``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..image.collections import text_of
from ..image.object import MISSING, UvmObject, is_object, linearize, own_slots, parents, set_dict
from .families import is_method
from .flow import Fault

if TYPE_CHECKING:
    from .families import Family
    from .world import World

# Names of the library that are single objects, not prototypes of many.
SINGLE = frozenset({"Smalltalk", "Transcript", "Processor"})


# --- what a class is --------------------------------------------------------------------------------------------------


def is_made(thing: Any) -> bool:
    """Was it made by a class definition (or is it the side of a class)?"""
    return is_object(thing) and "sort*" in own_slots(thing)


def is_side(thing: Any) -> bool:
    return is_object(thing) and "class*" in own_slots(thing)


def is_class(thing: Any) -> bool:
    """Has it a side: is it a class, a side, or a prototype of the library?"""
    return is_object(thing) and "side*" in own_slots(thing)


def is_collection(world: World, family: Family) -> bool:
    """Are those of a family instances of a class of collections that a definition made, or of one of the library's
    that keeps its elements in messages (its kind* is that of any object)?"""
    if family.owner is not None and "side*" in own_slots(family.owner):
        return False
    top = world.lookup_traits("Collection")
    own = any("sort*" in own_slots(one) or own_slots(one).get("kind*") == "UvmObject" for one in family.order)
    return own and any(one is top for one in family.order)


def superclass_of(thing: Any) -> Any:
    """What a class inherits from, or None. (Its other parents are traits.)"""
    above = parents(thing)
    return above[-1] if above else None


def chain(thing: Any) -> list[Any]:
    """A class, its traits, its superclass, and so on up."""
    return linearize(thing)


def variables(thing: Any) -> tuple[str, ...]:
    """The names of a class's own instance variables, in order."""
    found: tuple[str, ...] = own_slots(thing).get("ivars*", ())
    return found


def all_variables(thing: Any) -> list[str]:
    """The names of all instance variables of a class's instances, the uppermost class's first."""
    return list(dict.fromkeys(name for one in reversed(chain(thing)) for name in variables(one)))


def class_of_side(thing: Any) -> Any:
    """The class that a side belongs to; anything else is itself."""
    return own_slots(thing)["class*"] if is_side(thing) else thing


# --- what names mean in a method --------------------------------------------------------------------------------------


class Scope:
    """What the methods that one object holds can name besides their own variables and the world's names.

    ``names``: name -> how the compiler reads it (compiler.Mode); ``strict``: names found nowhere are nil, not messages.
    """

    __slots__ = ("names", "strict", "holder")

    def __init__(self, world: World, holder: Any) -> None:
        self.holder = holder  # kept, so that its id is no other's
        names: dict[str, str] = {}
        self.strict = is_made(holder)
        owner = class_of_side(holder)
        for one in chain(owner):
            slots = own_slots(one)
            name = world.name_of(one)
            for shared in _data(slots.get("pool*")):
                names.setdefault(shared, f"shared {name}")
            for pool in slots.get("pools*", ()):
                for shared, kind in pooled(world, pool):
                    names.setdefault(shared, kind)
        names.update(dict.fromkeys(all_variables(holder), "ivar"))
        self.names = names


def pooled(world: World, pool: str) -> Iterable[tuple[str, str]]:
    """What a pool (a class's class variables, a Dictionary, a namespace) lets one name."""
    thing = world.lookup(pool)
    if is_object(thing):
        for one in chain(thing):
            for name in _data(own_slots(one).get("pool*")):
                yield name, f"shared {world.name_of(one)}"
        for key in own_slots(thing).get("_items", ()) if is_dictionary(thing) else ():
            if isinstance(key, str):
                yield str.__str__(key), f"pool {pool}"
    prefix = pool + "."
    for name in own_slots(world.names):
        if name.startswith(prefix) and "." not in name[len(prefix) :]:
            yield name[len(prefix) :], f"alias {name}"


def is_dictionary(thing: Any) -> bool:
    kind = getattr(type(thing), "_p_ghost", type(thing))
    return kind.__name__ in ("Dictionary", "IdentityDictionary", "LargeDictionary")


def _data(pool: Any) -> list[str]:
    return [name for name in own_slots(pool) if name[-1] != "*"] if is_object(pool) else []


def pool_of(thing: Any) -> Any:
    """The object that holds a class's class variables, or None."""
    return own_slots(thing).get("pool*") if is_object(thing) else None


# --- making and changing them -----------------------------------------------------------------------------------------


def make_class(
    world: World,
    superclass: Any,
    name: str,
    *,
    slots: Iterable[str] | None = None,
    shared: Iterable[str] = (),
    pools: Iterable[str] = (),
    category: str | None = None,
    traits: tuple[Any, ...] = (),
    sort: str = "class",
) -> Any:
    """A class of that name, made, or changed if there is one: its methods and class variables stay.

    ``superclass`` None: it inherits nothing. ``slots`` None leaves the instance variables as they are.
    """
    if not name.isidentifier() or not name[0].isupper():
        problem = f"{name!r} cannot be the name of a class: those begin with a capital letter"
        raise Fault("SystemExceptions.InvalidArgument", problem)
    if superclass is not None and not is_object(superclass):
        raise Fault("SystemExceptions.WrongClass", f"{world.describe(superclass)} cannot have subclasses")
    if is_side(superclass):
        raise Fault("SystemExceptions.WrongClass", f"{world.describe(superclass)} cannot have subclasses")
    above = (*traits, *(() if superclass is None else (superclass,)))
    thing = world.lookup(name)
    if is_object(thing) and own_slots(thing).get("sort*") in ("class", "trait") and world.name_of(thing) == name:
        if any(one is thing for one in linearize_all(above)):
            raise Fault("SystemExceptions.InvalidArgument", f"{name} cannot inherit from itself")
        if list(map(id, parents(thing))) != list(map(id, above)):
            world.families.set_slot(thing, "parent*", above[0] if len(above) == 1 else above)
            side = own_slots(thing)["side*"]
            world.families.set_slot(side, "parent*", side_above(world, above))
            world.families.behaviour_changed(thing, None)
    else:
        thing = UvmObject()
        side = new_side(world, thing, name, above)
        if sort == "trait":
            world.families.set_slot(side, "parent*", (world.lookup("TraitDescription"), *parents(side)))
        set_dict(
            thing,
            {
                "parent*": above[0] if len(above) == 1 else above,
                "name*": name,
                "sort*": sort,
                "side*": side,
                "ivars*": (),
            },
        )
        world.families.adopt(thing)
        keep_native(world, name)
        world.set_name(name, thing)
    if slots is not None:
        set_variables(world, thing, slots)
    for one in shared:
        add_shared(world, thing, one)
    if pools:
        set_pools(world, thing, pools)
    if category is not None:
        thing.__setattr__("category*", category)
    return thing


def linearize_all(things: Iterable[Any]) -> list[Any]:
    return [one for thing in things for one in linearize(thing)]


def keep_native(world: World, name: str) -> None:
    """A program takes a name of the library's for a class of its own: values and collections go on as they were."""
    old = own_slots(world.names).get(name)
    if is_object(old) and is_class(old) and not is_made(old):
        kept = dict(world.root.get("kept", {}))
        kept.setdefault(name, old)
        world.root["kept"] = kept


def new_side(world: World, thing: Any, name: str, above: tuple[Any, ...]) -> Any:
    side = UvmObject()
    set_dict(
        side,
        {
            "parent*": side_above(world, above),
            "name*": f"{name} class",
            "sort*": "metaclass",
            "class*": thing,
            "ivars*": (),
            "side*": world.lookup("Metaclass"),
        },
    )
    world.families.adopt(side)
    return side


def side_above(world: World, above: Iterable[Any]) -> Any:
    """What the side of a class with those parents delegates to: the sides of the nearest that have one."""
    found: list[Any] = []
    for one in above:
        side = next((own_slots(each)["side*"] for each in linearize(one) if is_class(each)), None)
        if side is not None and not any(side is other for other in found):
            found.append(side)
    if not found:
        found = [own_slots(world.genesis).get("side*") or world.lookup("Class")]
    return found[0] if len(found) == 1 else tuple(found)


def make_sides(world: World) -> None:
    """Give the library's prototypes their sides, when the image is awakened. A superclass comes before its
    subclasses."""
    named = [
        (name, thing)
        for name, thing in own_slots(world.names).items()
        if is_object(thing) and not is_method(thing) and world.name_of(thing) == name and name not in SINGLE
    ]
    Class = world.lookup("Class")
    world.families.set_slot(world.lookup("Behavior"), "parent*", ())
    done: set[int] = set()

    def give(name: str, thing: Any) -> None:
        if id(thing) in done:
            return
        done.add(id(thing))
        for one in linearize(thing)[1:]:
            if world.name_of(one):
                give(world.name_of(one), one)
        above = tuple(one for one in linearize(thing)[1:] if is_class(one))[:1]
        side = new_side(world, thing, name, above)
        if thing is world.genesis:
            side.__setattr__("parent*", Class)
        thing.__setattr__("side*", side)

    give("Object", world.genesis)
    for name, thing in named:
        give(name, thing)
    world.families.forget()


def set_variables(world: World, thing: Any, names: Iterable[str]) -> None:
    """The instance variables of a class (or of a class itself: of its side), all of them."""
    wanted = tuple(dict.fromkeys(names))
    inherited = set(all_variables(thing)) - set(variables(thing))
    wanted = tuple(name for name in wanted if name not in inherited)
    if wanted != variables(thing):
        for name in wanted:
            if not name.isidentifier():
                raise Fault("SystemExceptions.InvalidArgument", f"{name!r} cannot be the name of a variable")
        thing.__setattr__("ivars*", wanted)
        world.families.behaviour_changed(thing, None)


def add_variables(world: World, thing: Any, names: Iterable[str]) -> None:
    set_variables(world, thing, (*variables(thing), *names))


def add_shared(world: World, thing: Any, name: str, value: Any = MISSING) -> None:
    """A class variable; one that is there keeps its value unless another is given."""
    if not name.isidentifier():
        raise Fault("SystemExceptions.InvalidArgument", f"{name!r} cannot be the name of a variable")
    pool = pool_of(thing)
    if pool is None:
        pool = UvmObject()
        set_dict(pool, {"parent*": ()})
        world.families.adopt(pool)
        thing.__setattr__("pool*", pool)
    fresh = name not in own_slots(pool)
    if fresh or value is not MISSING:
        setattr(pool, name, None if value is MISSING else value)
    if fresh:
        world.families.behaviour_moved = True
        world.stale(None)


def remove_shared(world: World, thing: Any, name: str) -> None:
    """A class variable less, which is there."""
    world.families.remove_slot(pool_of(thing), name)
    world.families.behaviour_moved = True
    world.stale(None)


def set_pools(world: World, thing: Any, names: Iterable[str]) -> None:
    now: tuple[str, ...] = own_slots(thing).get("pools*", ())
    wanted = tuple(dict.fromkeys((*now, *(name.removeprefix("Smalltalk.") for name in names))))
    if wanted != now:
        thing.__setattr__("pools*", wanted)
        world.families.behaviour_moved = True
        world.stale(None)


def use(world: World, thing: Any, traits: list[Any]) -> None:
    """Let a class have the methods of traits: they come behind its own and before its superclass's."""
    above = superclass_of(thing)
    kept = [one for one in (*traits, *(() if above is None or is_trait(above) else (above,))) if one is not thing]
    world.families.set_slot(thing, "parent*", kept[0] if len(kept) == 1 else tuple(kept))
    side = own_slots(thing)["side*"]
    world.families.set_slot(side, "parent*", side_above(world, kept))


def derived(world: World, trait: Any, without: list[str], aliases: dict[str, str]) -> Any:
    """A trait as another composition wants it: without some methods, and with new names for some. It has the methods
    that the trait has now; whoever asks again for the same gets the same one, brought up to date."""
    key = f"{world.name_of(trait)} - {sorted(without)} @ {sorted(aliases.items())}"
    own = own_slots(trait)
    known = dict(own.get("derived*", ()))
    made = known.get(key)
    if made is None:
        made = UvmObject()
        known[key] = made
        trait.__setattr__("derived*", tuple(known.items()))
    slots = {name: value for name, value in own.items() if name != "derived*"}
    slots["name*"] = key
    for name in without:
        slots.pop(name, None)
        slots.pop("&" + name, None)
    for name, old in aliases.items():
        if not is_method(own.get(old)):
            raise Fault("SystemExceptions.NotFound", f"{world.name_of(trait)} has no method #{old}")
        slots[name] = own[old]
    set_dict(made, slots)
    world.families.adopt(made)
    world.families.behaviour_changed(made, None)
    return made


def is_trait(thing: Any) -> bool:
    return is_object(thing) and own_slots(thing).get("sort*") == "trait"


def class_for(world: World, thing: Any) -> Any:
    """What a definition that names ``thing`` as superclass is to inherit from."""
    return thing if is_object(thing) else world.genesis


# What instances with numbered variables are stored as, by the shape a definition names.
SHAPES = {"pointer": "Array", "inherit": None, "byte": "ByteArray", "character": "String"}


def set_shape(world: World, thing: Any, shape: str) -> None:
    """Give the instances of a class numbered variables: ``#pointer`` for any values, ``#byte``, ``#character``."""
    kind = SHAPES.get(shape, "Array")
    if kind is None or own_slots(superclass_of(thing) or thing).get("kind*") or world.kind_of(thing) is not UvmObject:
        return
    indexed = world.lookup("IndexedVariables")
    above = parents(thing)
    if indexed is not None and not any(one is indexed for one in linearize(thing)):
        world.families.set_slot(thing, "kind*", kind)
        world.families.set_slot(thing, "parent*", (indexed, *above))


def words(names: Any) -> list[str]:
    """Names given as one text, or as a collection of texts."""
    from .primitives.objects import is_text

    if names is None:
        return []
    if is_text(names):
        return str(text_of(names)).split()
    contents = names if isinstance(names, tuple) else own_slots(names).get("_items", ()) if is_object(names) else ()
    return [str(text_of(one)) for one in contents if is_text(one)]
