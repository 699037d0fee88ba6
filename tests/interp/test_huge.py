"""Numbers of millions of bits: the same as Python's own, and nobody waits for them."""

from __future__ import annotations

import math
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batos.interp import Budget
from batos.interp.primitives import huge

from .conftest import Bench

large = st.builds(lambda seed, bits: (1 << bits) | seed, st.integers(0, 2**200), st.integers(0, 20_000))


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge, "STEP", 5000)


@settings(max_examples=60, deadline=None)
@given(large, large, st.booleans())
def test_products_and_divisors(a: int, b: int, negative: bool) -> None:
    a = -a if negative else a
    assert huge.multiply(a, b) == a * b
    assert huge.gcd(a, b) == math.gcd(a, b)
    assert huge.remainder(abs(a) ** 3, b) == abs(a) ** 3 % b


@settings(max_examples=40, deadline=None)
@given(st.integers(-(10**30), 10**30), st.integers(0, 400), large)
def test_powers(base: int, exponent: int, modulus: int) -> None:
    assert huge.power(base, exponent) == base**exponent
    assert huge.power_modulo(base, exponent, modulus) == pow(base, exponent, modulus)


def test_products_of_ranges() -> None:
    assert huge.product(1, 4000) == math.factorial(4000) and huge.product(5, 4) == 1


@settings(max_examples=40, deadline=None)
@given(large, st.booleans())
def test_digits(number: int, negative: bool) -> None:
    number = -number if negative else number
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    text = str(number)
    sys.set_int_max_str_digits(640)
    try:
        assert huge.digits_of(number) == text
    finally:
        sys.set_int_max_str_digits(before)
    assert huge.from_digits(text) == number


def test_they_are_what_messages_answer(bench: Bench) -> None:
    assert bench.well("(7 raisedTo: 20000) printString size") == str(len(huge.digits_of(7**20000)))
    assert bench.well("(String new: 6000 withAll: $9) asNumber + 1 = (10 raisedTo: 6000)") == "true"
    assert bench.well("(10 raisedTo: 9000) printString asInteger = (10 raisedTo: 9000)") == "true"
    assert bench.well("| n | n := 25000 factorial. n \\\\ 25001 + (n gcd: 24999)") == str(
        math.factorial(25000) % 25001 + 24999
    )


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("#(1 2) * (10 raisedTo: 5000)", "0000 "),
        ("((10 raisedTo: 6000) -> 3) printString size", "6004"),
        ("((1/3) asScaledDecimal: 5000) printString size", "5007"),
        ("#(1 2) at: (10 raisedTo: 6000)", "Index"),
        ("(10 raisedTo: 6000) asCharacter", "is the code of no"),
        ("Array new: (10 raisedTo: 6000)", "memory"),
        ("1 / 3 asScaledDecimal: 100000000", "at most 100,000 decimals"),
        ("(7 raisedTo: 200000) sqrtFloor printString size", "84510"),
        ("10000000 binomial: 5000000", "too large"),
    ],
)
def test_long_numbers_wherever_they_are_printed(bench: Bench, source: str, told: str) -> None:
    outcome = bench.outcomes(source)[-1]
    assert told in (outcome.error.message if outcome.error is not None else str(outcome.printed))


@pytest.mark.parametrize("source", ["300000 factorial size", "(3 raisedTo: 9000000) size", "2 raisedTo: 5000000"])
def test_others_go_on_and_the_message_ends_in_time(bench: Bench, source: str) -> None:
    longest, stop = 0.0, threading.Event()

    def look() -> None:
        nonlocal longest
        while not stop.is_set():
            before = time.perf_counter()
            time.sleep(0.005)
            longest = max(longest, time.perf_counter() - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        bench.outcomes(source, budget=Budget(seconds=0.3))
    finally:
        stop.set()
        watcher.join()
    assert longest < 2.0


def test_an_expression_that_takes_for_ever_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from batos.interp.primitives import words

    monkeypatch.setattr(words, "PATIENCE", 0.2)
    text = "(String new: 60 withAll: $a) , 'b'"
    for search in ("allRegexMatches: '(a|aa)+$'", "searchRegex: '(a|aa)+$'", "replacingAllRegex: '(a|aa)+$' with: ''"):
        error = bench.outcomes(f"({text}) {search}")[-1].error
        assert error is not None and "was given up" in error.message
    assert bench.well(f"[({text}) searchRegex: '(a|aa)+$'] on: Error do: [:e | 7]") == "7"
    assert bench.well("'abcabc' allRegexMatches: 'b.'").count("'bc'") == 2
