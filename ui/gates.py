"""What a gate said of a method that the model wrote, out of the map in which it crosses the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Gate(NamedTuple):
    """A gate's name, whether it let the method pass, and its word on it ("" if it has none)."""

    name: str
    passed: bool
    reason: str


def read_gate(said: Mapping[str, Any]) -> Gate:
    """A verdict as jit/gates makes it (gate, passed, reason), its values perhaps as text. Missing: not passed."""
    name = said.get("gate") or said.get("name") or "gate"
    return Gate(
        str(name),
        str(said.get("passed", said.get("verdict"))).lower() in ("true", "passed"),
        str(said.get("reason") or said.get("detail") or ""),
    )
