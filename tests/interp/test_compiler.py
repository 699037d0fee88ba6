"""Random methods, compiled and walked naively: the same value, the same log, an error in the same place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from batos.interp import Worker, deep

from .conftest import Bench
from .naive import SELF, Closure, Failed, Run

LITERALS = (
    "0",
    "1",
    "2",
    "3",
    "-1",
    "7",
    "4611686018427387904",
    "0.5",
    "2.0",
    "-1.5",
    "'a'",
    "'bc'",
    "nil",
    "true",
    "false",
)
ARITHMETIC = ("+", "-", "*", "/", "//", "\\\\")
COMPARE = ("<", ">", "<=", ">=", "=", "~=")
ARGUMENTS = ((3, 4), (3, 4), (1.5, 2), (0, -2), (None, True), ("x", 5), (Fraction(1, 3), 2), (2**70, 3), (3, 4))


class Writer:
    """Writes one method at random; ``depth`` bounds how deep it nests."""

    def __init__(self, seed: int, depth: int = 3) -> None:
        self.random = Random(seed)
        self.depth = depth
        self.fresh = 0

    def pick(self, *of: Any) -> Any:
        return self.random.choice(of)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def name(self, stem: str) -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"

    def method(self) -> str:
        temps = [self.name("t") for _ in range(self.random.randint(0, 3))]
        body = self.statements(["a", "b", *temps], temps, self.depth, 4)
        end = f" ^{self.expression(['a', 'b', *temps], temps, self.depth)}" if self.chance(80) else ""
        return f"run: a with: b [ | {' '.join(temps)} | {body}{end} ]"

    def statements(self, names: list[str], writable: list[str], depth: int, most: int) -> str:
        count = self.random.randint(1, most)
        return "".join(self.statement(names, writable, depth) + ". " for _ in range(count))

    def statement(self, names: list[str], writable: list[str], depth: int) -> str:
        kind = self.pick("assign", "assign", "note", "control", "loop", "expression", "return", "while", "blocks")
        e = self.expression
        if kind == "note" or depth <= 0:
            return f"self note: {e(names, writable, depth - 1)}"
        if kind == "assign" and writable:
            return f"{self.pick(*writable)} := {e(names, writable, depth - 1)}"
        if kind == "control":
            return self.control(names, writable, depth)
        if kind == "loop":
            return self.loop(names, writable, depth)
        if kind == "while":
            k = self.name("k")
            more = self.statements([*names, k], writable, depth - 1, 2)
            test = f"({k} < 3)" if self.chance(70) else f"({k} < 3 and: [{e([*names, k], writable, 1)}])"
            pre = f"self note: {k}. " if self.chance(20) else ""
            which, test = self.pick(("whileTrue:", test), ("whileFalse:", f"({k} >= 3)"))
            return f"[:q | | {k} | {k} := q. [{pre}{test}] {which} [{k} := {k} + 1. {more}]] value: 0"
        if kind == "blocks":
            # Blocks that outlive a turn of a loop or share a variable with it, run afterwards.
            f, g, i = self.name("f"), self.name("g"), self.name("i")
            inner = self.block([*names, i], writable, depth - 1, [])
            local = self.name("v")
            shared = f"[{local} := {local} + {i}. self note: {local}]"
            turn = f"| {local} | {local} := {i} * {i}. {f} := {shared}. "
            turn += f"{i} = 2 ifTrue: [{g} := {inner}]. {local} := {local} + 1"
            return f"[| {f} {g} | 1 to: 3 do: [:{i} | {turn}]. {f} value. {f} value. self note: {g} value] value"
        if kind == "return" and self.chance(30):
            return f"{e(names, writable, 1)} = {e(names, writable, 1)} ifTrue: [^{e(names, writable, depth - 1)}]"
        return e(names, writable, depth)

    def loop(self, names: list[str], writable: list[str], depth: int) -> str:
        i = self.name("i")
        bound = self.pick("3", "2", "0", "2.5", self.expression(names, writable, 0))
        body = self.statements([*names, i], writable, depth - 1, 2)
        temp = self.name("u")
        if self.chance(40):
            body = f"| {temp} | self note: {temp}. {temp} := {i}. " + self.statements(
                [*names, i, temp], [*writable, temp], depth - 1, 2
            )
        match self.pick("to", "by", "times", "down"):
            case "to":
                return f"1 to: ({bound} min3: 0) do: [:{i} | {body}]".replace(" min3: 0", "")
            case "by":
                return f"1 to: 4 by: 2 do: [:{i} | {body}]"
            case "down":
                return f"3 to: 1 by: -1 do: [:{i} | {body}]"
        return f"2 timesRepeat: [[:{i} | {body}] value: {self.expression(names, writable, 0)}]"

    def block(self, names: list[str], writable: list[str], depth: int, params: list[str]) -> str:
        head = "".join(f":{p} " for p in params) + ("| " if params else "")
        body = self.statements([*names, *params], writable, depth - 1, 2) if self.chance(30) and depth > 0 else ""
        if self.chance(5):
            return f"[{head}{body}^{self.expression([*names, *params], writable, depth - 1)}]"
        return f"[{head}{body}{self.expression([*names, *params], writable, depth - 1)}]"

    def condition(self, names: list[str], writable: list[str], depth: int) -> str:
        e = self.expression
        match self.pick("compare", "compare", "compare", "nil", "not", "both", "literal", "any"):
            case "compare":
                return f"({e(names, writable, depth - 1)} {self.pick(*COMPARE)} {e(names, writable, depth - 1)})"
            case "nil":
                return f"({e(names, writable, depth - 1)} {self.pick('isNil', 'notNil')})"
            case "not" if depth > 0:
                return f"({self.condition(names, writable, depth - 1)} not)"
            case "both" if depth > 0:
                left = self.condition(names, writable, depth - 1)
                right = self.condition(names, writable, depth - 1) if self.chance(85) else e(names, writable, 1)
                return f"({left} {self.pick('and:', 'or:')} [{right}])"
            case "any":
                return e(names, writable, depth - 1)
        return self.pick("true", "false")

    def control(self, names: list[str], writable: list[str], depth: int) -> str:
        if self.chance(30):
            v = self.name("n")
            subject = self.expression(names, writable, depth - 1)
            nil = self.block(names, writable, depth - 1, [])
            other = self.block(names, writable, depth - 1, [v] if self.chance(70) else [])
            return self.pick(
                f"({subject} ifNil: {nil})",
                f"({subject} ifNotNil: {other})",
                f"({subject} ifNil: {nil} ifNotNil: {other})",
                f"({subject} ifNotNil: {other} ifNil: {nil})",
            )
        test = self.condition(names, writable, depth)
        yes, no = self.block(names, writable, depth - 1, []), self.block(names, writable, depth - 1, [])
        return self.pick(
            f"({test} ifTrue: {yes})",
            f"({test} ifFalse: {yes})",
            f"({test} ifTrue: {yes} ifFalse: {no})",
            f"({test} ifFalse: {yes} ifTrue: {no})",
            f"({test} and: {yes})",
            f"({test} or: {yes})",
        )

    def expression(self, names: list[str], writable: list[str], depth: int) -> str:
        e = self.expression
        if depth <= 0:
            return self.pick(*LITERALS, *names, *names, *names, "s")
        kind = self.pick(
            "leaf",
            "binary",
            "binary",
            "binary",
            "assign",
            "note",
            "control",
            "condition",
            "call",
            "cascade",
            "bits",
            "slot",
        )
        match kind:
            case "binary":
                left, right = e(names, writable, depth - 1), e(names, writable, depth - 1)
                return f"({left} {self.pick(*ARITHMETIC, *COMPARE)} {right})"
            case "assign" if writable:
                return f"({self.pick(*writable)} := {e(names, writable, depth - 1)})"
            case "slot":
                return f"(s := {e(names, writable, depth - 1)})"
            case "note":
                return f"(self note: {e(names, writable, depth - 1)})"
            case "control":
                return self.control(names, writable, depth)
            case "condition":
                return self.condition(names, writable, depth)
            case "call":
                p, q = self.name("p"), self.name("q")
                return self.pick(
                    f"({self.block(names, writable, depth - 1, [])} value)",
                    f"({self.block(names, writable, depth - 1, [p])} value: {e(names, writable, depth - 1)})",
                    f"({self.block(names, writable, depth - 1, [p, q])} value: {e(names, writable, 0)} value: "
                    f"{e(names, writable, depth - 1)})",
                )
            case "cascade":
                return f"(self note: {e(names, writable, depth - 1)}; note: {e(names, writable, depth - 1)})"
            case "bits":
                return f"({e(names, writable, depth - 1)} {self.pick('bitAnd:', 'bitOr:')} {e(names, writable, 0)})"
        return e(names, writable, 0)


@pytest.fixture(scope="module")
def machine(seed_image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    path = tmp_path_factory.mktemp("compiler") / "world.fs"
    path.write_bytes(seed_image.read_bytes())
    bench = Bench(path)
    try:
        yield Machine(bench)
    finally:
        bench.close()


class Machine:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.well("T := Object clone. T setSlot: 's' value: 7")
        # What the library says in messages, for loops that cannot be compiled in line.
        if bench("3 perform: #to:by:do: withArguments: {3. 1. [:x | x]}").startswith("!not"):
            bench.well("Number >> to: a by: b do: c [ <primitive: 'number.toByDo'> ]")
        if bench("[true] whileFalse: []").startswith("!not"):
            bench.well("BlockClosure >> whileFalse: c [ <primitive: 'block.whileFalse'> ]")
        self.log: list[Any] = []

    def compare(self, source: str, calls: tuple[tuple[Any, ...], ...]) -> None:
        """Compile, run each call, and hold it against the naive walk."""
        expected = []
        for args in calls:
            run = Run(source)
            try:
                outcome: Any = ("value", run(*args))
            except Failed:
                outcome = ("failed", None)
            except TimeoutError:
                outcome = None
            expected.append((outcome, run.log, run.slot))
        found = deep(lambda: self.run(source, calls, [one[0] is not None for one in expected]))
        for args, (outcome, log, slot), (actual, noted, left) in zip(calls, expected, found, strict=True):
            if outcome is None:
                continue
            where = f"{source}\n with {args}: expected {outcome} {log} {slot!r}, found {actual} {noted} {left!r}"
            assert actual[0] == outcome[0], where
            assert alike(actual[1], outcome[1]), where
            assert len(noted) == len(log) and all(map(alike, noted, log)), where
            assert alike(left, slot), where

    def run(self, source: str, calls: tuple[tuple[Any, ...], ...], wanted: list[bool]) -> list[Any]:
        from batos.image.method import Method

        worker: Worker = self.bench.worker
        results: list[Any] = []

        def work(world: Any) -> None:
            target = world.lookup("T")
            log: list[Any] = []

            def note(self: Any, value: Any) -> Any:
                log.append(value)
                return value

            world.primitives["test.note"] = note
            world.define(target, Method("note:", "note: x [ <primitive: 'test.note'> ]"))
            world.define(target, Method("run:with:", source))
            for args, want in zip(calls, wanted, strict=True):
                if not want:
                    results.append((None, [], None))
                    continue
                log.clear()
                world.families.set_slot(target, "s", 7)
                world.signals.chain = None
                try:
                    value = world.send(target, "run:with:", *args)
                    outcome = ("value", SELF if value is target else value)
                except BaseException as failure:
                    if type(failure).__name__ != "Unhandled":
                        raise
                    outcome = ("failed", None)
                noted = [SELF if one is target else one for one in log]
                left = vars(target)["s"]
                results.append((outcome, noted, SELF if left is target else left))
            raise Undo

        try:
            worker.transact(work)
        except Undo:
            pass
        return results


class Undo(Exception):
    pass


def alike(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Closure):
        return callable(found)
    if isinstance(wanted, float) and isinstance(found, float) and math.isnan(wanted):
        return math.isnan(found)
    return type(found) is type(wanted) and bool(found == wanted)


@pytest.mark.parametrize("seed", range(4))
def test_compiled_methods_do_what_their_text_says(machine: Machine, seed: int) -> None:
    for number in range(60):
        machine.compare(Writer(1000 * seed + number, 1 + number % 4).method(), ARGUMENTS)


def test_nesting_and_length_have_no_limit_of_pythons_own(bench: Bench) -> None:
    loops = "".join(f"1 to: 1 do: [:v{i} | " for i in range(40)) + "^v0 + v39" + "]" * 40
    texts = {
        "loops": loops,
        "blocks": "^" + "[" * 60 + "1" + "] value" * 60,
        "ifs": "^" + "true ifTrue: [" * 90 + "1" + "]" * 90,
        "cascade": "^self " + "; ".join(["yourself"] * 2000),
        "long": "| x | x := 0. " + "x := x + 1. " * 3000 + "^x",
        "locals": "| " + " ".join(f"v{i}" for i in range(400)) + " | v399 := 1. ^v399",
    }
    bench.well("T := Object clone")
    for name, text in texts.items():
        bench.well(f"T >> {name} [ {text} ]")
        assert bench(f"T {name}") == {"loops": "2", "cascade": "T", "long": "3000"}.get(name, "1")
