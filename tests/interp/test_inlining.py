"""Small methods in line: they answer what a send would, until somebody changes what it means, and show on the stack."""

from __future__ import annotations

from typing import Any

import pytest

from batos.interp.inlining import inlinings

from .conftest import Bench

ACCOUNT = (
    "Account := Object clone. Account setSlot: 'balance' value: 0."
    " Account >> amount [ ^balance ]."
    " Account >> deposit: sum [ sum < 0 ifTrue: [^self error: 'negative']. balance := balance + sum ]."
    " Account >> twice: sum [ self deposit: sum; deposit: sum. ^self amount ]."
    " Bank := Object clone."
    " Bank >> pay: sum into: account [ account deposit: sum. ^account amount ]."
    " one := Account clone. two := Account clone."
)
WARM = "1 to: 4 do: [:i | one twice: 0. Bank pay: 0 into: one]."


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batos.interp.hot.OFTEN", 2)


def in_line(bench: Bench, selector: str) -> list[str]:
    """The methods in line in the function that a method runs as."""
    functions: list[Any] = [
        one for one in bench.worker.world._functions.values() if one.__name__ == selector and inlinings(one.__code__)
    ]
    return sorted({inner.filename.split()[0] for one in functions for inner in inlinings(one.__code__) or ()})


def test_sends_to_self_and_to_others(bench: Bench) -> None:
    bench.well(ACCOUNT + WARM)
    assert in_line(bench, "twice:") == ["<Account>>amount", "<Account>>deposit:"]
    assert in_line(bench, "pay:into:") == ["<Account>>amount", "<Account>>deposit:"]
    assert bench("{one twice: 5. Bank pay: 2 into: one. Bank pay: 3 into: two}") == "(10 12 3 )"
    bench.reopen()
    assert bench("{one amount. two amount}") == "(12 3 )"


def test_what_was_written_in_line_is_taken_back(bench: Bench) -> None:
    bench.well(ACCOUNT + WARM)
    assert bench("[Bank pay: 2 into: one. one twice: 1. one error: 'no'] value").startswith("!")
    assert bench("Bank pay: 1 into: one") == "1"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("Account setSlot: #deposit: value: Spare >> #deposit:", "(12 12 )"),
        ("one setSlot: #deposit: value: Spare >> #deposit:", "(12 12 )"),
        ("Account setSlot: #amount value: Spare >> #amount", "('no' 'no' )"),
        ("one setSlot: 'parent*' value: Spare", "('no' 'no' )"),
        ("one become: (Spare clone setSlot: 'balance' value: 50; yourself)", "('no' 'no' )"),
        ("Account setSlot: 'amount' value: 9", "(9 9 )"),
        ("one", "(24 36 )"),
    ],
)
def test_a_change_in_the_middle_counts_at_the_next_send(bench: Bench, change: str, answer: str) -> None:
    bench.well(
        ACCOUNT
        + "Spare := Object clone. Spare setSlot: 'balance' value: 1. Spare >> deposit: sum [ ^self ]."
        + " Spare >> amount [ ^'no' ]."
        + " Bank >> pay: sum into: account then: change [ | first |"
        + " account deposit: sum. change value. account deposit: sum. first := account amount."
        + " account deposit: sum. ^{first. account amount} ]."
    )
    bench.well("1 to: 4 do: [:i | Bank pay: 0 into: one then: []. Bank pay: 0 into: two then: []].")
    assert in_line(bench, "pay:into:then:") == ["<Account>>amount", "<Account>>deposit:"]
    assert bench(f"Bank pay: 12 into: one then: [{change}]") == answer


def test_what_is_redefined_comes_in_line_again(bench: Bench) -> None:
    bench.well(ACCOUNT + WARM)
    bench.well("Account >> deposit: sum [ balance := balance + (sum * 2) ]")
    assert in_line(bench, "pay:into:") == in_line(bench, "twice:") == []
    assert bench("Bank pay: 4 into: two") == "8"
    bench.well(WARM)
    assert in_line(bench, "pay:into:") == ["<Account>>amount", "<Account>>deposit:"]
    assert bench("Bank pay: 4 into: two") == "16"


def test_redefining_leaves_little_behind(bench: Bench) -> None:
    bench.well(ACCOUNT + WARM)
    for factor in range(8):
        bench.well(f"Account >> deposit: sum [ balance := balance + (sum * {factor}) ]")
        bench.well(WARM)
        assert in_line(bench, "twice:") == in_line(bench, "pay:into:") == ["<Account>>amount", "<Account>>deposit:"]
    world = bench.worker.world
    assert len(world.table("deposit:").guards) == 1
    flags = [len(flags) for (_, selector), flags in world.self_sends._guards.items() if selector == "deposit:"]
    assert sum(flags) == 1


def test_errors_show_the_methods_in_line(bench: Bench) -> None:
    bench.well(ACCOUNT + WARM)
    for source, sender in (("one twice: -1", "Account>>twice:"), ("Bank pay: -1 into: one", "Bank>>pay:into:")):
        error = bench.outcomes(source)[-1].error
        assert error is not None
        places = [line.rpartition(" (")[0] for line in error.stack]
        assert places[:2] == ["Account>>deposit:", sender]
        assert error.source_line is not None and error.source_line.startswith("deposit: sum [ sum < 0 ifTrue:")


def test_contexts_see_them_too(bench: Bench) -> None:
    bench.well(
        "Seen := Object clone. Seen >> show: x [ ^Spy look ]. Seen >> go: y [ ^self show: y + 1 ]."
        "Spy := Object clone. Spy >> look [ | c | c := thisContext sender."
        " ^{c selector. c receiver == Seen. c variables at: 'x'. c sender selector. c sender variables at: 'y'} ]."
    )
    for _ in range(4):
        assert bench("Seen go: 4") == "(#show: true 5 #go: 4 )"
    assert in_line(bench, "go:") == ["<Seen>>show:"]


@pytest.mark.parametrize(
    ("method", "send", "answers"),
    [
        ("pick: x [ x > 3 ifTrue: [^'a']. x = 3 ifTrue: [^'b']. ^'c' ]", "pick: {}", "('c' 'b' 'a' )"),
        ("both: x [ ^x even and: [x > 2] ]", "both: {}", "(false false true )"),
        ("none: x [ ]", "none: {}", "(true true true )"),
        ("temps: x [ | a b | a := x. b := a. a := b + 1. ^a * b ]", "temps: {}", "(6 12 20 )"),
        ("swap: x with: y [ ^{y. x} ]", "swap: {} with: self", None),
        ("shade: x [ ^x ifNotNil: [:y | y + 1] ]", "shade: {}", "(3 4 5 )"),
        ("deep: x [ ^self deeper: x ]. One >> deeper: x [ ^self deepest: x + 1 ]. One >> deepest: x [ ^x * x ]",
         "deep: {}", "(9 16 25 )"),
        ("down: x [ ^x = 0 ifTrue: [0] ifFalse: [1 + (self down: x - 1)] ]", "down: {}", "(2 3 4 )"),
    ],
)  # fmt: skip
def test_they_answer_what_a_send_would(bench: Bench, method: str, send: str, answers: str | None) -> None:
    bench.well(f"One := Object clone. One >> {method}. Two := Object clone.")
    cases = [send.format(n) for n in (2, 3, 4)]
    own = ". ".join(f"self {case}" for case in cases)
    bench.well(f"One >> own [ ^{{{own}}} ]")
    other = ". ".join(f"x {case}" for case in cases)
    bench.well(f"Two >> other: x [ ^{{{other}}} ]. Two >> name: x [ | n | n := 3. ^{{x {send.format('n')}}} ]")
    first = {source: bench(source) for source in ("One own", "Two other: One", "Two name: One")}
    if answers and "none:" not in method:
        assert first["One own"] == answers
    for _ in range(5):
        for source, printed in first.items():
            assert bench(source) == printed
    assert in_line(bench, "own") and in_line(bench, "other:")


def test_a_literal_argument_is_not_taken_for_a_parameter_of_the_same_name(bench: Bench) -> None:
    bench.well("One := Object clone. One >> go [ ^self a: 4 ].")
    bench.well("One >> a: x [ ^x ifNotNil: [:y | | z | z := x. z + y] ]")
    for _ in range(5):
        assert bench("One go") == "8"
    bench.well("One >> b: x [ ^(self ifNotNil: [:x | x]) == self ]. One >> went [ ^self b: 4 ].")
    for _ in range(5):
        assert bench("One went") == "true"


def test_what_one_receiver_inherits_is_not_another_s(bench: Bench) -> None:
    bench.well(
        "Above := Object clone. Above >> word [ ^said ]. Left := Above clone. Left setSlot: 'said' value: 'left'."
        " Right := Above clone. Right setSlot: 'said' value: 'right'. One := Object clone."
        " One >> ask: x [ ^x word ]. a := Left clone. b := Right clone. 1 to: 90 do: [:i | One ask: a]."
    )
    assert in_line(bench, "ask:") == ["<Above>>word"]
    forget(bench, "word")
    assert bench("{One ask: b. One ask: b. One ask: a}") == "('right' 'right' 'left' )"


def test_ints_are_computed_with_as_ints_only(bench: Bench) -> None:
    bench.well(
        "Number >> up [ ^self + 'x' size ]. One := Object clone. One >> up: x [ ^x up ]. 1 to: 9 do: [:i | One up: i]."
        " Number >> same [ ^self bitAnd: 7 ]. One >> same: x [ ^x same ]. 1 to: 9 do: [:i | One same: i]."
    )
    assert in_line(bench, "same:") == ["<Number>>same"]
    forget(bench, "same")
    assert bench("One same: 2.5").startswith("!") and bench("One same: 2.5") == bench("2.5 bitAnd: 7")
    assert bench("{One up: 2.5. One same: 9}") == "(3.5 1 )"


def forget(bench: Bench, selector: str) -> None:
    """Which type is met first with a selector is forgotten, as when a guess failed in one of its methods."""
    bench.worker.world.forget_function(None, selector)


def test_constants_of_what_ran_before_stay(bench: Bench) -> None:
    """Code of one method compiled otherwise runs beside it: their literals do not mix."""
    bench.well(
        "One := Object clone. One >> kind [ ^#small ]."
        " One >> first: again [ | was | was := self kind. again ifTrue: [1 to: 9 do: [:i | self first: false]]."
        " ^{#first. was. #last} ]."
    )
    assert bench("One first: true") == "(#first #small #last )"
    assert bench("One first: true") == "(#first #small #last )"


def test_too_deep_for_python_is_compiled_without(bench: Bench) -> None:
    loops, ends = "".join(f"1 to: 1 do: [:i{n} | " for n in range(12)), "]" * 12
    bench.well(
        "One := Object clone. One >> pick: x [ x > 3 ifTrue: [^1]. ^2 ]. One >> twice: x [ (self pick: x) = 1 ifTrue:"
        f" [^1]. ^self pick: x ]. One >> go [ | s | s := 0. {loops}s := s + (self twice: 5){ends}. ^s ]."
    )
    for _ in range(5):
        assert bench("One go") == "1"
