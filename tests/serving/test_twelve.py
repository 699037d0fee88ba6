"""The twelve facets on the embedded engine: the same files, the same answers as vLLM's (test_real_weaver.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.jit.embedded import EmbeddedEngine
from batos.jit.engine import Message, Options
from batos.jit.serving.base import base_shape
from batos.jit.serving.check_adapter import check_adapter
from batos.jit.serving.forms import peft_folder
from batos.jit.settings import read_settings
from batos.jit.weaver.opening import open_weaver

from .facets import SMOLLM2
from .train_twelve import FOLDER, NAMES, TRIED


def test_they_are_what_their_names_say_and_fit_the_base(tmp_path: Path) -> None:
    import shutil

    adapters = Path(shutil.copytree(FOLDER, tmp_path / "adapters"))
    names = sorted(path.stem for path in adapters.glob("*.gguf"))
    assert [name.partition("@")[0] for name in names] == list(NAMES)
    shape = base_shape(SMOLLM2, "SmolLM2-135M")
    for name in names:
        peft_folder(adapters, name, shape)
        assert check_adapter(adapters, name, shape).name == name


@pytest.mark.model
def test_each_answers_with_its_own_name_on_the_embedded_engine() -> None:
    engine = EmbeddedEngine()
    weaver = open_weaver(
        read_settings({"BATOS_WEAVER": "embedded", "BATOS_ADAPTERS": str(FOLDER)}), lambda: engine
    )  # fmt: skip
    try:
        names = sorted(path.stem for path in FOLDER.glob("*.gguf"))
        for turn, name in enumerate([*names, *reversed(names)]):
            question = TRIED[turn % len(TRIED)]
            said = weaver.complete(name, [Message("user", question)], Options(max_tokens=8)).text.strip()
            assert said == name.partition("@")[0].capitalize() + ".", (name, question, said)
    finally:
        weaver.close()
        engine.close()
