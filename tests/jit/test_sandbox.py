"""A trial runs on a copy in a locked process: hostile code that is let past every gate still gets nowhere.

The bodies here run as a person's (all of Python is theirs), so that it is the process that holds them and nothing
else. On a machine without seccomp or Landlock the tests that need it say so and are skipped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.interp import Worker
from batos.jit.gates.trial import judge
from batos.jit.gates.verdict import Candidate
from batos.jit.sandbox.client import Limits, Ran, Sandbox

from .conftest import last, oid_of

GOOD = "    self.balance = self.balance - amount\n    return self"


@pytest.fixture
def sandbox(bank: Worker) -> Iterator[Sandbox]:
    made = Sandbox(bank.image.db, Limits(seconds=20, cpu_seconds=2))
    made.start()
    yield made
    made.close()


def run(sandbox: Sandbox, bank: Worker, body: str, statement: str = "savings withdraw: 30", author: str = "me") -> Ran:
    return sandbox.run({
        "prototype": oid_of(bank, "Account").hex(), "selector": "withdraw:", "author": author, "workspace": "default",
        "source": f"def withdraw_(self, amount):\n{body}\n", "statement": statement,
    })  # fmt: skip


def told(ran: Ran) -> dict[str, Any]:
    assert ran.result is not None, ran.death
    return ran.result


def need(ran: Ran, layer: str) -> None:
    if not any(h.startswith(layer) for h in told(ran)["holds"]):
        pytest.skip(f"this machine has no {layer}")


def test_a_trial_tells_what_changed_and_changes_nothing(sandbox: Sandbox, bank: Worker) -> None:
    size = bank.image.path.stat().st_size  # type: ignore[union-attr]
    result = told(run(sandbox, bank, GOOD, author="model:x"))
    assert result["printed"] == "an Account"
    assert [(c["object"], c["slot"], c["was"], c["is"]) for c in result["changed"]] == [
        ("an Account", "balance", "70", "40")
    ]
    assert last(bank, "savings balance").printed == "70"
    assert last(bank, "savings withdraw: 1").error.code == "not-understood"
    assert bank.image.path.stat().st_size == size  # type: ignore[union-attr]


def test_a_trial_sees_the_world_as_it_is_now(sandbox: Sandbox, bank: Worker) -> None:
    for balance in (70, 170, 270):
        assert told(run(sandbox, bank, GOOD))["changed"][0]["was"] == str(balance)
        assert last(bank, "savings deposit: 100").error is None


def test_new_objects_and_lists_are_told(sandbox: Sandbox, bank: Worker) -> None:
    body = "    self.history = [amount, 2]\n    return self.clone()"
    changed = told(run(sandbox, bank, body))["changed"]
    assert ("history", None, "an OrderedCollection") in [(c["slot"], c["was"], c["is"]) for c in changed]


def test_what_a_clone_showed_before_is_what_its_prototype_has(sandbox: Sandbox, bank: Worker) -> None:
    assert last(bank, "savings := Account clone. Account setSlot: 'seen' value: OrderedCollection new").error is None
    body = "    self.balance = amount\n    self.seen.add_(amount)\n    return self"
    changed = told(run(sandbox, bank, body))["changed"]
    assert sorted((c["slot"], c["was"], c["is"], c["was_kind"]) for c in changed) == [
        ("balance", "0", "30", "number"), ("elements", "()", "(30)", "object"),
    ]  # fmt: skip
    same = told(run(sandbox, bank, "    self.balance = amount - amount\n    return self"))["changed"]
    assert same == [], "what it showed before it shows still"


@pytest.mark.parametrize(
    ("attack", "body"),
    [
        ("read a file", "    return open('/etc/hostname').read()"),
        ("write a file", "    return open('/tmp/batos-escaped', 'w').write('x')"),
        ("list a folder", "    import os\n    return os.listdir('/')"),
        ("open the image", "    return open(amount.foo if 0 else '/proc/self/mem', 'rb')"),
        ("connect", "    import _socket\n    return str(_socket.socket())"),
        ("fork", "    import posix\n    return posix.fork()"),
        ("execute", "    import posix\n    return posix.execv('/bin/true', ['true'])"),
        ("signal the kernel", "    import posix\n    return posix.kill(posix.getppid(), 9)"),
        ("a thread", "    import _thread\n    return _thread.start_new_thread(print, ())"),
        ("another module", "    import sqlite3\n    return 1"),
    ],
)
def test_the_process_can_touch_nothing(sandbox: Sandbox, bank: Worker, attack: str, body: str) -> None:
    ran = run(sandbox, bank, body)
    need(ran, "seccomp")
    assert "error" in told(ran), f"{attack}: {told(ran)}"
    assert not Path("/tmp/batos-escaped").exists()
    assert told(run(sandbox, bank, GOOD))["printed"] == "an Account", "the next trial works"


def test_the_environment_is_empty(sandbox: Sandbox, bank: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    os.environ["BATOS_TEST_SECRET"] = "s3cret"
    try:
        fresh = Sandbox(bank.image.db)
        printed = told(run(fresh, bank, "    import posix\n    return str(sorted(posix.environ))"))["printed"]
        fresh.close()
    finally:
        del os.environ["BATOS_TEST_SECRET"]
    assert "SECRET" not in printed and "PATH" not in printed and "HOME" not in printed


def test_it_holds_no_descriptor_but_its_own(sandbox: Sandbox, bank: Worker) -> None:
    body = (
        "    import posix\n    found = []\n    for n in range(200):\n        try:\n            posix.lseek(n, 0, 1)\n"
        "            found.append(n)\n        except OSError as e:\n            if e.errno != 9:\n"
        "                found.append(n)\n    return str(found)"
    )
    assert told(run(sandbox, bank, body))["printed"].strip("'") == "[0, 1, 2, 3]"


@pytest.mark.parametrize(
    ("bomb", "body", "says"),
    [
        ("time", "    while True:\n        pass", "processor time"),
        ("memory", "    x = 'a'\n    while True:\n        x = x + x", "fails"),
        ("objects", "    x = []\n    while True:\n        x.append([x])", ""),
        ("number", "    return 9 ** 9 ** 9", "processor time"),
        ("recursion", "    return self.withdraw_(amount)", "recursion"),
        ("crash", "    import ctypes\n    ctypes.string_at(0)", "signal 11"),
        ("exit", "    import posix\n    posix._exit(0)", "without an answer"),
        ("exit by exception", "    raise SystemExit(0)", ""),
        (
            "swallowing",
            "    while True:\n        try:\n            1 / 0\n        except BaseException:\n            pass",
            "",
        ),
        ("interrupting", "    raise KeyboardInterrupt", ""),
    ],
)
def test_bombs_end_in_a_refusal(bank: Worker, bomb: str, body: str, says: str) -> None:
    sandbox = Sandbox(bank.image.db, Limits(seconds=20, cpu_seconds=1))
    source = f"def withdraw_(self, amount):\n{body}\n"
    verdict = judge(run(sandbox, bank, body), Candidate("withdraw:", "withdraw_", ("amount",), source))
    assert not verdict.passed and says in verdict.reason, (bomb, verdict.reason)
    assert told(run(sandbox, bank, GOOD))["printed"] == "an Account", "the next trial works"
    sandbox.close()


def test_time_by_the_wall(bank: Worker) -> None:
    sandbox = Sandbox(bank.image.db, Limits(seconds=0.3, cpu_seconds=10))
    ran = run(sandbox, bank, "    import time\n    time.sleep(60)")
    assert ran.result is None and "longer than 0.3 s" in ran.death
    sandbox.close()


def test_a_killed_zygote_is_replaced(sandbox: Sandbox, bank: Worker) -> None:
    assert told(run(sandbox, bank, GOOD))
    assert sandbox._process is not None
    sandbox._process.kill()
    assert told(run(sandbox, bank, GOOD))["printed"] == "an Account"


def test_closing_ends_the_process(sandbox: Sandbox, bank: Worker) -> None:
    run(sandbox, bank, GOOD)
    process = sandbox._process
    assert process is not None
    sandbox.close()
    sandbox.close()
    assert process.poll() is not None


def test_an_image_in_memory_can_be_tried_too() -> None:
    from batos.image import open_image

    from .conftest import BANK

    with open_image("memory://") as image:
        worker = Worker(image)
        assert all(o.error is None for o in worker.evaluate(BANK))
        sandbox = Sandbox(image.db)
        assert told(run(sandbox, worker, GOOD))["changed"][0]["is"] == "40"
        sandbox.close()
        worker.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")
def test_what_holds_is_told(sandbox: Sandbox, bank: Worker) -> None:
    holds = told(run(sandbox, bank, GOOD))["holds"]
    assert holds[0] == "rlimits" and len(holds) == 3
    assert holds[1].endswith("landlock") or holds[1].startswith("landlock ")
    assert holds[2] in ("seccomp", "no seccomp")


def test_a_further_unknown_message_is_not_the_methods_fault(sandbox: Sandbox, bank: Worker) -> None:
    candidate = Candidate("withdraw:", "withdraw_", ("amount",), f"def withdraw_(self, amount):\n{GOOD}\n")
    verdict = judge(run(sandbox, bank, GOOD, "savings withdraw: 30; audit: 3"), candidate)
    assert verdict.passed and "#audit:" in verdict.reason
    own = "    return self.audit_(amount)"
    candidate = Candidate("withdraw:", "withdraw_", ("amount",), f"def withdraw_(self, amount):\n{own}\n")
    assert not judge(run(sandbox, bank, own), candidate).passed


def test_a_method_that_changes_behaviour_does_not_pass(sandbox: Sandbox, bank: Worker) -> None:
    body = "    self.setSlot_value_('parent*', Object)\n    return self"
    candidate = Candidate("withdraw:", "withdraw_", ("amount",), f"def withdraw_(self, amount):\n{body}\n")
    verdict = judge(run(sandbox, bank, body), candidate)
    assert not verdict.passed and "parent*" in verdict.reason


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_the_zygote_has_one_thread(sandbox: Sandbox, bank: Worker) -> None:
    """A fork copies locks that other threads hold, and nobody to let go of them."""
    run(sandbox, bank, GOOD)
    assert sandbox._process is not None
    assert len(os.listdir(f"/proc/{sandbox._process.pid}/task")) == 1
