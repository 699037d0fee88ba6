"""A message has a budget of time and memory; what exceeds it ends, and the session goes on."""

from __future__ import annotations

from batos.interp import Budget

from .conftest import Bench


def ends(bench: Bench, source: str, budget: Budget) -> str:
    [outcome] = bench.worker.evaluate(source, budget=budget)
    assert outcome.error is not None
    return outcome.error.code


def test_time(bench: Bench) -> None:
    assert ends(bench, "[true] whileTrue", Budget(0.2)) == "out-of-time"
    assert ends(bench, "[[true] whileTrue] on: Error do: [:e | 5]", Budget(0.2)) == "out-of-time"


def test_memory(bench: Bench) -> None:
    source = "[:all | [true] whileTrue: [all add: (Array new: 10000)]] value: OrderedCollection new"
    assert ends(bench, source, Budget(None, 100 << 20)) == "out-of-memory"
    assert bench.worker.evaluate("3 + 4")[0].printed == "7"


def test_a_message_within_its_budget_is_left_alone(bench: Bench) -> None:
    assert [o.printed for o in bench.worker.evaluate("3 + 4. 5", budget=Budget(30.0))] == ["7", "5"]
