"""The shared kinds as the language knows them, in one message."""

from __future__ import annotations

import pytest

from .claims import Claims, lines


@pytest.mark.parametrize(("source", "wanted"), lines("shared"))
def test_shared(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
