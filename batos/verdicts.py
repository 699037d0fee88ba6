"""How tests went, for people (text, with a progress bar on a terminal) and for machines (JUnit's XML)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .suites import Test

LETTERS = {"passed": ".", "failed": "F", "error": "E", "skipped": "s"}
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # what XML 1.0 cannot hold


def explain(test: Test) -> str:
    """One test that did not pass: its name, what was wrong, where, the stack in message terms, what it wrote."""
    head = f"{'FAILED' if test.verdict == 'failed' else 'ERROR '} {test.name}"
    lines = [head, *("    " + line for line in test.report.splitlines())]
    if test.transcript:
        lines += ["    it wrote:", *("    | " + line for line in test.transcript.splitlines())]
    return "\n".join(lines)


def count(tests: Iterable[Test], verdict: str) -> int:
    return sum(1 for test in tests if test.verdict == verdict)


def summary(tests: list[Test], seconds: float) -> str:
    """``5 run, 3 passed, 1 failed, 1 error, 1 skipped (12 assertions, 0.3 s)``."""
    errors, skipped = count(tests, "error"), count(tests, "skipped")
    ran = sum(1 for test in tests if test.verdict) - skipped
    text = f"{ran} run, {count(tests, 'passed')} passed, {count(tests, 'failed')} failed, "
    text += f"{errors} error{'' if errors == 1 else 's'}"
    if skipped:
        text += f", {skipped} skipped"
    left = sum(1 for test in tests if not test.verdict)
    if left:
        text += f", {left} not run"
    asserted = sum(test.assertions for test in tests)
    return f"{text} ({asserted} assertion{'' if asserted == 1 else 's'}, {seconds:.1f} s)"


class Teller:
    """Tells of tests as they are done: a bar on a terminal; each by name if verbose; failures at the end."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self._bar: Any = None
        self._task: Any = None

    @contextmanager
    def telling(self, total: int) -> Iterator[None]:
        if self.verbose or total < 2 or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._bar, self._task = bar, bar.add_task("", total=total)
            try:
                yield
            finally:
                self._bar = None

    def begin(self, test: Test) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=test.name)

    def done(self, test: Test) -> None:
        if self._bar is not None:
            self._bar.advance(self._task)
        if self.verbose:
            note = f": {test.message}" if test.verdict == "skipped" and test.message else ""
            print(f"{test.verdict:<8} {test.name} ({test.seconds * 1000:.0f} ms){note}", flush=True)


def write_junit(path: Path, tests: list[Test], problems: list[str], seconds: float) -> None:
    """The report that CI systems read: one testsuite for each test case; a file that did not load is an error."""
    root = ElementTree.Element("testsuites", name="batos test", time=f"{seconds:.3f}")
    cases: dict[str, list[Test]] = {}
    for test in tests:
        if test.verdict:
            cases.setdefault(test.case, []).append(test)
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for case, own in cases.items():
        numbers = {
            "tests": len(own),
            "failures": count(own, "failed"),
            "errors": count(own, "error"),
            "skipped": count(own, "skipped"),
        }
        totals = {key: totals[key] + number for key, number in numbers.items()}
        time = f"{sum(test.seconds for test in own):.3f}"
        suite = ElementTree.SubElement(root, "testsuite", {"name": case, "time": time, **_texts(numbers)})
        for test in own:
            _case(suite, test)
    if problems:
        numbers = {"tests": len(problems), "failures": 0, "errors": len(problems), "skipped": 0}
        totals = {key: totals[key] + number for key, number in numbers.items()}
        suite = ElementTree.SubElement(root, "testsuite", {"name": "loading", "time": "0", **_texts(numbers)})
        for number, problem in enumerate(problems, 1):
            entry = ElementTree.SubElement(suite, "testcase", classname="loading", name=f"problem {number}", time="0")
            _note(entry, "error", problem.splitlines()[0], problem)
    for key, number in totals.items():
        root.set(key, str(number))
    ElementTree.indent(root)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _texts(numbers: dict[str, int]) -> dict[str, str]:
    return {key: str(number) for key, number in numbers.items()}


def _case(suite: Any, test: Test) -> None:
    entry = ElementTree.SubElement(
        suite,
        "testcase",
        classname=test.case,
        name=test.selector,
        time=f"{test.seconds:.3f}",
        assertions=str(test.assertions),
    )
    if test.verdict == "skipped":
        ElementTree.SubElement(entry, "skipped", message=_clean(test.message))
    elif test.verdict != "passed":
        _note(entry, "failure" if test.verdict == "failed" else "error", test.message, test.report)
    if test.transcript:
        ElementTree.SubElement(entry, "system-out").text = _clean(test.transcript)


def _note(entry: Any, kind: str, message: str, text: str) -> None:
    ElementTree.SubElement(entry, kind, message=_clean(message), type=kind).text = _clean(text)


def _clean(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
