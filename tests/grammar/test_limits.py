"""Hostile, huge, half-written: a clear problem, never a crash, and time in proportion to the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batos.grammar import SyntaxProblem, format_tree, is_complete, parse
from batos.grammar.depth import MAX_DEPTH
from batos.grammar.nodes import Array, Bad, Number

MANY = 20_000  # far more than Python's own recursion takes

DEEP = {
    "open parentheses": ("(" * 100_000, "was never closed"),
    "open brackets": ("[" * MANY, "was never closed"),
    "open braces": ("{" * MANY, "was never closed"),
    "open arrays": ("#(" * MANY, "was never closed"),
    "closed blocks": ("[" * MANY + "]" * MANY, "nested too deeply"),
    "closed arrays": ("#(" * MANY + ")" * MANY, "nested too deeply"),
    "closers": (")" * MANY, "closes nothing"),
    "unary chain": ("x " * MANY, "nested too deeply"),
    "binary chain": ("1" + " + 1" * MANY, "nested too deeply"),
    "assignments": ("a := " * MANY + "b", "nested too deeply"),
    "carets": ("^" * MANY, "expected an expression after"),
    "a method": ("A >> x [" + "[" * MANY + "]" * (MANY + 1), "nested too deeply"),
    "backticks": ("`" * 100_000, "begins with ```python"),
    "unclosed string": ("'" + "a''" * 100_000, "string is never closed"),
    "unclosed comment": ('"' + "a" * 300_000, "comment is never closed"),
    "unclosed fence": ("A >> x ```python\n" + "   \n" * 100_000, "never closed"),
    "quotes": ("'" * 100_001, "string is never closed"),
    "a number of digits": ("9" * 200_000, "at most 100000 digits"),
    "a number of radix digits": ("3r" + "1" * 200_000, "at most 100000 digits"),
    "exponent": ("1e" + "9" * 200_000, "too large"),
    "scale": ("1s" + "9" * 200_000, "too large"),
    "radix": ("9" * 200_000 + "r1", "a radix is from 2 to 36"),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_and_long(name: str) -> None:
    source, message = DEEP[name]
    with pytest.raises(SyntaxProblem, match=message) as caught:
        parse(source)
    assert len(str(caught.value)) < 1000
    bad = parse(source + "\n", recover=True).statements
    assert len(bad) == 1 and isinstance(bad[0], Bad)
    is_complete(source)


def test_parentheses_alone_nest_as_deep_as_anyone_likes() -> None:
    assert parse("(" * 100_000 + "3" + ")" * 100_000).statements == (Number(3),)


def test_as_deep_as_allowed_can_be_written_back() -> None:
    for source in ("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), "1" + " + 1" * (MAX_DEPTH - 2)):
        text = format_tree(parse(source))
        assert format_tree(parse(text)) == text


@pytest.mark.parametrize(
    ("source", "message", "column"),
    [("a \0 b", "a NUL character", 3), ("'\0'", "a NUL character", 2), ("'\udcff'", "lone surrogate U\\+DCFF", 2)],
)
def test_what_is_no_text(source: str, message: str, column: int) -> None:
    with pytest.raises(SyntaxProblem, match=message) as caught:
        parse(source)
    assert caught.value.column == column
    assert str(caught.value).isprintable() or "\n" in str(caught.value)
    str(caught.value).encode()
    (bad,) = parse(source, recover=True).statements
    assert isinstance(bad, Bad)


def seconds(source: str, recover: bool = False) -> float:
    start = time.process_time()
    parse(source, recover=recover)
    return time.process_time() - start


def test_a_large_literal_array() -> None:
    (array,) = parse("#(" + "1 foo #bar 'x' " * 25_000 + ")").statements
    assert isinstance(array, Array) and len(array.items) == 100_000


@pytest.mark.parametrize(
    ("unit", "recover"),
    [
        ("a := b foo: 3 + 4; bar. ", False),
        ("A >> x: y [ ^y ] ", False),
        ("a := . ", True),
        ("nil := 3.\n", True),
        ("x ) ( . ", True),
        ("( ]. ", True),
        ("' '' ' . ", True),
    ],
)
def test_time_is_linear(unit: str, recover: bool) -> None:
    """Eight times the text takes eight times as long, and not sixty-four times. (Generous: the machine is shared.)"""
    small, large = unit * 500, unit * 4000
    seconds(small, recover)
    ratio = min(seconds(large, recover) for _ in range(3)) / min(seconds(small, recover) for _ in range(3))
    assert ratio < 24


def test_megabytes() -> None:
    unit = 'Account >> deposit: amount [ "Put it in." balance := balance + amount. ^self ]\n'
    assert len(parse(unit * 20_000).statements) == 20_000


@given(st.text("ab A:=.^;|#$'\"()[]{}<>-+3e1r`\n\t!é", max_size=40))
def test_any_text_is_a_program_or_a_problem(text: str) -> None:
    try:
        program = parse(text)
    except SyntaxProblem as problem:
        str(problem)
        assert 1 <= problem.line and 1 <= problem.column and 1 <= problem.length
        recovered = parse(text, recover=True)
        assert any(isinstance(statement, Bad) for statement in recovered.statements)
    else:
        assert parse(text, recover=True) == program
        assert parse(format_tree(program)) == program
    is_complete(text)
