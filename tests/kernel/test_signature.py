from __future__ import annotations

from typing import Any

import pytest

from batos.bridge.covenant import Data, Signature
from batos.signature import head_of, message_at


@pytest.mark.parametrize(
    "before, receiver, keywords",
    [
        ("savings deposit: ", "savings", ["deposit:"]),
        ("d at: 1 put: (savings balance", "d", ["at:", "put:"]),
        ("d at: (e from: 1", "e", ["from:"]),
        ("x := d at: 1", "d", ["at:"]),
        ("d at: 1. e foo: ", "e", ["foo:"]),
        ("d do: [:each | e foo: each", "e", ["foo:"]),
        ("'it''s at: x' size max: ", "'it''s at: x' size", ["max:"]),
        ('"at: x" d at: $. put: ', '"at: x" d', ["at:", "put:"]),
        ("d add: 1; add: 2; remove: ", "d", ["remove:"]),
    ],
)
def test_the_message_at_the_cursor(before: str, receiver: str, keywords: list[str]) -> None:
    message = message_at(before)
    assert message is not None
    assert (before[message.start : message.end].strip(), message.keywords) == (receiver, keywords)


@pytest.mark.parametrize("before", ["", "savings", "x := ", "d at: 1. ", "(d at: 1)", "'at: "])
def test_no_message_at_the_cursor(before: str) -> None:
    assert message_at(before) is None


def test_heads() -> None:
    assert head_of("at:put:", "at: i put: v [ ^i ]", "smalltalk") == "at: i put: v"
    assert head_of("+", "+ other [ ^other ]", "smalltalk") == "+ other"
    assert head_of("size", "size [ ^0 ]", "smalltalk") == "size"
    assert head_of("deposit:", "def deposit_(self, amount):\n    return 1", "python") == "deposit: amount"


def test_signatures_over_the_bridge(kernel: Any, connect: Any) -> None:
    client = connect(kernel)
    client.evaluate("Account := Object clone. savings := Account clone. Account >> move: n to: other [ ^n ]")

    def hints(text: str) -> list[str]:
        found = client.call(Signature(source=text, position=len(text)))
        assert isinstance(found, Data)
        return [f"{each['owner']}>>{each['signature']}" for each in found.data]

    assert hints("savings move: ") == ["Account>>move: n to: other"]
    assert hints("savings move: 3 to: (") == ["Account>>move: n to: other"]
    assert hints("nobody move: ") == ["Account>>move: n to: other"]  # the receiver is not known: anybody's
    assert hints("3 move: ") == []
    assert any("ifTrue: " in each for each in hints("true ifTrue: "))
    assert hints("savings") == []
