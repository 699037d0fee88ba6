"""Which objects behave alike, and what each of them does with a message.

A *family* is what objects of one class, with the same parents and no behaviour of their own, have in common: they share
the Python types that dispatch is keyed by. An object with methods of its own, like most prototypes, is a family of one.

Invariant: a type says what its instances do. When behaviour changes, either the tables of one selector are emptied, or,
when the shape of delegation changed, the families concerned are *retired*: their types leave every table, and an object
that still carries one is given its new family at its next send.

Lookup: own slots, then the parents depth first, each object once. A method may share its name
with a datum that was visible where it was defined, as an accessor does: it is kept under ``&name``, answers the message
before any datum of that name, and the name alone goes on to mean the datum.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..image.collections import CLASSES, Array, Collection
from ..image.family import pair
from ..image.keys import PLAIN
from ..image.method import Method
from ..image.object import MISSING, Body, UvmObject, linearize, own_slots, parents, set_class
from .flow import Fault

SHOWN = frozenset(kind for kind in CLASSES.values() if issubclass(kind, Collection) and kind._p_reading)


class Family:
    """What objects share that behave alike. ``order`` is the delegation order, beginning with the first object
    searched."""

    __slots__ = ("ghost", "parents", "marks", "owner", "order", "above", "clean", "live", "retired", "native")

    def __init__(
        self,
        ghost: type[Body] | None,
        parents: tuple[Any, ...],
        marks: frozenset[str],
        owner: Body | None,
        native: bool = False,
    ) -> None:
        self.ghost = ghost
        self.parents = parents  # keeps the ids in the family's key alive
        self.marks = marks
        self.owner = owner
        self.native = native
        self.order: list[Body] = []
        self.above: frozenset[int] = frozenset()  # the ids of those in order
        self.clean: type = object
        self.live: type = object
        self.retired = False

    def find(self, selector: str) -> tuple[Body | None, Any]:
        """The holder and value of the slot that answers a selector; (None, MISSING) when there is none."""
        unary = not selector.endswith(":")
        accessor = "&" + selector
        first: tuple[Body | None, Any] = (None, MISSING)
        if selector in self.marks:
            first = (None, None)
        for one in self.order:
            slots = own_slots(one)
            if unary and accessor in slots:
                if first[1] is MISSING or not is_method(first[1]):
                    return one, slots[accessor]
                return first
            if first[1] is MISSING and selector in slots:
                first = one, slots[selector]
                if is_method(first[1]):
                    return first
        return first

    def hide(self, name: str) -> None:
        """Attribute reads, which compiled code makes where a name is one of data elsewhere, find no method of the
        owner's own."""
        if name.isidentifier():
            for cls in (self.clean, self.live):
                if name not in vars(cls):
                    setattr(cls, name, Hidden(name))

    def has_datum(self, name: str) -> bool:
        """Is there a data slot of that name, in the family's own object or along the parents?"""
        if name in self.marks:
            return True
        for one in self.order:
            value = own_slots(one).get(name, MISSING)
            if value is not MISSING:
                return not is_method(value)
        return False


def _among(thing: Any, things: list[Body]) -> bool:
    return any(one is thing for one in things)


class Hidden:
    """Stands in an owner's type for a slot that holds a method: read as an attribute it is not there."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, thing: Any, cls: type) -> Any:
        value = self if thing is None else vars(thing).get(self.name, MISSING)
        if value is MISSING or is_method(value):
            raise AttributeError(self.name)
        return value

    def __set__(self, thing: Any, value: Any) -> None:
        vars(thing)[self.name] = value

    def __delete__(self, thing: Any) -> None:
        del vars(thing)[self.name]


def is_method(value: Any) -> bool:
    return getattr(type(value), "_p_ghost", type(value)) is Method


def sends(value: Any) -> bool:
    """Is this a method written in messages or Python, and no primitive?"""
    return is_method(value) and "<primitive:" not in own_slots(value)["source"]


def holds_datum(slots: dict[str, Any], name: str) -> bool:
    value = slots.get(name, MISSING)
    return value is not MISSING and not is_method(value)


def is_retired(cls: type) -> bool:
    """Is this the type of a family that nobody is in any longer who was sent anything since?"""
    family = getattr(cls, "_p_family", None)
    return family is not None and family.retired


class Families:
    """The families of one connection. Attached to it as ``connection.families``."""

    def __init__(self, traits: Callable[[str], Body | None], changed: Callable[[str | None], None]) -> None:
        self._traits = traits  # name of the world -> traits object
        self._changed = changed  # called with the selector whose tables are stale, or None for all
        self._by_key: dict[Any, Family] = {}
        self._of: dict[int, set[Family]] = {}  # id(object) -> families whose order it is in
        self._clones: dict[tuple[type, int], Family] = {}
        self.by_type: dict[type, Family] = {}
        self.things: set[type] = set()  # the types of the image's objects
        self.keyed: set[type] = {*PLAIN, FunctionType}  # types whose instances are their own keys (image/keys.py)
        self.free_names: set[str] = set()  # names that some compiled method looked up outside itself
        self.data_names: set[str] = set()  # names seen to hold data
        self.behaviour_moved = False  # has a transaction in progress changed behaviour (then it moves the epoch)
        self.names_moved = False  # has it given or taken names of data (then an abort takes back what was learnt)
        self.revive: Callable[[Any], Any] = lambda stored: stored
        self.send: Callable[..., Any] = lambda *message: None
        self.world: Any = None
        self.loosen: Callable[[Family], None] = lambda family: None  # its objects may have left for another family

    # --- giving objects their family

    def settle(self, thing: Body) -> None:
        """Give a freshly loaded object its clean type."""
        set_class(thing, self.family_of(thing).clean)

    def adopt(self, thing: Body) -> None:
        """Give an object without a (current) family the type for the state it is in."""
        if thing._p_jar is None or thing._p_changed:
            live: Any = self.family_of(thing).live
            set_class(thing, live)
            live._p_live(thing)
        elif thing._p_changed is None:
            thing._p_activate()
            if type(thing) not in self.by_type or self.by_type[type(thing)].retired:
                self.settle(thing)
        else:
            self.settle(thing)

    def family_of(self, thing: Body) -> Family:
        ghost: type[Body] = getattr(type(thing), "_p_ghost", type(thing))  # type: ignore[assignment]
        slots: dict[str, Any] = vars(thing) or own_slots(thing)  # type: ignore[assignment]
        owner = self._by_key.get(id(thing))
        if owner is not None and not owner.retired:
            return owner
        if "side*" in slots:
            return self._make(id(thing), ghost, (), frozenset(), thing)
        marks: set[str] = set()
        plain: Family | None = None
        for name, value in slots.items():
            if is_method(value):
                return self._make(id(thing), ghost, (), frozenset(), thing)
            if name == "parent*" or name[0] in "_.":
                continue
            self.data_names.add(name)
            if name[0].isupper():
                marks.add(name)
            else:
                if plain is None:
                    plain = self._plain(ghost, self._parents(thing, ghost, slots))
                if is_method(plain.find(name)[1]):
                    marks.add(name)
        if not marks:
            return plain or self._plain(ghost, self._parents(thing, ghost, slots))
        above = self._parents(thing, ghost, slots)
        key = (ghost, tuple(map(id, above)), frozenset(marks))
        return self._by_key.get(key) or self._make(key, ghost, above, frozenset(marks), None)

    def clones_of(self, prototype: Body, ghost: type[Body] = UvmObject) -> type:
        """The live type of a new clone of prototype."""
        family = self._clones.get((ghost, id(prototype)))
        if family is None or family.retired:
            family = self._clones[ghost, id(prototype)] = self._plain(ghost, (prototype,))
        return family.live

    def default_parents(self, thing: Body) -> tuple[Any, ...]:
        traits = self._traits(type(thing)._p_traits)
        return () if traits is None or traits is thing else (traits,)

    def new(self, ghost: type[Body], items: Any = None) -> Any:
        """A new object of a class of the image, with its class's traits."""
        live: Any = self.default(ghost).live
        thing = live()
        thing.__dict__ = {} if items is None else {"_items": items}
        if ghost in SHOWN:
            live._p_live(thing)
        return thing

    def default(self, ghost: type[Body]) -> Family:
        """The family of an object of that class that has no parent* of its own."""
        family = self._by_key.get(ghost)
        if family is None or family.retired:
            traits = self._traits(ghost._p_traits)
            family = self._by_key[ghost] = self._plain(ghost, () if traits is None else (traits,))
        return family

    def native(self, cls: type, traits: Body | None) -> Family:
        """The family of a Python type that is no class of the image: int, str, function ..."""
        family = Family(None, () if traits is None else (traits,), frozenset(), None, native=True)
        family.clean = family.live = cls
        self._enter(family)
        self.by_type[cls] = family
        return family

    def _parents(self, thing: Body, ghost: type[Body], slots: dict[str, Any]) -> tuple[Any, ...]:
        if "parent*" in slots:
            return parents(thing)
        traits = self._traits(ghost._p_traits)
        return () if traits is None or traits is thing else (traits,)

    def _plain(self, ghost: type[Body], above: tuple[Any, ...]) -> Family:
        key: Any = (ghost, tuple(map(id, above)), frozenset())
        return self._by_key.get(key) or self._make(key, ghost, above, frozenset(), None)

    def _make(
        self, key: Any, ghost: type[Body], above: tuple[Any, ...], marks: frozenset[str], owner: Body | None
    ) -> Family:
        family = Family(ghost, above, marks, owner)
        family.clean, family.live = pair(ghost, self, family)
        self._enter(family)
        nearest: Any = next((one for one in family.order if one is not owner), None)
        for cls in (family.clean, family.live):
            cls._p_above = nearest  # type: ignore[attr-defined]  # compiled code asks it for slots that are not own
        self._compare(family)
        self._by_key[key] = family
        self.by_type[family.clean] = self.by_type[family.live] = family
        self.things.update((family.clean, family.live))
        if not hasattr(ghost, "_p_as_key"):
            self.keyed.update((family.clean, family.live))
        if owner is not None:
            for name, value in vars(owner).items():
                if is_method(value):
                    family.hide(name)
        return family

    def _enter(self, family: Family) -> None:
        if family.owner is not None:
            family.order = self.order_of(family.owner)
        else:
            top = UvmObject()
            vars(top)["parent*"] = family.parents  # type: ignore[index]
            family.order = linearize(top)[1:]
        family.above = frozenset(map(id, family.order))
        for one in family.order:
            self._of.setdefault(id(one), set()).add(family)

    def order_of(self, thing: Body) -> list[Body]:
        """Where messages to an object of its own family are looked up. A class's own are on its side (classes.py);
        then, so that it can be sent ``new`` and the like, come the prototypes that it inherits from and that are no
        classes."""
        side = own_slots(thing).get("side*")
        if side is None:
            return linearize(thing)
        order = linearize(side)
        order += [one for one in linearize(thing) if "sort*" not in own_slots(one) and not _among(one, order)]
        top = self._traits("Object")
        if top is not None and not _among(top, order):
            order.append(top)
        return order

    # --- equality

    def _compare(self, family: Family) -> None:
        """Let Python's == and hash, which dictionaries and sets ask, send = and hash where somebody redefined them."""
        equals, hashes = sends(family.find("=")[1]), sends(family.find("hash")[1])
        ghost: Any = family.ghost
        equal = self.world.table("=") if equals else {}
        hash_of = self.world.table("hash") if hashes else {}

        def same(one: Any, other: Any) -> bool:
            return one is other or equal[one.__class__](one, other) is True

        def hashed(one: Any) -> int:
            return hash(hash_of[one.__class__](one))

        for kind in (family.clean, family.live):
            cls: Any = kind
            plain = ghost.__eq__ is UvmObject.__eq__ or not issubclass(ghost, UvmObject)
            cls.__eq__ = same if equals else object.__eq__ if plain else ghost.__eq__
            cls.__hash__ = hashed if hashes else object.__hash__ if plain else ghost.__hash__

    # --- changing slots

    def set_slot(self, thing: Body, name: str, value: Any) -> None:
        """Write a slot from outside compiled code, and draw the consequences for behaviour."""
        if name in ("isNil", "notNil") and not is_method(value):
            raise Fault(
                "SystemExceptions.InvalidArgument", f"{name} is a message to everything; it cannot be the name of data"
            )
        slots = own_slots(thing)
        if is_method(value):
            key = name
            if not name.endswith(":"):
                family = self.current(thing)
                if "&" + name in slots or family.has_datum(name) or not is_method(slots.get(name, value)):
                    key = "&" + name
            setattr(thing, key, value)
            self.behaviour_changed(thing, name)
            self.current(thing).hide(key)
            return
        old = slots.get(name, MISSING)
        if name == "parent*" and getattr(type(value), "_p_ghost", type(value)) is Array:
            value = tuple(own_slots(value)["_items"])  # several parents; a single one may be a collection itself
        setattr(thing, name, value)
        if name == "parent*":
            self.behaviour_changed(thing, None)
        elif old is MISSING or is_method(old):
            self.data_names.add(name)
            if is_method(old):
                self.behaviour_changed(thing, name)
            else:
                self._datum_added(thing, name)

    def remove_slot(self, thing: Body, name: str) -> None:
        slots = own_slots(thing)
        key = "&" + name if "&" + name in slots else name
        old = slots[key]
        delattr(thing, key)
        if name == "parent*":
            self.behaviour_changed(thing, None)
        elif is_method(old):
            self.behaviour_changed(thing, name)
        else:
            # Elsewhere it may be read and written in line: other workers have to hear of it.
            self.behaviour_moved = True
            self._datum_added(thing, name)

    def current(self, thing: Body) -> Family:
        """The object's family, settling it first if it has none or a retired one."""
        family = self.by_type.get(type(thing))
        if family is None or family.retired:
            self.adopt(thing)
            family = self.by_type[type(thing)]
        return family

    def behaviour_changed(self, thing: Body, selector: str | None) -> None:
        """A method slot of thing changed (selector names it), or its parent* did (None)."""
        self.behaviour_moved = True
        dependents = self._of.get(id(thing), set())
        if selector in ("=", "hash"):
            for family in dependents:
                if not family.native:
                    self._compare(family)
        if selector is None:
            self._retire(dependents | {self.by_type[type(thing)]} if type(thing) in self.by_type else dependents)
        elif not selector.endswith(":") and selector in self.data_names:
            # Objects that hold a datum of this name may be hidden behind it now, or no longer.
            self._retire(dependents)
        if self.by_type.get(type(thing), None) is None or self.by_type[type(thing)].owner is not thing:
            self._regroup(thing)
        self._changed(selector)

    def _regroup(self, thing: Body) -> None:
        old = self.by_type.get(type(thing))
        if old is not None:
            self.loosen(old)
        set_class(thing, getattr(type(thing), "_p_ghost", type(thing)))
        family = self.family_of(thing)
        loaded_clean = thing._p_jar is not None and thing._p_changed is False
        kind: Any = family.clean if loaded_clean else family.live
        set_class(thing, kind)
        if not loaded_clean:
            kind._p_live(thing)

    def _datum_added(self, thing: Body, name: str) -> None:
        """A name of data came or went. Where it may hide a method or a name of the world, that is behaviour; a worker
        that knows nothing of it yet finds any other when it looks again (World.does_not_understand)."""
        self.names_moved = True
        others = (self.current(thing), *self._of.get(id(thing), ()))
        hidden = any(is_method(own_slots(holder).get(name)) for one in others for holder in one.order)
        if hidden or (name[:1].isupper() and self.world is not None and thing is not self.world.names):
            self.behaviour_moved = True
        family = self.current(thing)
        if family.owner is None and (name[:1].isupper() or name in family.marks or is_method(family.find(name)[1])):
            self._regroup(thing)
        if id(thing) in self._of:
            # A prototype shows the new datum to its family: names may mean something else now.
            self._changed(name)
            self._changed(name + ":")

    def _retire(self, families: set[Family]) -> None:
        for family in list(families):
            if family.retired:
                continue
            family.retired = not family.native
            if family.retired:
                self.loosen(family)
                # Nothing to say of these types any longer: an object that still has one gets its family anew.
                self.by_type.pop(family.clean, None)
                self.by_type.pop(family.live, None)
                self.keyed.difference_update((family.clean, family.live))
                self.things.difference_update((family.clean, family.live))
            for one in family.order:
                self._of.get(id(one), set()).discard(family)
            for key in [key for key, value in self._by_key.items() if value is family]:
                del self._by_key[key]
            if family.native:
                self._enter(family)
        for key in [key for key, value in self._clones.items() if value.retired]:
            del self._clones[key]
        if families:
            self._changed(None)

    def forget(self) -> None:
        """Drop everything learnt: another worker changed behaviour."""
        self._retire({family for family in self.by_type.values() if not family.native})
        natives = [(cls, family) for cls, family in self.by_type.items() if family.native]
        self._by_key, self._clones, self._of = {}, {}, {}
        for _, family in natives:
            self._enter(family)
        self._changed(None)
