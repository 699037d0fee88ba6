"""Memory does not grow with what was ever said: what a message replaced is let go, in every worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batos.image import open_image
from batos.image.object import own_slots
from batos.interp import Worker
from batos.interp.families import is_retired

from .conftest import Bench


def loaded(worker: Worker) -> int:
    return int(worker.connection._cache.cache_non_ghost_count)


def retired(worker: Worker) -> int:
    return sum(is_retired(type(thing)) for _, thing in worker.connection._cache.lru_items())


def look(worker: Worker) -> int:
    """What is let go, however little was loaded since the last time."""
    worker.transactions.resting._due = 0
    worker.evaluate("nil")  # between two messages is where it happens
    worker.transactions.resting._due = 0
    return worker.transactions.resting.look()


def test_replaced_blocks_go_everywhere(bench: Bench) -> None:
    bench("Kept := Object clone. Kept setSlot: #block value: nil")
    other = bench.another()
    reads = "Kept block isNil ifTrue: [0] ifFalse: [Kept block value: 1]"
    other.evaluate(reads)
    look(other), look(bench.worker)
    before = loaded(bench.worker), loaded(other)
    for number in range(60):
        bench(f"Kept block: [:x | x + {number}]")
        assert other.evaluate(reads)[-1].printed == str(number + 1)
    assert loaded(other) > before[1] + 50, "each stays loaded until somebody looks"
    for worker, then in ((bench.worker, before[0]), (other, before[1])):
        look(worker)
        assert loaded(worker) <= then + 3
        assert worker.evaluate(reads)[-1].printed == "60"


def test_it_looks_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batos.image.resting.MORE", 100)
    monkeypatch.setattr("batos.image.resting.SHARE", 0.0)
    look(bench.worker)
    bench("Kept := Object clone. Kept setSlot: #block value: nil")
    before = loaded(bench.worker)
    for number in range(300):
        bench(f"Kept block: [:x | x + {number}]")
        assert loaded(bench.worker) < before + 120


def test_redefined_methods_leave_neither_objects_nor_types(bench: Bench) -> None:
    bench("Shape := Object clone. Shape setSlot: #side value: 2. Square := Shape clone")
    other = bench.another()
    sizes = []
    for turn in range(3):
        for number in range(40):
            bench(f"Shape >> area [ ^side * side + {number} ]")
            assert other.evaluate("Square area")[-1].printed == str(4 + number)
            assert bench("Square area") == str(4 + number)
        for worker in (bench.worker, other):
            look(worker)
            assert retired(worker) <= 2, turn
        sizes.append((loaded(bench.worker), loaded(other)))
    assert all(now <= then + 5 for now, then in zip(sizes[2], sizes[0], strict=True)), sizes
    assert bench("(Shape >> #area) history size") == "119", "and all are in the image"


def test_a_method_takes_the_same_room_the_hundredth_time(bench: Bench) -> None:
    """Regression: each held all that had been there before it; 2,000 took 90 MB of the file."""
    bench("Shape := Object clone")
    sizes = []
    for number in range(120):
        bench(f"Shape >> area [ ^1000 + {number} ]")
        method = own_slots(bench.worker.world.lookup("Shape"))["area"]
        sizes.append(len(bench.worker.connection.db().storage.load(method._p_oid)[0]))
    assert sizes[-1] <= sizes[5] + 10


def test_what_was_changed_or_is_held_stays(bench: Bench) -> None:
    worker = bench.worker
    bench("Thing := Object clone. Thing setSlot: #n value: 1. Mine := Thing clone")
    look(worker)

    def change(world: object) -> int:
        thing = worker.world.lookup("Mine")
        thing.n = 5
        worker.transactions.resting._due = 0
        worker.transactions.resting.look()
        return int(thing.n)

    assert worker.transact(change) == 5
    assert bench("Mine n") == "5"


def test_processes_that_wait_find_their_objects(bench: Bench) -> None:
    bench("Gate := Semaphore new. Seen := OrderedCollection new. Box := Object clone. Box setSlot: #v value: 0")
    worker = bench.worker
    worker.evaluate(
        "| mine | mine := Box clone. mine v: 7. [Gate wait. Seen add: mine v. mine v: 8. Seen add: mine v] fork"
    )
    look(worker)
    worker.evaluate("Gate signal")
    assert bench("Seen asArray") == "(7 8 )"


def test_images_that_keep_the_whole_history_in_each_method(fresh_image: Path) -> None:
    """As the first versions did."""

    def old(worker: Worker) -> Callable[[object], None]:
        def rewrite(world: object) -> None:
            first, second, third = (own_slots(worker.world.lookup("Old"))[name] for name in ("a", "b", "c"))
            for method, history in ((first, ()), (second, (first,)), (third, (first, second))):
                delattr(method, "before*")
                method.history = history

        return rewrite

    with open_image(fresh_image) as image:
        worker = Worker(image)
        worker.evaluate("Old := Object clone. Old >> a [ ^1 ]. Old >> b [ ^2 ]. Old >> c [ ^3 ]")
        worker.transact(old(worker))
        worker.evaluate("Old >> c [ ^4 ]")
        said = worker.evaluate("(Old >> #c) history collect: [:each | each source]")[-1].printed
        worker.close()
    assert said == "('a [ ^1 ]' 'b [ ^2 ]' 'c [ ^3 ]' )"


def test_retired_types_do_not_wait_for_python_to_look(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: in ten minutes of redefinitions Python did not look once, and the kernel grew by a tenth."""
    import gc

    monkeypatch.setattr("batos.image.resting.SELDOM", 0.0)
    bench("Shape := Object clone. Square := Shape clone")
    other = bench.another()
    full = gc.get_stats()[2]["collections"]
    for number in range(80):
        bench(f"Shape >> area [ ^{number} ]")
        assert other.evaluate("Square area")[-1].printed == str(number)
    assert gc.get_stats()[2]["collections"] > full
