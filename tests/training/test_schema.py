"""A broken line of each kind is caught, and its error names line, turn and field."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from batos.training.schema import PUBLISHED, Conversation, Row, SchemaProblem, parse_line, published_schema

GOOD: dict[str, Any] = {
    "messages": [
        {"role": "architect", "content": "We need a button."},
        {"role": "uvm_jit", "content": {"explanation": "A clone.", "code": "self.b = ButtonMorph.clone()\n"}},
    ]
}
ROW: dict[str, Any] = {
    "id": "r1",
    "task": "control",
    "messages": [{"role": "user", "content": "RECEIVER: true"}, {"role": "assistant", "content": "EXECUTE: a"}],
}
Break = Callable[[dict[str, Any]], Any]


def test_a_good_line_is_what_it_is() -> None:
    said = parse_line(json.dumps(GOOD), 1)
    assert isinstance(said, Conversation)
    assert said.codes() == [(2, "self.b = ButtonMorph.clone()\n")]
    assert isinstance(parse_line(json.dumps(ROW), 1), Row)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda d: d.pop("messages"), "line 7, field messages: "),
        (lambda d: d.update(more=1), "line 7, field more: "),
        (lambda d: d["messages"].pop(), "line 7, field messages: "),
        (lambda d: d["messages"][0].update(role="user"), "line 7, turn 1, field role: "),
        (lambda d: d["messages"][1].pop("role"), "line 7, turn 2, field role: "),
        (lambda d: d["messages"][1]["content"].pop("code"), "line 7, turn 2, field content.code: "),
        (lambda d: d["messages"][1]["content"].update(code=""), "line 7, turn 2, field content.code: "),
        (lambda d: d["messages"][1]["content"].update(explanation=3), "line 7, turn 2, field content.explanation: "),
        (lambda d: d["messages"][1].update(content=[1]), "line 7, turn 2, field content: "),
        (lambda d: d["messages"][0].update(content="  "), "line 7, turn 1, field content: "),
        (lambda d: d["messages"][0].update(content=d["messages"][1]["content"]), "line 7, turn 1, field content: "),
        (lambda d: d["messages"].reverse(), "line 7, turn 1, field role: the role must be architect"),
        (lambda d: d["messages"].append(d["messages"][0]), "line 7, turn 4, field role: the role must be uvm_jit"),
    ],
)
def test_what_is_wrong_with_a_conversation_is_named(damage: Break, told: str) -> None:
    data = copy.deepcopy(GOOD)
    damage(data)
    with pytest.raises(SchemaProblem) as caught:
        parse_line(json.dumps(data), 7)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda d: d.update(task="cooking"), "line 3, field task: "),
        (lambda d: d["messages"][0].update(role="architect"), "line 3, turn 1, field role: "),
        (lambda d: d["messages"].append({"role": "user", "content": "x"}), "line 3: the last message must be"),
        (lambda d: d["messages"][0].update(role="system"), "line 3: nobody asks"),
        (lambda d: d.update(spans=[[0, 99]]), "line 3: a span lies outside"),
        (lambda d: d["messages"][0].update(content=""), "line 3, turn 1, field content: "),
    ],
)
def test_what_is_wrong_with_a_row_is_named(damage: Break, told: str) -> None:
    data = copy.deepcopy(ROW)
    damage(data)
    with pytest.raises(SchemaProblem) as caught:
        parse_line(json.dumps(data), 3)
    assert str(caught.value).startswith(told)


NO_LINES = ["", "{", "[]", "3", '"x"', "null", "[" * 100_000, '{"messages": NaN}', '{"task": []}']


@pytest.mark.parametrize("text", NO_LINES)
def test_what_is_no_line_at_all_is_a_schema_problem(text: str) -> None:
    with pytest.raises(SchemaProblem):
        parse_line(text, 1)


def test_the_published_schema_is_the_models() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == published_schema()
