"""Putting the tasks to a model: the production prompts, the production gates, and then the hidden checks.

The hidden checks never reach the model: a repair round shows it what a gate said and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from ...interp import deep
from ..engine import Engine
from ..prompt import Style
from ..write import MakePrompt, author_of, prompts_for, write
from .report import Report, TaskResult, TryResult
from .stage import Scene, Stage
from .tasks import Task

OnResult = Callable[[TaskResult, int, int], None]


def evaluate(
    engine: Engine,
    tasks: Sequence[Task],
    *,
    style: Style | None = None,
    adapter: str | None = None,
    prompts: MakePrompt | None = None,
    repairs: int = 2,
    keep: Path | None = None,
    on_result: OnResult | None = None,
    cancelled: Event | None = None,
    how: dict[str, Any] | None = None,
) -> Report:
    """Put each task to the engine; the report.

    style, adapter: as for `prompts_for`; prompts: another way to ask altogether (`Situation` to `Prompt`).
    keep: a file that is written after every task, and from which a run that was broken off goes on, if it was made with
    the same engine, model, adapter and so on (`how`); ValueError otherwise.
    on_result(result, done, of): told after each.
    how: further words on how the results were come by; they must be plain values.
    Raises what the engine raises: an engine that is down is no wrong answer.
    """
    ask = prompts or prompts_for(engine, style, adapter)
    identity = getattr(engine, "identity", None)
    by_default = getattr(engine, "adapter", None)
    told = {
        "engine": engine.name,
        **(identity(adapter or by_default) if identity is not None else {}),
        "style": "own" if prompts is not None else style or getattr(engine, "style", "large"),
        "adapter": adapter or by_default,
        "repairs": repairs,
        **(how or {}),
    }
    report = _resumed(keep, told)
    done = {r.id: r for r in report.results if r.digest in {t.digest for t in tasks}}
    report.results = []

    def run() -> Report:
        stage = Stage()
        try:
            for number, task in enumerate(tasks, 1):
                result = done.get(task.id)
                if result is None:
                    with stage.put_on(task) as scene:
                        result = _run(engine, scene, ask, repairs, cancelled)
                report.results.append(result)
                if keep is not None and task.id not in done:
                    report.save(keep)
                if on_result is not None:
                    on_result(result, number, len(tasks))
            return report
        finally:
            stage.close()

    return deep(run)


def _run(engine: Engine, scene: Scene, ask: MakePrompt, repairs: int, cancelled: Event | None) -> TaskResult:
    written = write(
        engine,
        scene.situation,
        ask,
        lambda candidate, completion: scene.gates(candidate, author_of(completion)),
        repairs,
        cancelled=cancelled,
    )
    tries = []
    for one in written.tries:
        failure = one.assay.failure
        source = one.assay.candidate.source
        tries.append(
            TryResult(
                source,
                failure.gate if failure is not None else "",
                failure.reason if failure is not None else "",
                scene.judge(source, author_of(one.completion)) if failure is None else "",
                one.completion.tokens,
                one.completion.prompt_tokens,
                round(one.completion.seconds, 3),
            )
        )
    task = scene.task
    return TaskResult(task.id, task.family, task.half, task.digest, tuple(tries))


def _resumed(keep: Path | None, how: dict[str, Any]) -> Report:
    if keep is None or not keep.exists():
        return Report(how)
    report = Report.load(keep)
    other = [key for key in {*how, *report.how} if report.how.get(key) != how.get(key)]
    if other:
        what = ", ".join(sorted(other))
        raise ValueError(f"{keep} holds results that were come by otherwise ({what}); name another file")
    return report
