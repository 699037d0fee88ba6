"""Syntax errors as a person sees them: a golden file of broken texts, each with its report.

``python tests/grammar/test_errors.py`` writes the reports anew; read the difference before you keep it.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from batos.grammar import SyntaxProblem, parse, parse_method

GOLDEN = Path(__file__).with_name("errors.golden")


def entries() -> list[tuple[str, str]]:
    """(broken text, report) pairs; the file writes \\r and trailing blanks as they are."""
    text = GOLDEN.read_bytes().decode()
    pairs = [entry.split("\n----\n") for entry in text.split("\n====\n") if entry]
    return [(source, report) for source, report in pairs]


def report(source: str) -> str:
    with pytest.raises(SyntaxProblem) as caught:
        parse(source, origin="in")
    problem = caught.value
    return f"{problem}\nexpected: {', '.join(problem.expected) or '-'}{' (at end)' if problem.at_end else ''}"


@pytest.mark.parametrize(("source", "golden"), entries(), ids=lambda text: text[:30])
def test_report(source: str, golden: str) -> None:
    assert report(source) == golden


def test_place_and_parts() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse("a := 3.\r\n\tb := 4 foo: .\r\n", origin="bank.st")
    problem = caught.value
    assert (problem.origin, problem.line, problem.column, problem.length) == ("bank.st", 2, 14, 1)
    assert problem.message == "a keyword message wants an argument after 'foo:', found ."
    assert problem.expected == ("an expression",)
    assert str(problem).splitlines()[1:] == ["\tb := 4 foo: .", "\t            ^"]


def test_a_method_by_itself() -> None:
    with pytest.raises(SyntaxProblem, match="expected a parameter name after 'at:'"):
        parse_method("at: [ ^3 ]")
    with pytest.raises(SyntaxProblem, match="expected the method's body"):
        parse_method("at: x")
    with pytest.raises(SyntaxProblem, match="expected"):
        parse_method("")


def test_a_problem_crosses_to_another_process() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse("3 + ")
    back = pickle.loads(pickle.dumps(caught.value))
    assert str(back) == str(caught.value)
    assert back.at_end and back.expected == caught.value.expected


def test_a_very_long_line_is_shown_in_part() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse("x foo. " * 5000 + "3 4. " + "y bar. " * 5000)
    shown, caret = str(caught.value).splitlines()[1:]
    assert len(shown) == 120
    assert shown[caret.index("^")] == "4"


if __name__ == "__main__":
    renewed = [f"{source}\n----\n{report(source)}\n====\n" for source, _ in entries()]
    GOLDEN.write_bytes("".join(renewed).encode())
