"""JITBench is sound: every task's own solution passes, every wrong one fails; and an evaluation counts and resumes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.interp import deep
from batos.jit.bench import Report, Stage, Task, compare, evaluate, read_tasks
from batos.jit.bench.report import interval, rate
from batos.jit.bench.tasks import read_family
from batos.jit.crucible import assay
from batos.jit.engine import Completion, Source, prompt_hash
from batos.jit.errors import Cancelled, EngineDown

TASKS = read_tasks()
HALVES = ("public", "heldout")
FAMILIES = sorted({task.family for task in TASKS})


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made: Stage = deep(Stage)
    yield made
    made.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_solution_passes_and_every_wrong_one_fails(stage: Stage, family: str) -> None:
    def check() -> list[str]:
        faults = []
        for task in (t for t in TASKS if t.family == family):
            with stage.put_on(task) as scene:
                right = task.method(scene.situation.head, task.right)
                gates = assay(scene.candidate(right), scene.surroundings)
                if not gates.passed:
                    faults.append(f"{task.id}: its solution is refused: {gates.report()}")
                if problem := scene.judge(right):
                    faults.append(f"{task.id}: its solution fails: {problem}")
                for body in task.wrong:
                    if not scene.judge(task.method(scene.situation.head, body)):
                        faults.append(f"{task.id}: a wrong solution passes: {body}")
        return faults

    assert deep(check) == []


def test_there_are_enough_of_every_kind() -> None:
    assert len(TASKS) >= 150 and len({t.id for t in TASKS}) == len(TASKS)
    halves = {t.family: t.half for t in TASKS}
    assert len(halves) >= 12 and Counter(halves.values()).keys() == {"public", "heldout"}
    assert min(Counter(halves.values()).values()) >= 6
    assert all(t.wrong and t.checks for t in TASKS)
    assert {t.half for t in read_tasks("heldout")} == {"heldout"}
    assert {t.half for t in read_tasks("public")} == {"public"}


def test_the_halves_share_no_task() -> None:
    """A held-out task whose prototype and selector are in a public family would be none."""
    public, heldout = ({(t.world.split()[0], t.id.rsplit("/")[-1]) for t in TASKS if t.half == h} for h in HALVES)
    assert not public & heldout


def test_a_file_that_is_no_family_is_told() -> None:
    with pytest.raises(ValueError, match="half is public or heldout"):
        read_family("odd", "half = 'both'")


class Knowing:
    """Answers with a solution of the task it is asked for: the right one, or a wrong one for those in `errs`."""

    name = "knowing"
    style = "large"

    def __init__(self, tasks: list[Task], errs: set[str] = frozenset(), fail_after: int = 10_000) -> None:  # type: ignore[assignment]
        self.bodies = {t.send: (t.right, t.wrong[0]) for t in tasks}
        self.errs = errs
        self.fail_after = fail_after
        self.asked = 0

    def complete(self, messages: Any, options: Any = None, on_text: Any = None, cancelled: Any = None) -> Completion:
        self.asked += 1
        if self.asked > self.fail_after:
            raise EngineDown("the model's server is gone")
        text = messages[-1].content
        send = next(s for s in self.bodies if f"by this statement: {s}\n" in text)
        head = text.rsplit("GENERATE METHOD: ", 1)[1]
        body = self.bodies[send][send in self.errs]
        if send in self.errs and "rejected" not in text:
            body = "return open('/etc/passwd')"
        code = head + "\n" + "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
        source = Source(self.name, "book", "", None, 0, 0.0, prompt_hash(messages, options))
        return Completion(code, 10, 100, 0.5, "stop", source)

    def identity(self, adapter: str | None = None) -> dict[str, str]:
        return {"model": "book"}

    def close(self) -> None:
        pass


def test_an_evaluation_counts_first_answers_repairs_and_gates() -> None:
    tasks = [t for t in TASKS if t.family == "switches"][:4]
    report = evaluate(Knowing(tasks, {tasks[0].send}), tasks)
    told = report.summary()
    assert told["pass_at_1"]["right"] == 3 and told["pass_at_1"]["of"] == 4
    first = report.results[0]
    assert [t.gate for t in first.tries] == ["allow", ""] and first.tries[-1].wrong and not first.last
    assert told["gates"]["refused_by"] == {"allow": 1} and told["gates"]["passed_and_wrong"] == 1
    assert told["tokens"] == 50 and told["seconds"] == 2.5
    assert "3/4 75%" in report.table() and "switches" in report.table()


def test_what_was_broken_off_goes_on_and_is_not_mixed_with_another_model(tmp_path: Path) -> None:
    tasks = [t for t in TASKS if t.family == "switches"][:4]
    keep = tmp_path / "results.json"
    with pytest.raises(EngineDown):
        evaluate(Knowing(tasks, fail_after=2), tasks, keep=keep)
    assert len(Report.load(keep).results) == 2
    engine = Knowing(tasks)
    seen: list[int] = []
    report = evaluate(engine, tasks, keep=keep, on_result=lambda result, done, of: seen.append(done))
    assert engine.asked == 2 and len(report.results) == 4 and seen == [1, 2, 3, 4]
    assert json.loads(keep.read_text("utf-8"))["summary"]["pass_at_1"]["right"] == 4
    with pytest.raises(ValueError, match="come by otherwise"):
        evaluate(engine, tasks, keep=keep, repairs=0)
    keep.write_text('{"format": 1')
    with pytest.raises(ValueError, match="no report"):
        evaluate(engine, tasks, keep=keep)


def test_a_cancelled_evaluation_is_no_wrong_answer() -> None:
    class Cancels(Knowing):
        def complete(self, *_: Any, **__: Any) -> Completion:
            raise Cancelled("stopped")

    tasks = TASKS[:1]
    with pytest.raises(Cancelled):
        evaluate(Cancels(tasks), tasks)


def test_intervals_hold_the_share_and_shrink_with_more_tasks() -> None:
    few, many = rate([True] * 5 + [False] * 5), rate([True] * 100 + [False] * 100)
    for figures in (few, many):
        assert figures["low"] < figures["share"] == 0.5 < figures["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]
    assert interval([], sum) == (0.0, 0.0) and rate([True] * 9)["low"] == 1.0


def test_two_reports_are_compared_task_by_task() -> None:
    tasks = [t for t in TASKS if t.family == "switches"][:4]
    worse = evaluate(Knowing(tasks, {tasks[0].send, tasks[1].send}), tasks, repairs=0)
    better = evaluate(Knowing(tasks), tasks, repairs=0)
    told = compare(worse, better)
    assert (told["tasks"], told["before"], told["after"], told["gain"]) == (4, 2, 4, 0.5)
    assert 0.0 <= told["low"] <= 0.5 <= told["high"] <= 1.0
