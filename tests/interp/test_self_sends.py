"""Sends to self are bound by name for a family: what changes while such code runs must count at the next send."""

from __future__ import annotations

import pytest

from .conftest import Bench

ASK = (
    "Ask := Object clone. Ask >> word [ ^'before' ]. Ask >> twice: change [ | first | first := self word. change value."
    " ^{first. self word} ]. Kin := Ask clone. one := Ask clone. two := Kin clone."
    " Spare := Object clone. Spare >> word [ ^'after' ]. Spare >> other [ ^1 ]."
)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("[Ask setSlot: #word value: Spare >> #word]", "('before' 'after' )"),
        ("[Kin setSlot: #word value: Spare >> #word]", "('before' 'after' )"),
        ("[two setSlot: #word value: Spare >> #word]", "('before' 'after' )"),
        ("[two setSlot: 'word' value: 'after']", "('before' 'after' )"),
        ("[two setSlot: 'parent*' value: Spare]", "('before' 'after' )"),
        ("[two become: (Ask clone setSlot: 'word' value: 'after'; yourself)]", "('before' 'after' )"),
        ("[one setSlot: #word value: Spare >> #word]", "('before' 'before' )"),
        ("[Ask setSlot: #other value: Spare >> #other]", "('before' 'before' )"),
    ],
)
def test_a_change_in_the_middle_of_a_method(bench: Bench, change: str, answer: str) -> None:
    bench.well(ASK)
    # Warm: the sends are bound by now.
    assert bench("two twice: []") == "('before' 'before' )"
    assert bench(f"two twice: {change}") == answer


def test_a_change_taken_back_is_taken_back_from_code_that_ran(bench: Bench) -> None:
    bench.well(ASK)
    assert bench("two twice: []") == "('before' 'before' )"
    assert bench("two twice: [Ask setSlot: #word value: Spare >> #word. Error signal]").startswith("!")
    assert bench("two twice: []") == "('before' 'before' )"


def test_a_block_that_outlives_its_method_follows_its_self(bench: Bench) -> None:
    bench.well(ASK + "Ask >> later [ ^[self word] ]. kept := two later.")
    assert bench("kept value") == "'before'"
    bench.well("two >> word [ ^'mine' ]")
    assert bench("kept value") == "'mine'"


def test_each_family_has_its_own(bench: Bench) -> None:
    bench.well(ASK + "Kin >> word [ ^'kin' ]. three := Ask clone.")
    assert bench("{one twice: []. two twice: []. three twice: []}") == (
        "(('before' 'before' ) ('kin' 'kin' ) ('before' 'before' ) )"
    )


def test_a_primitive_that_writes_wakes_what_is_loaded(bench: Bench) -> None:
    """A send to self reaches a primitive of a clean object: it must be registered before it changes."""
    bench.well(
        "Bag2 := OrderedCollection clone. Bag2 >> put: x [ self add: x. ^self size ]."
        "Smalltalk at: #Mine put: Bag2 clone. Mine put: 1"
    )
    bench.reopen()
    assert bench("Mine put: 2") == "2"
    bench.reopen()
    assert bench("Mine put: 3") == "3"
    assert bench("Mine asArray") == "(1 2 3 )"


def test_the_arithmetic_of_numbers_binds_too(bench: Bench) -> None:
    bench.well(
        "Integer >> fibonacci [ ^self < 2 ifTrue: [self] ifFalse: [(self - 1) fibonacci + (self - 2) fibonacci] ]."
    )
    bench.well("Integer >> plusTen [ ^self ten + self ]. Integer >> ten [ ^10 ]")
    assert bench("{10 fibonacci. 3 plusTen. (2 raisedTo: 80) plusTen - (2 raisedTo: 80)}") == "(55 13 10 )"
    bench.well("Integer >> ten [ ^20 ]")
    assert bench("3 plusTen") == "23"
