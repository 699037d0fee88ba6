"""What a gate is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the static gates know of the world around a miss, as plain values: no object of the image is kept.

    data_slots: names of the data slots the receiver has or inherits; selectors: what it understands; vocabulary: every
    selector and slot the world has anywhere; world_names: the world's capitalised names, and library_names those that
    came with it; neighbour_writes: which slots of self each method beside it writes, as far as its text tells.
    """

    prototype: str = "Object"
    data_slots: frozenset[str] = frozenset()
    selectors: frozenset[str] = frozenset()
    vocabulary: frozenset[str] = frozenset()
    world_names: frozenset[str] = frozenset()
    library_names: frozenset[str] = frozenset()
    neighbour_writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    receiver: str = ""  # its oid, in hexadecimal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method somebody proposes: Python source of one function, for one selector."""

    selector: str
    name: str
    parameters: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's word on one candidate. `reason` is one line; `details` are plain values, kept with the method.

    advice: a reviewer's opinion, which refuses nothing; `passed` is then always true.
    """

    gate: str
    passed: bool
    reason: str
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    advice: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "gate": self.gate,
            "passed": self.passed,
            "reason": self.reason,
            "seconds": round(self.seconds, 4),
            "details": dict(self.details),
        }

    def shown(self) -> dict[str, Any]:
        """For a person who is asked."""
        verdict = "advice" if self.advice else "passed" if self.passed else "failed"
        return {"name": self.gate, "verdict": verdict, "detail": self.reason, "seconds": self.seconds}


class Refused(Exception):
    """Raised inside a gate at the first thing that does not pass; `line` counts from the method's first line."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = f"line {line}: {reason}" if line else reason
