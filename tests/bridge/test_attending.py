"""The worker's thread that stays at the socket: no change of thread for short messages, and nobody waits for long
ones."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from batos.bridge.client import Client
from batos.bridge.covenant import Cancel, Done, Evaluate, Outcome, Ping
from batos.bridge.server import Server
from batos.bridge.session import Request


class Staying:
    """A handler as the kernel's pool: its threads attend after each request. `wait` waits until released."""

    def __init__(self, threads: int = 2) -> None:
        self.jobs: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self.started = 0
        self.began: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.release = threading.Event()
        self.by: list[str] = []
        self.server: Server | None = None
        self.threads = [threading.Thread(target=self.work, name=f"t{n}") for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def start(self, request: Request) -> None:
        self.started += 1
        self.jobs.put(request)

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        """Nothing to watch."""

    def describe(self) -> dict[str, object]:
        return {}

    def shutdown(self, now: bool) -> None:
        """Not offered."""

    def work(self) -> None:
        while (request := self.jobs.get()) is not None:
            self.carry_out(request)
            assert self.server is not None
            self.server.attendance.attend(self.carry_out)

    def carry_out(self, request: Request) -> None:
        command = request.command
        assert isinstance(command, Evaluate)
        self.by.append(threading.current_thread().name)
        if command.source == "disk":
            assert self.server is not None
            self.server.attendance.about_to_wait()
        if command.source in ("wait", "disk"):
            self.began.put(command.source)
            self.release.wait(20)
        request.finish(Done(outcomes=[Outcome(printed=command.source)]))


@pytest.fixture
def handler() -> Staying:
    return Staying()


@pytest.fixture
def server(folder: Path, handler: Staying) -> Iterator[Server]:
    server = Server(f"ipc://{folder}/s", handler, capacity=2)
    handler.server = server
    server.bind()
    thread = threading.Thread(target=lambda: asyncio.run(server.run()))
    thread.start()
    yield server
    handler.release.set()
    server.stop(grace=1.0)
    thread.join(10)
    for _ in handler.threads:
        handler.jobs.put(None)
    for one in handler.threads:
        one.join(10)
        assert not one.is_alive()


def test_short_messages_stay_on_one_thread(server: Server, handler: Staying) -> None:
    with Client(server.endpoint) as client:
        for number in range(300):
            assert client.evaluate(str(number)).outcomes[0].printed == str(number)
    assert handler.started < 100  # the rest never changed threads; on a busy machine the loop steps in now and then


@pytest.mark.parametrize("kind", ["wait", "disk"])
def test_a_long_message_keeps_nobody_waiting(server: Server, handler: Staying, kind: str) -> None:
    with Client(server.endpoint) as slow, Client(server.endpoint) as quick:
        for _ in range(50):
            slow.evaluate("1")  # so that somebody attends
        waiting = slow.post(Evaluate(source=kind))
        handler.began.get(timeout=10)
        best = 1.0
        for _ in range(20):
            before = time.perf_counter()
            quick.call(Ping(), 10)
            best = min(best, time.perf_counter() - before)
        assert best < 0.05
        assert quick.evaluate("2", timeout=10).outcomes[0].printed == "2"
        assert quick.call(Cancel(), 10)
        handler.release.set()
        assert isinstance(slow.wait(waiting, 10), Done)


def test_many_clients_at_once_all_get_their_answers_in_order(server: Server, handler: Staying) -> None:
    clients = [Client(server.endpoint, f"c{n}") for n in range(8)]
    for client in clients:
        client.connect()
    owed = [
        (client, number, client.post(Evaluate(source=str(number)))) for number in range(60) for client in clients
    ]
    for client, number, pending in owed:
        done = client.wait(pending, 20)
        assert isinstance(done, Done) and done.outcomes[0].printed == str(number)
    for client in clients:
        client.close()
    assert server.turns.running == 0 and server.turns.queued == 0


def test_a_kernel_at_rest_has_nobody_at_the_socket_but_the_loop(server: Server, handler: Staying) -> None:
    with Client(server.endpoint) as client:
        client.evaluate("1")
        deadline = time.monotonic() + 10
        while server.attendance.attendant is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.attendance.attendant is None
        assert client.evaluate("2", timeout=10).outcomes[0].printed == "2"
