"""Guesses that compiled code makes, and what it does where they fail.

A name of data is guessed to be a slot of the receiver's own, what is sent ``at:`` an Array (or what answered it
before), what is added to an OrderedCollection, what a walk is given a block that is not kept. Each guess has its miss
here, which sends the message after all; a guess that keeps failing in a method is not made again there: the method is
compiled anew without it.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any, NoReturn

from ..image.collections import (
    Array,
    Bag,
    Dictionary,
    IdentityDictionary,
    IdentitySet,
    OrderedCollection,
    Set,
    String,
    ghost_of,
)
from ..image.object import MISSING, Body, own_slots
from ..image.sequences import Stream
from ..image.values import Character, Symbol
from . import flow
from .blocks import HELD
from .families import Family, is_method
from .hashing import FORMS, NAMES

if TYPE_CHECKING:
    from .world import World

OFTEN = 20  # so many misses in a method, and it is compiled without that guess


MANY = 1000  # places whose misses are counted
KINDS: dict[Any, str] = {
    Array: "list",
    OrderedCollection: "list",
    Dictionary: "table",
    IdentityDictionary: "pairs",
    Set: "set",
    IdentitySet: "ids",
    Bag: "bag",
    String: "string",
    str: "text",
    tuple: "literal",
}
TEXTS = ("string", "text", "literal")


def form_of(selector: str, thing: Any) -> str:
    """In which form a message to that can be in line; '' if in none."""
    ghost = ghost_of(thing)
    if ghost is Stream:
        return next((form for form in FORMS[selector] if form in NAMES and NAMES[form][0] in vars(thing)), "")
    form = KINDS.get(ghost, "")
    if form in TEXTS:
        return form if selector in ("at:", "size", "isEmpty", "notEmpty") else ""
    return form if form in FORMS[selector] and ghost._p_reading[0] in vars(thing) else ""


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
        self.missed_at: dict[str, int] = {}  # flag of a place -> misses there
        # (type, slot) -> the object that shows the slot to instances of the type, and those asked before it
        self.holders: dict[tuple[type, str], tuple[list[Body], Body]] = {}
        # What a unit (a file name of world.sources) must not do in line: "walks", whose blocks outlive them; "numbers"
        self.kept: dict[str, frozenset[str]] = {}

    def functions(self) -> dict[str, Any]:
        """The globals of compiled code that are called where a guess fails."""
        return {
            "inherited": self.inherited,
            "slot_miss": self.slot_miss,
            "equals_miss": self.equals_miss,
            "$missed": self.missed,
            "$slot_missed": self.slot_missed,
            "$noted": self.noted,
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

    def site_of(self, filename: str) -> Site:
        """Of the method whose code goes by that name; a site without a method, if it is none's."""
        return self.sites[self.world.globals.get(f"$site {filename}") or 0]

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

    def noted(self, place: str, flag: str, site: int, thing: Any) -> bool:
        """A collection was not what a place in a method takes it for, or is not live yet, or has no such key. A place
        that was often wrong sends its message from now on, and takes what it met for granted when it is compiled anew.
        """
        selector, where, form = place.split(" ")
        met = form_of(selector, thing)
        if met == form:
            return True
        count = self.missed_at[flag] = self.missed_at.get(flag, 0) + 1
        if count >= OFTEN:
            del self.missed_at[flag]
            self.world.globals[flag] = True
            method = self.sites[site].method
            if method is not None:
                marks, here = self.timid.setdefault(id(method), set()), f"{selector} {where}"
                learnt = any(mark.startswith(here + " ") for mark in marks)
                marks.add(f"{here} {met}" if met and not learnt else here)
                self._anew(self.sites[site])
        elif len(self.missed_at) > MANY:
            self.missed_at.clear()  # mostly of statements, which do not come again
        return True

    def missed(self, place: str, flag: str, site: int, thing: Any, *args: Any) -> Any:
        """The same, and the message is sent."""
        self.noted(place, flag, site, thing)
        return self.world.send(thing, place.partition(" ")[0], *args)

    def slot_missed(self, place: str, flag: str, site: int, thing: Any, name: str, *args: Any) -> Any:
        """The same where the receiver is a slot of self, read in the same go."""
        value = getattr(thing, name, MISSING)
        if value is MISSING:
            unset, inherited = self.world.variables.unset, self.inherited
            value = unset(thing, name) if name[0] == "." else inherited(thing, name, site)
        return self.missed(place, flag, site, value, *args)

    def equals_miss(self, left: Any, right: Any, selector: str, site: int) -> Any:
        """What was compared in line are no numbers."""
        kind = {Character: " single", Symbol: " symbol"}.get(left.__class__, "")
        if site:
            self.count(site, selector + kind, self.timid)
        return self.world.send(left, selector, right)

    def count(self, number: int, name: str, marks: dict[int, set[str]]) -> None:
        """A guess that keeps failing in a method is not made again there: the method is compiled anew."""
        site = self.sites[number]
        count = site.misses[name] = site.misses.get(name, 0) + 1
        if count == OFTEN and site.method is not None:
            marks.setdefault(id(site.method), set()).add(name)
            self._anew(site)

    def _anew(self, site: Site) -> None:
        """A method is to be compiled anew, and what has it in line too."""
        selector = own_slots(site.method)["selector"]
        self.world.forget_function(site.key, selector)
        self.world.hot.cool(selector)

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
        site = self.site_of(filename)
        if site.method is not None:
            self.timid.setdefault(id(site.method), set()).add(mark)
            self.world.stale(None)
        self.kept[filename] = self.kept.get(filename, frozenset()) | {mark}
        raise flow.StartAgain(mark)
