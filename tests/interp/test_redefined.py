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
