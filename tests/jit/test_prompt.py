"""The prompt is the same text for the same situation (golden), and bounded however large the world is.

`RENEW_GOLDEN=1 pytest tests/jit/test_prompt.py` writes the golden files anew.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from batos.grammar import parse_method
from batos.jit.engine import prompt_hash
from batos.jit.prompt import MAX_TEXT, Prompt, Style, build_prompt
from batos.jit.retell import retell
from batos.jit.situation import Argument, Attempt, Neighbour, Situation, Slot

from .bank import WITHDRAW

GOLDEN = Path(__file__).parent / "golden"
RENEW = bool(os.environ.get("RENEW_GOLDEN"))
PERSON = replace(
    WITHDRAW,
    prototype="Person",
    selector="moveTo:street:",
    name="moveTo_street_",
    arguments=(Argument("text", "str", "'Bonn'"), Argument("street", "str", "'Am Hof'")),
    statement="ann moveTo: 'Bonn' street: 'Am Hof'",
    slots=(Slot("name", "str", "'Ann'"), Slot("home", "Address", "an Address"), Slot("tags", "list", "(1 2 3)")),
    intent="somebody we write letters to",
    neighbours=(
        Neighbour("Person", "rename:", "rename: text [ name := text ]"),
        Neighbour("Person", "greet", "def greet(self):\n    return 'Hello, ' + self.name\n", "python"),
        Neighbour("Person", "each:", "each: aBlock [ tags do: [:each | aBlock value: each] ]"),
    ),
    elsewhere=(Neighbour("Company", "moveTo:street:", "moveTo: a street: b [ home := a , b. ^self ]"),),
    rejected=(Attempt("def moveTo_street_(self, text, street):\n    return volume\n", "the name volume is not known"),),
)


def shown(prompt: Prompt) -> str:
    turns = [f"=== {m.role}\n{m.content}\n" for m in prompt.messages]
    grammar = f"=== grammar\n{prompt.options.grammar}" if prompt.options.grammar else ""
    return "".join(turns) + f"=== prefill\n{prompt.options.prefill}|\n{grammar}"


@pytest.mark.parametrize("style", ["small", "large"])
@pytest.mark.parametrize(("name", "situation"), [("withdraw", WITHDRAW), ("person", PERSON)])
def test_golden(name: str, situation: Situation, style: Style) -> None:
    path = GOLDEN / f"{name}-{style}.txt"
    text = shown(build_prompt(situation, style))
    if RENEW:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("style", ["small", "large"])
def test_the_same_situation_is_the_same_question(style: Style) -> None:
    first, second = build_prompt(WITHDRAW, style), build_prompt(replace(WITHDRAW), style)
    assert prompt_hash(first.messages, first.options) == prompt_hash(second.messages, second.options)
    other = build_prompt(replace(WITHDRAW, slots=(Slot("saldo", "int", "70"),)), style)
    assert prompt_hash(other.messages, other.options) != prompt_hash(first.messages, first.options)


@pytest.mark.parametrize("style", ["small", "large"])
def test_a_huge_world_makes_a_bounded_prompt(style: Style) -> None:
    huge = replace(
        WITHDRAW,
        statement="x" * 100_000,
        intent="y" * 100_000,
        slots=tuple(Slot(f"slot{i}", "str", "z" * 50) for i in range(1000)),
        neighbours=tuple(
            Neighbour("Account", f"m{i}:", f"m{i}: amount [ {'balance := balance + amount. ' * 9} ]")
            for i in range(500)
        ),
        rejected=tuple(Attempt("def withdraw_(self, amount):\n    return 1\n" * 3, "w" * 10_000) for _ in range(50)),
    )
    prompt = build_prompt(huge, style)
    assert sum(len(m.content) for m in prompt.messages) + len(prompt.options.prefill) <= MAX_TEXT[style]


def test_a_rejected_attempt_changes_the_next_answer() -> None:
    again = build_prompt(replace(WITHDRAW, rejected=(Attempt("def ...", "Account has no slot volume"),)), "small")
    assert again.options.temperature > 0 and "Account has no slot volume" in again.options.prefill


def test_a_receiver_that_is_not_simple_has_no_grammar() -> None:
    assert build_prompt(WITHDRAW, "small").options.grammar is not None
    assert build_prompt(PERSON, "small").options.grammar is None


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("deposit: n [ balance := balance + n. ^self ]", "self.balance = self.balance + n\nreturn self"),
        ("area [ ^width + 2 * (height - 1) ]", "return (self.width + 2) * (self.height - 1)"),
        ("hit: n [ n > 3 ifTrue: [self die] ifFalse: [width := 0] ]",
         "if n > 3:\n    self.die()\nelse:\n    self.width = 0\nreturn self"),
        ("pay [ Bank at: 1 put: self ]", "Bank.at_put_(1, self)\nreturn self"),
        ("each [ items do: [:x | x foo] ]", None),
        ("up [ ^super up ]", None),
    ],
)  # fmt: skip
def test_message_syntax_retold_in_python(source: str, told: str | None) -> None:
    text = retell(parse_method(source), ["balance", "width", "height", "items"])
    assert (text and "\n".join(line[4:] for line in text.splitlines()[1:])) == told
