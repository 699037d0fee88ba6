"""What happens between messages that run at the same time: the isolation level, and what is promised above it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from batos.bridge.client import Client
from batos.bridge.covenant import Done, Evaluate, Status
from batos.image import open_image
from batos.image.check import check
from batos.interp import Worker

DUTY = """
Doctor := Object clone.
Doctor setSlot: 'onCall' value: true.
Alice := Doctor clone.
Bob := Doctor clone.
Duty := Object clone.
Duty >> others: aDoctor [ ^(Array with: Alice with: Bob) reject: [:each | each == aDoctor] ].
Duty >> leave: aDoctor [
    "Who is on call may leave while another stays."
    ((self others: aDoctor) anySatisfy: [:each | each onCall]) ifTrue: [aDoctor onCall: false] ].
Duty >> leaveSafely: aDoctor [
    "The same, resting on what the others are now."
    ((self others: aDoctor) anySatisfy: [:each | each readCurrent onCall]) ifTrue: [aDoctor onCall: false] ].
Alice onCall: true.
Bob onCall: true.
"""


@pytest.fixture
def workers(fresh_image: Path) -> Iterator[list[Worker]]:
    with open_image(fresh_image) as image:
        made = [Worker(image, f"worker-{number}") for number in (1, 2)]
        for outcome in made[0].evaluate(DUTY):
            assert outcome.error is None, outcome.error.render()
        yield made
        for worker in made:
            worker.close()


def at_the_same_time(workers: list[Worker], *messages: Callable[[Any], None]) -> list[int]:
    """Each message on its own worker; no first run ends before all of them have read. How often each ran."""
    everybody = threading.Barrier(len(messages), timeout=60)
    runs = [0] * len(messages)

    def one(number: int) -> None:
        def message(world: Any) -> None:
            runs[number] += 1
            messages[number](world)
            if runs[number] == 1:
                everybody.wait()

        workers[number].transact(message)

    with ThreadPoolExecutor(len(messages)) as threads:
        list(threads.map(one, range(len(messages))))
    return runs


def on_call(worker: Worker) -> list[str]:
    found = worker.evaluate("Alice onCall. Bob onCall")
    return [str(outcome.printed) for outcome in found]


def leaving(selector: str, name: str) -> Callable[[Any], None]:
    return lambda world: world.send(world.lookup("Duty"), selector, world.lookup(name))


def test_write_skew_happens(workers: list[Worker]) -> None:
    """The isolation level is snapshot isolation, and this is what it lets through. Should it ever fail, the docs are
    wrong."""
    runs = at_the_same_time(workers, leaving("leave:", "Alice"), leaving("leave:", "Bob"))
    assert runs == [1, 1]
    assert on_call(workers[0]) == ["false", "false"]


def test_read_current_prevents_write_skew(workers: list[Worker]) -> None:
    runs = at_the_same_time(workers, leaving("leaveSafely:", "Alice"), leaving("leaveSafely:", "Bob"))
    assert sorted(runs) == [1, 2], "the later one ran again"
    assert sorted(on_call(workers[0])) == ["false", "true"]


def test_two_who_only_read_current_are_not_in_each_others_way(workers: list[Worker]) -> None:
    workers[0].evaluate("Limit := Object clone. A := Object clone. A setSlot: 'n' value: 0. B := A copy")

    def resting(name: str) -> Callable[[Any], None]:
        def message(world: Any) -> None:
            world.send(world.lookup("Limit"), "readCurrent")
            world.send(world.lookup(name), "n:", 1)

        return message

    assert at_the_same_time(workers, resting("A"), resting("B")) == [1, 1]


@pytest.mark.parametrize("made", ["SharedCounter new", "SharedDictionary new", "SharedBag new", "SharedQueue new"])
def test_read_current_of_a_shared_object_means_its_contents(workers: list[Worker], made: str) -> None:
    workers[0].evaluate(f"Thing := {made}. Seen := Object clone. Seen setSlot: 'n' value: 0")
    change = {"SharedCounter new": ("increase", ()), "SharedDictionary new": ("at:put:", (1, 2))}.get(
        made, ("add:", (1,))
    )

    def reading(world: Any) -> None:
        world.send(world.lookup("Thing"), "readCurrent")
        world.send(world.lookup("Seen"), "n:", world.send(world.lookup("Thing"), "printString"))

    changed = threading.Event()
    runs = 0

    def first(world: Any) -> None:
        nonlocal runs
        runs += 1
        reading(world)
        if runs == 1:
            workers[1].transact(lambda other: other.send(other.lookup("Thing"), change[0], *change[1]))
            changed.set()

    workers[0].transact(first)
    assert changed.is_set() and runs == 2


def test_a_lost_update_does_not_happen(workers: list[Worker]) -> None:
    workers[0].evaluate("Purse := Object clone. Purse setSlot: 'n' value: 0")

    def add(world: Any) -> None:
        purse = world.lookup("Purse")
        world.send(purse, "n:", world.send(purse, "n") + 1)

    assert sorted(at_the_same_time(workers, add, add)) == [1, 2]
    assert workers[1].evaluate("Purse n")[0].printed == "2"


def test_an_atomic_program_runs_again_too(workers: list[Worker]) -> None:
    """Regression: its conflict was not retried."""
    workers[0].evaluate("Purse := Object clone. Purse setSlot: 'n' value: 0")

    def many(worker: Worker) -> list[Any]:
        return [worker.evaluate("Purse n: Purse n + 1. Purse n", atomic=True)[-1].error for _ in range(50)]

    with ThreadPoolExecutor(2) as threads:
        errors = [error for found in threads.map(many, workers) for error in found]
    assert errors == [None] * 100
    assert workers[0].evaluate("Purse n")[0].printed == "100"


def test_no_handler_of_a_program_swallows_a_conflict(workers: list[Worker]) -> None:
    """A conflict that shows while a message runs ends the run, whatever the message handles."""
    from ZODB.POSException import ConflictError

    world, runs = workers[0].world, 0

    def clash(receiver: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ConflictError
        return runs

    world.primitives["test.clash"] = clash
    workers[0].evaluate("Object >> clash [ <primitive: 'test.clash'> ]")
    found = workers[0].evaluate("[Object clash] on: Error do: [:e | #no]")
    assert (found[0].printed, runs) == ("2", 2)


WRITERS, TIMES = 8, 1000
TOGETHER = """
Hits := SharedCounter new.
Words := SharedBag new.
Line := SharedQueue new.
Table := SharedDictionary new.
"""


def send_all(client: Client, sources: Iterator[str]) -> list[str]:
    """Sends them in order, up to 32 under way; the codes of those that failed."""
    failed, waiting = [], []

    def settle() -> None:
        done = client.wait(waiting.pop(0), 120)
        assert isinstance(done, Done)
        failed.extend(outcome.error.code for outcome in done.outcomes if outcome.error is not None)

    for source in sources:
        waiting.append(client.post(Evaluate(source=source)))
        if len(waiting) >= 32:
            settle()
    while waiting:
        settle()
    return failed


def test_eight_clients_a_thousand_messages_each(start: Any, connect: Any) -> None:
    """Through a real kernel with four workers: nothing surfaces, and every total is exact."""
    kernel = start("--workers", "4")
    first = connect(kernel)
    assert not any(outcome.error for outcome in first.evaluate(TOGETHER).outcomes)

    def sources(who: int) -> Iterator[str]:
        for number in range(TIMES):
            yield (
                "Hits increase",
                f"Hits increase. Words add: #w{number % 7}",
                f"Hits increase. Line add: {who * TIMES + number}",
                f"Hits increase. Table at: {who * TIMES + number} put: {number}",
            )[number % 4]

    clients = [connect(kernel, f"writer {who}") for who in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as threads:
        failed = list(threads.map(send_all, clients, map(sources, range(WRITERS))))
    assert failed == [[]] * WRITERS
    quarter = WRITERS * TIMES // 4
    totals = first.evaluate(
        "Hits value. Words size. Words counts values inject: 0 into: [:a :b | a + b]. "
        "Line size. Line asSet size. Table size. Table keys asSet size",
        timeout=60,
    )
    assert [outcome.printed for outcome in totals.outcomes] == [str(WRITERS * TIMES), *[str(quarter)] * 6]
    status: Any = first.call(Status())
    assert status.data["workers"] > 1
    kernel.process.terminate()
    assert kernel.end() == 0
    assert check(str(kernel.image)).ok
    with open_image(kernel.image) as image:
        worker = Worker(image)
        assert (
            worker.evaluate("{Hits value. Line next \\\\ 4. Words size}")[0].printed
            == f"({WRITERS * TIMES} 2 {quarter} )"
        )
        worker.close()
