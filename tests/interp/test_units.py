"""What a world keeps of compiled code: all that a living block may still need, and nothing for ever."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from batos.image import open_image
from batos.interp import Worker, statements


@pytest.fixture
def worker(fresh_image: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(statements, "MOST", 50)
    with open_image(fresh_image) as image:
        worker = Worker(image)
        yield worker
        worker.close()


def said(worker: Worker, source: str) -> str | None:
    outcome = worker.evaluate(source)[-1]
    assert outcome.error is None, outcome.error.render()
    return outcome.printed


def sweep(worker: Worker) -> None:
    """As if many other statements had come, and been forgotten."""
    for number in range(600):
        said(worker, f"3 + {number}. #({number} a)")
    statements._facts.clear()
    statements._read.cache_clear()
    worker.world._made.clear()
    gc.collect()
    worker.world.units.sweep()


def test_statements_leave_nothing_behind_for_ever(worker: Worker) -> None:
    """Regression: about 1 KB for each distinct statement."""
    world = worker.world
    sweep(worker)

    def sizes() -> tuple[int, int, int]:
        constants = [name for name in world.globals if name[0] == "$"]
        return len(world.sources), len(world.resolutions), len(constants)

    before = sizes()
    sweep(worker)
    for number in range(2000):
        said(worker, f"(1 to: 3) collect: [:x | x * {number}]. 'text {number}' -> #({number})")
    sweep(worker)
    assert all(now <= then + 10 for now, then in zip(sizes(), before, strict=True)), (before, sizes())


def test_a_block_keeps_what_it_needs(worker: Worker) -> None:
    said(worker, "Keeper := Object clone. Keeper setSlot: #block value: nil")
    said(worker, "Keeper block: [:x | {x. #(1 2 3). x foo}]")
    sweep(worker)
    failure = worker.evaluate("Keeper block value: 4")[-1].error
    assert failure is not None and "[:x | {x. #(1 2 3). x foo}]" in failure.render(), "its source is shown"
    said(worker, "Keeper setSlot: #other value: [:x | x -> #(1 2 3)]")
    sweep(worker)
    assert said(worker, "Keeper other value: 4") == "4->(1 2 3 )"
    assert said(worker, "Keeper setSlot: #twice value: Keeper other. (Keeper twice value: 5)") == "5->(1 2 3 )"


def test_a_block_of_a_statement_is_stored_long_after(worker: Worker, fresh_image: Path) -> None:
    said(worker, "Keeper := Object clone. Keeper setSlot: #block value: [:x | x + 1]")
    sweep(worker)
    said(worker, "Keeper setSlot: #again value: Keeper block")  # writes it anew
    fresh = Worker(worker.image)
    assert said(fresh, "Keeper again value: 3") == "4"
    fresh.close()


def test_blocks_of_two_holders_of_one_source_have_each_its_own_home(worker: Worker) -> None:
    """Regression: a block stored from the second anonymous holder was revived with the first one's home, so that its
    super sends went up from there."""
    said(
        worker,
        """
        One := Object clone. One >> name [ ^'one' ].
        Two := Object clone. Two >> name [ ^'two' ].
        a := One clone. a >> asking [ ^[super name] ].
        b := Two clone. b >> asking [ ^[super name] ].
        Keeper := Object clone. Keeper setSlot: #first value: a asking. Keeper setSlot: #second value: b asking
        """,
    )
    assert said(worker, "{Keeper first value. Keeper second value}") == "('one' 'two' )"
    fresh = Worker(worker.image)
    assert said(fresh, "{Keeper first value. Keeper second value}") == "('one' 'two' )"
    fresh.close()
