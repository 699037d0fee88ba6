"""Walks in line do what the messages do: for the library's collections, for those of other people, for blocks that are
kept."""

from __future__ import annotations

import pytest

from .conftest import Bench

# A walk with its block written out, which is compiled in line, and the same block passed on, which cannot be.
WALKS = {
    "do": ("do: {}", "[:x | log add: x]"),
    "reverseDo": ("reverseDo: {}", "[:x | log add: x]"),
    "keysDo": ("keysDo: {}", "[:x | log add: x]"),
    "doWithIndex": ("doWithIndex: {}", "[:x :i | log add: x; add: i]"),
    "keysAndValuesDo": ("keysAndValuesDo: {}", "[:k :v | log add: k; add: v]"),
    "with": ("with: other do: {}", "[:x :y | log add: x; add: y]"),
    "separated": ("do: {} separatedBy: [log add: 0]", "[:x | log add: x]"),
    "collect": ("collect: {}", "[:x | log add: x. x printString size]"),
    "select": ("select: {}", "[:x | log add: x. x printString size > 1]"),
    "reject": ("reject: {}", "[:x | | y | y := x. log add: y. y printString size > 1]"),
    "inject": ("inject: 7 into: {}", "[:a :x | log add: x. a + x printString size]"),
    "inject writing": ("inject: 7 into: {}", "[:a :x | a := a + 1. a + x printString size]"),
    "detect": ("detect: {} ifNone: [#none]", "[:x | log add: x. x printString size > 1]"),
    "select writing": ("select: {}", "[:x | | old | old := x. x := x printString size. log add: x. x > 1]"),
    "any": ("anySatisfy: {}", "[:x | log add: x. x printString size > 1]"),
    "all": ("allSatisfy: {}", "[:x | log add: x. x printString size > 1]"),
    "count": ("count: {}", "[:x | x printString size > 1]"),
    "not boolean": ("select: {}", "[:x | log add: x. x]"),
    "fails": ("do: {}", "[:x | log add: x. x foo]"),
    "captures": ("do: {}", "[:x | log add: [x] value]"),
    "nested": ("do: {}", "[:x | | s | s := 0. other do: [:y | s := s + y]. log add: s]"),
}
RECEIVERS = (
    "#(3 14 15 9 2)",
    "#()",
    "(OrderedCollection withAll: #(3 14 15))",
    "(#(3 14 1) asSortedCollection: [:a :b | a > b])",
    "(3 to: 12 by: 4)",
    "'abc'",
    "#symbol",
    "#[1 2 30]",
    "(Set withAll: #(3))",
    "(Bag with: 3 with: 3)",
    "(Dictionary new at: 1 put: 20; at: 30 put: 2; yourself)",
    "(IdentityDictionary new at: #a put: 20; yourself)",
    "mine",
    "own",
    "nil",
    "4",
)
SETUP = """
Mine := Object clone.
Mine >> do: aBlock [ aBlock value: 5. aBlock value: 61 ].
Mine >> collect: aBlock [ ^{aBlock value: 8} ].
Mine >> keysAndValuesDo: aBlock [ aBlock value: #k value: 70 ].
Mine >> inject: x into: aBlock [ ^aBlock value: x value: 9 ].
Own := OrderedCollection clone.
Own >> do: aBlock [ aBlock value: 4 ].
Own >> select: aBlock [ ^aBlock value: 17 ].
T := Object clone.
"""


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_in_line_does_what_the_message_does(bench: Bench, walk: str) -> None:
    message, block = WALKS[walk]
    method = """T >> NAME: it [ | log other mine own r b |
        log := OrderedCollection new. other := #(1 20 300). mine := Mine clone. own := Own new. own add: 99.
        BLOCK r := [RECEIVER MESSAGE] on: Error do: [:e | log add: e messageText. #failed].
        ^{r. log} ]."""
    bench.well(SETUP)
    for receiver in RECEIVERS:
        asked = method.replace("RECEIVER", receiver)
        here = asked.replace("NAME", "inLine").replace("BLOCK", "").replace("MESSAGE", message.format(block))
        sent = asked.replace("NAME", "sent").replace("BLOCK", f"b := {block}.").replace("MESSAGE", message.format("b"))
        bench.well(here + sent)
        # Twice: the first time may leave something learnt behind.
        assert bench("T inLine: 1") == bench("T sent: 1"), receiver
        assert bench("T inLine: 1") == bench("T sent: 1"), receiver


def test_a_walk_redefined_by_a_person_is_sent(bench: Bench) -> None:
    bench.well("T := Object clone. T >> sum: c [ | s | s := 0. c do: [:x | s := s + x]. ^s ].")
    assert bench("T sum: #(1 2 3)") == "6"
    bench.well("Array >> do: aBlock [ aBlock value: 40 ].")
    assert bench("T sum: #(1 2 3)") == "40"
    assert bench("T sum: (OrderedCollection with: 4)") == "4"
    bench.well("Array removeSlot: #do:.")
    assert bench("T sum: #(1 2 3)") == "6"
    bench.well("A := Array with: 1 with: 2. A >> do: aBlock [ aBlock value: 100 ].")
    assert bench("T sum: A") == "100"


def test_return_and_changes_from_inside(bench: Bench) -> None:
    bench.well("""T := Object clone.
T >> find: c [ c do: [:x | x > 2 ifTrue: [^x]]. ^nil ].
T >> grow: c [ c do: [:x | c add: x]. ^c size ].
T >> nested: c [ c do: [:r | r do: [:x | x = 3 ifTrue: [^r]]]. ^nil ].
T >> unwound: c [ | log | log := 0. [c do: [:x | ^log]] ensure: [log := 5]. ^log ].
Seen := false. Mine := Object clone. Mine >> do: aBlock [ [aBlock value: 5] ensure: [Seen := true] ].""")
    assert bench("T find: #(1 2 3 4)") == "3"
    assert bench("T find: Mine") == "5"
    assert bench("Seen") == "true"
    assert bench("T find: #()") == "nil"
    assert bench("T grow: (OrderedCollection with: 1 with: 2)") == "4"
    assert bench("T nested: #((1 2) (3 4))") == "(3 4 )"
    assert bench("T unwound: #(1)") == "0"


KEEPER = """
Keeper := Object clone. Keeper setSlot: 'kept' value: nil. Keeper setSlot: 'all' value: OrderedCollection new.
Keeper >> do: aBlock [ kept := aBlock. all add: aBlock ].
T := Object clone.
"""


def test_a_block_that_is_kept_shares_its_variables_also_after_a_restart(bench: Bench) -> None:
    bench.well(KEEPER + "T >> sum: c [ | s | s := 0. c do: [:x | s := s + x]. ^s ].")
    assert bench("T sum: #(1 2)") == "3"
    assert bench("T sum: Keeper") == "0"
    assert bench("Keeper kept value: 4") == "4"
    bench.reopen()
    assert bench("Keeper kept value: 4") == "8"
    assert bench("T sum: #(1 2)") == "3"


def test_a_block_kept_by_a_turn_of_a_loop_has_the_variables_of_that_turn(bench: Bench) -> None:
    bench.well(
        KEEPER
        + """T >> reads [ | out | out := OrderedCollection new. Keeper setSlot: 'all' value: OrderedCollection new.
    #(1 2 3) do: [:i | Keeper do: [:x | out add: i]]. Keeper all do: [:b | b value: 0]. ^out ].
T >> writes [ | out | out := OrderedCollection new. Keeper setSlot: 'all' value: OrderedCollection new.
    #(1 2 3) do: [:i | | n | n := i. Keeper do: [:x | n := n + 10. out add: n]].
    Keeper all do: [:b | b value: 0; value: 0]. ^out ]."""
    )
    assert bench("T reads") == "OrderedCollection (1 2 3 )"
    assert bench("T writes") == "OrderedCollection (11 21 12 22 13 23 )"
    assert bench("T writes") == "OrderedCollection (11 21 12 22 13 23 )"


def test_blocks_written_in_a_walk_are_kept(bench: Bench) -> None:
    bench.well("""T := Object clone. T setSlot: 'blocks' value: nil.
T >> make [ | total | total := 0. blocks := OrderedCollection new.
    #(1 2) do: [:i | | k | k := i * 10. blocks add: [:x | total := total + x + k]]. ^total ].""")
    assert bench("T make") == "0"
    bench.reopen()
    assert bench("T blocks first value: 1") == "11"
    assert bench("T blocks last value: 1") == "32"
    bench.reopen()
    assert bench("T blocks first value: 0") == "42"


def test_a_statement_of_its_own_walks_too(bench: Bench) -> None:
    bench.well(KEEPER)
    assert bench("| s | s := 0. #(1 2 3) do: [:x | s := s + x]. s") == "6"
    assert bench("[:c | | s | s := 0. c do: [:x | s := s + x]. s] value: #(4 5)") == "9"
    assert bench("[:c | | s | s := 0. c do: [:x | s := s + x]. s] value: Keeper") == "0"
    assert bench("Keeper kept value: 4; value: 3") == "7"


HANDLED = {
    "n := 1 / 0": "ZeroDivide",
    "n := 7": "Error",
    "^99": "Error",
    "nil foo": "MessageNotUnderstood",
    "nil foo. n := 5": "ZeroDivide",
    "#(1 2) at: 9": "SystemExceptions.IndexOutOfRange, ZeroDivide",
    "n := n + 1. n < 4 ifTrue: [Error signal: 'again']": "Error",
    "[n := n + 1] ensure: [n := n * 10]. Error new signal": "Error",
    "(Warning signal: 'w') printNl. n := n + (Warning signal: 'v')": "Warning",
    "[Error signal: 'inner'] on: ZeroDivide do: [:e | n := 50]": "Error",
    "self deep: 0": "SystemExceptions.StackOverflow",
    "self unknown": "8",
}
ACTIONS = (
    "n := n + 100",
    "e return: 5",
    "e retryUsing: [n]",
    "e messageText",
    "^e class",
    "e pass",
    "e outer",
    "e foo",
)


@pytest.mark.parametrize(
    "action", [*ACTIONS, "n := n + 1. n < 3 ifTrue: [e retry]. n", "e resume: 4", "e signal", "e retry: 1"]
)
def test_a_handler_in_line_does_what_the_message_does(bench: Bench, action: str) -> None:
    method = """T >> NAME [ | n r b | n := 0.
        r := [BLOCK r := RECEIVER on: WHAT do: [:e | ACTION]. {n. r}] on: Error do: [:e | {n. e class. e messageText}].
        ^{n. r} ]."""
    bench.well("T := Object clone. T >> deep: n [ ^1 + (self deep: n) ].")
    for body, what in HANDLED.items():
        filled = method.replace("WHAT", what).replace("ACTION", action)
        here = filled.replace("NAME", "inLine").replace("BLOCK", "").replace("RECEIVER", f"[{body}]")
        sent = filled.replace("NAME", "sent").replace("BLOCK", f"b := [{body}].").replace("RECEIVER", "b")
        bench.well(here + sent)
        assert bench("T inLine") == bench("T sent"), body
        assert bench("[:x | T inLine] value: 1") == bench("T sent"), body
    assert bench("[n := 3. 1/0] on: ZeroDivide do: [:e | n + e messageText size]. n") == "3"
