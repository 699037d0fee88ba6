"""`batos jit eval`: JITBench with a progress bar, resumable, its table at the end."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .jit.bench import Task
    from .jit.bench.report import TaskResult
    from .jit.engine import Engine


def run(
    policy: str | None,
    split: Any,
    engine: str,
    adapter: str | None,
    style: Any,
    families: tuple[str, ...],
    limit: int | None,
    repairs: int,
    file: Path | None,
    verbose: bool,
) -> None:
    """Evaluate, show, keep. Ctrl-C ends it; what was done by then is in the file."""
    from .jit.bench import evaluate, read_tasks
    from .jit.settings import read_settings

    tasks = read_tasks(split)
    known = sorted({task.family for task in tasks})
    for family in families:
        if family not in known:
            raise click.ClickException(f"no family {family} in {split}; there are: {', '.join(known)}")
    tasks = spread([t for t in tasks if not families or t.family in families], limit)
    settings = read_settings(policy=policy)
    chosen = _engine(settings, engine)
    cancelled = threading.Event()
    with ExitStack() as stack:
        stack.callback(chosen.close)
        name = _adapter(chosen, adapter)
        show = stack.enter_context(_Bar(len(tasks), verbose))
        try:
            report = evaluate(
                chosen, tasks, style=style, adapter=name,
                repairs=repairs, keep=file, on_result=show, cancelled=cancelled,
            )  # fmt: skip
        except KeyboardInterrupt:
            cancelled.set()
            where = f"; {file} holds what was done, the same command goes on" if file is not None else ""
            raise click.ClickException(f"broken off{where}") from None
        except (ValueError, OSError) as problem:
            raise click.ClickException(str(problem)) from problem
    click.echo(report.table())


def spread(tasks: list[Task], limit: int | None) -> list[Task]:
    """At most `limit` of them, evenly over the whole list."""
    if limit is None or limit >= len(tasks):
        return tasks
    return [tasks[i * len(tasks) // limit] for i in range(limit)]


def _engine(settings: Any, name: str) -> Engine:
    found: Engine
    if name == "settings":
        found = settings.engine()
    elif name == "server":
        if not settings.url:
            raise click.ClickException("--engine server: BATOS_MODEL_URL says which")
        found = settings.live_engine()
    elif name == "recorded":
        if settings.cassette is None:
            raise click.ClickException("--engine recorded: BATOS_CASSETTE says which")
        found = settings.engine()
    else:
        from .jit.embedded import EmbeddedEngine

        found = EmbeddedEngine(settings.model)
    return found


def _adapter(engine: Any, given: str | None) -> str | None:
    """The adapter's name; a file is made known to an engine that takes files."""
    if given is None or not hasattr(engine, "add_adapter"):
        return given
    path = Path(given)
    engine.add_adapter(path.stem, path)
    return path.stem


class _Bar:
    """A bar on a terminal; a line now and then where there is none."""

    def __init__(self, count: int, verbose: bool) -> None:
        self._count = count
        self._verbose = verbose
        self._right = 0
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> _Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True))
            self._progress.start()
            self._task = self._progress.add_task("JITBench", total=self._count)
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, result: TaskResult, done: int, of: int) -> None:
        self._right += result.last
        if self._verbose:
            say = self._progress.console.print if self._progress is not None else click.echo
            say(line_of(result))
        if self._progress is not None:
            self._progress.update(self._task, completed=done, description=f"JITBench, {self._right} right")
        elif not self._verbose and (done % 10 == 0 or done == of):
            click.echo(f"{done} of {of}, {self._right} right", err=True)


def line_of(result: TaskResult) -> str:
    """One task in a line: what became of it, and the body."""
    last = result.tries[-1]
    verdict = "right" if last.right else last.gate or "wrong"
    body = " ; ".join(line.strip() for line in last.source.splitlines()[1:] if line.strip())
    why = last.reason if last.gate else last.wrong
    return f"{verdict:8} {len(result.tries)} {result.id:34} {body[:90]}" + (f"  [{why[:120]}]" if why else "")
