"""All 150 goldens run in a scratch image and leave what they say; the morphs they build show on a headless canvas."""

from __future__ import annotations

import pytest

from batos.interp import Worker, deep
from batos.scene import Scene
from batos.training.errors import DataProblem
from batos.training.goldens import FAMILIES, Golden, read_goldens, read_talks, write_splits
from batos.training.judge import world_names
from batos.training.schema import parse_line
from batos.training.talk import TurnFailed, run_talk, unknown_names
from batos.training.worlds import scratch_worker

MORPHS_IN_WORLD = "| n | n := 0. World allMorphsDo: [:each | n := n + 1]. n"


def run(golden: Golden) -> int:
    """Run it; how many morphs the canvas then shows, the world itself among them."""
    with scratch_worker() as worker:
        run_talk(worker, golden.conversation.codes(), golden.checks)
        shown, more, _ = worker.transact(lambda world: Scene().look(world))
        assert not more
        nodes = [key for key in shown if not key.startswith("view:")]
        assert len(nodes) == int(worker.evaluate(MORPHS_IN_WORLD)[-1].printed or 0)
        return len(nodes)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_golden_runs_and_leaves_what_it_says(family: str) -> None:
    mine = [g for g in read_goldens() if g.family == family]
    assert len(mine) == 30
    failed: list[str] = []
    on_canvas = 0

    def all_of_them() -> None:
        nonlocal on_canvas
        for golden in mine:
            try:
                on_canvas += run(golden) > 1
            except TurnFailed as problem:
                failed.append(f"{golden.id}: {problem}")

    deep(all_of_them)
    assert failed == []
    assert family == "bridge" or on_canvas  # somebody built morphs, and they were seen


def test_every_golden_is_checked_and_names_are_made_before_they_are_used() -> None:
    names = deep(world_names)
    for golden in read_goldens():
        assert golden.checks, golden.id
        assert unknown_names(golden.conversation.codes(), names) == [], golden.id
        assert parse_line(golden.line()) == golden.conversation


def test_a_golden_that_leaves_something_else_fails() -> None:
    golden = next(g for g in read_goldens() if g.id == "a-counter-counts")

    def with_a_wrong_check(worker: Worker) -> None:
        run_talk(worker, golden.conversation.codes(), {2: ("counter count => 2",)})

    def body() -> None:
        with scratch_worker() as worker, pytest.raises(TurnFailed, match="turn 2: counter count is 1, not 2"):
            with_a_wrong_check(worker)

    deep(body)


def test_they_are_split_by_conversation(tmp_path) -> None:  # type: ignore[no-untyped-def]
    written = write_splits(tmp_path / "golden.jsonl")
    assert [written[p] for p in sorted(written)] == [30, 90, 30]  # test, train, validation
    lines = [line for path in written for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(set(lines)) == 150
    assert {g.part for g in read_goldens() if g.family == "events"} == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("text", "told"), [("> hi\n", "line 1: a conversation begins"), ("## a\nhello\n", "line 2: the Architect")]
)
def test_a_talk_that_cannot_be_read_is_named(text: str, told: str) -> None:
    with pytest.raises(DataProblem, match=told):
        read_talks(text, "x")
