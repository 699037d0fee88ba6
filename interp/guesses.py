"""Guesses that compiled code makes, and what it does where they fail.

A name of data is guessed to be a slot of the receiver's own, what is sent ``at:`` an Array, what is added to an
OrderedCollection, what a walk is given a block that is not kept. Each guess has its miss here, which sends the message
after all; a guess that keeps failing in a method is not made again there: the method is compiled anew without it.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any, NoReturn

from ..image.collections import OrderedCollection, String, ghost_of
from ..image.object import MISSING, Body, own_slots
from ..image.values import Character, Symbol
from . import flow
from .blocks import HELD
from .families import Family, is_method

if TYPE_CHECKING:
    from .world import World

OFTEN = 20  # so many misses in a method, and it is compiled without that guess


class Site:
    """A compiled method and how often each slot it reads was not the receiver's own."""

    __slots__ = ("method", "key", "misses")

    def __init__(self, method: Any, key: Any) -> None:
        self.method = method
        self.key = key
        self.misses: dict[str, int] = {}


class Guesses:
    """The guesses of one world's compiled code."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sites: list[Site] = [Site(None, None)]  # compiled methods, by the number they report misses under
        self.timid: dict[int, set[str]] = {}  # id(method) -> selectors that are not tried in line
        self.shared: dict[int, set[str]] = {}  # id(method) -> names mostly found in a parent
        # (type, slot) -> the object that shows the slot to instances of the type, and those asked before it
        self.holders: dict[tuple[type, str], tuple[list[Body], Body]] = {}
        # What a unit (a file name of world.sources) must not do in line: "walks", whose blocks outlive them; "numbers"
        self.kept: dict[str, frozenset[str]] = {}

    def functions(self) -> dict[str, Any]:
        """The globals of compiled code that are called where a guess fails."""
        return {
            "inherited": self.inherited,
            "slot_miss": self.slot_miss,
            "at_miss": self.at_miss,
            "at_put_miss": self.at_put_miss,
            "size_miss": self.size_miss,
            "grow_miss": self.grow_miss,
            "equals_miss": self.equals_miss,
            "slot_at_miss": self.slot_at_miss,
            "slot_at_put_miss": self.slot_at_put_miss,
            "slot_size_miss": self.slot_size_miss,
            "let_go": self.let_go,
        }

    def note(self, filename: str, method: Any, key: Any) -> None:
        """A method was compiled, or compiled anew: from here on its misses are counted."""
        scope = self.world.globals
        number = scope.get(f"$site {filename}")
        if number:
            self.sites[number] = Site(method, key)
        else:
            scope[f"$site {filename}"] = len(self.sites)
            self.sites.append(Site(method, key))

    def marks(self, method: Any, family: Family) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
        """What was learnt while a method ran: slots that parents show, and sends not to be tried in line."""
        shared = set()
        for name in self.shared.get(id(method), ()):
            where = ""
            # The nearest parent alone can be read at once: one further away may be hidden at any time.
            if family.order and not is_method(own_slots(family.order[0]).get(name, family)):
                holder = family.order[0]
                where = f"$holder {id(holder)}" if name in own_slots(holder) else ""
                if where:
                    self.world.globals[where] = holder
            shared.add((name, where))
        return frozenset(shared), frozenset(self.timid.get(id(method), ()))

    def forget(self, selector: str | None) -> None:
        """Behaviour changed: which object shows a slot is to be looked up again."""
        if selector is None:
            self.holders.clear()
        else:
            for key in [key for key in self.holders if key[1] == selector]:
                del self.holders[key]

    # --- misses

    def inherited(self, thing: Any, name: str, site: int) -> Any:
        """A data slot that self does not hold itself."""
        if site:
            self.count(site, name, self.shared)
        found = self.holders.get((thing.__class__, name))
        if found is not None:
            nearer, holder = found
            for one in nearer:
                if name in own_slots(one):  # another worker may have changed it: vars() of a ghost is empty
                    break
            else:
                value = getattr(holder, name, MISSING)
                if value is not MISSING:
                    return value
        family = self.world.families.current(thing)
        for index, one in enumerate(family.order):
            value = own_slots(one).get(name, MISSING)
            if value is not MISSING and not is_method(value):
                self.holders[thing.__class__, name] = [o for o in family.order[:index] if o is not thing], one
                return value
        self.world.stale(name)  # the slot was there when this was looked up: an undo took it away
        return self.world.variables.look_up(thing, name)

    def slot_miss(self, thing: Any, name: str, site: int) -> Any:
        """A name of data was not a slot of the receiver's own: it shows a parent's, or a method answers."""
        function = self.world.table(name)[type(thing)]
        if site:
            self.count(site, name if function.__dict__.get("plain") else name + " sent", self.timid)
        return function(thing)

    def at_miss(self, thing: Any, index: Any, site: int) -> Any:
        """What was indexed in line is no Array, or has no such index."""
        if site:
            self.count(site, self._textual("at:", thing), self.timid)
        return self.world.send(thing, "at:", index)

    def _textual(self, selector: str, thing: Any) -> str:
        """The mark for a send that a String answered, literal or not, or a literal Array, or something else."""
        if thing.__class__ is tuple:
            return selector + " literal"
        if thing.__class__ is str:
            return selector + " text"
        return selector + " string" if getattr(type(thing), "_p_ghost", None) is String else selector

    def size_miss(self, thing: Any, selector: str, site: int) -> Any:
        """What was measured in line is no Array."""
        if site:
            self.count(site, self._textual(selector, thing), self.timid)
        return self.world.send(thing, selector)

    def grow_miss(self, thing: Any, selector: str, site: int, *args: Any) -> Any:
        """What was to grow or shrink in line is no OrderedCollection, or has not been changed in this transaction."""
        if site and (ghost_of(thing) is not OrderedCollection or not hasattr(thing, "_v_array")):
            self.count(site, selector, self.timid)
        return self.world.send(thing, selector, *args)

    def equals_miss(self, left: Any, right: Any, selector: str, site: int) -> Any:
        """What was compared in line are no numbers."""
        single = left.__class__ is Character or left.__class__ is Symbol
        if site:
            self.count(site, selector + " single" if single else selector, self.timid)
        return self.world.send(left, selector, right)

    def at_put_miss(self, thing: Any, index: Any, value: Any, site: int) -> Any:
        """What was written in line is no Array, has no such index, or has not been changed in this transaction."""
        if site and not hasattr(thing, "_v_array"):
            self.count(site, "at:put:", self.timid)
        return self.world.send(thing, "at:put:", index, value)

    # The same where the receiver is a slot of self, read in the same go.

    def _slot(self, thing: Any, name: str, site: int) -> Any:
        value = getattr(thing, name, MISSING)
        if value is not MISSING:
            return value
        return self.world.variables.unset(thing, name) if name[0] == "." else self.inherited(thing, name, site)

    def slot_at_miss(self, thing: Any, name: str, index: Any, site: int) -> Any:
        return self.at_miss(self._slot(thing, name, site), index, site)

    def slot_at_put_miss(self, thing: Any, name: str, index: Any, value: Any, site: int) -> Any:
        return self.at_put_miss(self._slot(thing, name, site), index, value, site)

    def slot_size_miss(self, thing: Any, name: str, selector: str, site: int) -> Any:
        return self.size_miss(self._slot(thing, name, site), selector, site)

    def count(self, number: int, name: str, marks: dict[int, set[str]]) -> None:
        """A guess that keeps failing in a method is not made again there: the method is compiled anew."""
        site = self.sites[number]
        count = site.misses[name] = site.misses.get(name, 0) + 1
        if count == OFTEN and site.method is not None:
            marks.setdefault(id(site.method), set()).add(name)
            self.world.forget_function(site.key, own_slots(site.method)["selector"])

    # --- blocks of walks

    def let_go(self, block: Any) -> None:
        """A spare, made in a turn of a loop, shares variables of that turn: it must not be kept for longer."""
        if getrefcount(block) > HELD:
            self.keep_apart(block.__code__.co_filename)

    def keep_apart(self, filename: str) -> NoReturn:
        """A walk's receiver keeps the block it was given. From now on the method's blocks are functions and share
        boxes; the message starts again."""
        self._start_again(filename, "walks")

    def too_wide(self, filename: str) -> None:
        """An Integer beyond all Floats met a Float in line, where Python knows no answer: sent, the message has one
        (and can be resumed with one). The message starts again, unless it was sent already."""
        if "numbers" not in self.kept.get(filename, ()):
            self._start_again(filename, "numbers")

    def _start_again(self, filename: str, mark: str) -> NoReturn:
        site = self.sites[self.world.globals.get(f"$site {filename}") or 0]
        if site.method is not None:
            self.timid.setdefault(id(site.method), set()).add(mark)
            self.world.stale(None)
        self.kept[filename] = self.kept.get(filename, frozenset()) | {mark}
        raise flow.StartAgain(mark)
