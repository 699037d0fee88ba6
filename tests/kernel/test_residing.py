"""Processes over the bridge: a session's processes live on from message to message, and are in nobody's way."""

from __future__ import annotations

import threading
import time
from typing import Any

from batos.bridge.client import Client
from batos.bridge.covenant import Status


def told(client: Client, source: str) -> tuple[str | None, str]:
    """What the last statement printed, and what was written to the Transcript."""
    outcomes = client.evaluate(source, timeout=60).outcomes
    assert not any(outcome.error for outcome in outcomes), [outcome.error for outcome in outcomes]
    return outcomes[-1].printed, "".join(outcome.transcript for outcome in outcomes)


def test_processes_live_on_in_their_session(start: Any, connect: Any) -> None:
    kernel = start("--workers", "2")
    mine, other = connect(kernel, "mine"), connect(kernel, "other")
    told(mine, "s := Semaphore new. [3 timesRepeat: [s wait. Transcript show: 'through ']] fork")
    for _ in range(5):  # whatever threads these land on
        assert told(other, "3 + 4") == ("7", "")
    for left in (2, 1):
        assert told(mine, f"s signal. Processor yield. {left}") == (str(left), "through ")
        assert told(other, "Processor allProcesses size") == ("0", "")
    assert told(mine, "[s signal. Processor yield] value. Processor allProcesses size") == ("0", "through ")
    assert told(mine, "5") == ("5", "")


def test_many_sessions_with_processes(start: Any, connect: Any) -> None:
    kernel = start("--workers", "2")
    clients = [connect(kernel, f"c{n}") for n in range(6)]
    for n, client in enumerate(clients):
        told(client, f"S{n} := Semaphore new. [S{n} wait. Transcript show: '{n}'] fork")
    for n, client in enumerate(clients):
        assert told(client, f"S{n} signal. 3") == ("3", str(n))
    status: Any = clients[0].call(Status())
    assert status.data["workers"] >= 1


def test_a_signal_from_another_session(start: Any, connect: Any) -> None:
    kernel = start("--workers", "2")
    mine, other = connect(kernel, "mine"), connect(kernel, "other")
    told(mine, "Inbox := SharedQueue new. [[Transcript show: Inbox next] repeat] fork")
    told(other, "Inbox add: 'hello'")
    assert told(mine, "3") == ("3", "hello")
    done = mine.evaluate("Inbox next", seconds=0.2, timeout=60)
    assert done.outcomes[-1].error is not None and done.outcomes[-1].error.code == "deadlock"


def test_who_sleeps_is_in_nobodys_way(start: Any, connect: Any) -> None:
    kernel = start("--workers", "1")
    sleeper, other = connect(kernel, "sleeper"), connect(kernel, "other")
    told(other, "3")
    thread = threading.Thread(target=lambda: sleeper.evaluate("(Delay forSeconds: 60) wait", timeout=120))
    thread.start()
    started = time.monotonic()
    for _ in range(20):
        assert told(other, "3 + 4") == ("7", "")
    assert time.monotonic() - started < 30
    sleeper.interrupt_from_afar()
    thread.join(30)
    assert not thread.is_alive()


def test_the_end_of_the_kernel_ends_processes_with_their_ensure_blocks(start: Any, connect: Any) -> None:
    kernel = start("--workers", "2")
    client = connect(kernel)
    told(client, "Log := OrderedCollection new. [[Semaphore new wait] ensure: [Log add: #tidied]] fork. 3")
    kernel.process.terminate()
    assert kernel.end() == 0
    again = connect(start("--workers", "1"))
    assert told(again, "Log") == ("OrderedCollection (#tidied )", "")
