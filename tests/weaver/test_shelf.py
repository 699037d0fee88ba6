"""The shelf against a naive model of a server: the law of shelf.py, in every order of events that hypothesis finds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from batos.jit.weaver.shelf import HELD, LEAVING, LOADING, UNLOADING, Shelf

NAMES = ["a", "b", "c", "d", "e"]


class Law(RuleBasedStateMachine):
    """`holds` is what the server really holds; loads and unloads are under way until a rule ends them."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf(2)
        self.holds: set[str] = set()
        self.loading: list[str] = []
        self.unloading: list[str] = []
        self.wants: dict[int, str] = {}  # tickets that wait
        self.uses: dict[int, str] = {}  # tickets that were granted
        self.foreign = 0  # adapters that were there without our doing
        self.ticket = 0
        self.sent_away: set[str] = set()

    def carry_on(self) -> None:
        leaving = {e.name for e in self.shelf.entries.values() if e.state == LEAVING}
        step = self.shelf.step()
        for name in step.load:
            assert name not in self.loading and name not in self.holds, "one load at a time, of what is not there"
            self.loading.append(name)
        for ticket in step.granted:
            assert isinstance(ticket, int)
            self.uses[ticket] = self.wants.pop(ticket)
            spared = self.shelf.entries[self.uses[ticket]].state == HELD
            assert spared or self.uses[ticket] not in leaving, "what is to leave is given to nobody"
        for name in step.unload:
            assert name not in self.uses.values(), "nothing is unloaded while it is used"
            assert name not in self.unloading
            self.unloading.append(name)

    @rule(name=st.sampled_from(NAMES))
    def ask(self, name: str) -> None:
        self.ticket += 1
        self.wants[self.ticket] = name
        self.shelf.ask(self.ticket, name)
        self.carry_on()

    @precondition(lambda self: self.uses or self.wants)
    @rule(data=st.data())
    def give_back(self, data: Any) -> None:
        ticket = data.draw(st.sampled_from(sorted([*self.uses, *self.wants])))
        self.uses.pop(ticket, None)
        self.wants.pop(ticket, None)
        self.shelf.give_back(ticket)
        self.carry_on()

    @precondition(lambda self: self.loading)
    @rule(data=st.data(), well=st.booleans())
    def end_load(self, data: Any, well: bool) -> None:
        name = data.draw(st.sampled_from(self.loading))
        self.loading.remove(name)
        if well:
            self.holds.add(name)
            self.shelf.loaded(name)
        else:
            for ticket in self.shelf.not_loaded(name):
                assert self.wants.pop(ticket) == name, "only those who wait for it fail with it"
            assert name not in self.wants.values()
        self.carry_on()

    @precondition(lambda self: self.unloading)
    @rule(data=st.data())
    def end_unload(self, data: Any) -> None:
        name = data.draw(st.sampled_from(self.unloading))
        self.unloading.remove(name)
        self.holds.discard(name)
        self.sent_away.discard(name)
        self.shelf.unloaded(name)
        self.carry_on()

    @rule(name=st.sampled_from(NAMES))
    def send_away(self, name: str) -> None:
        if self.shelf.send_away(name):
            self.sent_away.add(name)
        self.carry_on()

    @rule()
    def restart(self) -> None:
        """The server forgets all; what was under way fails; whoever uses something fails, too, and is told later."""
        for name in list(self.loading):
            self.loading.remove(name)
            for ticket in self.shelf.not_loaded(name):
                del self.wants[ticket]
        for name in list(self.unloading):
            self.unloading.remove(name)
            self.shelf.unloaded(name)
        self.holds.clear()
        self.sent_away.clear()
        self.foreign = 0
        self.shelf.seen(())
        for ticket in list(self.uses):
            del self.uses[ticket]
            self.shelf.give_back(ticket)
        self.carry_on()

    @rule(name=st.sampled_from(NAMES))
    def somebody_else_loads(self, name: str) -> None:
        if name in self.loading or name in self.unloading or name in self.holds:
            return
        self.holds.add(name)
        self.foreign += 1
        self.shelf.seen(self.holds - set(self.unloading))
        self.carry_on()

    # --- the law

    @invariant()
    def never_more_than_room(self) -> None:
        there = len(self.holds | set(self.loading))
        assert there <= self.shelf.room + self.foreign

    @invariant()
    def who_was_granted_has_it(self) -> None:
        for name in self.uses.values():
            assert name in self.holds and name not in self.unloading

    @invariant()
    def the_counts_are_right(self) -> None:
        for entry in self.shelf.entries.values():
            assert entry.users == sum(1 for name in self.uses.values() if name == entry.name)
            assert entry.name in self.holds or entry.state == LOADING
        assert set(self.shelf.waiting) == set(self.wants)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """Whoever waits, waits for a load, for an unload, or for somebody who uses what has to leave."""
        for name in self.wants.values():
            entry = self.shelf.entries.get(name)
            assert entry is None or entry.state != HELD
            if entry is None:
                going = [e for e in self.shelf.entries.values() if e.state in (LEAVING, UNLOADING, LOADING)]
                assert going, f"{name} waits, and nothing is under way"

    @invariant()
    def no_more_leave_than_are_needed(self) -> None:
        wanted = {name for name in self.wants.values() if name not in self.shelf.entries}
        going = [e for e in self.shelf.entries.values() if e.state == LEAVING and not e.told]
        over = max(len(self.shelf.entries) - self.shelf.room, 0)
        assert len(going) <= len(wanted) + over

    def teardown(self) -> None:
        """Once everything under way ends and everybody gives back what he has, nobody waits any more."""
        for _ in range(200):
            if not self.wants:
                break
            for ticket in list(self.uses):
                del self.uses[ticket]
                self.shelf.give_back(ticket)
            for name in list(self.unloading):
                self.unloading.remove(name)
                self.holds.discard(name)
                self.shelf.unloaded(name)
            for name in list(self.loading):
                self.loading.remove(name)
                self.holds.add(name)
                self.shelf.loaded(name)
            self.carry_on()
        assert not self.wants


TestLaw = Law.TestCase
TestLaw.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_least_recently_used_goes_and_an_idle_one_first() -> None:
    shelf = Shelf(2)
    for ticket, name in enumerate(("old", "new")):
        shelf.ask(ticket, name)
        assert shelf.step().load == (name,)
        shelf.loaded(name)
        assert shelf.step().granted == (ticket,)
    shelf.give_back(1)
    shelf.ask(2, "third")
    assert shelf.step().unload == ("new",)  # `old` is older, and in use
    shelf.unloaded("new")
    assert shelf.step().load == ("third",)


def test_what_is_to_leave_is_given_to_nobody_and_drains() -> None:
    shelf = Shelf(1)
    shelf.ask("user", "a")
    shelf.step()
    shelf.loaded("a")
    shelf.step()
    shelf.ask("other", "b")
    shelf.step()
    shelf.ask("late", "a")
    step = shelf.step()
    assert (step.granted, step.load, step.unload) == ((), (), ())
    shelf.give_back("user")
    assert shelf.step().unload == ("a",)
    shelf.unloaded("a")
    assert shelf.step().load == ("b",)


def test_who_gives_up_waiting_spares_what_would_have_left() -> None:
    shelf = Shelf(1)
    shelf.ask("user", "a")
    shelf.step()
    shelf.loaded("a")
    shelf.step()
    shelf.ask("other", "b")
    shelf.step()
    shelf.ask("late", "a")
    shelf.give_back("other")
    assert shelf.step().granted == ("late",)
