"""Which methods are sent often, and which small ones they send in turn.

A method's function counts its first sends; then the method is compiled anew, with what those sends found out about its
own (inlining.py), and counts no more. That is the second tier of a just-in-time compiler: what runs seldom is never
compiled twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..image.object import own_slots
from .families import Family, is_method
from .inlining import DEEPEST, Small, is_small
from .trees import free_of, sends_of

if TYPE_CHECKING:
    from .world import World

KINDS: dict[type, str] = {int: "int", float: "float"}  # of receivers whose type says how to compute with them
OFTEN = 300  # sends of a method until it is compiled anew


class Counting(NamedTuple):
    function: Any
    family: Family
    again: Callable[[], Any]  # compiles the method anew
    hasten: Callable[[], None]  # it need count no more than one


class Hot:
    def __init__(self, world: World) -> None:
        self.world = world
        self._methods: set[int] = set()
        self._counting: dict[int, list[Counting]] = {}  # by id(method)
        self._senders: dict[str, dict[int, Any]] = {}  # by selector: the methods that have one of its methods in line

    def __contains__(self, method: Any) -> bool:
        return id(method) in self._methods

    def forget(self) -> None:
        """Methods may have gone, and others come by their numbers."""
        self._methods.clear()
        self._counting.clear()
        self._senders.clear()

    def cool(self, selector: str) -> None:
        """A selector has come to mean something else: methods with what it meant in line count anew."""
        senders = self._senders.pop(selector, {})
        for method in senders.values():
            self._methods.discard(id(method))
            self.world.forget_method(method)
        if senders:
            self.world.table(selector).unguard()
            self.world.self_sends.unguard(selector)

    def counted(self, function: Any, method: Any, family: Family, again: Callable[[], Any]) -> Any:
        """A method's function that counts, until it has been sent often; ``again`` compiles the method anew."""
        left = OFTEN

        def counting(receiver: Any, *args: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                self._promote(method)
                self._hasten(sys._getframe(1))
            return function(receiver, *args)

        def hasten() -> None:
            nonlocal left
            left = min(left, 1)

        counting.__dict__.update(function.__dict__)
        known = self._counting.get(id(method), ())
        mine = Counting(counting, family, again, hasten)
        self._counting[id(method)] = [*(one for one in known if not one.family.retired), mine]
        return counting

    def _promote(self, method: Any) -> None:
        """From its next send on, the method runs as it is compiled now."""
        self._methods.add(id(method))
        for one in self._counting.pop(id(method), ()):
            if not one.family.retired:
                self.world.replace_function(own_slots(method)["selector"], one.function, one.again())

    def _hasten(self, frame: FrameType | None) -> None:
        """Who sends what is sent often may be sent seldom and run for long: that method's turn is at its next send."""
        while frame is not None and frame.f_code.co_filename not in self.world.sources:
            frame = frame.f_back
        if frame is not None:
            method = self.world.guesses.site_of(frame.f_code.co_filename).method
            for one in self._counting.get(id(method), ()):
                one.hasten()

    def small(self, method: Any, family: Family) -> tuple[Small, ...]:
        """The small methods that a method's sends reach, as far as is known."""
        found = self._reached(method, family, True, ())
        waiting = list(found)
        while waiting:
            one = waiting.pop()
            waiting.extend(one.inner)
            self._senders.setdefault(one.selector, {})[id(method)] = method
        return found

    def _reached(self, method: Any, family: Family, own: bool, above: tuple[Any, ...]) -> tuple[Small, ...]:
        """``own``: also by sends to self, which the family answers."""
        if len(above) >= DEEPEST:
            return ()
        world, found = self.world, []
        for selector in sorted(sends_of(own_slots(method)["source"])):
            if own and world.self_sends.answered(family, selector):
                found.append(self._small(selector, True, family, (*above, method)))
            function = world.globals.get("!" + selector)
            if function is not None and "identity" in function.__dict__:
                answering = world.families.by_type.get(world.globals["?" + selector])
                if answering is not None and not answering.retired and self._one_answers(selector, function):
                    found.append(self._small(selector, False, answering, (*above, method)))
        return tuple(one for one in found if one is not None)

    def _one_answers(self, selector: str, function: Any) -> bool:
        """Has it been the same method for all receivers?"""
        found = (one.__dict__.get("identity") for one in self.world.tables[selector].values())
        return all(identity == function.__dict__["identity"] for identity in found)

    def _small(self, selector: str, own: bool, family: Family, above: tuple[Any, ...]) -> Small | None:
        world = self.world
        holder, method = family.find(selector)
        if holder is None or not is_method(method) or any(one is method for one in above):
            return None
        slots = own_slots(method)
        source = slots["source"]
        if slots["language"] != "smalltalk" or str(slots["author"]).startswith("model:") or not is_small(source):
            return None  # what a model wrote is told by its frame
        free = free_of(source)
        world.families.free_names.update(free)
        return Small(
            selector,
            own,
            KINDS.get(family.live),
            source,
            world.filename_of(method, holder),
            tuple((name, world.resolve(name, family, holder)) for name in free),
            world.guesses.marks(method, family),
            world.hints(sends_of(source)),
            str(id(holder)),
            self._reached(method, family, own, above),
        )
