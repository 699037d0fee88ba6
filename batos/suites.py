"""`batos test`: find the tests of an image, run each in a transaction that is given up, tell how they went.

A test is a selector that begins with ``test`` and takes no argument, of a named clone of TestCase (200-sunit.st of the
library). What one test changes no other sees: its transaction is aborted. TestResources are made in transactions that
are kept, before the first test case that names them, and cleared away after the last test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click import ClickException

from .image.collections import text_of
from .image.object import own_slots
from .interp import Budget, Outcome, Worker
from .reading import texts_of

if TYPE_CHECKING:
    from .interp import World

KINDS = {"assertion-failure": "failed", "skipped": "skipped"}  # code of a report to verdict; anything else is "error"
# Places of a stack that say nothing about the test: how it was called, and what an assertion did.
MACHINERY = re.compile(r"\((TestCase|TestAsserter)\)>>")


@dataclass
class Test:
    """One test, and after it ran how that went: "passed", "failed", "error" or "skipped"."""

    case: str
    selector: str
    verdict: str = ""
    message: str = ""
    report: str = ""
    transcript: str = ""
    seconds: float = 0.0
    assertions: int = 0
    expected_to_fail: bool = False

    @property
    def name(self) -> str:
        return f"{self.case}>>{self.selector}"


@dataclass
class Loaded:
    """What became of the files that were read in."""

    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def load(worker: Worker, paths: Iterable[str], show: Callable[[str], None]) -> Loaded:
    """Read files in, each statement as a message of its own; ``show`` is given what they write on the Transcript."""
    loaded = Loaded()

    def tell(outcome: Outcome) -> None:
        if outcome.transcript:
            show(outcome.transcript)
        if outcome.error is not None:
            loaded.problems.append(outcome.error.render())

    for path in paths:
        try:
            texts = texts_of([path])
        except ClickException as problem:
            loaded.problems.append(problem.message)
            continue
        for name, text, syntax in texts:
            if not Path(name).is_dir():
                loaded.files.append(name)
            worker.evaluate(text, origin=name, on_outcome=tell, syntax=syntax)
    return loaded


def find(worker: Worker, pattern: str = "", since: bytes | None = None) -> list[Test]:
    """The tests of the image whose name holds ``pattern`` (a regular expression, case aside); of test cases that were
    changed after the transaction ``since``, if that is given."""
    wanted = re.compile(pattern, re.IGNORECASE)
    found: list[Test] = []

    def look(world: World) -> None:
        for case in world.send(world.lookup("TestCase"), "allTestCases")._items:
            if since is not None and not _changed(world, case, since):
                continue
            name = world.name_of(case)
            one = world.send(case, "new")  # what a class's instances say, the class itself does not
            known = {text_of(each) for each in _items(world.send(one, "expectedFailures"))}
            for selector in map(text_of, _items(world.send(case, "allTestSelectors"))):
                if wanted.search(f"{name}>>{selector}"):
                    found.append(Test(name, selector, expected_to_fail=selector in known))

    outcome = worker.trial(look)
    if outcome.error is not None:
        raise LookupError(outcome.error.render())
    return found


def _items(thing: Any) -> list[Any]:
    return list(thing if isinstance(thing, tuple) else thing._items)


def _changed(world: World, case: Any, since: bytes) -> bool:
    """Was a test case, or an object that holds behaviour of its instances, written after ``since``?"""
    probe = world.send(case, "new")
    root = world.lookup("TestCase")
    for one in (case, *world.family(probe).order):
        if one is root:
            return False
        if one._p_jar is not None:
            one._p_activate()
            if one._p_serial > since:
                return True
    return False


class Runner:
    """Runs tests on one worker, one after another. ``seconds`` is each test's budget."""

    def __init__(self, worker: Worker, seconds: float | None) -> None:
        self.worker = worker
        self.budget = Budget(seconds=seconds)
        self._made: dict[str, str] = {}  # test case to what its resources failed with; "" if they are there
        self._interrupted = False

    @property
    def interrupted(self) -> bool:
        return self._interrupted

    def run(self, test: Test) -> Test:
        """Run a test in a transaction that is given up afterwards; note how it went."""
        failure = self._made.get(test.case)
        if failure is None:
            made = self.worker.trial(lambda world: self._make(world, test.case), self.budget, keep=True)
            failure = self._made[test.case] = made.error.render() if made.error is not None else ""
            self._interrupted = made.error is not None and made.error.code == "interrupted"
        if failure:
            test.verdict, test.message = "error", "its resources could not be made"
            test.report = failure
            return test
        asserted = [0]
        outcome = self.worker.trial(lambda world: self._perform(world, test, asserted), self.budget)
        test.seconds, test.transcript, test.assertions = outcome.seconds, outcome.transcript, asserted[0]
        error = outcome.error
        if error is None:
            test.verdict = "passed"
        else:
            self._interrupted = error.code == "interrupted"
            test.verdict, test.message = KINDS.get(error.code, "error"), error.message
            error.stack = tuple(place for place in error.stack if not MACHINERY.search(place))
            test.report = error.render()
        if test.expected_to_fail and test.verdict != "skipped":
            if test.verdict == "passed":
                test.verdict, test.message = "failed", "it passed, against expectation"
                test.report = test.message
            else:
                test.verdict, test.report = "passed", ""
        return test

    def _perform(self, world: World, test: Test, asserted: list[int]) -> None:
        case = world.send(_case(world, test.case), "selector:", test.selector)
        try:
            world.send(case, "runCase")
        finally:
            asserted[0] = own_slots(case).get("assertionCount", 0)

    def _make(self, world: World, case: str) -> None:
        prototype = _case(world, case)
        for resource in _items(world.send(prototype, "resources")):
            world.send(resource, "availableFor:", prototype)

    def clear(self, cases: Iterable[str]) -> str:
        """Clear the resources away; what went wrong, if something did."""

        def reset(world: World) -> None:
            for case in cases:
                world.send(world.lookup("TestResource"), "resetResources:", world.send(_case(world, case), "resources"))

        outcome = self.worker.trial(reset, self.budget, keep=True)
        return outcome.error.render() if outcome.error is not None else ""


def _case(world: World, name: str) -> Any:
    found = world.lookup(name)
    if found is None:
        raise LookupError(f"there is no test case {name}")
    return found
