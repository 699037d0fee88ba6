"""Trials that begin in a world opened earlier see the world as it is now, and leave nothing in it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batos.interp import Worker
from batos.jit.sandbox import records
from batos.jit.sandbox.client import Limits, Sandbox

from .conftest import last, oid_of
from .test_sandbox import GOOD, run, told


@pytest.fixture
def sandbox(bank: Worker) -> Iterator[Sandbox]:
    made = Sandbox(bank.image.db, Limits(seconds=20, cpu_seconds=2))
    holder(made)
    yield made
    made.close()


def holder(sandbox: Sandbox) -> int:
    """The number of the process with the opened world, once there is one."""
    sandbox.start()
    opening = sandbox._opening
    if opening is not None:
        opening.join(60)
    assert sandbox._opened is not None
    return sandbox._opened.process


def balance(sandbox: Sandbox, bank: Worker) -> tuple[str, str]:
    change = told(run(sandbox, bank, GOOD))["changed"][0]
    return change["was"], change["is"]


def test_many_trials_begin_in_one_opened_world(sandbox: Sandbox, bank: Worker) -> None:
    process = holder(sandbox)
    assert [balance(sandbox, bank) for _ in range(3)] == [("70", "40")] * 3
    assert holder(sandbox) == process


def test_what_was_committed_since_is_seen(sandbox: Sandbox, bank: Worker) -> None:
    process = holder(sandbox)
    for now in (70, 170, 270):
        assert balance(sandbox, bank) == (str(now), str(now - 30))
        assert last(bank, "savings deposit: 100").error is None
    last(bank, "Fresh := Account clone. Fresh deposit: 7")
    assert told(run(sandbox, bank, GOOD, "Fresh withdraw: 2"))["changed"][0]["is"] == "5"
    last(bank, "other := Account clone. other deposit: 9")
    assert told(run(sandbox, bank, GOOD, "other withdraw: 2"))["changed"][0]["is"] == "7"
    assert holder(sandbox) == process


def test_changed_behaviour_has_the_world_opened_anew(sandbox: Sandbox, bank: Worker) -> None:
    process = holder(sandbox)
    body = "    self.deposit_(amount)\n    return self"
    assert told(run(sandbox, bank, body))["changed"][0]["is"] == "100"
    last(bank, "Account >> deposit: amount [ balance := balance + amount + 1000 ]")
    assert told(run(sandbox, bank, body))["changed"][0]["is"] == "1100", "at once"
    assert holder(sandbox) != process
    assert told(run(sandbox, bank, body))["changed"][0]["is"] == "1100", "and in the next one"


def test_too_many_changes_have_it_opened_anew(
    sandbox: Sandbox, bank: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_CHANGED", 2)
    process = holder(sandbox)
    last(bank, "a := Account clone. b := Account clone. c := Account clone. {a. b. c} do: [:each | each deposit: 5]")
    last(bank, "{a. b. c} do: [:each | each deposit: 5]")
    assert told(run(sandbox, bank, GOOD, "c withdraw: 2"))["changed"][0]["is"] == "8"
    assert holder(sandbox) != process


def test_a_trial_leaves_nothing_in_the_opened_world(sandbox: Sandbox, bank: Worker) -> None:
    vandal = "    self.balance = 10 ** 6\n    import batos.interp.world as w\n    w.NATIVE.clear()\n    return self"
    process = holder(sandbox)
    assert told(run(sandbox, bank, vandal))["changed"][0]["is"] == "1000000"
    assert balance(sandbox, bank) == ("70", "40")
    assert holder(sandbox) == process


def test_examples_and_turns_begin_there_too(sandbox: Sandbox, bank: Worker) -> None:
    process = holder(sandbox)
    examples = [{"before": "", "got": "savings withdraw: 30; balance", "wanted": "40"}]
    job = {"prototype": oid_of(bank, "Account").hex(), "selector": "withdraw:", "author": "me", "workspace": "default"}
    ran = sandbox.run({**job, "source": f"def withdraw_(self, amount):\n{GOOD}\n", "examples": examples})
    assert told(ran)["examples"] == [{"holds": True, "told": "answers 40"}]
    turn = sandbox.run({"turn": "self.savings.deposit_(1)", "author": "model:x", "workspace": "default"})
    assert [(c["slot"], c["is"]) for c in told(turn)["changed"]] == [("balance", "71")]
    assert holder(sandbox) == process


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_its_process_has_one_thread_and_no_file(sandbox: Sandbox, bank: Worker) -> None:
    run(sandbox, bank, GOOD)
    folder = Path(f"/proc/{holder(sandbox)}")
    assert len(os.listdir(folder / "task")) == 1
    held = [os.readlink(one) for one in (folder / "fd").iterdir()]
    assert {"/dev/null"} | {one for one in held if one.startswith("socket:")} == set(held) and len(held) <= 4


def test_a_killed_one_is_replaced(sandbox: Sandbox, bank: Worker) -> None:
    process = holder(sandbox)
    os.kill(process, signal.SIGKILL)
    assert balance(sandbox, bank) == ("70", "40")
    assert holder(sandbox) != process


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pidfd is Linux's")
def test_closing_ends_it(sandbox: Sandbox, bank: Worker) -> None:
    import select

    handle = os.pidfd_open(holder(sandbox))
    sandbox.close()
    assert select.select([handle], [], [], 30)[0], "its process has ended"
    os.close(handle)
