"""Names that compiled code could not resolve when it was compiled, and assignments that are more than a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..image.object import MISSING, is_object, own_slots
from ..image.values import Symbol
from . import flow
from .classes import pool_of
from .families import holds_datum, is_method

if TYPE_CHECKING:
    from .world import World


class Variables:
    """The variables of one world's compiled code, as they are found when it runs."""

    def __init__(self, world: World) -> None:
        self.world = world

    def functions(self) -> dict[str, Any]:
        """The globals of compiled code that read and write them."""
        return {
            "look_up": self.look_up,
            "look_global": self.look_global,
            "pool_at": self.pool_at,
            "unset": self.unset,
            "assign_variable": self.assign_variable,
            "assign": self.assign,
            "assign_top": self.assign_top,
        }

    def look_up(self, thing: Any, name: str) -> Any:
        """A name that was not known when the method was compiled: a slot, a name of the world, or a send to self."""
        if is_object(thing):
            value = own_slots(thing).get(name, MISSING)
            if value is MISSING or is_method(value):
                for one in self.world.families.current(thing).order:
                    value = own_slots(one).get(name, MISSING)
                    if value is not MISSING:
                        break
            if value is not MISSING and not is_method(value):
                return value
            if is_method(value):
                return self.world.send(thing, name)
        value = self.named(name)
        return self.world.send(thing, name) if value is MISSING else value

    def named(self, name: str) -> Any:
        """What has a name of the world, also under that of a namespace, of which there is only the one; MISSING if
        nothing has."""
        slots, name = own_slots(self.world.names), name.removeprefix("Smalltalk.")
        return slots.get(name, MISSING) if name in slots else slots.get(name.rpartition(".")[2], MISSING)

    def look_global(self, thing: Any, name: str) -> Any:
        """A name in a class's method that was not known when it was compiled: nil, if it still is nothing."""
        value = self.named(name)
        return None if value is MISSING else value

    def unset(self, thing: Any, name: str) -> Any:
        """An instance variable that an object has not: its class got it later, or the object is a clone of another."""
        for one in self.world.families.current(thing).order if is_object(thing) else ():
            value = own_slots(one).get(name, MISSING)
            if value is not MISSING and "side*" not in own_slots(one):
                return value
        return None

    def pool_at(self, pool: str, name: str) -> Any:
        return self.world.send(self.world.lookup(pool), "at:ifAbsent:", Symbol(name), lambda: None)

    def assign_variable(self, thing: Any, name: str, where: str, value: Any) -> None:
        """Write a variable of a class, its instances or a pool, where that is not done in line."""
        if self.world.checked:
            self.check_storable(value, thing, name)
        how, _, place = where.partition(" ")
        if how == "ivar":
            setattr(thing, "." + name, value)
        elif how == "shared":
            setattr(pool_of(self.world.lookup(place)), name, value)
        elif how == "alias":
            self.world.set_name(place, value)
        else:
            self.world.send(self.world.lookup(place), "at:put:", Symbol(name), value)

    def assign(self, thing: Any, name: str, value: Any) -> None:
        """``name := value`` in a method, where name is no variable of it."""
        if self.world.checked:
            self.check_storable(value, thing, name)
        if is_object(thing):
            family = self.world.families.current(thing)
            if holds_datum(own_slots(thing), name) or family.has_datum(name):
                self.world.families.set_slot(thing, name, value)
                return
        name = name.removeprefix("Smalltalk.")
        if name in own_slots(self.world.names):
            self.world.set_name(name, value)
            return
        raise flow.Fault(
            "SystemExceptions.UndeclaredVariable",
            f"{name} is neither a variable here nor a slot of {self.world.describe(thing)}; nothing was assigned",
        )

    def assign_top(self, thing: Any, name: str, value: Any) -> None:
        """``name := value`` at the top level: a name of the world if capitalised, else a variable of the workspace."""
        if self.world.checked:
            self.check_storable(value, thing, name)
        if name[:1].isupper():
            self.world.set_name(name.removeprefix("Smalltalk."), value)
        else:
            self.world.families.set_slot(thing, name, value)

    def check_storable(self, value: Any, thing: Any, name: str) -> None:
        """Refuse by name what could not be written to disk."""
        from ..image.storable import obstacle

        problem = obstacle(value)
        if problem:
            raise flow.Fault(
                "SystemExceptions.CannotPersist",
                f"slot {name} of {self.world.describe(thing)} cannot hold {problem}: it would not survive a restart",
            )
