"""Is an adapter better than what is in use? JITBench for code, held-out rows for the other tasks; base against tuned.

The promotion gate: better at pass@1 by at least 2 points with the whole interval above zero, and no task worse by more
than 1 point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ..jit.bench import Report, compare
from ..jit.bench.report import interval, rate
from ..jit.engine import Engine, Message, Options
from .codex import persona_problem
from .control_task import wrong_choice
from .errors import DataProblem
from .function_task import call_problem
from .schema import Row

BETTER_BY = 0.02
WORSE_BY = 0.01
OTHER_TASKS = ("persona", "function", "control")
Tell = Callable[[int, int], None]


@dataclass
class TaskScores:
    """Right or not, row by row, of each task other than code; in the same order for every engine."""

    how: dict[str, Any]
    right: dict[str, list[bool]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"how": self.how, "right": self.right}) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TaskScores:
        try:
            data = from_json(path.read_text(encoding="utf-8"))
            return cls(data["how"], data["right"])
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise DataProblem(f"{path} holds no scores: {problem}") from problem


def right_answer(row: Row, answer: str) -> bool:
    """Whether an answer does what the row's task asks, by the task's own judge and not by likeness."""
    text = answer.strip()
    if row.task == "persona":
        return persona_problem(text) == ""
    if row.task == "function":
        wanted = from_json(row.messages[-1].content)
        return call_problem(text) == "" and from_json(text) == wanted
    told = row.model_copy(
        update={"messages": (*row.messages[:-1], row.messages[-1].model_copy(update={"content": text}))}
    )
    return bool(text) and wrong_choice(told) == ""


def score_tasks(
    engine: Engine, rows: Sequence[Row], adapter: str | None = None, tell: Tell = lambda done, of: None
) -> TaskScores:
    """Put the rows' questions to the engine, greedily, and judge what it answers."""
    scores = TaskScores({"engine": engine.name, "adapter": adapter})
    for number, row in enumerate(rows, 1):
        messages = [Message(m.role, m.content) for m in row.messages[:-1]]
        answer = engine.complete(messages, Options(max_tokens=256, adapter=adapter))
        scores.right.setdefault(row.task, []).append(right_answer(row, answer.text))
        tell(number, len(rows))
    return scores


@dataclass(frozen=True)
class Promotion:
    """The gate's word: `open` only if every line of `told` that forbids is absent."""

    open: bool
    told: tuple[str, ...]


def promotion(
    before: Report, after: Report, tasks_before: TaskScores | None = None, tasks_after: TaskScores | None = None
) -> Promotion:
    """Whether `after` may take the place of `before`, and why (not)."""
    told: list[str] = []
    gain = compare(before, after)
    if not gain["tasks"]:
        return Promotion(False, ("NO  the two evaluations have no task in common",))
    wide = f"{gain['gain'] * 100:+.1f} points ({gain['low'] * 100:+.1f} to {gain['high'] * 100:+.1f})"
    well = gain["gain"] >= BETTER_BY and gain["low"] > 0
    told.append(f"{'ok ' if well else 'NO '} code: {gain['before']} -> {gain['after']} of {gain['tasks']}, {wide}")
    for task in OTHER_TASKS:
        old = (tasks_before.right if tasks_before else {}).get(task, [])
        new = (tasks_after.right if tasks_after else {}).get(task, [])
        if not old or len(old) != len(new):
            continue
        gains = [int(b) - int(a) for a, b in zip(old, new, strict=True)]
        change = sum(gains) / len(gains)
        low, high = interval(gains, lambda sample: sum(sample) / len(sample))
        fine = change >= -WORSE_BY
        well = well and fine
        told.append(
            f"{'ok ' if fine else 'NO '} {task}: {sum(old)} -> {sum(new)} of {len(new)}, {change * 100:+.1f} points "
            f"({low * 100:+.1f} to {high * 100:+.1f})"
        )
    return Promotion(well, tuple(told))


def figures(report: Report) -> dict[str, Any]:
    """pass@1 with its interval, of all tasks and of each family."""
    return {
        "all": rate(r.first for r in report.results),
        "families": {
            f: rate(r.first for r in report.results if r.family == f)
            for f in sorted({r.family for r in report.results})
        },
    }


__all__ = ["Promotion", "TaskScores", "figures", "promotion", "right_answer", "score_tasks"]
