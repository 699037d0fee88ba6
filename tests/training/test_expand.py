"""A model writes conversations: only what runs is kept, once; a stopped run goes on; the cost is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batos.interp import deep
from batos.jit.engine import Completion, Message, Options, Source
from batos.training.expand import Expansion, expand, object_in, question
from batos.training.goldens import read_goldens


def talk(code: str) -> str:
    answer = {"explanation": "so", "code": code}
    return json.dumps({"messages": [{"role": "architect", "content": "do"}, {"role": "uvm_jit", "content": answer}]})


class Scripted:
    """An engine whose answers are written down here, one after the other."""

    name = "scripted"

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def complete(self, messages: Sequence[Message], options: Options = Options(), *_: Any) -> Completion:
        self.asked.append("\n".join(m.content for m in messages))
        text = self.answers[(len(self.asked) - 1) % len(self.answers)]
        return Completion(text, 10, 100, 0.0, "stop", Source("scripted", "", "", None, options.seed, 0.8, ""))

    def describe(self) -> str:
        return self.name

    def close(self) -> None: ...


ANSWERS = [
    "```json\n" + talk("self.a = 1\n") + "\n```",
    "Sure! " + talk("self.b = Object.clone()\n"),
    talk("self.a = 1\n"),
    talk("self.c = nobody\n"),
    talk("self.c = (\n"),
    talk("self.c = 1 / 0\n"),
    "I cannot do that.",
    talk("self.d = 4\n"),
]


def test_what_runs_is_kept_once_and_the_rest_is_refused_by_reason(tmp_path: Path) -> None:
    out = tmp_path / "talks.jsonl"
    engine = Scripted(ANSWERS)
    report = deep(lambda: expand(engine, out, 3))
    assert (report.kept, report.asked) == (3, 8)
    assert report.refused == {"duplicate": 1, "names": 1, "syntax": 1, "execution": 1, "json": 1}
    assert len(out.read_text().splitlines()) == 3
    assert len((tmp_path / "talks.jsonl.refused").read_text().splitlines()) == 5
    assert "110 tokens" not in report.told() and "880" not in report.told((0, 0))
    assert "800 tokens in, 80 out" in report.told()
    assert "cost 0.0010, 0.00032" in report.told((1.0, 2.0))


def test_a_stopped_run_goes_on_behind_its_last_question(tmp_path: Path) -> None:
    out = tmp_path / "talks.jsonl"
    engine = Scripted(ANSWERS)
    deep(lambda: expand(engine, out, 2, attempts=2))
    again = Scripted([ANSWERS[-1]])
    report = deep(lambda: expand(again, out, 3))
    assert (report.kept, report.asked) == (1, 1)
    assert question(2, 8, read_goldens())[0][1].content in again.asked[0]


def test_the_question_has_all_that_it_should_and_shows_no_test_golden() -> None:
    goldens = read_goldens()
    kept = {g.line() for g in goldens if g.part != "train"}
    for number in range(40):
        messages, family = question(number, 8, goldens)
        assert question(number, 8, goldens) == (messages, family)
        system, asked = (m.content for m in messages)
        assert "prototype objects" in system and "UVM-JIT" in system and '"uvm_jit"' in system
        examples = asked.split("\n\n")[0].splitlines()[1:]
        assert 5 <= len(examples) <= 10 and not kept & set(examples)


def test_the_object_in_an_answer_is_found() -> None:
    assert object_in('x {"a": [1,\n2]} y') == '{"a": [1, 2]}'
    assert object_in("none") == "none"
    assert object_in("") == "{}"
    assert Expansion().told() == "0 kept of 0 asked for\n0 tokens in, 0 out, 0 s of model"
