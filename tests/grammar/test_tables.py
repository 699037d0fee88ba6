"""The cache of the parser's tables is only ever a shortcut."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAY = "from batos.grammar import parse; print(parse('3 + 4').statements[0].selector)"


def run(**environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "HOME")}
    command = [sys.executable, "-W", "error", "-c", SAY]
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=True).stdout


def tables(folder: Path) -> list[Path]:
    return list((folder / "batos").glob("messages-*.tables"))


def test_kept_once_and_found_again(tmp_path: Path) -> None:
    assert run(XDG_CACHE_HOME=str(tmp_path)) == "+\n"
    (kept,) = tables(tmp_path)
    assert kept.stat().st_mode & 0o077 == 0
    before = kept.stat().st_mtime_ns
    assert run(XDG_CACHE_HOME=str(tmp_path)) == "+\n"
    assert kept.stat().st_mtime_ns == before
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("damage", [b"", b"no pickle", b"\x80\x05]\x94."])
def test_a_damaged_one_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    run(XDG_CACHE_HOME=str(tmp_path))
    (kept,) = tables(tmp_path)
    kept.write_bytes(damage)
    assert run(XDG_CACHE_HOME=str(tmp_path)) == "+\n"
    assert kept.stat().st_size > 10_000  # (which bytes they are varies: sets are pickled in any order)


def test_one_that_others_may_write_is_not_read(tmp_path: Path) -> None:
    run(XDG_CACHE_HOME=str(tmp_path))
    (kept,) = tables(tmp_path)
    kept.write_bytes(b"cos\nsystem\n(S'echo taken'\ntR.")  # what a pickle can do to whoever loads it
    kept.chmod(0o666)
    assert run(XDG_CACHE_HOME=str(tmp_path)) == "+\n"


def test_no_place_for_it(tmp_path: Path) -> None:
    """A file where the folder should be, and (unless we are root, whom nothing stops) a folder that is read-only."""
    (tmp_path / "batos").write_text("in the way")
    assert run(XDG_CACHE_HOME=str(tmp_path)) == "+\n"
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert run(XDG_CACHE_HOME=str(closed)) == "+\n"
    assert run(HOME="/nonexistent") == "+\n"


def test_many_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", SAY]
    every = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[0] for process in every] == ["+\n"] * 4
    assert len(tables(tmp_path)) == len(list((tmp_path / "batos").iterdir())) == 1
