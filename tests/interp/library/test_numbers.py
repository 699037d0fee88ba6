"""Numbers: ANSI NCITS 319, 5.6, and the forms of GNU Smalltalk."""

from __future__ import annotations

import pytest

from .claims import Claims, lines

SETUP = """
Cents := Number clone.
Cents setSlot: 'amount' value: 0.
Cents >> of: n [ ^self clone amount: n; yourself ].
Cents >> generality [ ^500 ].
Cents >> coerce: n [ ^Cents of: n ].
Cents >> same: other do: aBlock or: selector [
    ^other generality = 500 ifTrue: [Cents of: aBlock value] ifFalse: [self retry: selector coercing: other] ].
Cents >> + other [ ^self same: other do: [amount + other amount] or: #+ ].
Cents >> - other [ ^self same: other do: [amount - other amount] or: #- ].
Cents >> * other [ ^self same: other do: [amount * other amount] or: #* ].
Cents >> < other [ ^other generality = 500 ifTrue: [amount < other amount] ifFalse: [self retry: #< coercing: other] ].
Cents >> = other [ ^(other isKindOf: Cents) and: [amount = other amount] ].
Cents >> printOn: aStream [ aStream print: amount; nextPutAll: ' ct' ].
"""


@pytest.fixture(scope="module", autouse=True)
def made(world: Claims) -> None:
    world.define(SETUP)


@pytest.mark.parametrize(("source", "wanted"), lines("numbers"))
def test_numbers(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
