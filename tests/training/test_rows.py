"""The generators: every row is valid, right by its own judge, nothing held out, the same for the same seed."""

from __future__ import annotations

import ast
import json
import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from batos.interp import deep
from batos.jit.prompt import build_prompt
from batos.training.code.compose import Made, subjects
from batos.training.code.rows import class_row, situation_of
from batos.training.code.skills import SKILLS
from batos.training.code.verify import Scratch
from batos.training.codex import FACETS, codex_text, persona, persona_problem
from batos.training.control_task import wrong_choice
from batos.training.data import code_rows, fresh_rows, write_rows
from batos.training.errors import DataProblem
from batos.training.function_task import call_problem, tools_schema
from batos.training.leaks import HeldOut, held_out
from batos.training.schema import TASKS, Row, parse_line

NOTHING = HeldOut(frozenset(), frozenset(), frozenset())


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict[str, Any]]]:
    return deep(lambda: {task: list(islice(fresh_rows(task, 5, held_out()), 30)) for task in TASKS})


def test_every_row_is_what_the_schema_says_and_right_by_its_judge(rows: dict[str, list[dict[str, Any]]]) -> None:
    for task, found in rows.items():
        assert len(found) == 30
        for row in found:
            said = parse_line(json.dumps(row))
            assert isinstance(said, Row) and said.task == task
            assert held_out().why(row) == ""
            answer = said.messages[-1].content
            if task == "persona":
                assert persona_problem(answer) == ""
            elif task == "function":
                assert call_problem(answer) == ""
    assert deep(lambda: [wrong_choice(parse_line(json.dumps(r))) for r in rows["control"]]) == [""] * 30


def test_the_same_seed_makes_the_same_rows_and_another_does_not(rows: dict[str, list[dict[str, Any]]]) -> None:
    again, other = deep(lambda: [list(islice(fresh_rows("code", seed, held_out()), 5)) for seed in (5, 6)])
    assert again == rows["code"][:5]
    assert not {r["messages"][-1]["content"] for r in other} & {r["messages"][-1]["content"] for r in rows["code"]}


def test_a_class_row_is_for_each_method_the_very_prompt_the_jit_would_ask() -> None:
    """Up to the first answer the text is what `build_prompt` prefills for that miss."""
    checked = 0
    for subject in islice(subjects(11), 60):
        made = subject.methods[0]
        text = class_row(subject, 1, random.Random(1))["messages"][-1]["content"]
        if "amount" in made.parameters:
            continue  # its parameter may be called otherwise, as people do; it is then read and not learnt
        prompt = build_prompt(situation_of(subject, made), "tuned")
        assert text.startswith(prompt.options.prefill + " " + made.python[0])
        checked += 1
    assert checked > 10


def test_a_wrong_body_is_found_by_running() -> None:
    def look() -> tuple[int, int]:
        wrong = fine = 0
        with Scratch() as scratch:
            for subject in islice(subjects(4), 25):
                fine += not scratch.failures(subject)
                made = next((m for m in subject.methods if m.family in ("add", "take", "enough", "set")), None)
                if made is None:
                    continue
                swapped = tuple(line.translate(str.maketrans("+-", "-+")).replace(">=", "<") for line in made.python)
                if swapped == made.python:
                    swapped = ("return self",)
                broken = Made(made.family, made.selector, made.parameters, swapped, made.message, made.arguments)
                one = type(subject)(subject.prototype, "", subject.slots, subject.states, (broken,))
                wrong += made.selector in scratch.failures(one)
                assert made.selector in scratch.failures(one), broken
        return wrong, fine

    wrong, fine = deep(look)
    assert wrong > 3 and fine > 10


def test_what_is_held_out_is_in_no_row() -> None:
    first = deep(lambda: list(islice(code_rows(5, NOTHING), 12)))
    prototype, selector = first[0]["prototype"], first[1]["selectors"][0]
    held = HeldOut(frozenset({prototype}), frozenset({selector}), frozenset())
    for row in deep(lambda: list(islice(code_rows(5, held), 12))):
        assert row["prototype"] != prototype and selector not in row["selectors"]


def test_every_skill_parses_in_both_languages() -> None:
    for skill in SKILLS:
        body = "\n".join("    " + line for line in skill.python)
        for letter in "stu":
            body = body.replace(f"{{{letter}}}", f"slot_{letter}")
        body = body.replace("{a}", "amount").replace("{b}", "other")
        ast.parse(f"def f(self, amount, other):\n{body}\n")


def test_a_stopped_run_goes_on_and_is_the_same_as_one_that_was_not(tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    shares = {"code": 0.5, "control": 0.25, "persona": 0.25}
    deep(lambda: write_rows(whole, 40, 3, shares))
    deep(lambda: write_rows(stopped, 17, 3, shares))
    with stopped.open("a") as file:
        file.write('{"torn')  # as a kill leaves it
    deep(lambda: write_rows(stopped, 40, 3, shares))
    assert stopped.read_bytes() == whole.read_bytes()
    with pytest.raises(DataProblem, match="was made otherwise"):
        write_rows(whole, 50, 4, shares)


def test_the_codex_has_all_facets_and_forbids() -> None:
    for name in ("ROBIN", "BRICK"):
        one = persona(name)
        assert set(one.facets) == set(FACETS) and all(one.facets[f]["about"] for f in FACETS)
        assert one.forbidden and name in codex_text()
    good = "(ROBIN): I hear a wobble. It is like rain. Shall we look?\n\n(BRICK): ROBIN is noted. 1. Look. 2. Write."
    assert persona_problem(good) == ""
    for bad, told in (
        (good.replace("I hear", "You must hear"), "never says"),
        (good.replace("ROBIN is noted", "It is noted"), "does not build on"),
        (good.replace(" 2. Write.", ""), "1 steps"),
        (good.replace("(BRICK)", "(BOB)"), "it is not (ROBIN)"),
    ):
        assert told in persona_problem(bad)


def test_the_tools_schema_names_every_tool() -> None:
    names = [t["properties"]["name"]["const"] for t in tools_schema()["properties"]["tool_calls"]["items"]["anyOf"]]
    assert len(names) == len(set(names)) == 10
    assert "there is no tool" in call_problem('{"tool_calls": [{"name": "fly", "arguments": {}}]}')
