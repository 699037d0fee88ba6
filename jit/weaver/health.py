"""Whether a server is worth asking: a circuit breaker, and how long to wait before it is tried again.

After `limit` failures in a row the circuit is open: nobody asks, one prober does, after pauses that double and are
shortened by chance (full jitter, so that several Weavers do not come back to a server all at once). Its first success
closes the circuit.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FIRST, LONGEST = 0.1, 5.0
"""Seconds: the bounds of a pause."""


@dataclass
class Health:
    limit: int = 2
    failures: int = 0
    reason: str = ""
    chance: random.Random = field(default_factory=random.Random)

    @property
    def open(self) -> bool:
        return self.failures >= self.limit

    def ok(self) -> None:
        self.failures, self.reason = 0, ""

    def failed(self, reason: str) -> None:
        self.failures += 1
        self.reason = reason

    def pause(self, attempt: int) -> float:
        """Seconds before attempt number `attempt`, from 0 up."""
        return self.chance.uniform(FIRST / 2, min(LONGEST, FIRST * 2.0 ** min(attempt, 20)))
