"""Examples that people give are kept in the image, and what a model writes must make them hold."""

from __future__ import annotations

import pytest

from batos.image import Image
from batos.interp import Worker
from batos.interp.example import Example

from .conftest import RIGHT, Scripted, Weave, last

WRONG = " self.balance = self.balance - amount - 1\n        return self\n"
EXAMPLE = "Account example: 'a := Account clone. a deposit: 70. a withdraw: 30. a balance => 40'"


def test_an_example_is_a_gate_and_its_reason_reaches_the_model(weave: Weave) -> None:
    engine = Scripted(WRONG, RIGHT)
    worker, _ = weave(engine)
    assert last(worker, EXAMPLE).error is None
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert last(worker, "savings balance").printed == "40" and len(engine.asked) == 2
    assert "answers 39, not 40" in engine.asked[1][1].prefill


def test_a_block_may_be_an_example(weave: Weave) -> None:
    engine = Scripted(WRONG, RIGHT, RIGHT)
    worker, _ = weave(engine)
    block = "[| a | a := Account clone. a balance: 9. a withdraw: 4. a balance = 5]"
    assert last(worker, f"Account example: {block} of: #withdraw:").error is None
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert "block" in engine.asked[1][1].prefill or "answers" in engine.asked[1][1].prefill
    assert len(engine.asked) == 2 and last(worker, "savings balance").printed == "40"


def test_an_example_of_another_message_says_nothing_of_this_one(weave: Weave) -> None:
    engine = Scripted(RIGHT)
    worker, _ = weave(engine)
    last(worker, "Account example: 'Account clone audit => 7'")
    assert last(worker, "savings withdraw: 30", policy="auto").error is None


def test_the_examples_of_a_prototype_hold_for_what_delegates_to_it(weave: Weave) -> None:
    engine = Scripted(WRONG, WRONG, WRONG)
    worker, _ = weave(engine)
    last(worker, EXAMPLE)
    last(worker, "Gold := Account clone")
    last(worker, "Account >> withdraw: n [ balance := balance - n ]")
    last(worker, "Account example: 'Gold clone bonus: 3 => 3'")
    assert last(worker, "Gold bonus: 3", policy="auto").error is not None and len(engine.asked) == 3


def test_nothing_an_example_does_stays(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT))
    last(worker, "Account example: 'savings withdraw: 70. savings balance => 0'")
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert last(worker, "savings balance").printed == "40"


def test_examples_outlive_the_worker(weave: Weave, image: Image) -> None:
    worker, _ = weave(Scripted())
    last(worker, EXAMPLE)
    other = Worker(image)
    assert "a balance => 40" in last(other, "Account examples first").printed
    assert last(other, "Account clone examples size").printed == "1"
    assert last(other, "Object examples size").printed == "0"
    assert last(other, "Account forgetExamples; examples").printed == "( )"
    other.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("savings balance", "no arrow"),
        ("savings balance => ", "one expression is wanted"),
        (" => 3", "one expression is wanted"),
        ("savings + => 3", "binary message wants an argument"),
        ("x := 3 => 3", "no expression"),
        ("3 => 3. 4", "one expression is wanted"),
    ],
)
def test_what_is_no_example_is_told_at_once(bank: Worker, text: str, says: str) -> None:
    error = last(bank, f"Account example: '{text}'").error
    assert error is not None and says in error.message
    with pytest.raises(ValueError, match=says):
        Example.read(text)


def test_an_arrow_in_a_text_is_no_arrow() -> None:
    example = Example.read("Log clear. (Log at: 'a => b') size => 5")
    assert (example.before, example.got, example.wanted) == ("Log clear.", "(Log at: 'a => b') size", "5")
    assert str(example) == "Log clear. (Log at: 'a => b') size => 5"
