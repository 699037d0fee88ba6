"""A file of lines, each judged; what does not pass is kept beside, with its reason, and counted."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from pydantic_core import from_json

from .errors import DataProblem
from .judge import REASONS
from .lanes import Judged, Line, judge_lines
from .leaks import HeldOut, held_out

MAX_LINE = 1 << 20
"""Characters of one line; a longer one is not looked into."""
Tell = Callable[[int], None]


@dataclass
class ValidationReport:
    """What became of a file: counts per reason (see judge.REASONS), the first few of each kind, seconds."""

    lines: int = 0
    good: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def table(self) -> str:
        """For people."""
        rows = [("good", self.good, ", ".join(f"{n} {task}" for task, n in sorted(self.tasks.items())))]
        rows += [(reason, self.reasons[reason], REASONS[reason]) for reason in REASONS if self.reasons[reason]]
        told = [f"{count:>8}  {name:<10} {what}" for name, count, what in rows]
        rate = f", {self.lines / self.seconds:.0f} a second" if self.seconds else ""
        told.append(f"{self.lines:>8}  lines in {self.seconds:.1f} s{rate}")
        for reason, examples in self.examples.items():
            told += [f"  {reason}: {example}" for example in examples[:2]]
        return "\n".join(told)

    def as_dict(self) -> dict[str, Any]:
        return {
            "lines": self.lines, "good": self.good, "reasons": dict(self.reasons), "tasks": dict(self.tasks),
            "seconds": round(self.seconds, 1),
        }  # fmt: skip


def validate(
    source: Path,
    good: Path | None = None,
    rejected: Path | None = None,
    *,
    jobs: int = 2,
    preload: Sequence[str] = (),
    run: bool = True,
    leaks: HeldOut | None = None,
    tell: Tell = lambda _: None,
) -> ValidationReport:
    """Judge every line of a JSONL file. Good lines go to `good` as they were, others to `rejected` as
    `{"line", "reason", "detail", "text"}`. `tell` is told how many lines are done. Raises DataProblem.

    What was written before under those names is replaced only once all is judged.
    """
    report = ValidationReport()
    started = time.monotonic()
    forbidden = held_out() if leaks is None else leaks
    seen: set[str] = set()
    kept: dict[int, str] = {}
    outputs = {p: p.with_name(p.name + ".part") for p in (good, rejected) if p is not None}
    try:
        files = {p: part.open("w", encoding="utf-8") for p, part in outputs.items()}
        try:
            for judged in judge_lines(_lines(source, kept), jobs, preload, run):
                text = kept.pop(judged.number)
                reason, detail = _further(judged, text, seen, forbidden)
                report.lines += 1
                if reason:
                    report.reasons[reason] += 1
                    report.examples.setdefault(reason, []).append(detail or f"line {judged.number}")
                    if rejected is not None:
                        told = {"line": judged.number, "reason": reason, "detail": detail, "text": text}
                        files[rejected].write(json.dumps(told, ensure_ascii=False) + "\n")
                else:
                    report.good += 1
                    report.tasks[judged.task] += 1
                    if good is not None:
                        files[good].write(text + "\n")
                tell(report.lines)
        finally:
            for file in files.values():
                file.close()
    except OSError as problem:
        raise DataProblem(f"{problem.filename or source}: {problem.strerror}") from problem
    for path, part in outputs.items():
        os.replace(part, path)
    report.examples = {k: v[:3] for k, v in report.examples.items()}
    report.seconds = time.monotonic() - started
    return report


def _further(judged: Judged, text: str, seen: set[str], forbidden: HeldOut) -> tuple[str, str]:
    """What only the whole file can say of a line: that it was said before, or must not be learnt."""
    if judged.reason:
        return judged.reason, judged.detail
    if judged.key in seen:
        return "duplicate", f"line {judged.number}: an earlier line says the same"
    seen.add(judged.key)
    why = forbidden.why(from_json(text))
    return ("leak", f"line {judged.number}: {why}") if why else ("", "")


def _lines(source: Path, kept: dict[int, str]) -> Iterator[Line]:
    """Lines that are not blank. `kept` holds those being judged; bad UTF-8 is judged as the text it becomes."""
    with source.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            text = line.rstrip("\r\n")
            if text.strip():
                kept[number] = text
                yield Line(number, text if len(text) <= MAX_LINE else "line too long to be looked into")


def _opened(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def read_rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of JSONL files (plain or .gz), each a mapping with `messages`. Raises DataProblem."""
    rows: list[dict[str, Any]] = []
    for path in paths:
        try:
            with _opened(path) as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        row = from_json(line)
                        if not isinstance(row, dict) or not row.get("messages"):
                            raise DataProblem(f"{path}, line {number}: no messages; run `batos train validate` first")
                        rows.append(row)
        except OSError as problem:
            raise DataProblem(f"{path} cannot be read: {problem.strerror}") from problem
        except (ValueError, EOFError) as problem:
            raise DataProblem(f"{path}, line {len(rows) + 1}: not JSON: {problem}") from problem
    return rows
