"""`batos jit`: what the model wrote is listed, told in full, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from batos.cli import main
from batos.image import open_image
from batos.interp import Worker
from batos.jit.settings import Settings, read_settings
from batos.jit.weave import Weaver

from .conftest import BANK, Says, Scripted, last


@pytest.fixture
def taught(fresh_image: Path) -> Path:
    with open_image(fresh_image) as image:
        weaver = Weaver(Settings(), engine=Scripted(" self.balance -= amount\n        return self\n"))
        worker = Worker(image, misses=weaver)
        worker.evaluate(BANK)
        assert last(worker, "savings withdraw: 30", policy="auto").error is None
        worker.close()
        weaver.close()
    return fresh_image


def run(path: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["-i", str(path), *arguments])
    return result.exit_code, result.output


def test_status_names_policy_and_engine(tmp_path: Path) -> None:
    code, text = run(tmp_path / "none.fs", "--jit", "auto", "jit", "status")
    assert code == 0 and "policy   auto" in text and "engine   embedded" in text


def test_history_and_revert(taught: Path) -> None:
    code, text = run(taught, "jit", "history")
    assert code == 0 and text.startswith("Account>>withdraw:  20") and "approved by policy auto" in text
    code, text = run(taught, "jit", "history", "withdraw:")
    assert "passed trial:" in text and "self.balance -= amount" in text and "prompt_hash" in text
    code, text = run(taught, "jit", "revert", "Account", "withdraw:")
    assert code == 0 and "gone" in text
    assert "no method of this image was written by a model" in run(taught, "jit", "history")[1]
    code, text = run(taught, "jit", "revert", "Account", "withdraw:")
    assert code == 1 and "no method withdraw:" in text
    code, text = run(taught, "jit", "revert", "Nobody", "withdraw:")
    assert code == 1 and "no object named Nobody" in text


@pytest.fixture
def waits(fresh_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image in which a method waits for approval, and one was refused."""
    with open_image(fresh_image) as image:
        weaver = Weaver(Settings(), engine=Scripted(" self.balance -= amount\n        return self\n", " return True\n"))
        worker = Worker(image, misses=weaver)
        worker.evaluate(BANK)
        last(worker, "savings withdraw: 30", policy="ask", approve=Says("later"))
        last(worker, "savings isRich", policy="ask", approve=Says("no"))
        worker.close()
        weaver.close()
    cassette = tmp_path / "empty.json"
    cassette.write_text('{"format": 1, "answers": {}}')
    monkeypatch.setenv("BATOS_CASSETTE", str(cassette))
    return fresh_image


def test_what_waits_is_shown_approved_and_forgotten(waits: Path) -> None:
    code, text = run(waits, "jit", "pending")
    assert code == 0 and text.startswith("Account>>withdraw:  pending") and "self.balance -= amount" in text
    assert "isRich" not in text and "isRich  refused" in run(waits, "jit", "pending", "--all")[1]
    assert "1 wait, 1 refused" in run(waits, "jit", "status")[1]
    code, text = run(waits, "jit", "approve", "Account", "withdraw:")
    assert code == 0 and "was written by model:script" in text, text
    assert "nothing waits" in run(waits, "jit", "pending")[1]
    assert "Account>>withdraw:" in run(waits, "jit", "history")[1]
    code, text = run(waits, "jit", "forget", "Account", "isRich")
    assert code == 0 and "asked again" in text
    code, text = run(waits, "jit", "approve", "Account", "isRich")
    assert code == 1 and "nothing is remembered" in text


def test_what_waits_can_be_rejected(waits: Path) -> None:
    assert "is rejected" in run(waits, "jit", "reject", "Account", "withdraw:")[1]
    code, text = run(waits, "jit", "approve", "Account", "withdraw:")
    assert code == 1 and "does not wait" in text and "said no" in text


def test_what_would_be_written_anew_is_not_installed_unseen(waits: Path) -> None:
    """The prototype has changed since: the question is another one, and its answer is nobody's."""
    with open_image(waits) as image:
        worker = Worker(image)
        last(worker, "Account setSlot: 'limit' value: 3")
        last(worker, "Account >> spend: n [ balance := balance - n ]")
        worker.close()
    code, text = run(waits, "jit", "approve", "Account", "withdraw:")
    assert code == 1 and "was not installed" in text


def test_a_policy_of_a_prototype(waits: Path) -> None:
    assert run(waits, "jit", "policy", "Account", "off") == (0, "Account: off\n")
    assert "does not understand" in run(waits, "eval", "savings withdraw: 3", "--jit", "auto")[1]
    assert run(waits, "eval", "Account jitPolicy")[1] == "#off\n"
    assert run(waits, "jit", "policy", "Account", "none")[1] == "Account: as elsewhere\n"
    assert run(waits, "jit", "policy", "Nobody", "off")[0] == 1


def test_settings_are_kept_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATOS_CONFIG", str(tmp_path / "jit.json"))
    image = tmp_path / "none.fs"
    assert run(image, "jit", "set", "temperature", "0.3")[0] == 0
    assert run(image, "jit", "set", "tokens-per-hour", "500")[0] == 0
    text = run(image, "jit", "set")[1]
    assert "temperature     0.3" in text and "kept" in text
    assert read_settings().temperature == 0.3 and "500 tokens an hour" in run(image, "jit", "status")[1]
    monkeypatch.setenv("BATOS_JIT_TEMPERATURE", "0.7")
    assert read_settings().temperature == 0.7
    code, text = run(image, "jit", "set", "url", "ftp://x")
    assert code == 1 and "http" in text and read_settings().url == ""
    assert run(image, "jit", "set", "colour", "red")[0] == 1
    assert run(image, "jit", "set", "tokens-per-hour", "")[0] == 0 and read_settings().tokens_per_hour == 0
    (tmp_path / "jit.json").write_text("[")
    code, text = run(image, "jit", "status")
    assert code == 1 and "cannot be read" in text


def test_models_names_what_there_is(tmp_path: Path) -> None:
    code, text = run(tmp_path / "none.fs", "jit", "models")
    assert code == 0 and text.startswith("embedded ")
