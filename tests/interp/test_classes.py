"""Classes over restarts, between workers, when they are redefined, and when their definitions are broken."""

from __future__ import annotations

import pytest

from .conftest import Bench

COUNTER = """
Object subclass: Counter [
    | n |
    Made := 0.
    Counter class [ | kept | kept [ ^kept ] kept: x [ kept := x ] ]
    Counter class >> new [ Made := Made + 1. ^super new ]
    Counter class >> made [ ^Made ]
    initialize [ n := 0 ]
    up [ n := n + 1 ]
    n [ ^n ]
    upper [ ^[:k | n := n + k. Made := Made + 100. n] ]
]
"""


def test_all_of_it_persists(bench: Bench) -> None:
    bench.well(COUNTER + "c := Counter new. c up; up. Counter kept: c. Keeper := Object clone")
    bench.well("Keeper setSlot: 'b' value: c upper")
    bench.reopen()
    asked = "{c n. Counter made. Counter kept == c. Keeper b value: 40. c n. Counter made}"
    assert bench(asked) == "(2 1 true 42 42 101 )"
    assert bench("c up; n") == "43"
    assert bench("Counter new n") == "0"


def test_another_worker_sees_what_changed(bench: Bench) -> None:
    bench.well(COUNTER + "c := Counter new")
    other = bench.another()
    assert bench("c up; n", other) == "1"
    bench.well("Counter extend [ | step | step: k [ step := k ] up [ n := n + (step ifNil: [1]) ] ]")
    assert bench("c up; n", other) == "2"
    assert bench("c step: 10; up; n", other) == "12"
    bench.well("Counter class extend [ made [ ^Made * 1000 ] ]")
    assert bench("Counter made", other) == "1000"
    assert bench("c n") == "12"


def test_a_definition_given_again_changes_the_class(bench: Bench) -> None:
    bench.well(COUNTER + "c := Counter new. c up")
    bench.well("Object subclass: Base [ base [ ^'base' ] ]. Base subclass: Counter [ | n extra | extra [ ^extra ] ]")
    assert bench("{c base. c n. c extra. c class == Counter. Counter made. Counter superclass}") == (
        "('base' 1 nil true 1 Base )"
    )
    assert bench("Counter class superclass") == "Base class"
    assert bench("Counter subclass: #Base") == "!invalid-argument"
    assert bench("Counter superclass") == "Base"


def test_variables_hide_nothing_and_answer_nothing(bench: Bench) -> None:
    bench.well(
        "Object subclass: A [ size [ ^7 ] ]. "
        "A subclass: B [ | size name value | "
        "setSize [ size := 1. name := 'n'. value := 3 ] "
        "both [ ^{size. self size. name. value} ] ]"
    )
    assert bench("B new setSize; both") == "(1 7 'n' 3 )"
    assert bench("B new setSize; name") == "!not-understood"
    assert bench("B new respondsTo: #name") == "false"
    assert bench("(B new setSize; yourself) value class") == "B"
    assert bench("(B new setSize; yourself) instVarNamed: 'name'") == "'n'"


def test_names_in_methods(bench: Bench) -> None:
    bench.well(
        "Smalltalk at: #Colours put: (Dictionary new at: #Red put: 1; yourself). "
        "Object subclass: P [ Shade := 5. <import: Colours> shade [ ^Shade ] red [ ^Red ] later [ ^Later ] "
        "nowhere [ ^nowhere ] exception [ ^NotFound ] ]. "
        "P subclass: Q [ Shade := 6. shade2 [ ^Shade ] red: x [ Red := x ] ]. "
        "P addSharedPool: 'SystemExceptions'"
    )
    asked = "{P new shade. Q new shade. Q new shade2. P new red. P new later. P new nowhere}"
    assert bench(asked) == "(5 5 6 1 nil nil )"
    bench.well("Later := 9. Q new red: 2")
    assert bench("{P new later. P new red. Colours at: #Red. P new exception}") == "(9 2 2 SystemExceptions.NotFound )"


def test_a_name_of_the_library_can_be_taken(bench: Bench) -> None:
    bench.well("Object subclass: Set [ | x | x: v [ x := v ] x [ ^x ] ]. Object subclass: Array [ foo [ ^1 ] ]")
    assert bench("(Set new x: 3; yourself) x") == "3"
    assert bench("#(1 2) size + {3} size + #(1 1) asSet size + Array new foo") == "5"


def test_broken_methods_cost_only_themselves(bench: Bench) -> None:
    text = "Object subclass: A [\n  bad [ ^^ ]\n  good [ ^1 ]\n  | a |\n  x := .\n  worse [ ( ]\n]\nA new good"
    outcomes = bench.outcomes(text)
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert [(error.code, error.line) for error in errors] == [("syntax", 2), ("syntax", 5), ("syntax", 6)]
    assert outcomes[-1].printed == "1"


@pytest.mark.parametrize(
    "source",
    [
        "Object subclass: A [",
        "Object subclass: A [ foo [",
        "Object subclass: A [ foo [ ^'abc ] ]",
        "Object subclass: A [ | a ]",
        "Object subclass: A [ <comment: ]",
        "Object subclass: A [ ] ]",
        "Nowhere subclass: A [ ]",
        "Nowhere extend [ foo [ ^1 ] ]",
        "Eval [ ^^ ]",
        "Eval [ ",
        "A subclass: A [ ]",
        "nil foo: 3!\n!A methodsFor: 'x'!\nfoo ^",
        "!A methodsFor: 'x'!\n",
        "!!!!!!! !!\n'",
        "Class { #name : #A",
        "Class { #name : #A, #superclass : #Nowhere }",
        "Class { #name : #A, #superclass : #Object }\n{ #category : ",
        "Class { #name : #A, #superclass : #Object }\nA >> foo [",
        "Class { " + "#a : { " * 3000,
        "Object subclass: A [ " + "foo [ " * 3000,
        "Object subclass: A [ foo [ ^" + "(" * 3000 + "]]",
        "Object subclass: A [ " + "| a " * 3000,
    ],
    ids=lambda source: source[:30],
)
def test_half_written_and_hostile_texts_are_errors(bench: Bench, source: str) -> None:
    outcomes = bench.outcomes(source)
    assert all(outcome.error is None or outcome.error.code != "internal" for outcome in outcomes)
    assert bench("3 + 4") == "7"


def test_a_long_file_is_read_in_time_linear_in_it(bench: Bench) -> None:
    one = "Object subclass: C{0} [ | a b | foo [ ^a + b ] bar: x [ a := x ] bad [ ^^ ] ]\n"
    outcomes = bench.outcomes("".join(one.format(n) for n in range(150)))
    assert len(outcomes) == 300 and sum(outcome.error is not None for outcome in outcomes) == 150
