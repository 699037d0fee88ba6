"""Workers on images of a test's own, on a thread with the stack that deep recursion needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.image import open_image
from batos.interp import Outcome, Worker


class Bench:
    """An image and its workers. ``bench(source)`` evaluates on the first and answers what the last statement printed,
    or ``!code`` when it failed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.image = open_image(path)
        self.workers = [Worker(self.image, "one")]

    @property
    def worker(self) -> Worker:
        return self.workers[0]

    def another(self) -> Worker:
        self.workers.append(Worker(self.image, f"worker {len(self.workers) + 1}"))
        return self.workers[-1]

    def reopen(self) -> None:
        self.close()
        self.image = open_image(self.path)
        self.workers = [Worker(self.image, "one")]

    def close(self) -> None:
        for worker in self.workers:
            worker.close()
        self.image.close()

    def __call__(self, source: str, worker: Worker | None = None, **options: Any) -> str:
        return shown(self.outcomes(source, worker, **options)[-1])

    def outcomes(self, source: str, worker: Worker | None = None, **options: Any) -> list[Outcome]:
        return (worker or self.worker).evaluate(source, **options)

    def well(self, source: str, worker: Worker | None = None) -> str:
        """As calling it, when no statement may fail."""
        outcomes = self.outcomes(source, worker)
        for outcome in outcomes:
            assert outcome.error is None, outcome.error.render()
        return shown(outcomes[-1])


def shown(outcome: Outcome) -> str:
    return "!" + outcome.error.code if outcome.error is not None else str(outcome.printed)


@pytest.fixture
def bench(fresh_image: Path) -> Iterator[Bench]:
    made = Bench(fresh_image)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def benches(seed_image: Path, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """As many as are asked for: hypothesis runs many examples in one test."""
    made: list[Bench] = []

    def make() -> Bench:
        for old in made:
            old.close()
        made.clear()
        path = tmp_path / "world.fs"
        for stale in tmp_path.glob("world.fs*"):
            stale.unlink()
        path.write_bytes(seed_image.read_bytes())
        made.append(Bench(path))
        return made[0]

    yield make
    for old in made:
        old.close()
