"""Threads that carry out requests: as many as are wanted, and none made to be thrown away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batos import pool as module
from batos.pool import Pool


class Thing:
    """Stands in for a request: known by what is to be done."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.act = act
        self.by = ""
        self.done = threading.Event()


class FakeWorker:
    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Threads:
    """A pool whose workers do nothing but note who did what."""

    def __init__(self) -> None:
        self.wanted = 2
        self.made: list[FakeWorker] = []
        self.attend: Callable[[Any], None] = lambda carry_out: None
        self.pool = Pool(lambda: self.wanted, self.make, self.work, lambda carry_out: self.attend(carry_out))  # type: ignore[arg-type]
        self.pool.warm(self.make("worker-1"))  # type: ignore[arg-type]

    def make(self, name: str) -> FakeWorker:
        self.made.append(FakeWorker(name))
        return self.made[-1]

    def work(self, worker: FakeWorker, thing: Thing) -> None:
        thing.by = worker.name
        thing.act()
        thing.done.set()

    def do(self, thing: Thing) -> Thing:
        self.pool.start(thing)  # type: ignore[arg-type]
        return thing

    def both_at_once(self) -> None:
        """Two requests that wait for each other, and so need two threads."""
        meeting = threading.Barrier(2)
        for thing in [self.do(Thing(lambda: meeting.wait(30))) for _ in range(2)]:
            assert thing.done.wait(30)


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads()
    yield threads
    threads.pool.close()


def test_a_thread_at_the_socket_makes_no_third_one_wanted(threads: Threads) -> None:
    """Regression: under load a world was made and thrown away every few messages, and memory grew with them."""
    threads.both_at_once()
    assert [worker.name for worker in threads.made] == ["worker-1", "worker-2"]
    leave = threading.Event()
    at_socket = threading.Semaphore(0)

    def attend(carry_out: Any) -> None:
        at_socket.release()
        leave.wait(30)

    threads.attend = attend
    threads.do(Thing())
    assert at_socket.acquire(timeout=30)  # one has been quick, and stays at the socket
    threads.attend = lambda carry_out: None
    for _ in range(3):
        several = [threads.do(Thing()) for _ in range(20)]
        assert all(thing.done.wait(30) for thing in several)
    leave.set()
    threads.both_at_once()
    assert len(threads.made) == 2 and len(threads.pool) == 2


def test_who_steps_aside_is_replaced_and_the_spare_thread_kept(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER", 3600.0)
    threads.both_at_once()
    waiting, go_on = threading.Event(), threading.Event()

    def step_aside() -> None:
        threads.wanted += 1
        waiting.set()
        assert go_on.wait(30)
        threads.wanted -= 1

    for _ in range(3):
        waiting.clear(), go_on.clear()
        aside = threads.do(Thing(step_aside))
        assert waiting.wait(30)
        threads.both_at_once()
        go_on.set()
        assert aside.done.wait(30)
    assert len(threads.made) == 3 and len(threads.pool) == 3


def test_a_spare_thread_goes_in_the_end(threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    threads.wanted = 3
    meeting = threading.Barrier(3)
    for thing in [threads.do(Thing(lambda: meeting.wait(30))) for _ in range(3)]:
        assert thing.done.wait(30)
    threads.wanted = 2
    monkeypatch.setattr(module, "LINGER", 0.0)
    for _ in range(3):
        assert threads.do(Thing()).done.wait(30)
    gone = [worker for worker in threads.made if worker.closed.wait(1)]
    assert len(gone) == 1
    threads.both_at_once()
    assert len(threads.made) == 3 and len(threads.pool) == 2


def test_a_thread_that_is_away_is_replaced(threads: Threads) -> None:
    away, back = threading.Event(), threading.Event()

    def go_away() -> None:
        with threads.pool.away():
            away.set()
            assert back.wait(30)

    thing = threads.do(Thing(go_away))
    assert away.wait(30)
    threads.both_at_once()
    back.set()
    assert thing.done.wait(30)
    assert len(threads.made) == 3
