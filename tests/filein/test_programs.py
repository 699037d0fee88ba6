"""Programs as people write them for other Smalltalks: each is run by ``batos run`` on a fresh image, and prints what
the file beside it says (``account.st``: ``account.st.out``). A folder is one of Tonel files.

``pytest tests/filein --renew`` writes those files anew: look at the difference before keeping it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from batos.cli import main

PROGRAMS = Path(__file__).parent / "programs"
NAMES = sorted(path.name for path in PROGRAMS.iterdir() if path.suffix != ".out")


@pytest.mark.parametrize("name", NAMES)
def test_program(
    name: str, fresh_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    source = PROGRAMS / name
    # Beside each other in one folder, so that reports name the file and not the way to it.
    (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    result = CliRunner(catch_exceptions=False).invoke(main, ["-i", str(fresh_image), "--jit", "off", "run", name])
    golden = PROGRAMS / f"{name}.out"
    if request.config.getoption("--renew"):
        golden.write_text(result.output, encoding="utf-8")
    assert result.output == golden.read_text(encoding="utf-8")
    assert result.exit_code == (1 if "\n  " + name in result.output or f"{name}:" in result.output else 0)
