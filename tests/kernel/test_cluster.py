"""Several kernels on one image, over ZEO and over PostgreSQL, behind a broker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.bridge.client import Client
from batos.bridge.core import BridgeProblem
from batos.bridge.covenant import Data, Done, Evaluate, Status, Subscribe, Undo, UvmStateUpdateEvent

from .cluster import Cluster, until, zeo_server

Connect = Callable[[str], Client]


BOTH = pytest.mark.parametrize("location", ["zeo", "postgresql"], indirect=True)


@pytest.fixture
def location(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """An image on a server."""
    if getattr(request, "param", "zeo") == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    found, process = zeo_server(folder)
    yield found
    process.terminate()
    process.wait(30)


@pytest.fixture
def cluster(location: str, folder: Path) -> Iterator[Cluster]:
    made = Cluster(location, folder)
    yield made
    made.close()


@pytest.fixture
def dial() -> Iterator[Connect]:
    made: list[Client] = []

    def connect(endpoint: str) -> Client:
        client = Client(endpoint, f"test {len(made)}", patience=60.0)
        made.append(client)
        client.connect(60)
        return client

    yield connect
    for client in made:
        client.close()


def said(client: Client, source: str, **options: Any) -> list[str | None]:
    done = client.evaluate(source, timeout=120, **options)
    return [outcome.error.code if outcome.error else outcome.printed for outcome in done.outcomes]


def kernel_of(client: Client) -> int:
    """The process that a client's session is with."""
    status = client.call(Status())
    assert isinstance(status, Data)
    return int(status.data["pid"])


BANK = """
Account := Object clone.
Account setSlot: 'balance' value: 0.
Savings := Account clone.
Cash := Account clone.
Savings balance: 0.
Cash balance: 0.
Account >> deposit: amount [ balance := balance + amount. Cash balance: Cash balance - amount. ^balance ]
"""


@BOTH
def test_two_kernels_are_one_world(cluster: Cluster, dial: Connect) -> None:
    cluster.start(2)
    assert len(set(cluster.endpoints)) == 2
    here, there = map(dial, cluster.endpoints)
    said(here, BANK)
    handle = here.evaluate("Savings").outcomes[0].handle
    assert handle is not None
    there.call(Subscribe(topics=[handle]))
    first = there.next_event(60)
    assert isinstance(first, UvmStateUpdateEvent) and first.state["balance"] == 0
    assert said(here, "Savings deposit: 5") == ["5"]
    told = there.next_event(60)
    assert isinstance(told, UvmStateUpdateEvent) and not told.whole and told.state == {"balance": 5}
    # Behaviour too: at the next message of a session that knew another.
    assert said(there, "Savings deposit: 0") == ["5"]
    said(here, "Account >> deposit: amount [ ^'closed' ]")
    assert said(there, "Savings deposit: 0") == ["'closed'"]
    # An image that is held by one is open to the other, and both say so.
    assert said(there, "Hits := SharedCounter new. Hits increase. Hits value")[1:] == ["1", "1"]
    assert said(here, "Hits increase. Hits value") == ["2", "2"]


@BOTH
def test_four_kernels_lose_one_and_nothing_else(cluster: Cluster, dial: Connect) -> None:
    """Clients deposit through the broker, several deposits under way each; a kernel is killed in the middle."""
    cluster.start(4)
    broker = cluster.serve()
    clients = [dial(broker) for _ in range(6)]
    said(clients[0], BANK)
    until(lambda: cluster.log().count("has joined") == 4, "four kernels at the broker")
    names = [f"Savings{number}" for number in range(len(clients))]
    for name in names:
        said(clients[0], f"{name} := Account clone. {name} balance: 0")
    hit = kernel_of(clients[0])
    assert len({kernel_of(client) for client in clients}) > 1, "they are all with one kernel"
    victim = next(process for process in cluster.kernels if process.pid == hit)
    sent = dict.fromkeys(names, 0)
    owed: list[tuple[Client, Any]] = []
    for turn in range(40):
        for name, client in zip(names, clients, strict=True):
            owed.append((client, client.post(Evaluate(source=f"{name} deposit: 1"))))
            sent[name] += 1
        if turn == 20:
            os.kill(hit, signal.SIGKILL)
            victim.wait(30)
        while len(owed) > 4 * len(clients):
            client, pending = owed.pop(0)
            done = client.wait(pending, 120)
            assert isinstance(done, Done) and not done.failed, done
    for client, pending in owed:
        done = client.wait(pending, 120)
        assert isinstance(done, Done) and not done.failed, done
    # All were acknowledged, so all must be there, and each once.
    balances = said(clients[1], ". ".join(f"{name} balance" for name in names) + ". Cash balance")
    assert balances == [*map(str, sent.values()), str(-sum(sent.values()))]
    assert kernel_of(clients[0]) != hit, "its session is elsewhere now"


def test_a_kernel_that_hangs_is_left_and_cannot_act_any_more(cluster: Cluster, dial: Connect) -> None:
    """It is stopped in the middle of a message, its session goes elsewhere, and when it wakes up it is too late."""
    cluster.start(2)
    client = dial(cluster.serve())
    other = dial(cluster.broker)
    said(client, BANK)
    hit = kernel_of(client)
    # One statement: it is stopped in the loop, and not while it commits an earlier one.
    slow = "[| n | n := 0. 1 to: 20000000 do: [:i | n := n + 1]. Savings deposit: 1] value"
    pending = client.post(Evaluate(source=slow))
    until(lambda: client.call(Status()).data["running"] == 1, "it runs")  # type: ignore[union-attr]
    os.kill(hit, signal.SIGSTOP)
    try:
        done = client.wait(pending, 120)
        assert isinstance(done, Done) and not done.failed, done
        assert kernel_of(client) != hit
    finally:
        os.kill(hit, signal.SIGCONT)
    # What it was doing ends there too, and comes to nothing.
    direct = dial(next(e for e in cluster.endpoints if f"-{hit}.sock" in e))
    idle = "the message of the one that hung is over"
    until(lambda: direct.call(Status()).data["running"] == 0, idle)  # type: ignore[union-attr]
    assert said(other, "Savings balance. Cash balance") == ["1", "-1"]


def test_a_kernel_of_the_brokers_own_that_hangs_is_ended(cluster: Cluster, dial: Connect) -> None:
    """Stopped while it commits one deposit after another, it may hold the storage's lock: it must not keep it."""
    client = dial(cluster.serve("--start", "2"))
    said(client, BANK)
    hit = kernel_of(client)
    owed = [client.post(Evaluate(source="Savings deposit: 1")) for _ in range(40)]
    for one in owed[:10]:
        client.wait(one, 120)
    os.kill(hit, signal.SIGSTOP)
    for one in owed[10:]:
        done = client.wait(one, 120)
        assert isinstance(done, Done) and not done.failed, done
    assert said(client, "Savings balance. Cash balance") == ["40", "-40"]
    assert kernel_of(client) != hit
    until(lambda: f"kernel {hit} ended (-9)" in cluster.log(), "it was killed")


def test_a_stopped_kernel_hands_its_sessions_over(cluster: Cluster, dial: Connect) -> None:
    cluster.start(2)
    client = dial(cluster.serve())
    said(client, BANK)
    for turn in range(2):
        hit = kernel_of(client)
        pending = [client.post(Evaluate(source="Savings deposit: 1")) for _ in range(20)]
        os.kill(hit, signal.SIGTERM)
        for one in pending:
            done = client.wait(one, 120)
            assert isinstance(done, Done) and not done.failed, done
        assert said(client, "Savings balance") == [str(20 * (turn + 1))]
        if turn == 0:
            cluster.start(1)
            until(lambda: cluster.log().count("has joined") == 3, "the new one")


def test_what_cannot_be_known_is_said(cluster: Cluster, dial: Connect) -> None:
    """An undo leaves no receipt: sent again to another kernel, it is not carried out a second time."""
    cluster.start(2)
    client = dial(cluster.serve())
    said(client, BANK)
    said(client, "Savings deposit: 1. Savings deposit: 1")
    command = Undo()
    command.resent = True
    with pytest.raises(BridgeProblem) as caught:
        client.call(command)
    assert caught.value.code == "unknown-outcome"
    assert said(client, "Savings balance") == ["2"]


def test_without_a_kernel_a_client_is_told_in_time_and_goes_on_when_there_is_one(
    cluster: Cluster, dial: Connect
) -> None:
    cluster.start(1)
    client = dial(cluster.serve())
    said(client, BANK)
    cluster.kernels[0].kill()
    cluster.kernels[0].wait(30)
    pending = client.post(Evaluate(source="Savings deposit: 1"))
    cluster.start(1)
    done = client.wait(pending, 120)
    assert isinstance(done, Done) and not done.failed
    assert said(client, "Savings balance") == ["1"]
