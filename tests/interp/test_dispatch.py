"""Dispatch against a naive model of lookup, under every change of behaviour, with two workers, aborts and restarts.

The model: an object is a dict of slots and a list of parents. A message finds the first slot of its name in the object,
then in its parents depth first, each once. A method defined where a datum of its name can be seen is that datum's
accessor, and answers before every datum of that name.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from batos.interp import flow

from .conftest import Bench

COUNT = 4
OBJECTS = st.integers(0, COUNT - 1)
NAMES = st.sampled_from(["x", "y"])
WORKERS = st.integers(0, 1)
NOBODY = "not understood"


class Thing:
    def __init__(self, *parents: Thing) -> None:
        self.slots: dict[str, tuple[str, int]] = {}
        self.parents = list(parents)

    def order(self) -> list[Thing]:
        found: list[Thing] = []

        def visit(thing: Thing) -> None:
            if thing not in found:
                found.append(thing)
                for parent in thing.parents:
                    visit(parent)

        visit(self)
        return found

    def first(self, name: str) -> tuple[str, int] | None:
        return next((one.slots[name] for one in self.order() if name in one.slots), None)

    def shows(self, name: str) -> bool:
        slot = self.first(name)
        return slot is not None and slot[0] == "datum"

    def answer(self, name: str) -> Any:
        first = None
        for one in self.order():
            if "&" + name in one.slots and (first is None or first[0] == "datum"):
                return one.slots["&" + name][1]
            if first is None and name in one.slots:
                first = one.slots[name]
                if first[0] == "method":
                    break
        return NOBODY if first is None else first[1]

    def define(self, name: str, value: int) -> None:
        accessor = not name.endswith(":") and ("&" + name in self.slots or self.shows(name))
        accessor = accessor or self.slots.get(name, ("", 0))[0] == "datum"
        self.slots["&" + name if accessor else name] = ("method", value)

    def remove(self, name: str) -> bool:
        return self.slots.pop("&" + name, None) is not None or self.slots.pop(name, None) is not None


SETUP = """
Object >> removeSlot: name [ <primitive: 'object.removeSlot'> ].
Object >> read [ ^x ].
Object >> readY [ ^y ].
Object >> assign: v [ x := v. ^v ].
Ask := Object clone.
Ask >> x: it [ ^it x ].
Ask >> y: it [ ^it y ].
Ask >> read: it [ ^it read ].
Ask >> readY: it [ ^it readY ].
Ask >> put: v in: it [ it x: v. ^v ].
Ask >> assign: v in: it [ ^it assign: v ].
O0 := Object clone. O1 := O0 clone. O2 := Object clone. O3 := O1 clone.
"""


def machine(make: Callable[[], Bench]) -> type[RuleBasedStateMachine]:
    class Dispatch(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.bench = make()
            self.bench.well(SETUP)
            self.bench.another()
            o0, o2 = Thing(), Thing()
            o1 = Thing(o0)
            self.things = [o0, o1, o2, Thing(o1)]
            self.value = 0

        def next(self) -> int:
            self.value += 1
            return self.value

        def does(self, source: str, worker: int) -> str:
            return self.bench(source, self.bench.workers[worker])

        @rule(i=OBJECTS, name=NAMES, w=WORKERS)
        def set_datum(self, i: int, name: str, w: int) -> None:
            value = self.next()
            assert self.does(f"O{i} setSlot: '{name}' value: {value}", w) == str(value)
            self.things[i].slots[name] = ("datum", value)

        @rule(i=OBJECTS, name=st.sampled_from(["x", "y", "x:"]), w=WORKERS)
        def define(self, i: int, name: str, w: int) -> None:
            value = self.next()
            head = "x: a" if name == "x:" else name
            assert self.does(f"O{i} >> {head} [ ^{value} ]", w) == "None"
            self.things[i].define(name, value)

        @rule(i=OBJECTS, name=st.sampled_from(["x", "y", "x:"]), w=WORKERS)
        def remove(self, i: int, name: str, w: int) -> None:
            removed = self.things[i].remove(name)
            assert (self.does(f"O{i} removeSlot: '{name}'", w)[:1] != "!") == removed

        @rule(i=OBJECTS, above=st.lists(OBJECTS, max_size=3, unique=True), w=WORKERS)
        def set_parents(self, i: int, above: list[int], w: int) -> None:
            listed = ". ".join([f"O{k}" for k in above] + ["Object"])
            assert self.does(f"O{i} setSlot: 'parent*' value: {{{listed}}}", w)[:1] != "!"
            self.things[i].parents = [self.things[k] for k in above]

        @rule(i=OBJECTS, w=WORKERS, how=st.sampled_from(["Ask put: {v} in: O{i}", "O{i} x: {v}"]))
        def put(self, i: int, w: int, how: str) -> None:
            value = self.next()
            thing = self.things[i]
            setter = thing.first("x:")
            text = self.does(how.format(v=value, i=i), w)
            if setter is None and not (thing.shows("x") or thing.slots.get("x", ("",))[0] == "datum"):
                assert text == "!not-understood"
            else:
                assert text[:1] != "!"
                if setter is None:
                    thing.slots["x"] = ("datum", value)

        @rule(i=OBJECTS, w=WORKERS)
        def assign(self, i: int, w: int) -> None:
            value = self.next()
            text = self.does(f"Ask assign: {value} in: O{i}", w)
            if self.things[i].shows("x"):
                assert text == str(value)
                self.things[i].slots["x"] = ("datum", value)
            else:
                assert text[:1] == "!"

        @rule(i=OBJECTS, k=OBJECTS, name=NAMES, w=WORKERS)
        def fail(self, i: int, k: int, name: str, w: int) -> None:
            """A message that changes everything, looks at it, and fails."""
            looks = " ".join(f"[Ask {name}: O{n}] on: Error do: [:e | 0]." for n in range(COUNT))
            changes = (
                f"O{i} setSlot: '{name}' value: -1. {looks} O{k} setSlot: 'parent*' value: {{O{i}. Object}}. {looks}"
                f" [O{k} removeSlot: '{name}'] on: Error do: [:e | 0]. {looks}"
                f" [Ask put: -2 in: O{k}] on: Error do: [:e | 0]. {looks}"
            )
            assert self.does(f"[{changes} self error: 'no'] value", w) == "!error"

        @rule(w=WORKERS, all_of_it=st.booleans())
        def forget_objects(self, w: int, all_of_it: bool) -> None:
            connection = self.bench.workers[w].connection
            connection.cacheMinimize() if all_of_it else connection.cacheGC()

        @rule()
        def reopen(self) -> None:
            self.bench.reopen()
            self.bench.another()

        @rule(w=WORKERS, twice=st.booleans())
        def look(self, w: int, twice: bool) -> None:
            for _ in range(1 + twice):
                found = self.bench.workers[w].transact(look_at_all)
                for i, thing in enumerate(self.things):
                    for name, read in (("x", "read"), ("y", "readY")):
                        slot = thing.first(name)
                        is_datum = slot is not None and slot[0] == "datum"
                        means = slot[1] if slot is not None and is_datum else thing.answer(name)
                        assert found[i, name] == thing.answer(name), f"O{i} {name}"
                        assert found[i, "sent " + name] == thing.answer(name), f"O{i} {name} from Python"
                        assert found[i, read] == means, f"O{i} {read}"

    return Dispatch


def look_at_all(world: Any) -> dict[tuple[int, str], Any]:
    ask = world.lookup("Ask")
    found = {}

    def send(receiver: Any, selector: str, *args: Any) -> Any:
        world.signals.chain = None
        try:
            return world.send(receiver, selector, *args)
        except flow.Unhandled as failure:
            assert "understand" in str(failure.exception.messageText), failure.exception.messageText
            return NOBODY

    for i in range(COUNT):
        thing = world.lookup(f"O{i}")
        for selector in ("x", "y", "read", "readY"):
            found[i, selector] = send(ask, selector + ":", thing)
        for name in "xy":
            found[i, "sent " + name] = send(thing, name)
    return found


@pytest.mark.parametrize("part", range(2))
def test_dispatch_is_lookup(part: int, seed_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if part:
        monkeypatch.setattr("batos.interp.hot.OFTEN", 2)  # small methods run in line soon
    made: list[Bench] = []

    def make() -> Bench:
        for old in made:
            old.close()
        made.clear()
        path = tmp_path / f"{part}.fs"
        for stale in tmp_path.glob(f"{part}.fs*"):
            stale.unlink()
        shutil.copy(seed_image, path)
        made.append(Bench(path))
        return made[0]

    try:
        run_state_machine_as_test(
            machine(make),
            settings=settings(max_examples=12, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
        )
    finally:
        for old in made:
            old.close()
