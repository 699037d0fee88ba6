"""`batos jit` through the kernel that holds the image: what waits is shown, approved, reverted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from batos.cli import main
from batos.image import open_image
from batos.interp import Worker
from batos.jit.settings import Settings
from batos.jit.weave import Weaver

from ..jit.conftest import BANK, Says, Scripted, last
from .conftest import KernelProcess


def run(path: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["-i", str(path), "jit", *arguments])
    return result.exit_code, result.output


def test_the_image_that_a_kernel_holds(
    start: Callable[..., KernelProcess], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "world.fs"
    with open_image(path) as image:
        weaver = Weaver(Settings(), engine=Scripted(" self.balance -= amount\n        return self\n"))
        worker = Worker(image, misses=weaver)
        worker.evaluate(BANK)
        last(worker, "savings withdraw: 30", policy="ask", approve=Says("later"))
        worker.close()
        weaver.close()
    cassette = folder / "empty.json"
    cassette.write_text('{"format": 1, "answers": {}}')
    monkeypatch.setenv("BATOS_CASSETTE", str(cassette))
    start("--jit", "ask")
    assert run(path, "pending")[1].startswith("Account>>withdraw:  pending")
    code, text = run(path, "approve", "Account", "withdraw:")
    assert code == 0 and "was written by model:script" in text, text
    assert "passed trial:" in run(path, "history", "withdraw:")[1]
    assert run(path, "policy", "Account", "ask") == (0, "Account: ask\n")
    code, text = run(path, "revert", "Account", "withdraw:")
    assert code == 0 and "gone" in text
    for wrong in (("revert", "Account", "withdraw:"), ("reject", "Account", "withdraw:"), ("policy", "Nobody", "off")):
        code, text = run(path, *wrong)
        assert code == 1 and "Error:" in text
