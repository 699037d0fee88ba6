"""Numbers: ANSI NCITS 319, 5.6, and the forms of GNU Smalltalk."""

from __future__ import annotations

import pytest

from .claims import Claims, lines


@pytest.mark.parametrize(("source", "wanted"), lines("numbers"))
def test_numbers(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
