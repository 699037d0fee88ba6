"""The AlchemicalCrucible: a ladder of gates between what a model wrote and the world, each logged with its verdict.

    shape      one plain function, right name, right parameters        gates/shape.py
    allow      nothing outside the allow-list                          gates/allow.py
    effects    what it writes and sends; makes sense for the receiver  gates/effects.py
    trial      runs in another process on a copy of the world          gates/trial.py

The ladder stops at the first gate that says no: what is behind it may rely on what is before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .gates.allow import check_allowed
from .gates.effects import check_effects
from .gates.shape import check_shape
from .gates.verdict import Candidate, Refused, Surroundings, Verdict

Trial = Callable[[Candidate], Verdict]


@dataclass(frozen=True, slots=True)
class Assay:
    """The verdicts on one candidate, in order; the last is the first that failed, if any did."""

    candidate: Candidate
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        return all(v.passed for v in self.verdicts)

    @property
    def failure(self) -> Verdict | None:
        return next((v for v in self.verdicts if not v.passed), None)

    def report(self) -> str:
        return "\n".join(f"{'ok ' if v.passed else 'NO '} {v.gate}: {v.reason}" for v in self.verdicts)


def assay(candidate: Candidate, world: Surroundings, trial: Trial | None = None) -> Assay:
    """Put a candidate through the gates. Never raises for what the candidate is."""
    verdicts: list[Verdict] = []
    clock = time.perf_counter()

    def passed(gate: str, reason: str, **details: object) -> None:
        nonlocal clock
        now = time.perf_counter()
        verdicts.append(Verdict(gate, True, reason, now - clock, details))
        clock = now

    gate = "shape"
    try:
        function = check_shape(candidate)
        passed(gate, f"one function {function.name} with {len(candidate.parameters)} argument(s)")
        gate = "allow"
        check_allowed(candidate, function, world)
        passed(gate, "only allowed syntax, names and attributes")
        gate = "effects"
        effects = check_effects(candidate, function, world)
        passed(gate, effects.told(), writes=effects.writes, reads=effects.reads, sends=effects.sends)
    except Refused as refused:
        verdicts.append(Verdict(gate, False, refused.reason, time.perf_counter() - clock))
        return Assay(candidate, tuple(verdicts))
    if trial is not None:
        verdicts.append(trial(candidate))
    return Assay(candidate, tuple(verdicts))
