"""Collections whose elements redefine = and hash, and large ones, are the same after a restart."""

from __future__ import annotations

import random

from .conftest import Bench

MONEY = """
Money := Object clone.
Money setSlot: 'amount' value: 0.
Money >> of: n [ ^self clone amount: n; yourself ].
Money >> = other [ ^amount = other amount ].
Money >> hash [ ^amount hash ].
"""


def test_objects_are_found_as_keys_after_a_restart(bench: Bench) -> None:
    bench.well(MONEY)
    bench.well("prices := Dictionary new. 1 to: 50 do: [:i | prices at: (Money of: i) put: i * i]")
    bench.well("coins := Set new. 1 to: 50 do: [:i | coins add: (Money of: i)]. bag := Bag withAll: coins")
    bench.well("me := Money of: 7. mine := IdentityDictionary new. mine at: me put: 'me'; at: 'a' put: 1")
    bench.well("only := IdentitySet with: me. nested := Dictionary new at: coins put: 'coins'; yourself")
    for _ in range(2):
        bench.reopen()
        assert bench.well("prices at: (Money of: 7)") == "49"
        assert bench.well("coins includes: (Money of: 50)") == "true"
        assert bench.well("coins includes: (Money of: 51)") == "false"
        assert bench.well("coins add: (Money of: 3). coins size") == "50"
        assert bench.well("bag occurrencesOf: (Money of: 9)") == "1"
        assert bench.well("mine at: me") == "'me'"
        assert bench.well("mine at: (Money of: 7) ifAbsent: ['none']") == "'none'"
        assert bench.well("only includes: me") == "true"
        assert bench.well("only includes: (Money of: 7)") == "false"
        assert bench.well("prices at: (Money of: 7) put: 49. prices size") == "50"


def test_a_prototype_that_redefines_equality_later_is_compared_by_it(bench: Bench) -> None:
    bench.well("Thing := Object clone. a := Thing clone. b := Thing clone")
    assert bench.well("(Array with: a) includes: b") == "false"
    bench.well("Thing >> = other [ ^true ]. Thing >> hash [ ^1 ]")
    assert bench.well("(Array with: a) includes: b") == "true"
    assert bench.well("(Set with: a with: b) size") == "1"
    bench.reopen()
    assert bench.well("(Set with: a with: b) size") == "1"
    bench.well("Thing removeSlot: '='")
    assert bench.well("(Array with: a) includes: b") == "false"


def test_super_reaches_the_equality_that_was_redefined(bench: Bench) -> None:
    bench.well(
        "T := Object clone. T >> = other [ ^super = other ]. T >> hash [ ^super hash ]. a := T clone. b := T clone"
    )
    assert bench.well("a = a") == "true"
    assert bench.well("a = b") == "false"
    assert bench.well("(Set with: a with: b with: a) size") == "2"


def test_an_error_in_equality_leaves_the_dictionary_as_it_was(bench: Bench) -> None:
    bench.well("T := Object clone. T >> = other [ ^self error: 'no' ]. T >> hash [ ^1 ]. a := T clone. b := T clone")
    bench.well("d := Dictionary new. d at: a put: 1")
    assert bench("d at: b put: 2") == "!error"
    assert bench.well("d size") == "1"


def test_a_large_dictionary_does_what_a_dict_does(bench: Bench) -> None:
    chance = random.Random(4)
    model = {n: n * n for n in range(1, 6001)}
    bench.well("big := Dictionary new. 1 to: 6000 do: [:i | big at: i put: i * i]")
    for turn in range(60):
        if turn % 20 == 0:
            bench.reopen()
        key = chance.randrange(7000)
        match chance.randrange(3):
            case 0:
                bench.well(f"big at: {key} put: {turn}")
                model[key] = turn
            case 1:
                expected = str(model.pop(key)) if key in model else "'none'"
                assert bench.well(f"big removeKey: {key} ifAbsent: ['none']") == expected
            case _:
                assert bench.well(f"big at: {key} ifAbsent: ['none']") == str(model.get(key, "'none'"))
        assert bench.well("big size") == str(len(model))
    assert bench.well("big inject: 0 into: [:a :b | a + b]") == str(sum(model.values()))
    assert bench.well("(big keys inject: 0 into: [:a :b | a + b])") == str(sum(model))
    assert bench.well("(big copy at: 1 put: 'x'; yourself) size") == str(len(model | {1: 0}))
    assert bench.well("big copy = big") == "true"
    bench.well("big at: 'block' put: [:x | x + 1]; at: true put: 'true'; at: Object put: 'object'")
    bench.reopen()
    assert bench.well("(big at: 'block') value: 4") == "5"
    assert bench.well("big at: true") == "'true'"
    assert bench.well("big at: Object") == "'object'"
    assert bench.well("(big select: [:v | v = 'true']) keys") == "(true )"
    assert bench.well("big removeAll. big size") == "0"
    assert bench.well("Dictionary new isEmpty") == "true"


def test_every_kind_is_the_same_after_a_restart(bench: Bench) -> None:
    kinds = [
        "OrderedCollection withAll: #(1 $a 'x' #s nil true)",
        "#(3 1 2) asSortedCollection: [:a :b | a >= b]",
        "Bag withAll: #(1 1 2)",
        "1 to: 9 by: 2",
        "(1 to: 2 by: 1/2)",
        "'text' copy",
        "#[1 2 3] copy",
        "IdentityDictionary new at: #a put: 1; yourself",
        "(1 -> 2)",
        "{1. {2. 'x'}}",
        "3 @ 4",
    ]
    before = [bench.well(f"v{n} := {source}") for n, source in enumerate(kinds)]
    bench.well("r := ReadStream on: #(1 2 3). r next. w := WriteStream on: String new. w nextPutAll: 'ab'")
    bench.reopen()
    assert [bench.well(f"v{n}") for n in range(len(kinds))] == before
    assert bench.well("v1 add: 5; yourself") == "SortedCollection (5 3 2 1 )"
    assert bench.well("r next") == "2"
    assert bench.well("w nextPut: $c; contents") == "'abc'"
    bench.reopen()
    assert bench.well("r next") == "3"
    assert bench.well("w contents") == "'abc'"
    assert bench.well("v5 at: 1 put: $T; yourself") == "'Text'"
    bench.reopen()
    assert bench.well("v5") == "'Text'"
