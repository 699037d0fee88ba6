"""Primitives of Random: a series stored with its object, which goes on after a restart (SplitMix64, Steele 2014)."""

from __future__ import annotations

import secrets
from typing import Any

from . import primitive

MASK = (1 << 64) - 1


@primitive("random.entropy")
def entropy(self: Any) -> int:
    return secrets.randbits(64)


@primitive("random.bits", changes=True)
def bits(self: Any) -> int:
    """The next 64 bits; the state in slot ``state`` moves on."""
    state = self.state = (hash(vars(self).get("state", 0)) + 0x9E3779B97F4A7C15) & MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return int(state ^ state >> 31)
