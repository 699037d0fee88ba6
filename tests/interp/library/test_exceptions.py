"""Exceptions: ANSI NCITS 319, 5.5, and the corners that the standard's examples and other Smalltalks' tests visit."""

from __future__ import annotations

import pytest

from .claims import Claims, lines

SETUP = """
MyError := Error clone.
OtherError := MyError clone.
MyNote := Notification clone.
MyNote >> defaultAction [ ^#noted ].
Log := OrderedCollection new.
Prober := Object clone.
Prober >> signalDeep [ ^self signalDeeper + 1 ].
Prober >> signalDeeper [ ^MyNote new signal ].
Prober >> early [ #(1 2 3) do: [:each | each = 2 ifTrue: [^each]]. ^nil ].
Prober >> ensureThen: aBlock [ [^1] ensure: aBlock ].
Prober >> blockOf [ ^[:x | ^x] ].
Prober >> nested [ ^[[1 / 0] ensure: [Log add: #inner]] on: ZeroDivide do: [:e | Log add: #handler. e return: #done] ].
"""


@pytest.fixture(scope="module", autouse=True)
def made(world: Claims) -> None:
    world.define(SETUP)


@pytest.mark.parametrize(("source", "wanted"), lines("exceptions"))
def test_exceptions(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
