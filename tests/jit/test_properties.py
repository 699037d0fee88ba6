"""What neighbours, selectors and slots lead one to expect is a gate; it says nothing where it is not sure."""

from __future__ import annotations

import pytest

from batos.jit.crucible import assay
from batos.jit.gates.trial import judge as judge_trial
from batos.jit.gates.verdict import Candidate, Surroundings, Verdict
from batos.jit.sandbox.client import Ran
from batos.jit.writes import writes_of

from .conftest import RIGHT, Scripted, Weave, last

TANK = Surroundings(
    "Tank", frozenset({"level", "capacity", "open", "x", "y"}), frozenset({"fill:", "moveX:", "openUp"}),
    receiver="0f",
    neighbour_writes={"fill:": ("level",), "moveX:": ("x",), "turnOn": ("open",)},
)  # fmt: skip


def judge(selector: str, body: str, trial: dict[str, object] | None = None, statement: str = "") -> Verdict:
    name = selector.replace(":", "_")
    parameters = tuple("amount" if n == 0 else f"other{n}" for n in range(selector.count(":")))
    head = f"def {name}({', '.join(('self', *parameters))}):\n    {body}\n"
    done = Verdict("trial", True, "ran", 0.0, trial or {})
    return assay(Candidate(selector, name, parameters, head), TANK, lambda _: done, statement=statement).verdicts[-1]


@pytest.mark.parametrize(
    ("selector", "body", "says"),
    [
        ("drain:", "self.capacity = self.capacity - amount", "fill:, its opposite, changes level"),
        ("moveY:", "self.x = self.x + amount", "moveX: changes x, so moveY: should change y"),
        ("isFull", "self.level = 0; return True", "asks a question and must change nothing"),
        ("turnOff", "self.level = 0", "turnOn, its opposite, changes open"),
    ],
)
def test_what_neighbours_do_is_expected(selector: str, body: str, says: str) -> None:
    verdict = judge(selector, body)
    assert not verdict.passed and verdict.gate == "properties" and says in verdict.reason


@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ("drain:", "self.level = self.level - amount; return self"),
        ("drain:", "return self.level - amount"),  # writes nothing: may be a question of its own
        ("moveY:", "self.y = self.y + amount"),
        ("isFull", "return self.level == self.capacity"),
        ("moveBy:", "self.x = self.x + amount; self.y = self.y + amount"),
        ("turnOff", "self.open = False"),
        ("widen:", "self.capacity = self.capacity + amount"),
    ],
)
def test_what_nobody_expects_otherwise_passes(selector: str, body: str) -> None:
    assert judge(selector, body).passed


def test_a_question_is_answered_by_true_or_false() -> None:
    told: dict[str, object] = {"answer": "40", "answer_kind": "number", "changed": []}
    verdict = judge("isFull", "return self.level", told, "tank isFull")
    assert not verdict.passed and "True or False, not 40" in verdict.reason
    assert judge("isFull", "return self.level", told, "(tank isFull) printString size").passed, "not its own answer"


def test_a_slot_keeps_its_kind() -> None:
    change = {"slot": "level", "was": "40", "is": "'low'", "was_kind": "number", "is_kind": "text", "new": False}
    verdict = judge("lower:", "self.level = 'low' * amount", {"changed": [change]})
    assert not verdict.passed and "holds a number (40)" in verdict.reason
    fine = {**change, "is": "nil", "is_kind": "nil"}
    assert judge("lower:", "self.level = 'low' * amount", {"changed": [fine]}).passed


GIVES = [
    {"object": "an Account", "slot": "balance", "was": "100", "is": "130", "kind": "data", "was_kind": "number"},
    {"object": "an Account", "slot": "balance", "was": "0", "is": "30", "kind": "data", "was_kind": "number"},
]


def test_what_is_given_to_one_is_taken_from_the_other() -> None:
    body = "self.level = amount; other1.fill_(amount)"
    verdict = judge("transfer:to:", body, {"changed": GIVES})
    assert not verdict.passed and "both change the same way: 100 -> 130 and 0 -> 30" in verdict.reason
    taken = {**GIVES[0], "is": "70"}
    assert "goes from one to the other" in judge("transfer:to:", body, {"changed": [taken, GIVES[1]]}).reason
    assert judge("raise:to:", body, {"changed": GIVES}).passed
    for selector in ("giveToBoth:", "give:"):
        assert judge(selector, "self.level = amount", {"changed": GIVES}).passed, selector


def test_who_transfers_gives() -> None:
    """The other way round all is conserved, too."""
    body = "self.level = amount; other1.fill_(amount)"
    gains = [{**GIVES[0], "oid": "0f"}, {**GIVES[1], "was": "60", "is": "30", "oid": "10"}]
    verdict = judge("transfer:to:", body, {"changed": gains}, "a transfer: 30 to: b")
    assert not verdict.passed and "the receiver gains: 100 -> 130" in verdict.reason
    gives = [{**gains[0], "oid": "10"}, {**gains[1], "oid": "0f"}]
    assert judge("transfer:to:", body, {"changed": gives}, "a transfer: 30 to: b").passed
    assert judge("transfer:from:", body, {"changed": gains}, "a transfer: 30 from: b").passed
    assert judge("transfer:to:", body, {"changed": gains}, "a transfer: -30 to: b").passed


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ("return self.level - self.level", True),
        ("return self.level >= self.level", True),
        ("return self.level // self.level", True),
        ("return self.level + self.level", False),
        ("return self.level - self.capacity", False),
        ("return self.level == self.fill_(self.level) or self.level < self.capacity", False),
    ],
)
def test_a_slot_is_not_held_against_itself(body: str, refused: bool) -> None:
    verdict = judge("room", body)
    assert verdict.passed is not refused
    assert not refused or (verdict.gate == "effects" and "self.level is held against itself" in verdict.reason)


@pytest.mark.parametrize(
    ("source", "language", "writes"),
    [
        ("fill: n [ level := level + n. ^self ]", "smalltalk", ("level",)),
        ("fill: level [ level := 3 ]", "smalltalk", ()),
        ("fill: n [ n > 0 ifTrue: [self level: n. x := 1] ]", "smalltalk", ("level", "x")),
        ("fill: [", "smalltalk", ()),
        ("def fill_(self, n):\n    self.level += n\n", "python", ("level",)),
        ("def fill_(self", "python", ()),
    ],
)
def test_what_a_method_writes_is_read_off_its_text(source: str, language: str, writes: tuple[str, ...]) -> None:
    assert writes_of(source, language, frozenset({"level", "x"})) == writes


def test_the_model_is_told_and_repairs_it(weave: Weave) -> None:
    wrong = " self.limit = self.limit - amount\n        return self\n"
    engine = Scripted(wrong, RIGHT)
    worker, _ = weave(engine)
    last(worker, "Account setSlot: 'limit' value: 9")
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert "deposit:, its opposite, changes balance" in engine.asked[1][1].prefill
    assert last(worker, "savings balance").printed == "40"


@pytest.mark.parametrize(
    ("body", "passed"),
    [("return self.savings.n > 0", False), ("return self.savings.n() > 0", False), ("return self.n", False),
     ("return self.savings", True)],
)  # fmt: skip
def test_a_message_that_the_method_itself_sends_is_the_methods_fault(body: str, passed: bool) -> None:
    told = {"error": {"code": "not-understood", "message": "an Account does not understand #n"}}
    candidate = Candidate("ever", "ever", (), f"def ever(self):\n    {body}\n")
    assert judge_trial(Ran(told, "", 0.0), candidate).passed is passed


@pytest.mark.parametrize("body", ["return self", "return", "return; return self"])
def test_a_method_that_does_nothing_is_refused(body: str) -> None:
    verdict = judge("reset", body)
    assert (verdict.gate, verdict.passed, verdict.reason) == ("effects", False, "it does nothing")
