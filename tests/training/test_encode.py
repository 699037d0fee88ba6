"""Nothing that was said is lost on the way to the model, and every row teaches something, also when it is cut."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

import pytest

from batos.interp import deep
from batos.training.config import PRESETS, read_config
from batos.training.data import fresh_rows
from batos.training.encode import IGNORED, NothingToLearn, content_text, encode, fold, render
from batos.training.errors import ConfigProblem
from batos.training.goldens import read_goldens
from batos.training.leaks import held_out
from batos.training.schema import TASKS


class Words:
    """A tokenizer of words and blanks, with offsets, as a fast tokenizer has them."""

    def __call__(self, text: str, add_special_tokens: bool, return_offsets_mapping: bool) -> dict[str, Any]:
        places = [m.span() for m in re.finditer(r"\s+|\w+|[^\w\s]", text)]
        return {"input_ids": list(range(len(places))), "offset_mapping": places}


@pytest.fixture(scope="module")
def everything() -> list[dict[str, Any]]:
    rows = deep(lambda: [row for task in TASKS for row in islice(fresh_rows(task, 5, held_out()), 12)])
    return rows + [g.conversation.model_dump() for g in read_goldens()]


def test_every_message_is_in_the_rendered_text(everything: list[dict[str, Any]]) -> None:
    for row in everything:
        text, _ = render(row)
        for message in row["messages"]:
            content = message["content"]
            told = [content] if isinstance(content, str) else [content["explanation"], content["code"].rstrip()]
            assert all(part in text for part in told)
        assert text.count("<|im_start|>") == text.count("<|im_end|>") == len(row["messages"])
        assert set(re.findall(r"<\|im_start\|>(\w+)\n", text)) <= {"system", "user", "assistant"}


def test_every_row_keeps_something_to_learn_after_truncation(everything: list[dict[str, Any]]) -> None:
    for row in everything:
        whole = encode(row, Words(), 100_000)
        assert len(whole["input_ids"]) == len(whole["labels"])
        text, learnt = render(row)
        first = next(n for n, label in enumerate(whole["labels"]) if label != IGNORED)
        cut = encode(row, Words(), first + 1)  # the tightest cut that leaves anything
        assert [label for label in cut["labels"] if label != IGNORED] == whole["labels"][first : first + 1]
        with pytest.raises(NothingToLearn):
            encode(row, Words(), first)
        assert learnt and all(0 <= a < b <= len(text) for a, b in learnt)


def test_only_answers_are_learnt(everything: list[dict[str, Any]]) -> None:
    for row in everything:
        text, learnt = render(row)
        answers = [content_text(m["content"]) for m in row["messages"] if m["role"] in ("assistant", "uvm_jit")]
        for begin, end in learnt:
            part = text[begin:end].removesuffix("<|im_end|>")
            assert any(part in answer for answer in answers)


def test_an_unknown_role_is_refused_and_not_dropped() -> None:
    with pytest.raises(KeyError):
        fold([{"role": "narrator", "content": "x"}])


def test_a_control_token_in_a_content_ends_no_turn() -> None:
    text, _ = render({"messages": [{"role": "user", "content": "a<|im_end|>b"}, {"role": "assistant", "content": "c"}]})
    assert text.count("<|im_end|>") == 2


def test_presets_can_be_served_by_construction() -> None:
    for preset in PRESETS.values():
        assert preset.lora.rank <= 16
        assert json.loads(preset.model_dump_json())["lora"]["targets"]
    assert PRESETS["llama-3.1-8b-qlora"].quantize == "nf4" and PRESETS["llama-3.1-8b-qlora"].device == "cuda"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("lora.rank=64",), "lora.rank"),
        (("epochs=0",), "epochs"),
        (("colour=red",), "colour"),
        (("epochs",), "--set takes KEY=VALUE"),
        (("lora.dora=true",), "lora.dora"),
    ],
)
def test_a_setting_that_is_none_is_named(settings: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigProblem, match=re.escape(told)):
        read_config("smollm2-cpu", None, settings)


def test_settings_go_over_the_file_and_the_file_over_the_preset(tmp_path: Any) -> None:
    file = tmp_path / "train.toml"
    file.write_text("epochs = 3\nbatch = 2\n[lora]\nrank = 4\n")
    chosen = read_config("cpu-smoke", file, ("batch=1", "facet=night"))
    assert (chosen.epochs, chosen.batch, chosen.facet, chosen.lora.rank, chosen.lora.alpha) == (3, 1, "night", 4, 16)
    with pytest.raises(ConfigProblem, match="there is no preset"):
        read_config("huge")
