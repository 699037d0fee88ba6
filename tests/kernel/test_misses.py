"""Misses: the message that waits for a model or a person holds up nobody else, and the person's answer reaches it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.bridge.client import Client
from batos.bridge.covenant import Approval, Data, Done, Evaluate, Event, Interrupt, Pending, Ping, Progress

Connect = Callable[..., Client]

# A writer of methods that takes as long as a file says, in place of the model: tested is the way there and back.
KERNEL = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from batos import jit, kernel
from batos.image.method import Method
from batos.interp import Resolution

folder = Path(sys.argv[1])

class Writer:
    def resolve(self, miss, worker, approve):
        approve.progress("writing", 0.0, 3, "^4")
        while miss.selector == "slow" and not (folder / "go").exists() and not approve.interrupted:
            time.sleep(0.002)
        code = miss.selector + " [ ^42 ]"
        decision = approve(SimpleNamespace(
            prototype=miss.prototype_name, selector=miss.selector, explanation="it answers 42", code=code,
            gates=[{"name": "parse", "verdict": "passed"}], replaces=None))
        if decision.verdict not in ("yes", "edit"):
            return Resolution(False, "refused by a person" + (": " + decision.hint if decision.hint else ""))
        source = decision.code or code
        worker.transact(lambda world: world.define(
            world.connection.get(miss.prototype), Method(miss.selector, source, author="model:test")))
        return Resolution(True)

    def weaver_figures(self):
        return {}

    def close(self):
        pass

jit.miss_handler = lambda location: Writer()
sys.exit(kernel.main(str(folder / "world.fs"), workers=1, policy="ask", ready_file=str(folder / "ready")))
"""


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kernel.py").write_text(KERNEL)
        self.process = subprocess.Popen([sys.executable, str(folder / "kernel.py"), str(folder)])
        deadline = time.monotonic() + 60
        while not (folder / "ready").exists():
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        self.endpoint = (folder / "ready").read_text().strip()


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    kernel = Running(folder)
    yield kernel
    kernel.process.terminate()
    assert kernel.process.wait(30) == 0


def test_a_person_approves_and_the_message_runs_again(running: Running, connect: Connect) -> None:
    client = connect(running)
    seen: list[Event] = []

    def answer(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Approval):
            client.answer(event.approval, "yes")

    client.evaluate("Thing := Object clone", timeout=30)
    client.evaluate("Thing answer", policy="ask", on_event=answer, timeout=30)
    progress, approval, outcome = seen
    assert isinstance(progress, Progress) and (progress.phase, progress.tokens, progress.text) == ("writing", 3, "^4")
    assert isinstance(approval, Approval)
    assert (approval.prototype, approval.selector, approval.code) == ("Thing", "answer", "answer [ ^42 ]")
    assert approval.gates == [{"name": "parse", "verdict": "passed"}]
    assert outcome.model_dump()["printed"] == "42"
    assert client.evaluate("Thing answer", timeout=30).outcomes[0].printed == "42"


def test_a_person_edits_or_refuses(running: Running, connect: Connect) -> None:
    client = connect(running)
    client.evaluate("Thing := Object clone", timeout=30)

    def ask(selector: str, *answer: Any) -> dict[str, Any]:
        seen: list[Event] = []

        def on_event(event: Event) -> None:
            seen.append(event)
            if isinstance(event, Approval):
                client.answer(event.approval, *answer)

        client.evaluate(f"Thing {selector}", policy="ask", on_event=on_event, timeout=30)
        return seen[-1].model_dump()

    assert ask("edited", "edit", "edited [ ^7 ]")["printed"] == "7"
    refused = ask("refused", "no", None, "not today")["error"]
    assert refused["code"] == "not-understood" and "not today" in refused["message"]
    error = client.evaluate("Thing refused", policy="off", timeout=30).outcomes[0].error
    assert error is not None and error.code == "not-understood"


def test_the_slowest_of_other_clients_messages_are_no_slower_while_a_model_thinks(
    running: Running, connect: Connect
) -> None:
    other, waits = connect(running), connect(running)
    other.evaluate("Thing := Object clone", timeout=30)

    def slowest() -> float:
        """The 99th percentile of 200 round trips, in seconds."""
        times = []
        for number in range(200):
            started = time.perf_counter()
            other.evaluate(f"{number} + 1", timeout=10)
            times.append(time.perf_counter() - started)
        return sorted(times)[197]

    slowest()  # warm
    before = slowest()
    pending = waits.post(Evaluate(source="Thing slow", policy="ask"))
    waits.call(Ping(), timeout=10)
    while_it_thinks = slowest()
    waits.call(Interrupt(), timeout=10)
    waits.wait(pending, 30)
    assert while_it_thinks < 3 * before + 0.05, (before, while_it_thinks)


def test_a_slow_model_holds_up_nobody(running: Running, connect: Connect) -> None:
    """The kernel has one worker, and three messages wait for the model."""
    other = connect(running)
    other.evaluate("Thing := Object clone", timeout=30)
    waiting = [connect(running) for _ in range(3)]
    pending = [
        client.post(Evaluate(source="Thing slow", policy="ask", workspace=f"w{n}")) for n, client in enumerate(waiting)
    ]
    for client in waiting:
        client.call(Ping(), timeout=10)
    for number in range(20):
        assert other.evaluate(f"{number} + 1", timeout=10).outcomes[0].printed == str(number + 1)
    (running.folder / "go").touch()
    answered = 0
    deadline = time.monotonic() + 30
    while answered < 3 and time.monotonic() < deadline:
        found = other.call(Pending())
        assert isinstance(found, Data)
        for approval in found.data:
            other.answer(approval["approval"], "yes")
            answered += 1
    for client, each in zip(waiting, pending, strict=True):
        done = client.wait(each, 30)
        assert isinstance(done, Done) and done.outcomes[0].printed == "42"


def test_an_interrupt_ends_the_wait(running: Running, connect: Connect) -> None:
    client = connect(running)
    client.evaluate("Thing := Object clone", timeout=30)
    asked: list[Event] = []
    pending = client.post(Evaluate(source="Thing slow", policy="ask", stream=True), asked.append)
    while not asked:
        client.call(Ping(), timeout=10)
    client.interrupt(pending)
    done = client.wait(pending, 30)
    assert isinstance(done, Done) and done.failed
    assert client.evaluate("3 + 4", timeout=10).outcomes[0].printed == "7"
