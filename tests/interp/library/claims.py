"""Claims about the language, one a line in ``NAME.claims``: ``expression => what it prints``.

``!! text`` in place of the printed form is the message of the error it fails with (a beginning is enough); ``>> text``
what it shows on the Transcript (``|`` between lines). Blank lines and lines that begin with ``;`` are for readers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batos.image import open_image
from batos.interp import Budget, Worker


def lines(name: str) -> list[Any]:
    """Parameters for pytest: each claim under its own source."""
    found = []
    for line in Path(__file__).with_name(f"{name}.claims").read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line and line[0] != ";":
            source, arrow, wanted = line.rpartition(" => ")
            assert arrow, f"no claim: {line}"
            found.append(pytest.param(source.strip(), wanted.strip(), id=line[:80]))
    return found


class Claims:
    """A world in which claims are looked at. What one defines the next one sees."""

    def __init__(self, path: Path) -> None:
        self.image = open_image(path)
        self.worker = Worker(self.image, "claims")

    def close(self) -> None:
        self.worker.close()
        self.image.close()

    def define(self, source: str) -> None:
        for outcome in self.worker.evaluate(source):
            assert outcome.error is None, outcome.error.render()

    def check(self, source: str, wanted: str) -> None:
        outcome = self.worker.evaluate(source, budget=Budget(seconds=3))[-1]
        if wanted[:2] == "!!":
            assert outcome.error is not None, f"{source} printed {outcome.printed}"
            assert outcome.error.message.startswith(wanted[2:].strip()), outcome.error.render()
            return
        assert outcome.error is None, outcome.error.render()
        if wanted[:2] == ">>":
            assert outcome.transcript.rstrip("\n").replace("\n", "|") == wanted[2:].strip()
        else:
            assert outcome.printed == wanted
