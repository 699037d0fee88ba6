"""A message has a budget of time and memory; what exceeds it ends, and the session goes on."""

from __future__ import annotations

import ctypes
import threading

import pytest

from batos.interp import Budget, flow

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


def test_what_ends_a_message_in_a_finalizer_is_not_told_to_anybody(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    class Slow:
        def __del__(self) -> None:
            me = ctypes.c_ulong(threading.get_ident())
            ctypes.pythonapi.PyThreadState_SetAsyncExc(me, ctypes.py_object(flow.OutOfMemory))
            for _ in range(1000):
                pass

    assert ends(bench, "[true] whileTrue", Budget(0.1)) == "out-of-time"
    Slow()
    assert capsys.readouterr().err == ""
