"""An error on the command line says what a person might do about it, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BATOS = (sys.executable, "-m", "batos.cli")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-i", "/", "eval", "3"), "is a folder"),
        (("kernel", "--workers", "0"), "not in the range"),
        (("eval", "-w", "", "3"), "1 to 128 characters"),
    ],
)
def test_what_cannot_be_meant(folder: Path, words: tuple[str, ...], told: str) -> None:
    done = subprocess.run([*BATOS, *words], capture_output=True, text=True, timeout=120, cwd=folder)
    assert done.returncode in (1, 2) and told in done.stderr and "Traceback" not in done.stderr


def said(image: Path, *words: str) -> str:
    done = subprocess.run([*BATOS, "-i", str(image), *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done
    return done.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("eval", "Object frobnicate. Object frobnicate"), "hint: with `--jit ask`"),
        (("eval", "make me a button please"), "hint: that reads as prose"),
        (("--jit", "off", "eval", "Object frobnicate"), ""),
        (("eval", "--atomic", "Object frobnicate"), ""),
        (("eval", "3 frobnicate"), ""),
    ],
)
def test_what_nobody_understands(fresh_image: Path, words: tuple[str, ...], hint: str) -> None:
    told = said(fresh_image, *words)
    assert told.count("hint:") == (1 if hint else 0)
    assert hint in told
