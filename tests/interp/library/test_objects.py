"""What every object understands, Booleans, nil, blocks, the world's names, methods as objects, and mirrors."""

from __future__ import annotations

import pytest

from .claims import Claims, lines

SETUP = """
Account := Object clone.
Account setSlot: 'balance' value: 0.
Account >> deposit: amount [ "Add to the balance." balance := balance + amount ].
Savings := Account clone.
Talker := Object clone.
Talker >> hello [ ^'hello' ].
Caller := Object clone.
Caller >> call [ ^Talker hello ].
Stopper := Error clone.
Money := Object clone.
Money >> printOn: aStream [ aStream nextPutAll: 'Money!' ].
Copied := Object clone.
Copied setSlot: 'tag' value: 'original'.
Copied >> postCopy [ tag := 'copied' ].
Starter := Object clone.
Starter setSlot: 'state' value: nil.
Starter >> initialize [ state := #ready ].
Shy := Object clone.
Shy >> printOn: aStream [ self error: 'nobody looks at me' ].
Shy >> doesNotUnderstand: aMessage [ self error: 'nobody talks to me' ].
Shy setSlot: 'secret' value: 42.
"""


@pytest.fixture(scope="module", autouse=True)
def made(world: Claims) -> None:
    world.define(SETUP)


@pytest.mark.parametrize(("source", "wanted"), lines("objects"))
def test_objects(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
