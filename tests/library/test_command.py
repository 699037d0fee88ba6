"""`batos test` as a person or a CI system runs it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from batos.cli import main

GOOD = "AlphaTest := TestCase clone.\nAlphaTest >> testOne [ self assert: 1 + 1 equals: 2 ].\n"
BAD = """BetaTest := TestCase clone.
BetaTest >> testFails [ Transcript showCr: 'seen'. self assert: 3 equals: 4 ].
BetaTest >> testErs [ 3 zork ].
BetaTest >> testLoops [ [true] whileTrue ].
BetaTest >> testSkips [ self skip: 'not today' ].
BetaTest >> testPasses [ self assert: true ].
"""


def batos(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.st").write_text(GOOD)
    (tmp_path / "bad.st").write_text(BAD)
    return tmp_path


def test_all_pass(folder: Path) -> None:
    went = batos("test", str(folder / "good.st"))
    assert went.exit_code == 0
    assert went.output.startswith("1 run, 1 passed, 0 failed, 0 errors (1 assertion, ")


def test_what_fails_is_told_and_the_rest_goes_on(folder: Path) -> None:
    report = folder / "report.xml"
    went = batos("test", str(folder), "--seconds", "0.5", "--junit", str(report))
    assert went.exit_code == 1
    assert f"FAILED BetaTest>>testFails\n    Got 3 instead of 4.\n    {folder}/bad.st:2:" in went.output
    assert "    it wrote:\n    | seen\n" in went.output
    assert "ERROR  BetaTest>>testErs\n    3 does not understand #zork" in went.output
    assert "ERROR  BetaTest>>testLoops\n    the message took longer than it may" in went.output
    assert "skipped BetaTest>>testSkips: not today" in went.output
    assert "5 run, 2 passed, 1 failed, 2 errors, 1 skipped (3 assertions, " in went.output
    root = ElementTree.parse(report).getroot()
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "1",
        "errors": "2",
        "skipped": "1",
    }
    failure = root.find(".//testcase[@name='testFails']/failure")
    assert failure is not None and failure.get("message") == "Got 3 instead of 4."


def test_choosing(folder: Path) -> None:
    assert batos("test", str(folder), "--list", "-k", "(fails|one)$").output.split() == [
        "AlphaTest>>testOne",
        "BetaTest>>testFails",
    ]
    assert batos("test", str(folder), "-k", "passes").exit_code == 0
    fast = batos("test", str(folder), "--fail-fast")
    assert fast.exit_code == 1 and "4 not run" in fast.output


def test_two_is_for_what_could_not_be_tested(folder: Path) -> None:
    (folder / "broken.st").write_text("AlphaTest >> testTwo [ ^ ( ].\n")
    went = batos("test", str(folder / "good.st"), str(folder / "broken.st"))
    assert went.exit_code == 2 and "1 run, 1 passed" in went.output and "broken.st:1:" in went.output
    assert batos("test").exit_code == 2
    assert batos("test", str(folder / "missing.st")).exit_code == 2
    assert batos("test", str(folder / "good.st"), "-k", "nothing").exit_code == 2
    assert batos("test", str(folder / "good.st"), "-k", "(").exit_code == 2


def test_an_image_is_only_read(folder: Path, fresh_image: Path) -> None:
    assert batos("-i", str(fresh_image), "run", str(folder / "good.st")).exit_code == 0
    before = fresh_image.read_bytes()
    assert "1 run, 1 passed" in batos("-i", str(fresh_image), "test").output
    own = batos("-i", str(fresh_image), "test", str(folder / "bad.st"), "-k", "passes|one", "-v")
    assert "BetaTest>>testPasses" in own.output and "AlphaTest" not in own.output
    assert fresh_image.read_bytes() == before


def test_failures_that_a_class_expects(tmp_path: Path) -> None:
    """A class's instances answer expectedFailures, and the class itself does not."""
    (tmp_path / "known.st").write_text(
        "TestCase subclass: KnownTest [ expectedFailures [ ^#(testKnown) ] testKnown [ self assert: false ] ]\n"
    )
    went = batos("test", str(tmp_path / "known.st"))
    assert went.exit_code == 0 and "1 run, 1 passed" in went.output
