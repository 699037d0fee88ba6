"""What is done to collections in line is what the messages do: to the library's, to other people's, to loaded ones."""

from __future__ import annotations

import pytest

from .conftest import Bench

MESSAGES = ("size", "isEmpty", "notEmpty", "removeLast", "add: 7", "add: 7; add: 8", "at: 1", "at: 1 put: 9", "at: 0")
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
        1 to: 30 do: [:i | log add: ([DO] on: Error do: [:e | e messageText])].
        ^{c. log} ]."""
    first, *more = message.split("; ")
    selector = "".join(part for part in first.split() if part.endswith(":")) or first
    values = [part for part in first.split() if not part.endswith(":")] if ":" in first else []
    sent = f"c perform: #{selector} withArguments: {{{'. '.join(values)}}}"
    sent += "".join(f". c {part}" for part in more)
    for receiver in RECEIVERS:
        here = method.replace("NAME", "here").replace("RECEIVER", receiver)
        there = here.replace("here", "there").replace("DO", sent)
        bench.well(here.replace("DO", "c " + message) + there)
        assert bench("T here") == bench("T there"), receiver
        assert bench("T here") == bench("T there"), receiver


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
