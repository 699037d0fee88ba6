"""What is done to collections in line is what the messages do: to the library's, to other people's, to loaded ones."""

from __future__ import annotations

import pytest

from .conftest import Bench

MESSAGES = (
    *("size", "isEmpty", "notEmpty", "removeLast", "add: 7", "add: 7; add: 8", "at: 1", "at: 1 put: 9", "at: 0"),
    *("at: #a", "at: #a put: 5", "at: true", "at: 'a' put: 3", "includes: 3", "includes: true", "includesKey: 1"),
    *("remove: 3", "remove: 3 ifAbsent: [#none]", "removeKey: 1", "removeKey: #a ifAbsent: [#none]"),
    *("at: 1 ifAbsent: [7]", "at: #b ifAbsent: [7]", "at: #a ifPresent: [:x|x+1]", "at: 8 ifAbsentPut: [8]"),
    *("next", "atEnd"),
)
RECEIVERS = (
    "(OrderedCollection withAll: #(3 14 15))",
    "OrderedCollection new",
    "(Array with: 3 with: 4)",
    "#(1 2)",
    "'abc'",
    "'abc' copy",
    "#symbol",
    "(Set withAll: #(3))",
    "(Bag with: 3 with: 3)",
    "(Dictionary new at: 1 put: 20; yourself)",
    "(#(3 1 2) asSortedCollection)",
    "(Own withAll: #(1 2))",
    "Other clone",
    "(IdentityDictionary new at: 1 put: 20; at: #a put: 2; yourself)",
    "(IdentitySet withAll: #(3 true))",
    "(LookupTable new at: #a put: 5; yourself)",
    "(ReadStream on: #(1 2 #a))",
    "(ReadStream on: 'abc')",
    "(ReadWriteStream on: String new)",
    "(WriteStream on: Array new)",
    "nil",
    "4",
    "true",
)
SETUP = """
Own := OrderedCollection clone.
Own >> add: x [ ^super add: x + 100 ].
Own >> size [ ^42 ].
Own >> removeLast [ ^#own ].
Other := Object clone.
Other setSlot: 'size' value: 3.
Other >> add: x [ ^x printString ].
Other >> isEmpty [ ^#perhaps ].
T := Object clone.
"""


@pytest.mark.parametrize("message", MESSAGES)
def test_it_does_what_the_message_does(bench: Bench, message: str) -> None:
    bench.well(SETUP)
    method = """T >> NAME [ | c log |
        log := OrderedCollection new. c := RECEIVER.
        1 to: 25 do: [:i | (i < 3 or: [c respondsTo: #SELECTOR]) ifTrue: [
            log add: ([DO] on: Error do: [:e | e messageText])]].
        ^{c. log} ]."""
    first, *more = message.split("; ")
    selector = "".join(part for part in first.split() if part.endswith(":")) or first
    values = [part for part in first.split() if not part.endswith(":")] if ":" in first else []
    sent = f"c perform: #{selector} withArguments: {{{'. '.join(values)}}}"
    sent += "".join(f". c {part}" for part in more)
    written = []
    method = method.replace("SELECTOR", selector)
    for number, receiver in enumerate(RECEIVERS):
        here = method.replace("NAME", f"here{number}").replace("RECEIVER", receiver)
        written += [here.replace("DO", "c " + message), here.replace("here", "there").replace("DO", sent)]
    bench.well("".join(written))
    for _ in range(2):
        here, there = (
            bench("{" + ". ".join(f"(T {name}{number}) printString" for number in range(len(RECEIVERS))) + "}")
            for name in ("here", "there")
        )
        assert here == there


def test_what_was_loaded_or_committed_is_changed_and_kept(bench: Bench) -> None:
    bench.well("Kept := OrderedCollection withAll: #(1 2). T := Object clone.")
    bench.well("T >> more: x [ Kept add: x; add: x + 1 ].")
    for number in range(30):
        bench.well(f"T more: {number}")
    bench.well("T >> less [ ^Kept removeLast ].")
    assert bench("T less") == "30"
    bench.reopen()
    assert bench("Kept size") == "61"
    assert bench("T less. T more: 5. Kept size") == "62"
    bench.reopen()
    assert bench("Kept last: 3") == "OrderedCollection (29 5 6 )"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("OrderedCollection >> add: x [ ^self addFirst: x ].", "(3 2 1 )"),
        ("OrderedCollection >> removeLast [ ^#gone ].", "(1 2 3 #gone )"),
        ("Collection >> isEmpty [ ^#perhaps ].", "(1 2 3 #perhaps )"),
        ("OrderedCollection >> size [ ^42 ].", "(1 2 3 42 false )"),
    ],
)
def test_a_persons_own_is_sent(bench: Bench, change: str, expected: str) -> None:
    ask = {"removeLast": "c add: c removeLast", "isEmpty": "c add: c isEmpty", "size": "c add: c size; add: c isEmpty"}
    last = next((text for name, text in ask.items() if name in change), "c")
    bench.well(
        f"T := Object clone. T >> fill [ | c | c := OrderedCollection new. 1 to: 3 do: [:i | c add: i]. {last}. ^c ]."
        "T fill. T fill."
    )
    bench.well(change)
    assert bench("T fill") == "OrderedCollection " + expected


def test_rounding_is_exact(bench: Bench) -> None:
    told = "0.5 1 0.49999999999999994 0 2.5 3 4503599627370497.5 4503599627370498 9007199254740993.0 9007199254740992"
    for number, rounded in zip(told.split()[::2], told.split()[1::2], strict=True):
        assert bench(f"{number} rounded") == rounded
        assert bench(f"{number} negated rounded") == bench(f"{rounded} negated")
    assert bench("1e300 rounded = 1e300 asExactFraction") == "true"
    assert bench("(1/0.0) rounded") == "!zero-divide"


def test_what_failed_leaves_nothing_that_is_written_in_line(bench: Bench) -> None:
    bench.well("""
        T := Object clone. T >> put: k in: c [ c at: k put: k ]. T >> add: x to: c [ c add: x ].
        D := Dictionary new. S := Set new.
        40 timesRepeat: [T put: 1 in: Dictionary new; add: 1 to: Set new].
        T put: 1 in: D; add: 1 to: S.
        """)
    for turn in range(2, 6):
        assert bench("[T put: 99 in: D; add: 99 to: S. self error: 'no'] value") == "!error"
        bench.well(f"T put: {turn} in: D; add: {turn} to: S")
        seen = f"({' '.join(map(str, range(1, turn + 1)))} )"
        other = bench.another()
        assert bench("{D keys. S asArray}") == bench("{D keys. S asArray}", other) == f"({seen} {seen} )"


@pytest.mark.parametrize("kind", ["Array", "OrderedCollection", "Dictionary"])
def test_a_clones_own_methods_are_sent(bench: Bench, kind: str) -> None:
    bench.well(f"""
        Own := {kind} clone. Own >> at: i [ ^#own ]. Own >> size [ ^42 ].
        T := Object clone. T >> ask: c [ ^{{[c at: 1] on: Error do: [:e | nil]. c size}} ].
        own := Own new: 1. plain := {kind} new: 1. mine := {kind} new: 1. mine >> at: i [ ^#mine ].
        """)
    size = "1" if kind == "Array" else "0"
    for _ in range(50):
        assert bench("{T ask: own. T ask: plain. T ask: mine}") == f"((#own 42 ) (nil {size} ) (#mine {size} ) )"
    bench.well("plain setSlot: 'parent*' value: {Own}")
    assert bench("T ask: plain") == "(#own 42 )"
    bench.well("plain removeSlot: 'parent*'. 30 timesRepeat: [T ask: plain]")
    assert bench("T ask: plain") == f"(nil {size} )"


def test_streams_are_read_in_line_until_somebody_knows_better(bench: Bench) -> None:
    bench.well("""
        T := Object clone.
        T >> all: s [ | all | all := OrderedCollection new. [s atEnd] whileFalse: [all add: s next]. ^all asArray ].
        Own := ReadStream clone. Own >> next [ ^(super next) -> #own ].
        60 timesRepeat: [T all: (ReadStream on: 'ab'); all: (ReadStream on: #(1))].
        kept := ReadStream on: #(1 $b 'c' #d). kept next.
        """)
    for _ in range(3):
        assert bench("T all: (ReadStream on: 'xy')") == "($x $y )"
        assert bench("T all: (ReadStream on: #(1 $b 'c' nil))") == "(1 $b 'c' nil )"
        assert bench("T all: (Own on: #(1 2))") == "(1->#own 2->#own )"
    assert bench("[T all: kept. self error: 'no'] value") == "!error"
    assert bench("kept next") == "$b"
    bench.reopen()
    assert bench("T all: kept") == "('c' #d )"
    assert bench("kept atEnd") == "true"
    bench.well("60 timesRepeat: [T all: (ReadStream on: 'ab')]. PositionableStream >> next [ ^super next printString ]")
    assert bench("T all: (ReadStream on: 'xy')") == "('$x' '$y' )"
