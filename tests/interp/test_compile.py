"""`compile:` gives an object a method from text, and says what is wrong with a text that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.image import open_image
from batos.interp import Worker


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    image = open_image(tmp_path / "image.fs")
    worker = Worker(image)
    yield worker
    worker.close()
    image.close()


def test_a_method_is_given_in_either_language(worker: Worker) -> None:
    told = worker.evaluate(
        "A := Object clone. A setSlot: 'n' value: 3. A compile: 'twice [ ^n * 2 ]'."
        " A compile: 'def add_to_(self, a, b):\n    return self.n + a + b\n'. A twice. A add: 1 to: 2. A selectors"
    )
    assert [o.error for o in told] == [None] * 7
    assert [o.printed for o in told[2:]] == ["#twice", "#add:to:", "6", "6", "(#add:to: #twice )"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("'foo [ ^'", "this is no method"),
        ("'def f(self: return 1'", "this is no Python method"),
        ("'def f(self):\n    return 1\nx = 2'", "one def is wanted"),
        ("3", "a method''s source is a String"),
    ],
)
def test_what_is_no_method_is_named(worker: Worker, source: str, told: str) -> None:
    outcome = worker.evaluate(f"Object clone compile: {source}")[0]
    assert outcome.error is not None
    assert told.replace("''", "'") in outcome.error.message
