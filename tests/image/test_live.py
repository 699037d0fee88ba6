"""The storage's promises as a person meets them: through workers that run messages."""

from contextlib import closing

import pytest

from batos.image import open_image
from batos.image.check import check
from batos.image.errors import CannotUndo
from batos.image.history import redo, transactions, undo
from batos.image.shared import SharedDictionary, SharedQueue
from batos.interp.worker import Worker


@pytest.fixture
def workers(location):
    with open_image(location) as image:
        first, second = Worker(image, name="first"), Worker(image, name="second")
        yield first, second
        first.close()
        second.close()


def answer(worker, source):
    outcomes = worker.evaluate(source)
    assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
    return outcomes[-1].printed


def test_an_undone_method_is_undone_for_every_worker(location, workers):
    first, second = workers
    answer(first, "Account := Object clone. Account >> rate [ ^1 ]")
    answer(first, "Account >> rate [ ^2 ]")
    assert [answer(worker, "Account rate") for worker in workers] == ["2", "2"]
    with pytest.raises(CannotUndo):
        redo(first.image)
    assert [moment.description for moment in undo(first.image)] == ["Account >> rate [ ^2 ]"]
    assert [answer(worker, "Account rate") for worker in workers] == ["1", "1"]
    redo(first.image)
    assert [answer(worker, "Account rate") for worker in workers] == ["2", "2"]
    undo(first.image, 3)
    for worker in workers:
        assert worker.evaluate("Account rate")[0].error is not None
    assert check(first.image).ok


def test_what_made_the_world_cannot_be_undone(workers):
    first, _ = workers
    assert "Prototypal Awakening" in [moment.description for moment in transactions(first.image)]
    with pytest.raises(CannotUndo, match="Only 0"):
        undo(first.image)


def test_a_fresh_world_is_whole(location, workers):
    report = check(location)
    assert report.ok and report.methods > 20 and report.unreachable == 0


def test_blocks_in_shared_objects_run_after_a_restart(location):
    with open_image(location) as image, closing(Worker(image)) as worker:
        answer(worker, "Holder := Object clone. Holder >> keep: n [ self setSlot: 'block' value: [:x | n + x]. ^3 ]")
        answer(worker, "Holder keep: 40")

        def put(world):
            block = world.lookup("Holder")._slots["block"]
            world.root["queue"], world.root["dictionary"] = SharedQueue(), SharedDictionary()
            world.root["queue"].add(block)
            world.root["dictionary"]["block"] = block

        worker.transact(put)
    with open_image(location) as image, closing(Worker(image)) as worker:
        assert worker.transact(lambda world: world.root["queue"].take()(2)) == 42
        assert worker.transact(lambda world: world.root["dictionary"]["block"](3)) == 43
    assert check(location).ok
