"""Processes: what Pharo's and GNU Smalltalk's documentation and own tests say of them."""

from __future__ import annotations

import pytest

from .claims import Claims, lines


@pytest.mark.parametrize(("source", "wanted"), lines("processes"))
def test_processes(world: Claims, source: str, wanted: str) -> None:
    world.check(source, wanted)
