"""Golden transcripts: NAME.st is run by ``batos run --transcript`` on a fresh image; what it prints is NAME.out.

``pytest tests/transcripts --renew`` writes NAME.out anew: look at the difference before keeping it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from batos.cli import main

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("*.st")))
def test_transcript(
    name: str, fresh_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # Beside each other in one folder, so that reports name the file and not the way to it.
    shutil.copy(HERE / f"{name}.st", tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = ["-i", str(fresh_image), "--jit", "off", "run", "--transcript", f"{name}.st"]
    result = CliRunner(catch_exceptions=False).invoke(main, arguments)
    golden = HERE / f"{name}.out"
    if request.config.getoption("--renew"):
        golden.write_text(result.output, encoding="utf-8")
    assert result.output == golden.read_text(encoding="utf-8")
    assert result.exit_code == (1 if "\n!! " in result.output else 0)
