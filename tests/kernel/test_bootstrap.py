"""The four phases, by the answer on file and by a model's; run again, taken up again, and honest about who answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from batos.bootstrap import Bootstrap, PhaseFailed
from batos.bridge.client import Client
from batos.bridge.covenant import Data, Written
from batos.image import open_image
from batos.interp import Worker, deep
from batos.jit.engine import Completion, Message, Options, Source
from batos.jit.first import FirstAnswer, on_file
from batos.jit.settings import Settings
from batos.jit.weave import Weaver

pytest.importorskip("kivy")
CODE = "def display_yourself(self):\n    it = LabelMorph.text_('me')\n    return it.openInWorld()\n"
MODEL = json.dumps({"explanation": "I show a label.", "code": CODE})


class Scripted:
    """An engine that says what it was told to, as a model would."""

    name = "embedded"
    style = "small"

    def __init__(self, text: str) -> None:
        self.text = text

    def complete(
        self, messages: Sequence[Message], options: Options = Options(), on_text: Any = None, cancelled: Any = None
    ) -> Completion:
        return Completion(self.text, 9, 9, 0.1, "stop", Source("embedded", "small.gguf", "", None, 0, 0.0, "0"))

    def describe(self) -> str:
        return "scripted"

    def close(self) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "offscreen")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bootstrap(home: Path, without_window: bool = False, image: str = "i.fs", **more: Any) -> str:
    said: list[str] = []
    run = Bootstrap(str(home / image), said.append, **more)
    if without_window:
        run._validate = lambda: None  # type: ignore[method-assign]
    deep(run.run)
    return "\n".join(said)


@pytest.mark.window
def test_four_phases_then_all_of_it_is_found(home: Path) -> None:
    said = bootstrap(home)
    assert [int(number) for number in re.findall(r"Phase (\d) of 4", said)] == [1, 2, 3, 4]
    assert said.count("verified in") == 4
    assert "not by a model: written by hand" in said and "gates passed: shape, allow, effects" in said
    assert "DEALER connected" in said and "a state update reached the window in" in said
    assert not list(home.glob("**/*.py"))
    again = bootstrap(home, without_window=True)
    assert "understood already" in again and "found " in again and "written by hand" in again


def test_taken_up_after_the_method_was_installed(home: Path) -> None:
    """As a run that was killed between two phases leaves it."""
    bootstrap(home, without_window=True)
    with open_image(str(home / "i.fs")) as image:
        worker = Worker(image)
        worker.evaluate("World removeAllMorphs")
        worker.close()
    said = bootstrap(home, without_window=True)
    assert "understood already" in said and "4 morphs in World" in said


def test_a_models_answer_is_called_one(home: Path) -> None:
    said = bootstrap(home, without_window=True, answer="model", engine=Scripted(MODEL))
    assert "answered by small.gguf (embedded), live" in said and "1 morphs in World" in said


def test_a_model_that_cannot_is_said_so(home: Path) -> None:
    with pytest.raises(PhaseFailed, match="does not understand"):
        bootstrap(
            home, without_window=True, answer="model", engine=Scripted("def display_yourself(self):\n    import os\n")
        )
    nothing = Scripted("def display_yourself(self):\n    return 3\n")
    with pytest.raises(PhaseFailed, match="made no morph"):
        bootstrap(home, without_window=True, image="other.fs", answer="model", engine=nothing)


def test_only_display_yourself_is_on_file(home: Path) -> None:
    with open_image(str(home / "i.fs")) as image:
        weaver = Weaver(Settings(policy="auto"), engine=FirstAnswer())
        worker = Worker(image, misses=weaver)
        worker.evaluate("Account := Object clone")
        failed = worker.evaluate("Account frobnicate", policy="auto")[-1].error
        assert failed is not None and "only display_yourself has an answer" in failed.message
        weaver.close()
        worker.close()
    assert json.loads(json.dumps(on_file()))["recorded"].startswith("written by hand")


def test_a_miss_in_any_kernel_is_answered_from_the_file_and_says_so(
    start: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    client = connect(start("--jit", "auto"))
    outcome = client.evaluate("Object display_yourself", policy="auto").outcomes[0]
    assert outcome.error is None and outcome.printed == "World"
    written = client.call(Written())
    assert isinstance(written, Data)
    (story,) = written.data
    assert story["selector"] == "display_yourself" and "no model wrote it" in story["provenance"]["recorded"]
    assert {gate["gate"] for gate in story["gates"]} >= {"shape", "allow", "effects", "trial"}


def test_what_is_stopped_says_so_and_goes_on_later(home: Path) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "display_yourself" in line:
            run.stop()

    run = Bootstrap(str(home / "i.fs"), say)
    with pytest.raises(PhaseFailed, match="stopped; the same command goes on"):
        deep(run.run)
    assert "Phase 3 of 4: In-Memory Autopoiesis" not in said
    again = bootstrap(home, without_window=True)
    assert again.count("verified in") == 4
