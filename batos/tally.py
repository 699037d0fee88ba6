"""What a kernel counts: messages and how long they took, commits, conflicts, what came of misses.

Each worker counts for itself, without a lock; whoever wants to know adds up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

# Upper bounds, in seconds, of the histogram of how long a message took.
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


@dataclass
class Tally:
    """`took[i]`: messages that took at most BUCKETS[i] seconds and more than the bound before; the last: longer."""

    took: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    misses: Counter[str] = field(default_factory=Counter)

    def message(self, seconds: float) -> None:
        self.took[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    @property
    def messages(self) -> int:
        return sum(self.took)


def together(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for each in list(tallies):
        total.took = [a + b for a, b in zip(total.took, each.took, strict=True)]
        total.seconds += each.seconds
        total.misses.update(each.misses)
    return total
