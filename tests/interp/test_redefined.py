"""What compiled code does in line is sent as soon as a person redefines it."""

from __future__ import annotations

import pytest

from .conftest import Bench


@pytest.mark.parametrize(
    ("method", "use", "before", "after"),
    [
        ("Integer >> + other [ ^42 ]", "Ask plus", "3", "42"),
        ("Array >> at: index [ ^99 ]", "Ask first", "nil", "99"),
        ("Array >> size [ ^99 ]", "Ask count", "3", "99"),
        ("Boolean >> not [ ^#no ]", "Ask not: true", "false", "#no"),
        ("BlockClosure >> value [ ^7 ]", "Ask run: [1]", "1", "7"),
        ("Character >> = other [ ^true ]", "Ask is: $a", "false", "true"),
        ("Object >> isNil [ ^true ]", "Ask nil: 3", "false", "true"),
    ],
)
def test_a_redefinition_counts_at_the_next_send(bench: Bench, method: str, use: str, before: str, after: str) -> None:
    bench.well(
        "Ask := Object clone. Ask >> plus [ ^1 + 2 ]. Ask >> first [ ^(Array new: 3) at: 1 ]. Ask >> not: x [ ^x not ]."
        "Ask >> count [ ^(Array new: 3) size ]."
        "Ask >> run: x [ ^x value ]. Ask >> is: x [ ^x = $b ]. Ask >> nil: x [ ^x isNil ]"
    )
    assert bench(use) == before
    bench.well(method)
    assert bench(use) == after
    other = bench.another()
    assert bench(use, other) == after


@pytest.mark.parametrize("text", ["'abc'", "'abc' copy"])
@pytest.mark.parametrize(("use", "before", "after"), [("text size", "3", "99"), ("text at: 2", "$b", "98")])
def test_texts_are_measured_in_line_until_somebody_knows_better(
    bench: Bench, text: str, use: str, before: str, after: str
) -> None:
    bench.well(f"Ask := Object clone. Ask >> of: text [ ^{use} ]. word := {text}. 60 timesRepeat: [Ask of: word]")
    assert bench("Ask of: word") == bench(f"Ask of: {text}") == before
    assert bench("Ask of: #(1 2 3)") == ("3" if "size" in use else "2")
    assert bench("Ask of: 'longer' copy") == ("6" if "size" in use else "$o")
    assert bench("Ask of: ''") == ("0" if "size" in use else "!index-out-of-range")
    bench.well("word := 'abc' copy. word at: 2 put: $b")
    assert bench("Ask of: word") == before
    bench.well("String >> size [ ^99 ]. String >> at: i [ ^98 ]")
    assert bench("Ask of: word") == after
