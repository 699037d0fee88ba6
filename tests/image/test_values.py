"""Symbol, Character and ScaledDecimal: identity, order, arithmetic, and that ZODB brings the same ones back."""

import copy
import gc
import math
import operator
import os
import pickle
import threading
from fractions import Fraction

import pytest
import transaction
import ZODB
from BTrees.OOBTree import OOBTree
from hypothesis import assume, given
from hypothesis import strategies as st
from ZODB.DemoStorage import DemoStorage

from batos.image.values import Character, ScaledDecimal, Symbol

texts = st.text(max_size=20)
codes = st.integers(0, 0x10FFFF)
fractions = st.fractions(max_denominator=10**6)
scaled = st.builds(ScaledDecimal, fractions, st.integers(0, 12))


def through_an_image(*values):
    """What another connection reads after a commit."""
    db = ZODB.DB(DemoStorage())
    with db.transaction() as connection:
        connection.root()["values"] = list(values)
    with db.transaction() as connection:
        read = list(connection.root()["values"])
    db.close()
    return read


# ---------------------------------------------------------------- Symbol


@given(texts)
def test_a_symbol_is_interned_and_equal_to_nothing_but_itself(text):
    symbol = Symbol(text)
    assert symbol is Symbol(text) is Symbol(symbol)
    assert symbol == symbol
    assert symbol != text and text != symbol
    assert not operator.eq(symbol, text) and not operator.eq(text, symbol)
    assert {text: 1, symbol: 2} == {symbol: 2, text: 1} and len({text, symbol}) == 2
    assert text not in {symbol} and symbol not in {text: 1}
    assert str(symbol) == text and type(str(symbol)) is str
    assert hash(symbol) == hash(Symbol(text))


@given(texts, st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_a_symbol_pickles_to_the_interned_one(text, protocol):
    symbol = Symbol(text)
    assert pickle.loads(pickle.dumps(symbol, protocol)) is symbol
    assert copy.copy(symbol) is symbol and copy.deepcopy([symbol])[0] is symbol


def test_a_symbol_comes_back_from_an_image_as_the_same_object():
    symbol = Symbol("at:put:")
    first, second = through_an_image(symbol, Symbol("at:put:"))
    assert first is symbol and second is symbol


@given(st.lists(st.tuples(st.text("ab", max_size=2), st.booleans()), max_size=12))
def test_symbols_and_strings_sort_in_one_total_order(pairs):
    values = [Symbol(text) if is_symbol else text for text, is_symbol in pairs]
    keys = sorted(values, key=lambda v: (str(v), type(v) is Symbol))
    assert [(v, type(v)) for v in sorted(values)] == [(v, type(v)) for v in keys]
    for a in values:
        for b in values:
            assert (a < b) + (a == b) + (a > b) == 1
            assert (a <= b) == (a < b or a == b) and (a >= b) == (a > b or a == b)
    tree = OOBTree([(v, i) for i, v in enumerate(values)])
    assert list(tree) == sorted(set(values))
    assert all(v in tree for v in values)


def test_a_symbol_is_made_from_text_only():
    for bad in (1, None, b"x", True):
        with pytest.raises(TypeError, match="made from text"):
            Symbol(bad)


def test_threads_that_make_the_same_symbols_get_the_same_objects():
    names = [f"fresh-{os.getpid()}-{i}" for i in range(500)]
    start = threading.Barrier(8)
    made: list[list[Symbol]] = []

    def make():
        start.wait()
        made.append([Symbol(name) for name in names])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert all(a is b for row in made for a, b in zip(row, made[0], strict=True))


def test_a_symbol_nobody_holds_is_forgotten():
    before = len(Symbol._known)
    kept = [Symbol(f"transient-{i}") for i in range(1000)]
    assert len(Symbol._known) >= before + 1000
    del kept
    gc.collect()
    assert len(Symbol._known) <= before


# ---------------------------------------------------------------- Character


@given(codes, codes)
def test_characters_are_interned_and_ordered_by_code_point(a, b):
    x, y = Character(a), Character(b)
    assert x is Character(a) is Character(chr(a))
    assert (x == y) == (a == b) and (x != y) == (a != b)
    assert (x < y, x <= y, x > y, x >= y) == (a < b, a <= b, a > b, a >= b)
    assert x != chr(a) and chr(a) != x and x != a
    assert hash(x) == a
    assert str(x) == chr(a)
    assert pickle.loads(pickle.dumps(x, 3)) is x and copy.deepcopy(x) is x


def test_a_character_pickles_small_and_comes_back_from_an_image():
    assert len(pickle.dumps(Character("a"), 3)) < 50
    assert through_an_image(Character("a"))[0] is Character("a")


@pytest.mark.parametrize(
    ("bad", "error"), [(-1, ValueError), (0x110000, ValueError), (1.0, TypeError), ("ab", TypeError), (None, TypeError)]
)
def test_no_character_outside_the_code_points(bad, error):
    with pytest.raises(error):
        Character(bad)


def test_characters_compare_with_characters_only_and_cannot_be_changed():
    with pytest.raises(TypeError):
        assert Character("a") < "b"
    with pytest.raises(AttributeError):
        Character("a").code = 98
    assert Character("a").code == 97


# ---------------------------------------------------------------- ScaledDecimal


@given(scaled, scaled)
def test_arithmetic_is_exact_and_takes_the_larger_scale(a, b):
    for op in (operator.add, operator.sub, operator.mul):
        result = op(a, b)
        assert type(result) is ScaledDecimal
        assert result.fraction == op(a.fraction, b.fraction) and result.scale == max(a.scale, b.scale)
    assume(b != 0)
    assert (a / b).fraction == a.fraction / b.fraction
    assert (a % b).fraction == a.fraction % b.fraction
    assert a // b == a.fraction // b.fraction and type(a // b) is int
    assert (a // b) * b + a % b == a


@given(scaled, st.one_of(st.integers(), fractions))
def test_with_integers_and_fractions_the_scale_stays(a, n):
    for op in (operator.add, operator.sub, operator.mul):
        assert op(a, n).fraction == op(a.fraction, n) and op(a, n).scale == a.scale
        assert op(n, a).fraction == op(n, a.fraction) and type(op(n, a)) is ScaledDecimal
    if n:
        assert (a / n).fraction == a.fraction / n and type(a // n) is int
    if a:
        assert (n / a).fraction == n / a.fraction and type(n // a) is int
        assert (n % a).fraction == n % a.fraction


@given(scaled, st.floats(-1e6, 1e6))
def test_with_a_float_the_answer_is_a_float(a, f):
    for op in (operator.add, operator.sub, operator.mul):
        assert type(op(a, f)) is float and type(op(f, a)) is float
        assert op(a, f) == op(float(a), f) and op(f, a) == op(f, float(a))


@given(scaled, st.one_of(scaled, st.integers(), fractions, st.floats(allow_nan=False)))
def test_comparison_and_hash_are_those_of_the_exact_fraction(a, b):
    other = b.fraction if isinstance(b, ScaledDecimal) else b
    for op in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        assert op(a, b) == op(a.fraction, other)
        assert op(b, a) == op(other, a.fraction)
    if a == b:
        assert hash(a) == hash(b)


@given(st.integers(-(10**20), 10**20), st.integers(0, 30))
def test_what_is_printed_reads_back_the_same(digits, scale):
    number = ScaledDecimal(Fraction(digits, 10**scale), scale)
    again = ScaledDecimal.parse(str(number))
    assert again == number and again.scale == scale


@given(scaled)
def test_what_is_printed_is_the_value_cut_off_at_the_scale(a):
    shown = Fraction(a.display_string()) if a.scale else Fraction(int(a.display_string()))
    assert shown == a.truncated_to_scale()
    assert abs(shown) <= abs(a.fraction) < abs(shown) + Fraction(1, 10**a.scale)


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (Fraction(314, 100), 2, "3.14s2"),
        (3, 2, "3.00s2"),
        (Fraction(1, 3), 4, "0.3333s4"),
        (Fraction(-2, 3), 2, "-0.66s2"),
        (Fraction(-1, 1000), 2, "-0.00s2"),
        (7, 0, "7s0"),
        (0, 0, "0s0"),
        (Fraction(5, 100), 2, "0.05s2"),
        (10**30, 1, "1" + "0" * 30 + ".0s1"),
    ],
)
def test_printing(value, scale, text):
    assert str(ScaledDecimal(value, scale)) == text
    assert f"{ScaledDecimal(value, scale).display_string()}s{scale}" == text


@pytest.mark.parametrize(
    ("text", "value", "scale"),
    [("3.14s2", Fraction(157, 50), 2), ("3s", 3, 0), ("3.1s", Fraction(31, 10), 1), ("-0.5s3", Fraction(-1, 2), 3)],
)
def test_reading(text, value, scale):
    number = ScaledDecimal.parse(text)
    assert number.fraction == value and number.scale == scale


@pytest.mark.parametrize("text", ["", "s2", "3.14", "3.s2", ".5s1", "3,1s1", "3.14s-2", "٣s1", "3.14s2\n"])
def test_what_is_no_scaled_decimal_is_refused(text):
    with pytest.raises(ValueError, match="not a ScaledDecimal"):
        ScaledDecimal.parse(text)


def test_rounding_goes_away_from_zero_as_smalltalk_does():
    halves = {"0.5s1": 1, "1.5s1": 2, "2.5s1": 3, "-0.5s1": -1, "-2.5s1": -3, "2.4s1": 2, "-2.4s1": -2}
    assert {text: round(ScaledDecimal.parse(text)) for text in halves} == halves
    assert str(round(ScaledDecimal.parse("2.345s3"), 2)) == "2.350s3"
    value = ScaledDecimal.parse("-2.5s1")
    assert (math.trunc(value), math.floor(value), math.ceil(value), int(value)) == (-2, -3, -2, -2)


def test_powers_signs_and_zero():
    a = ScaledDecimal.parse("1.5s1")
    assert str(a**2) == "2.2s1" and (a**2).fraction == Fraction(9, 4)
    assert (a**-1).fraction == Fraction(2, 3)
    assert type(a**0.5) is float and 2 ** ScaledDecimal(3, 2) == 8
    assert -a == ScaledDecimal.parse("-1.5s1") and abs(-a) == a and +a is a
    assert not ScaledDecimal(0, 2) and a
    for op in (operator.truediv, operator.floordiv, operator.mod):
        with pytest.raises(ZeroDivisionError):
            op(a, ScaledDecimal(0, 2))


def test_booleans_and_text_are_no_numbers():
    one = ScaledDecimal(1, 0)
    assert not operator.eq(one, True) and not operator.eq(True, one) and one != "1"
    for bad in (True, "1", None):
        with pytest.raises(TypeError):
            one + bad
        with pytest.raises(TypeError):
            ScaledDecimal(bad, 2)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="no ScaledDecimal"):
            ScaledDecimal(bad, 2)
    with pytest.raises(ValueError, match="negative"):
        ScaledDecimal(1, -1)
    with pytest.raises(TypeError, match="scale"):
        ScaledDecimal(1, True)


def test_a_scaled_decimal_persists_by_value_and_cannot_be_changed():
    price = ScaledDecimal.parse("19.99s2")
    (read,) = through_an_image(price)
    assert read == price and read.scale == 2 and type(read) is ScaledDecimal
    assert copy.deepcopy(price) is price
    with pytest.raises(AttributeError):
        price.scale = 3
    transaction.abort()
