"""ROBIN and BRICK as objects of the image, the two in counterpoint, and what they never say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.image import open_image
from batos.interp import Worker
from batos.jit.engine import Completion, Message, Options, Source
from batos.jit.weaver.calls import Calls
from batos.training.codex import persona, persona_problem
from batos.training.persona_task import SYSTEM

from ..jit.conftest import last

Answers = Callable[[tuple[Message, ...], Options], str]


class Scripted:
    """Stands where the CognitiveWeaver does; answers as the test says, and keeps what it was asked."""

    def __init__(self, answer: Answers) -> None:
        self.answer = answer
        self.asked: list[tuple[str | None, tuple[Message, ...], Options]] = []
        self.library = self

    def resolve(self, word: str) -> str:
        return word

    def complete(self, name: Any, messages: Any, options: Options, on_text: Any = None, cancelled: Any = None) -> Any:
        self.asked.append((name, messages, options))
        source = Source("scripted", "script", "", name, 0, 0.0, "")
        return Completion(self.answer(messages, options), 1, 1, 0.1, "stop", source)


class Home:
    def __init__(self, path: Path) -> None:
        self.image = open_image(path)
        self.worker = Worker(self.image, name="w")

    def ask(self, source: str, answer: Answers, **more: Any) -> tuple[Any, Scripted]:
        script = Scripted(answer)
        self.worker.outside = Calls(lambda: script)  # type: ignore[arg-type, return-value]
        return last(self.worker, source, **more), script

    def value(self, source: str) -> str:
        outcome = last(self.worker, source)
        assert outcome.error is None, outcome.error.message
        return str(outcome.printed)


@pytest.fixture
def home(fresh_image: Path) -> Iterator[Home]:
    made = Home(fresh_image)
    yield made
    made.worker.close()
    made.image.close()


ROBIN_SAYS = " I hear a wobble about the way you chose. It is like a garden after rain. What would be kind to do first?"
BRICK_SAYS = " a wobble. Deploying the Scope Clamp. 1. List what it must do. 2. Check one line. End of bulletin."


def both(messages: tuple[Message, ...], options: Options) -> str:
    return BRICK_SAYS if "(BRICK)" in options.prefill else ROBIN_SAYS


@pytest.mark.parametrize("name", ["ROBIN", "BRICK"])
def test_the_codex_in_the_image_is_the_one_that_training_data_are_made_of(home: Home, name: str) -> None:
    shipped = persona(name)
    assert home.value(f"{name} told") == "'" + shipped.told().replace("'", "''") + "'"
    assert home.value(f"{name} patterns size") == str(len(shipped.forbidden))
    for facet in ("voice", "values", "constraints", "forbidden"):
        about = str(shipped.facets[facet]["about"]).replace("'", "''")
        assert home.value(f"({name} facet: #{facet}) at: 'about'") == f"'{about}'"


def test_a_persona_can_be_changed_like_anything_else(home: Home) -> None:
    home.value("ROBIN voice at: 'about' put: 'Loud.'. 1")
    assert "- voice: Loud." in home.value("ROBIN told")
    home.value("ROBIN weigh: 'values' as: 9; weigh: #forbidden as: 0. 1")
    lines = home.value("ROBIN told").split("\n")
    assert [line.split(":")[0] for line in lines[1:]] == ["- values", "- voice", "- constraints"]
    assert "a weight is 0 to 10" in last(home.worker, "ROBIN weigh: 'values' as: 11").error.message
    assert "has no facet mood" in last(home.worker, "ROBIN weigh: 'mood' as: 1").error.message
    assert home.value("BRICK weightOf: 'values'") == "5", "the one is not the other"


def test_robin_answers_and_brick_builds_on_it(home: Home) -> None:
    said = "I'm not sure if this new design is the right approach."
    source = "CognitiveWeaver contrapunto: '" + said.replace("'", "''") + "'"
    outcome, script = home.ask(source, both)
    assert outcome.error is None, outcome.error.message
    text = outcome.printed
    assert text == f"(ROBIN): {ROBIN_SAYS.strip()}\n\n(BRICK): ROBIN's reading is logged: {BRICK_SAYS.strip()}"
    assert persona_problem(text) == "", "it keeps the Codex, as the training data do"
    first, second = script.asked
    assert ROBIN_SAYS.strip() in second[2].prefill and second[2].prefill.endswith("(BRICK): ROBIN's reading is logged:")
    assert first[2].prefill == "(ROBIN):"
    assert first[1][0].content.startswith(SYSTEM.format(said=f'"{said}"'))
    assert persona("BRICK").told() in first[1][0].content, "a model that has learnt no persona is told what it is"


def test_each_speaks_by_the_adapter_of_its_alias(home: Home) -> None:
    home.value("CognitiveWeaver alias: #robin to: 'r@0123456789ab'; alias: #brick to: 'b@0123456789ab'. 1")
    _, script = home.ask("CognitiveWeaver contrapunto: 'hm'", both)
    assert [name for name, _, _ in script.asked] == ["r@0123456789ab", "b@0123456789ab"]
    assert script.asked[0][1][0].content == SYSTEM.format(said='"hm"'), "one that has learnt them is asked as it learnt"


def test_what_a_persona_never_says_is_asked_for_again(home: Home) -> None:
    answers = iter([" You should relax.", " You must.", ROBIN_SAYS])
    outcome, script = home.ask("CognitiveWeaver as: ROBIN answer: 'hm'", lambda messages, options: next(answers))
    assert outcome.printed == "'" + ROBIN_SAYS.strip() + "'"
    assert [round(options.temperature, 1) for _, _, options in script.asked] == [0.0, 0.7, 0.7]
    assert len({options.seed for _, _, options in script.asked}) == 3

    outcome, script = home.ask("(CognitiveWeaver contrapunto: 'hm') problem", lambda m, o: " You should.")
    assert len(script.asked) == 4, "three times by ROBIN, and once by BRICK, who may say so"
    assert outcome.printed == "'it says ''You should'''"


def test_a_pattern_that_is_none_is_said(home: Home) -> None:
    home.value("ROBIN forbidden at: 'patterns' put: #('('). 1")
    outcome, _ = home.ask("CognitiveWeaver as: ROBIN answer: 'hm'", both)
    assert re.search(r"'\(' is no regular expression", outcome.error.message)
