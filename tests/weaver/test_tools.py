"""Function calling: held to the published schema, agreed to by a person or the policy, then sent in one transaction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batos.image.history import undo
from batos.jit.engine import Message, Options
from batos.jit.weaver.tools import (
    ALWAYS_ASK,
    PUBLISHED,
    TOOLS,
    call_problem,
    published_schema,
    tools_grammar,
    tools_schema,
)
from batos.training.function_task import function_rows

from ..jit.conftest import Says, last
from .bench import Spoken
from .test_personas import Home, home

__all__ = ["home"]


def calls(*each: tuple[str, dict[str, Any]]) -> str:
    return json.dumps({"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in each]})


VOICE = ("prioritize_facet", {"persona": "ROBIN", "facet": "voice", "weight": 9})


def answering(*texts: str) -> Any:
    left = list(texts)
    return lambda messages, options: left.pop(0)


def test_the_published_schema_is_made_of_the_models() -> None:
    assert PUBLISHED.read_text("utf-8") == published_schema()
    schema = tools_schema()["properties"]["tool_calls"]["items"]["anyOf"]
    assert [each["properties"]["name"]["const"] for each in schema] == list(TOOLS)


def test_the_image_publishes_it_too(home: Home) -> None:
    outcome, _ = home.ask("(CognitiveWeaver toolSchema at: 'properties') keys asArray", answering())
    assert outcome.printed == "('tool_calls' )"


def test_each_tool_is_a_message_in_the_image(home: Home) -> None:
    for name in TOOLS:
        assert home.value(f"CognitiveWeaver tools respondsTo: #{name}:") == "true"


def test_under_auto_a_wish_is_carried_out_and_undo_takes_it_back(home: Home) -> None:
    wish = "CognitiveWeaver carryOut: 'Let the voice count'"
    outcome, script = home.ask(wish, answering(calls(VOICE)), policy="auto")
    assert outcome.error is None, outcome.error.message
    assert outcome.printed == "(ROBIN )"
    assert home.value("ROBIN weightOf: 'voice'") == "9"
    ((_, messages, options),) = script.asked
    assert options.grammar == tools_grammar() and "prioritize_facet" in messages[0].content
    undo(home.image, 1)
    assert home.value("ROBIN weightOf: 'voice'") == "5"


def test_with_the_policy_off_nothing_is_asked(home: Home) -> None:
    outcome, script = home.ask("CognitiveWeaver carryOut: 'x'", answering(), policy="off")
    assert "the policy is off" in outcome.error.message and script.asked == []


def test_a_person_is_shown_the_calls_and_decides(home: Home) -> None:
    said = Says("yes")
    outcome, _ = home.ask("CognitiveWeaver carryOut: 'x'", answering(calls(VOICE)), policy="ask", approve=said)
    assert outcome.error is None
    (shown,) = said.shown
    assert "prioritize_facet persona: 'ROBIN' facet: 'voice' weight: 9" in shown.explanation
    assert json.loads(shown.code)["tool_calls"][0]["name"] == "prioritize_facet" and shown.gates[0]["name"] == "schema"

    outcome, _ = home.ask("CognitiveWeaver carryOut: 'y'", answering(calls(VOICE)), policy="ask", approve=Says("no"))
    assert "you said no" in outcome.error.message
    outcome, _ = home.ask("CognitiveWeaver carryOut: 'z'", answering(calls(VOICE)), policy="ask")
    assert "nobody is there to agree to prioritize_facet" in outcome.error.message
    changed = Says("edit", calls(("prioritize_facet", {"persona": "BRICK", "facet": "values", "weight": 1})))
    home.ask("CognitiveWeaver carryOut: 'w'", answering(calls(VOICE)), policy="ask", approve=changed)
    assert home.value("BRICK weightOf: 'values'") == "1"


def test_what_no_gate_looks_at_needs_a_person_under_every_policy(home: Home) -> None:
    run = calls(("evaluate", {"source": "Smalltalk at: #Made put: 6 * 7", "workspace": "lab"}))
    outcome, _ = home.ask("CognitiveWeaver carryOut: 'x'", answering(run), policy="auto")
    assert "nobody is there to agree to evaluate" in outcome.error.message
    assert home.value("Smalltalk includesKey: #Made") == "false"
    outcome, _ = home.ask("CognitiveWeaver carryOut: 'x'", answering(run), policy="auto", approve=Says("yes"))
    assert outcome.printed == "(42 )" and home.value("Made") == "42"
    assert set(TOOLS) > ALWAYS_ASK


def test_an_answer_that_does_not_hold_is_told_why_and_asked_for_again(home: Home) -> None:
    wrong = calls(("undo", {"count": 0}))
    outcome, script = home.ask(
        "CognitiveWeaver carryOut: 'x'", answering("no JSON", wrong, calls(VOICE)), policy="auto"
    )
    assert outcome.error is None
    assert "not JSON" in script.asked[1][1][-1].content
    assert "undo, argument count" in script.asked[2][1][-1].content
    outcome, script = home.ask("CognitiveWeaver carryOut: 'x'", answering(*["{}"] * 3), policy="auto")
    assert "chose no tools, 3 times" in outcome.error.message and len(script.asked) == 3


def test_all_calls_of_a_wish_are_one_transaction(home: Home) -> None:
    fails = ("watch", {"topic": "nothing of that name"})
    outcome, _ = home.ask("CognitiveWeaver carryOut: 'x'", answering(calls(VOICE, fails)), policy="auto")
    assert "the world has no object named nothing of that name" in outcome.error.message
    assert home.value("ROBIN weightOf: 'voice'") == "5"


def test_what_the_tools_do(home: Home, tmp_path: Path) -> None:
    yes = Says("yes")

    def carry_out(name: str, **arguments: Any) -> Any:
        source = "CognitiveWeaver carryOut: 'x'"
        outcome, _ = home.ask(source, answering(calls((name, arguments))), policy="ask", approve=yes)
        assert outcome.error is None, outcome.error.message
        return outcome

    assert "contrapuntoSystem" not in carry_out("find_senders", selector="sumOfNothing").printed
    carry_out("set_policy", policy="off")
    assert home.value("Object jitPolicy") == "#off"
    home.value("Smalltalk at: #Lamp put: Object clone. 1")
    carry_out("watch", topic="Lamp")
    assert last(home.worker, "Lamp changed: #light").transcript == "changed: #light\n"
    carry_out("create_method", prototype="Lamp", selector="fill:", intent="add what is given")
    assert home.value("Lamp intent") == "'fill:: add what is given'"
    assert carry_out("backup", path="safe").printed.endswith("bytes' )")
    assert list((tmp_path / "safe").iterdir())
    home.value("Smalltalk at: #Lamp put: 3. 1")
    assert "1 messages are taken back" in carry_out("undo", count=1).printed
    assert home.value("Lamp isNumber") == "false"


def test_hostile_arguments_are_refused_by_the_schema() -> None:
    for text in (
        "[]", "{}", "null", '{"tool_calls": []}', '{"tool_calls": [{}]}', "x" * 100_000,
        calls(("evaluate", {"source": "x" * 81})), calls(("undo", {"count": True})), calls(("undo", {"count": "1"})),
        calls(("undo", {"count": 1, "more": 2})), calls(("__class__", {})), '{"tool_calls": [], "tool_calls": 1}',
    ):  # fmt: skip
        assert call_problem(text), text[:80]


def test_the_grammar_takes_what_the_training_data_say() -> None:
    """Of each tool one row is read by llama.cpp's own parser in the test below; here: the words it begins with."""
    grammar = tools_grammar()
    for name in TOOLS:
        assert f'\\"name\\": \\"{name}\\"' in grammar
    rows = function_rows(1)
    for _ in range(50):
        assert call_problem(next(rows)["messages"][-1]["content"]) == ""


@pytest.mark.model
def test_the_embedded_model_can_answer_with_nothing_but_calls(spoken: Spoken) -> None:
    """An untuned small model chooses badly, and what it chooses holds to the schema all the same."""
    messages = (Message("user", 'Architect: "Undo 3."'),)
    for seed in range(2):
        options = Options(max_tokens=400, grammar=tools_grammar(), temperature=0.8, seed=seed)
        answer = spoken.engine.complete(messages, options)
        assert answer.finish == "length" or "argument" in call_problem(answer.text) or call_problem(answer.text) == ""
        assert answer.text.startswith('{"tool_calls": [{"name": "')
