"""Rows of the four tasks, from their generators, into one file: resumable, without duplicates, verified as it grows.

The file is written in order, so that a stopped run goes on where it was: each task's generator is drawn again up to
its last row (which costs little), and the file is appended to.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import DataProblem
from .leaks import HeldOut, held_out
from .schema import TASKS

SHARES = {"code": 0.4, "persona": 0.2, "function": 0.2, "control": 0.2}
SEEDS_FORM = 8
"""Each eighth code row is in the form of the seeds' table, one method a row; the others are classes of methods."""
IN_COMPANY = 0.55
"""How many of the code rows are about objects in company (`code/company.py`); the rest are alone with their slots."""
Tell = Callable[[int], None]


def code_rows(seed: int, forbidden: HeldOut) -> Iterator[dict[str, Any]]:
    """Classes of methods, each method right by running, nothing of it held out; some rows in the seeds' form."""
    from .code.company import gatherings
    from .code.compose import subjects
    from .code.rows import class_row, seed_row
    from .code.verify import Scratch

    rng = random.Random(f"rows {seed}")
    scratch, used, number = Scratch(), 0, 0
    try:
        alone, together = subjects(seed), gatherings(seed)
        while True:
            subject = next(together if rng.random() < IN_COMPANY else alone)
            if subject.prototype in forbidden.prototypes:
                continue
            allowed = tuple(m for m in subject.methods if m.selector not in forbidden.selectors)
            subject = replace(subject, methods=allowed)
            if used == 60:
                scratch.close()
                scratch, used = Scratch(), 0
            used += 1
            wrong = scratch.failures(subject)
            subject = replace(subject, methods=tuple(m for m in allowed if m.selector not in wrong))
            if len(subject.methods) < 2:
                continue
            number += 1
            if number % SEEDS_FORM == 0:
                yield seed_row(subject, rng.choice(subject.methods), number)
            else:
                yield class_row(subject, number, rng, scratch.trial(subject))
    finally:
        scratch.close()


def task_rows(task: str, seed: int, forbidden: HeldOut) -> Iterator[dict[str, Any]]:
    """Rows of one task, without end."""
    if task == "code":
        return code_rows(seed, forbidden)
    if task == "persona":
        from .persona_task import persona_rows

        return persona_rows(seed)
    if task == "function":
        from .function_task import function_rows

        return function_rows(seed)
    if task == "control":
        from .control_task import control_rows

        return control_rows(seed)
    raise DataProblem(f"there is no task {task!r}; there are: {', '.join(TASKS)}")


def fresh_rows(task: str, seed: int, forbidden: HeldOut, stale: int = 5_000) -> Iterator[dict[str, Any]]:
    """Rows of one task that differ in what is asked or answered. Ends when so many in a row brought nothing new."""
    seen: set[bytes] = set()
    misses = 0
    for row in task_rows(task, seed, forbidden):
        text = "\n".join(m["content"] for m in row["messages"][1:])
        key = hashlib.blake2b(text.encode(), digest_size=10).digest()
        if key in seen or forbidden.why(row):
            misses += 1
            if misses > stale:
                return
            continue
        seen.add(key)
        misses = 0
        yield row


def write_rows(
    out: Path, count: int, seed: int, shares: dict[str, float] | None = None, tell: Tell = lambda _: None
) -> Counter[str]:
    """Write `count` rows, tasks in turn by their shares; answer how many of each. A file that is there is gone on with,
    if it was made with the same seed and shares. Raises DataProblem."""
    chosen = shares or SHARES
    forbidden = held_out()
    note = out.with_name(out.name + ".how.json")
    how = {"seed": seed, "shares": chosen, "format": 1}
    there = 0
    if out.exists() and out.stat().st_size:
        told = json.loads(note.read_text(encoding="utf-8")) if note.exists() else None
        if told != how:
            raise DataProblem(f"{out} was made otherwise ({told}): give another name, or remove it")
        there = _whole_lines(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(how) + "\n", encoding="utf-8")
    order = _turns(chosen, seed)
    sources = {task: fresh_rows(task, seed, forbidden) for task in chosen if chosen[task] > 0}
    counts: Counter[str] = Counter()
    with out.open("a", encoding="utf-8") as file:
        for number in range(count):
            row = None
            while row is None and sources:
                task = next(order)
                row = next(sources[task], None) if task in sources else None
                if row is None:
                    sources.pop(task, None)
            if row is None:
                break
            counts[row["task"]] += 1
            if number >= there:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                if number % 100 == 0:
                    file.flush()
            tell(number + 1)
    return counts


def _turns(shares: dict[str, float], seed: int) -> Iterator[str]:
    rng = random.Random(f"turns {seed}")
    tasks, weights = list(shares), list(shares.values())
    while True:
        yield rng.choices(tasks, weights)[0]


def _whole_lines(path: Path) -> int:
    """How many whole lines the file has; a torn last one, of a run that was killed, is cut off."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        with path.open("r+b") as file:
            file.truncate(end)
    return data.count(b"\n")


def data_hash(path: Path) -> str:
    """`sha256:...` of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
