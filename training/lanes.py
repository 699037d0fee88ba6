"""Lines judged in processes of their own: as many lanes as told, each a warm process that forks a child for its work.

The code in a line is anybody's: a child is locked in as a trial of the JIT is (`jit.sandbox.lockdown`), answers line by
line over a pipe, and is ended when a line takes too long; that line is then blamed, and the rest go on in a new one.
A lane costs a second to warm, a child some 5 ms.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any

from .errors import DataProblem

CHUNK = 64
SECONDS = float(os.environ.get("BATOS_LINE_SECONDS", "10"))
"""Wall clock that one line may take."""
CPU_SECONDS = 300
MEMORY = 2 << 30


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, counted from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a line: `reason` is "" for a good one. `key` is the same for lines that say the same."""

    number: int
    reason: str = ""
    detail: str = ""
    task: str = ""
    key: str = ""


def judge_lines(lines: Iterator[Line], jobs: int, preload: Sequence[str] = (), run: bool = True) -> Iterator[Judged]:
    """Judge every line, in order. `preload`: modules that conversations' code may import; run: execute as well."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[Connection, Any] = {}
    try:
        for _ in range(max(1, jobs)):
            ours, theirs = context.Pipe()
            process = context.Process(target=_lane, args=(theirs, tuple(preload), run), daemon=False)
            process.start()
            theirs.close()
            pipes[ours] = process
        yield from _spread(lines, list(pipes))
    finally:
        for pipe, process in pipes.items():
            with suppress(OSError, BrokenPipeError):
                pipe.send(None)
            pipe.close()
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


def _spread(lines: Iterator[Line], pipes: list[Connection]) -> Iterator[Judged]:
    idle, waiting, done = list(pipes), {}, {}  # type: ignore[var-annotated]
    sent = given = 0
    ended = False
    while True:
        while idle and not ended and sent - given < 8 * len(pipes):
            chunk = [line for _, line in zip(range(CHUNK), lines, strict=False)]
            if not chunk:
                ended = True
                break
            pipe = idle.pop()
            pipe.send([(line.number, line.text) for line in chunk])
            waiting[pipe] = sent
            sent += 1
        while given in done:
            yield from done.pop(given)
            given += 1
        if not waiting:
            if ended:
                return
            continue
        for ready in wait(list(waiting)):
            assert isinstance(ready, Connection)
            try:
                told = ready.recv()
            except (EOFError, OSError) as problem:
                raise DataProblem(f"a process that judges lines ended by itself: {problem or 'no word'}") from problem
            done[waiting.pop(ready)] = [Judged(*fields) for fields in told]
            idle.append(ready)


def _lane(pipe: Connection, preload: tuple[str, ...], run: bool) -> None:
    """A lane's process: one thread, everything imported, and no line of anybody's ever run in it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    from .judge import warm_up

    warm_up()
    for name in preload:
        with suppress(ImportError):
            import_module(name)
    while True:
        try:
            chunk = pipe.recv()
        except EOFError:
            return
        if chunk is None:
            return
        pipe.send(_run_chunk([Line(*one) for one in chunk], run))


def _run_chunk(lines: list[Line], run: bool) -> list[tuple[Any, ...]]:
    results: list[tuple[Any, ...]] = []
    while len(results) < len(lines):
        results += _run_child(lines[len(results) :], run)
    return results


def _run_child(lines: list[Line], run: bool) -> list[tuple[Any, ...]]:
    """What a child said of the lines, in order; the last of them, if it ended the child, is blamed here."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(lines, writing, run)
    os.close(writing)
    results: list[tuple[Any, ...]] = []
    buffer, late = b"", False
    while len(results) < len(lines):
        if not select.select([reading], [], [], SECONDS)[0]:
            late = True
            break
        part = os.read(reading, 1 << 16)
        if not part:
            break
        *whole, buffer = (buffer + part).split(b"\n")
        results += [tuple(json.loads(one)) for one in whole]
    os.close(reading)
    if late:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if len(results) < len(lines):
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        died = f"its process died of signal {number}" if number else "its process ended"
        why = f"it ran longer than {SECONDS:g} s" if late else died
        line = lines[len(results)].number
        results.append((line, "execution", f"line {line}: {why}", "", ""))
    return results


def _be_child(lines: list[Line], writing: int, run: bool) -> None:
    from ..jit.sandbox.lockdown import lock_down
    from .judge import judge_line

    try:
        lock_down(CPU_SECONDS, MEMORY)
        for line in lines:
            judged = judge_line(line, run)
            told = (judged.number, judged.reason, judged.detail[:400], judged.task, judged.key)
            data = json.dumps(told).encode() + b"\n"
            while data:
                data = data[os.write(writing, data) :]
    finally:
        os._exit(0)
