"""The message library does what the standard and the other Smalltalks document.

Each line of ``library/*.txt`` is one or more statements, then ``==>`` and what the last one prints (``-``: anything),
or ``!!`` and the error it ends with (``*``: any). The lines of a file share a workspace.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Bench

FOLDER = Path(__file__).with_name("library")
FILES = sorted(FOLDER.glob("*.txt"))


def claims(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """Line number, source, ``==>`` or ``!!``, and what is expected."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("# "):
            continue
        mark = "!!" if " !! " in line else "==>"
        source, _, expected = line.partition(f" {mark} ")
        assert expected, f"{path.name}:{number}: nothing is expected"
        yield number, source.strip(), mark, expected.strip()


def test_there_are_hundreds_of_claims() -> None:
    assert sum(1 for path in FILES for _ in claims(path)) > 600


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_library(bench: Bench, path: Path) -> None:
    wrong = []
    for number, source, mark, expected in claims(path):
        *before, last = bench.outcomes(source)
        errors = [outcome.error for outcome in before if outcome.error is not None]
        if errors:
            found = "!! " + errors[0].message
        elif last.error is not None:
            found = "!! " + last.error.message
        else:
            found = "==> " + str(last.printed).strip()
        if expected == "-" and found.startswith("==>") or expected == "*" and found.startswith("!!"):
            continue
        if found != f"{mark} {expected}":
            wrong.append(f"{path.name}:{number}: {source}\n    expected {mark} {expected}\n    found    {found}")
    assert not wrong, "\n" + "\n".join(wrong)
