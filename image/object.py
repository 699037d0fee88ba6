"""UvmObject: a bag of named slots that persists, delegates, and notices its own changes.

The physics of the world, after Self (Ungar and Smith, 1987): an object holds named slots; the slot
``parent*`` holds one object or a sequence of them; what an object does not hold itself it finds
along its parents, depth first, each object once.

How it is stored, and why it is fast
------------------------------------
The slots *are* the instance's ``__dict__``. ``_slots`` is a view of it that goes through the
attribute protocol, so that no write can be forgotten.

An object is in one of three states, and its Python type says which:

* **ghost** (or outside any interpreter): the class itself, e.g. ``UvmObject``. Every attribute access goes
  through ``Persistent``, which loads the state first and registers the object when it is written.
* **clean**: loaded and unchanged. Reads are plain Python attribute reads; a write registers the object
  with its connection and makes it live.
* **live**: new or already registered. Reads and writes are plain, and CPython's adaptive interpreter specialises them.

Persistent's own attribute access costs six times a plain one and defeats that specialisation,
which is why the state is in the type and not in a flag. Clean and live types come
in pairs, one pair for a family of objects that behave alike (see family.py); they exist only while an
interpreter is attached to the connection. ``copyreg`` reduces them to the class, so nothing of this is stored.

Clean and live types have no ``__getattr__``: it would cost the specialisation. Compiled code finds inherited
slots itself; Python code outside uses ``get_slot``/``delegate`` or ``batos.World``.
"""

from __future__ import annotations

import copyreg
import weakref
from collections.abc import Iterator, MutableMapping
from sys import intern
from types import FunctionType
from typing import Any

from persistent import Persistent

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__slots__": ()})()

set_class = object.__dict__["__class__"].__set__  # past every barrier: no load, no registration


class Kind(type(Persistent)):  # type: ignore[misc]
    """Type of the classes of this room and of their families.

    A family is an instance of its class although it does not inherit from it
    (it must not inherit ``__getattr__``), so ``isinstance`` asks for the ghost class.
    """

    def __instancecheck__(cls, thing: object) -> bool:
        return issubclass(type(thing), cls)

    def __subclasscheck__(cls, other: type) -> bool:
        return type.__subclasscheck__(cls, getattr(other, "_p_ghost", other))


def _same(cls: type) -> type:
    return cls


def _reduce_kind(cls: type) -> Any:
    ghost = getattr(cls, "_p_ghost", cls)
    return ghost.__name__ if ghost is cls else (_same, (ghost,))


copyreg.pickle(Kind, _reduce_kind)


class Body(Persistent, metaclass=Kind):
    """What every stored object of the world has in common; not used by itself."""

    # Where an object without a parent* of its own delegates to: a name of the world.
    _p_traits = "Object"

    _p_awake = False  # are instances loaded for certain? Of a family's types they are

    @property
    def _slots(self) -> Slots:
        return Slots(self)

    @staticmethod
    def _p_live(thing: Any) -> None:
        """Called when an object becomes live; a class may note in the object what only live ones have."""

    @staticmethod
    def _p_clean(thing: Any) -> None:
        """Called when an object becomes clean."""

    def __getstate__(self) -> dict[str, Any]:
        # A ghost asked for its state must load first; vars() would show an empty dict.
        if self._p_changed is None:
            self._p_activate()
        return {name: freeze(value) for name, value in vars(self).items() if name[:3] != "_v_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Interned names are shared by all objects, and CPython's inline caches compare them by identity.
        set_dict(
            self, {intern(name): thaw(value) if type(value) is StoredBlock else value for name, value in state.items()}
        )
        families = getattr(self._p_jar, "families", None)
        if families is not None:
            families.settle(self)

    def __reduce__(self) -> Any:
        raise TypeError("an object of the image is stored by its connection, not pickled by value")


set_dict = Body.__dict__["__dict__"].__set__


def awake(thing: Body) -> bool:
    """Load a ghost; whether it has become an instance of a family by that."""
    if hasattr(type(thing), "_p_ghost") or thing._p_changed is not None:
        return False
    thing._p_activate()
    return hasattr(type(thing), "_p_ghost")


_persistent_get = Persistent.__getattribute__


class UvmObject(Body):
    """A prototype object. ``o.x`` reads slot x along the parents, ``o.x = v`` writes it into o.

    >>> account = UvmObject(balance=0)
    >>> savings = UvmObject()
    >>> savings._slots["parent*"] = account
    >>> savings.balance
    0
    """

    def __init__(self, **slots: Any) -> None:
        set_dict(self, {})
        for name, value in slots.items():
            self._slots[name] = value

    def __eq__(self, other: object) -> bool:
        # A ghost does not know yet what = means to it: once loaded it has the type that does.
        if self is other:
            return True
        if awake(self):
            return bool(self == other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self) if awake(self) else object.__hash__(self)

    def __getattribute__(self, name: str) -> Any:
        value = _persistent_get(self, name)
        if name[:3] != "_p_" and "_p_family" in type.__getattribute__(type(self), "__dict__"):
            # This read loaded a ghost, which has a family now: what its type says of the name holds already.
            return object.__getattribute__(self, name)
        return value

    def __getattr__(self, name: str) -> Any:
        # Only reached when the object's own slots (its __dict__) lack the name.
        if name[:2] == "__" or name[:3] in ("_p_", "_v_") or hasattr(type(self), "_p_family"):
            raise AttributeError(name)
        value = get_slot(self, name)
        if value is MISSING:
            raise AttributeError(f"no slot {name!r} in this object or along its parent*")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if reserved(name) and name[:3] not in ("_p_", "_v_") and name not in ("__class__", "__dict__"):
            raise AttributeError(f"{name!r} cannot be a slot: names that begin with '__' are Python's")
        Persistent.__setattr__(self, name, value)  # registers the change with the connection


class Slots(MutableMapping[str, Any]):
    """The slots of one object as a mapping: reads its own slots only, and every write is noticed."""

    __slots__ = ("_object",)

    def __init__(self, owner: Body) -> None:
        self._object = owner

    def __getitem__(self, name: str) -> Any:
        return self._own()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str) or not name or reserved(name):
            raise KeyError(f"{name!r} cannot be the name of a slot")
        families = getattr(self._object._p_jar, "families", None) or getattr(type(self._object), "_p_families", None)
        if families is not None:
            families.set_slot(self._object, name, value)
        else:
            setattr(self._object, name, value)

    def __delitem__(self, name: str) -> None:
        if name not in self._own():
            raise KeyError(name)
        families = getattr(self._object._p_jar, "families", None) or getattr(type(self._object), "_p_families", None)
        if families is not None:
            families.remove_slot(self._object, name)
        else:
            delattr(self._object, name)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._own()))

    def __len__(self) -> int:
        return len(self._own())

    def __repr__(self) -> str:
        return f"Slots({sorted(self._own())})"

    def _own(self) -> dict[str, Any]:
        if self._object._p_changed is None:
            self._object._p_activate()
        return vars(self._object)  # type: ignore[return-value]


def reserved(name: str) -> bool:
    """Names that Python or the persistence machinery keep for themselves."""
    return name[:2] == "__" or name[:3] in ("_p_", "_v_") or name in ("_slots", "_items") or name[:1] == "#"


def is_object(thing: Any) -> bool:
    """Is this an object of the image? Asked often: ``isinstance(thing, Body)`` costs ten times as much."""
    return type(type(thing)) is Kind


# --- delegation ---------------------------------------------------------------


def own_slots(thing: Body) -> dict[str, Any]:
    """The object's own slots, loaded; for reading only."""
    if not type(thing)._p_awake and thing._p_changed is None:
        thing._p_activate()
    return thing.__dict__


def parents(thing: Body) -> tuple[Any, ...]:
    """The objects in parent*, in order; an object without the slot has its class's traits when a world is attached."""
    value = own_slots(thing).get("parent*", MISSING)
    if value is MISSING:
        families = getattr(type(thing), "_p_families", None) or getattr(thing._p_jar, "families", None)
        return families.default_parents(thing) if families is not None else ()
    if value is None:
        return ()
    if isinstance(value, tuple | list):
        return tuple(value)
    return (value,)  # also where it is a collection: a clone of one delegates to it


def linearize(thing: Body) -> list[Body]:
    """The object and all it delegates to: depth first, left to right, each object once (cycles end)."""
    order: list[Body] = []
    seen: set[int] = set()
    stack: list[Any] = [thing]
    while stack:
        one = stack.pop()
        if id(one) in seen or not isinstance(one, Body):
            continue
        seen.add(id(one))
        order.append(one)
        stack.extend(reversed(parents(one)))
    return order


def get_slot(thing: Body, name: str, default: Any = MISSING) -> Any:
    """The value of a slot found by delegation, or default."""
    for one in linearize(thing):
        value = own_slots(one).get(name, MISSING)
        if value is not MISSING:
            return value
    return default


# --- blocks -------------------------------------------------------------------


class Box(Body):
    """A variable that several blocks share: one object with one slot, ``v``."""

    _p_traits = ""

    def __init__(self, value: Any = None) -> None:
        set_dict(self, {"v": value})


class StoredBlock(Persistent):
    """A block at rest: the source it was compiled from, which block of it, and what it captured.

    Blocks run as Python functions, which cannot be stored. A function that reaches a stored object is
    written as a StoredBlock, of which there is one per function, so two slots that hold one block still do
    after a restart; variables shared between blocks are boxes, objects with an identity of their own.
    """

    def __init__(self, recipe: Any, captured: dict[str, Any]) -> None:
        self.recipe = recipe
        self.captured = captured


def freeze(value: Any) -> Any:
    """What stands for value in a stored record."""
    if type(value) is FunctionType:
        stored = value.__dict__.get("stored")
        if stored is None:
            recipe = value.__globals__.get("recipe_of")
            if recipe is None:
                raise TypeError(f"a Python function ({value.__qualname__}) cannot persist; a block can")
            stored = value.__dict__["stored"] = recipe(value)
        return stored
    return value


def thaw(value: Any) -> Any:
    """The running value for what freeze wrote."""
    if type(value) is StoredBlock:
        # Held weakly: a stored block in the connection's cache shall not keep its code, which takes ten times the room.
        known = getattr(value, "_v_function", None)
        function = None if known is None else known()
        if function is None:
            families = getattr(value._p_jar, "families", None)
            if families is None:
                return value
            function = families.revive(value)
            value._v_function = weakref.ref(function)
            function.__dict__["stored"] = value
        return function
    return value
