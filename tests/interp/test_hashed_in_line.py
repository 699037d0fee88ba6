"""Dictionaries, sets and bags in compiled methods against plain Python ones, through commits, failures, ghosts, another
worker, redefinitions, and objects that go over to a prototype with methods of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from .conftest import Bench

# As said -> what Python tells it apart by, by equality and by identity.
KEYS: dict[str, tuple[Any, Any]] = {
    "1": (1, 1),
    "1.0": (1, 1.5),
    "0": (0, 0),
    "true": ("true", "true"),
    "false": ("false", "false"),
    "nil": (None, None),
    "#a": ("#a", "#a"),
    "#b": ("#b", "#b"),
    "$a": ("$a", "$a"),
    "'a'": ("a", None),
    "('a' copy)": ("a", None),
    "#(1 #b)": ((1, "#b"), None),
    "#(true #b)": (("true", "#b"), None),
    "(Array with: 1 with: #b)": ((1, "#b"), None),
    "(1/2)": (0.5, None),
    "0.5": (0.5, 0.25),
    "O1": ("O1", "O1"),
    "O2": ("O2", "O2"),
    "(Money of: 3)": ("money 3", None),
    "(Money of: 4)": ("money 4", None),
}
BY_IDENTITY = [key for key, (_, identity) in KEYS.items() if identity is not None or key == "nil"]
VALUES = st.integers(1, 9)
# Each in a method of its own, and so at a place of its own, given c, k and v.
METHODS = {
    "at": "^[c at: k] on: Error do: [:e | #none]",
    "put": "^c at: k put: v",
    "ifAbsent": "^c at: k ifAbsent: [#none]",
    "ifPresent": "^(c at: k ifPresent: [:x | x + 100]) isNil ifTrue: [#none] ifFalse: [c at: k]",
    "ifAbsentPut": "^c at: k ifAbsentPut: [v]",
    "has": "^c includesKey: k",
    "removeKey": "^[c removeKey: k] on: Error do: [:e | #none]",
    "removeKeyIf": "^c removeKey: k ifAbsent: [#none]",
    "add": "c add: k. ^0",
    "includes": "^c includes: k",
    "remove": "^[c remove: k. 0] on: Error do: [:e | #none]",
    "removeIf": "c remove: k ifAbsent: [^#none]. ^0",
    "size": "^c size",
    "empty": "^c isEmpty",
    "count": "^c size",
    "none": "^c isEmpty",
}
KEYED = ("at", "put", "ifAbsent", "ifPresent", "ifAbsentPut", "has", "removeKey", "removeKeyIf", "count", "none")
MEMBERS = ("add", "includes", "remove", "removeIf", "size", "empty")
KINDS = {"D": KEYED, "I": KEYED, "S": MEMBERS, "J": MEMBERS, "B": MEMBERS}
SETUP = """
Object >> removeSlot: name [ <primitive: 'object.removeSlot'> ].
Money := Object clone. Money setSlot: 'amount' value: 0. Money >> of: n [ ^self clone amount: n; yourself ].
Money >> = other [ ^(other respondsTo: #amount) and: [amount = other amount] ]. Money >> hash [ ^amount hash ].
O1 := Object clone. O2 := Object clone. O1 setSlot: 'amount' value: 1. O2 setSlot: 'amount' value: 2.
Own := Dictionary clone. Own >> at: k ifAbsent: b [ ^#own ].
D := Dictionary new. I := IdentityDictionary new. S := Set new. J := IdentitySet new. B := Bag new.
T := Object clone.
"""
WARM = "30 timesRepeat: [T {method}: {kind} new with: 7 and: 1]."


def apply(model: Any, kind: str, does: str, key: Any, value: int) -> Any:
    """What the model answers."""
    if does in ("size", "empty", "count", "none"):
        size = sum(model.values()) if kind == "B" else len(model)
        return size if does in ("size", "count") else size == 0
    there = key in model
    match does:
        case "at" | "ifAbsent" | "ifPresent":
            return model.get(key, "none")
        case "put":
            model[key] = value
            return value
        case "ifAbsentPut":
            return model.setdefault(key, value)
        case "has" | "includes":
            return there
        case "add":
            model[key] = model.get(key, 0) + 1 if kind == "B" else 1
            return 0
        case "removeKey" | "removeKeyIf":
            return model.pop(key, "none")
        case _:
            if not there:
                return "none"
            model[key] -= 1
            if not model[key]:
                del model[key]
            return 0


def shown(answer: Any) -> str:
    return {True: "true", False: "false"}[answer] if isinstance(answer, bool) else str(answer)


def machine(make: Callable[[], Bench]) -> type[RuleBasedStateMachine]:
    class InLine(RuleBasedStateMachine):
        @initialize(warm=st.sampled_from([True, True, False]))
        def begin(self, warm: bool) -> None:
            self.bench = make()
            methods = " ".join(f"T >> {name}: c with: k and: v [ {text} ]." for name, text in METHODS.items())
            self.bench.well(SETUP + methods)
            self.bench.another()
            self.warm = warm
            self.learn()
            self.model: dict[str, Any] = {kind: {} for kind in KINDS}
            self.own = self.moved = False

        def learn(self) -> None:
            """Let the methods meet what they are sent to, so that it is in line."""
            for kind, does in (("Dictionary", KEYED), ("Set", MEMBERS)):
                for worker in self.bench.workers if self.warm else ():
                    self.bench.well(" ".join(WARM.format(method=one, kind=kind) for one in does), worker)

        def step(self, model: dict[str, Any], kind: str, does: str, said: str, value: int) -> tuple[str, str]:
            """A message, and what it answers by the model."""
            key = KEYS[said][kind in "IJ"]
            answer = apply(model[kind], kind, does, key, value)
            if does == "ifAbsent" and (self.own or kind == "D" and self.moved):
                answer = "own"
            if does == "ifAbsentPut" and (self.own or kind == "D" and self.moved):
                answer = "own"
            return f"(T {does}: {kind} with: {said} and: {value}) displayString", shown(answer)

        @rule(data=st.data(), worker=st.integers(0, 1), end=st.sampled_from(["commit", "fail"]))
        def messages(self, data: st.DataObject, worker: int, end: str) -> None:
            model = {kind: dict(one) for kind, one in self.model.items()}
            said, expected = [], []
            for _ in range(data.draw(st.integers(1, 12))):
                kind = data.draw(st.sampled_from(sorted(KINDS)))
                does = data.draw(st.sampled_from(KINDS[kind]))
                key = data.draw(st.sampled_from(BY_IDENTITY if kind in "IJ" else list(KEYS)))
                if does == "ifAbsentPut" and (self.own or kind == "D" and self.moved):
                    does = "put"
                message, answer = self.step(model, kind, does, key, data.draw(VALUES))
                said.append(message)
                expected.append(answer)
            bench = self.bench
            assert bench("{" + ". ".join(said) + "}", bench.workers[worker]) == f"({' '.join(map(repr, expected))} )"
            self.model = model
            if end == "fail":
                key = data.draw(st.sampled_from(BY_IDENTITY))
                spoils = ". ".join(
                    f"T {'put' if kind in 'DI' else 'add'}: {kind} with: {key} and: 99. T"
                    f" {'removeKeyIf' if kind in 'DI' else 'removeIf'}: {kind} with: 1 and: 0"
                    for kind in KINDS
                )
                assert bench(f"[{spoils}. self error: 'no'] value", bench.workers[worker]) == "!error"

        @rule(worker=st.integers(0, 1), every=st.booleans())
        def let_go(self, worker: int, every: bool) -> None:
            connection = self.bench.workers[worker].connection
            connection.cacheMinimize() if every else connection.cacheGC()

        @rule()
        def reopen(self) -> None:
            self.bench.reopen()
            self.bench.another()
            self.learn()

        @precondition(lambda self: not self.own)
        @rule(worker=st.integers(0, 1))
        def redefine(self, worker: int) -> None:
            kinds = ("Dictionary", "IdentityDictionary")
            change = " ".join(f"{kind} >> at: k ifAbsent: b [ ^#own ]." for kind in kinds)
            self.bench.well(change, self.bench.workers[worker])
            self.own = True

        @precondition(lambda self: not self.moved)
        @rule(worker=st.integers(0, 1))
        def move(self, worker: int) -> None:
            self.bench.well("D setSlot: 'parent*' value: Own", self.bench.workers[worker])
            self.moved = True

        @precondition(lambda self: self.moved)
        @rule(worker=st.integers(0, 1))
        def move_back(self, worker: int) -> None:
            self.bench.well("D removeSlot: 'parent*'", self.bench.workers[worker])
            self.moved = False

        @invariant()
        def sizes(self) -> None:
            for worker in self.bench.workers:
                said, expected = [], []
                for kind in KINDS:
                    message, answer = self.step(self.model, kind, "size", "1", 0)
                    said.append(message)
                    expected.append(answer)
                assert self.bench("{" + ". ".join(said) + "}", worker) == f"({' '.join(map(repr, expected))} )"

    return InLine


def test_they_are_what_pythons_are(benches: Callable[[], Bench]) -> None:
    benches().well("nil")  # which sets Python's recursion limit; hypothesis does not want it to change later
    run(
        machine(benches),
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # making a failing example smaller takes minutes
        ),
    )
