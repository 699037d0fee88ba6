"""What the library shows on the Transcript, and does at the top level."""

from __future__ import annotations

import pytest

from .claims import Claims, lines

SETUP = """
Account := Object clone.
Account setSlot: 'balance' value: 0.
Money := Object clone.
Money >> printOn: aStream [ aStream nextPutAll: 'Money!' ].
MyError := Error clone.
"""


@pytest.fixture(scope="module", autouse=True)
def made(world: Claims) -> None:
    world.define(SETUP)


@pytest.mark.parametrize(("source", "wanted"), lines("showing"))
def test_showing(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
