"""The AlchemicalCrucible: a ladder of gates between what a model wrote and the world, each logged with its verdict.

    shape       one plain function, right name, right parameters        gates/shape.py
    allow       nothing outside the allow-list                          gates/allow.py
    effects     what it writes and sends; makes sense for the receiver  gates/effects.py
    trial       runs in another process on a copy of the world          gates/trial.py
    properties  what its neighbours lead one to expect holds            gates/properties.py
    examples    what people said it should come to holds                gates/examples.py

The ladder stops at the first gate that says no: what is behind it may rely on what is before it. A reviewer's opinion
(review.py) may be added to what passed; it is advice, and refuses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .gates.allow import check_allowed
from .gates.effects import check_effects
from .gates.properties import check_properties
from .gates.shape import check_shape
from .gates.turn import check_given
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

    def and_also(self, *verdicts: Verdict) -> Assay:
        return replace(self, verdicts=(*self.verdicts, *verdicts))


def assay(
    candidate: Candidate,
    world: Surroundings,
    trial: Trial | None = None,
    examples: Trial | None = None,
    statement: str = "",
) -> Assay:
    """Put a candidate through the gates. Never raises for what the candidate is.

    trial, examples: the gates that run it, where there is a world to run it in; statement: the message that missed.
    """
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
        check_given(function, world)
        passed(gate, "only allowed syntax, names and attributes")
        gate = "effects"
        effects = check_effects(candidate, function, world)
        passed(gate, effects.told(), writes=effects.writes, reads=effects.reads, sends=effects.sends)
        tried = trial(candidate) if trial is not None else None
        if tried is not None:
            verdicts.append(tried)
            if not tried.passed:
                return Assay(candidate, tuple(verdicts))
            clock = time.perf_counter()
        gate = "properties"
        held = check_properties(candidate, effects, world, tried.details if tried is not None else {}, statement)
        passed(gate, "; ".join(held) or "its neighbours tell nothing of it")
    except Refused as refused:
        verdicts.append(Verdict(gate, False, refused.reason, time.perf_counter() - clock))
        return Assay(candidate, tuple(verdicts))
    if examples is not None:
        verdicts.append(examples(candidate))
    return Assay(candidate, tuple(verdicts))
