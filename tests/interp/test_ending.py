"""How messages end other than by coming to their end: interrupts, budgets, conflicts, what cannot be stored."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.interp import Budget, Worker, flow

from .conftest import Bench

UNPICKLABLE = "A >> make ```python\n    import threading\n    return threading.Lock()\n```\n"


def interrupt_when_running(worker: Worker, delay: float = 0.0, told: bool = False) -> threading.Thread:
    """Interrupt the worker's message once it runs; with ``told``, once it has written to the Transcript."""

    def wait() -> None:
        while not worker.ending.running or (told and not worker.world.transcript):
            time.sleep(0.0005)
        time.sleep(delay)
        worker.interrupt()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize("loop", ["[true] whileTrue", "[] repeat", "[:x | [x] whileTrue: [x]] value: true", "A spin"])
def test_an_endless_loop_is_interrupted(bench: Bench, loop: str) -> None:
    bench.well("A := Object clone. A >> spin [ [true] whileTrue: [self yourself] ]")
    thread = interrupt_when_running(bench.worker)
    outcomes = bench.outcomes(f"{loop}. 3 + 4")
    thread.join()
    assert [outcome.error.code for outcome in outcomes if outcome.error] == ["interrupted"]
    assert len(outcomes) == 1, "an interrupt ends the program"
    assert bench("3 + 4") == "7"


@pytest.fixture
def no_callbacks() -> Iterator[None]:
    """hypothesis hooks into the collector; an exception that arrives in its hook is dropped, with a warning."""
    kept, gc.callbacks[:] = gc.callbacks[:], []
    yield
    gc.callbacks[:] = kept


@pytest.mark.usefixtures("no_callbacks")
def test_interrupts_at_random_moments_leave_the_world_whole(bench: Bench) -> None:
    bench.well("""
        A := Object clone. A setSlot: 'n' value: 0. A setSlot: 'm' value: 0.
        A setSlot: 'log' value: OrderedCollection new.
        B := A clone. B >> f [ ^1 ]. C := A clone. C >> f [ ^2 ]. a := B clone.
        A >> up [ n := n + 1. log add: n. m := m + 1. ^n ].
        A >> turn: a [ [true] whileTrue: [
            A up. a setSlot: 'parent*' value: C. a f. a setSlot: 'parent*' value: B. a f.
            a setSlot: 'f' value: 7. a f. a removeSlot: 'f' ] ]""")
    chance = random.Random(4)
    for turn in range(40):
        thread = interrupt_when_running(bench.worker, chance.random() * 0.02)
        assert bench("A turn: a") == "!interrupted"
        thread.join()
        assert bench("A n = A m & (A log size = A n)") == "true"
        assert bench("A n") == str(turn)
        assert bench("a f") == "1"
        assert bench("A up") == str(turn + 1)


def test_a_message_may_take_so_long(bench: Bench) -> None:
    assert bench("[true] whileTrue", budget=Budget(seconds=0.05)) == "!out-of-time"
    assert bench("3 + 4", budget=Budget(seconds=60)) == "7"


def test_ensure_blocks_run_when_a_message_is_interrupted(bench: Bench) -> None:
    thread = interrupt_when_running(bench.worker, told=True)
    source = "[Transcript show: 'in '. [true] whileTrue] ensure: [Transcript show: 'tidied']"
    (outcome,) = bench.outcomes(source)
    thread.join()
    assert outcome.error is not None and outcome.error.code == "interrupted"
    assert outcome.transcript == "in tidied"


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("x := A make", "slot x"),
        ("A setSlot: 'x' value: A make", "slot x"),
        ("A keep: A make", "slot kept"),
        ("A kept: A make", "slot kept"),
        ("x := {1. A make}", ""),
        ("x := OrderedCollection new. x add: A make", ""),
        ("x := [:it | [it]] value: A make", ""),
    ],
)
def test_what_cannot_persist_says_so_by_name(bench: Bench, source: str, where: str) -> None:
    bench.well("A := Object clone. A setSlot: 'kept' value: 1. A >> keep: it [ kept := it. ^it ].\n" + UNPICKLABLE)
    error = bench.outcomes(source)[-1].error
    assert error is not None and error.code == "cannot-persist"
    assert "lock" in error.message and where in error.message
    assert bench("A kept") == "1"


def test_what_cannot_persist_may_be_used(bench: Bench) -> None:
    bench.well("A := Object clone.\n" + UNPICKLABLE)
    assert bench("A make isNil") == "false"


def test_two_workers_that_change_one_object_take_turns(bench: Bench) -> None:
    bench.well("A := Object clone. A setSlot: 'n' value: 0. A >> up [ n := n + 1. ^n ]")
    workers = [bench.worker, bench.another()]
    codes: list[str] = []

    def work(worker: Worker) -> None:
        for _ in range(50):
            (outcome,) = worker.evaluate("A up")
            codes.append(outcome.error.code if outcome.error else "")

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = codes.count("")
    assert set(codes) <= {"", "conflict"} and done > 90
    assert bench("A n") == str(done)


def test_transact_tries_again(bench: Bench) -> None:
    bench.well("A := Object clone. A setSlot: 'n' value: 0")
    other = bench.another()
    tries: list[int] = []

    def up(world: Any) -> int:
        thing = world.lookup("A")
        value = world.send(thing, "n") + 1
        world.send(thing, "n:", value)
        if not tries:
            other.transact(lambda theirs: theirs.send(theirs.lookup("A"), "n:", 10))
        tries.append(value)
        return value

    assert bench.worker.transact(up) == 11
    assert tries == [1, 11]
    with pytest.raises(flow.Unhandled):
        bench.worker.transact(lambda world: world.send(world.lookup("A"), "zork"))
    assert bench("A n") == "11"


# --- the command line, in processes of its own


def batos(image: Path, *arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    start = "from batos.cli import main; main()"
    if limit is not None:
        start = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); " + start
    command = [sys.executable, "-c", start, "-i", str(image), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_full_disk(fresh_image: Path) -> None:
    size = fresh_image.stat().st_size
    done = batos(fresh_image, "eval", "x := (1 to: 20000) asOrderedCollection. 3", limit=size + 20_000)
    assert done.returncode == 1
    assert "no room" in done.stderr and "Traceback" not in done.stderr
    assert batos(fresh_image, "eval", "3 + 4").stdout == "7\n"
    assert batos(fresh_image, "image", "check").returncode == 0


def test_a_damaged_image(fresh_image: Path) -> None:
    assert batos(fresh_image, "eval", "x := 5").returncode == 0  # or it might be one message torn off by a crash
    for index in fresh_image.parent.glob("*.index"):
        index.unlink()
    data = bytearray(fresh_image.read_bytes())
    middle = len(data) // 2
    data[100:middle] = os.urandom(middle - 100)
    fresh_image.write_bytes(data)
    done = batos(fresh_image, "eval", "3 + 4")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert str(fresh_image) in done.stderr
    assert fresh_image.read_bytes() == bytes(data), "a damaged image is not touched"


def test_a_locked_image(bench: Bench) -> None:
    done = batos(bench.path, "eval", "3 + 4")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert str(os.getpid()) in done.stderr


def test_ctrl_c_ends_the_message_and_nothing_is_kept(fresh_image: Path) -> None:
    # A runner started in the background ignores Ctrl-C, and so would what it starts.
    heard = [shutil.which("env") or "env", "--default-signal=INT", sys.executable]
    command = [*heard, "-c", "from batos.cli import main; main()", "-i", str(fresh_image), "run", "-"]
    source = "x := 1.\nTranscript showCr: 'ready'.\n[x := x + 1. true] whileTrue.\n"
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(source)
    process.stdin.close()
    process.stdin = None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1 and "interrupted" in error and "Traceback" not in error
    assert batos(fresh_image, "eval", "x").stdout == "1\n"


def test_an_interrupt_that_python_drops_is_told_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python drops an asynchronous exception that arrives in a finalizer: here the first one never arrives at all.
    monkeypatch.setattr("batos.interp.ending.PATIENCE", 0.1)
    raised = ctypes.pythonapi.PyThreadState_SetAsyncExc
    told: list[object] = []

    class Lossy:
        def PyThreadState_SetAsyncExc(self, thread: object, how: object) -> object:
            told.append(how)
            return raised(thread, how) if len(told) > 1 else 1

    monkeypatch.setattr("batos.interp.ending.ctypes.pythonapi", Lossy())
    thread = interrupt_when_running(bench.worker, delay=0.01)
    (outcome,) = bench.outcomes("[true] whileTrue")
    thread.join()
    assert outcome.error is not None and outcome.error.code == "interrupted" and len(told) > 1


def test_an_interrupt_while_an_object_is_loaded_is_not_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.well("Far := Object clone. Far setSlot: 'x' value: 3")
    bench.worker.connection.cacheMinimize()
    loads: list[object] = []
    storage = bench.worker.connection._storage

    def load(oid: bytes) -> object:
        if not loads:
            loads.append(oid)
            raise flow.Interrupted()
        return type(storage).load(storage, oid)

    monkeypatch.setattr(storage, "load", load)
    assert bench("Far x") == "!interrupted" and loads
    assert bench("Far x") == "3"
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
