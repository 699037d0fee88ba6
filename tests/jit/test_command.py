"""`batos jit`: what the model wrote is listed, told in full, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from batos.cli import main
from batos.image import open_image
from batos.interp import Worker
from batos.jit.settings import Settings
from batos.jit.weave import Weaver

from .conftest import BANK, Scripted, last


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    path = tmp_path / "bank.fs"
    with open_image(path) as image:
        weaver = Weaver(Settings(), engine=Scripted(" self.balance -= amount\n        return self\n"))
        worker = Worker(image, misses=weaver)
        worker.evaluate(BANK)
        assert last(worker, "savings withdraw: 30", policy="auto").error is None
        worker.close()
        weaver.close()
    return path


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
