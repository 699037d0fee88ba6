"""What the Weaver counts, by server and by facet: plain numbers, written on the client's loop, read from anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds: the upper bounds of the buckets of a latency; one more bucket takes the rest."""
BASE = "base"
"""What the base model without an adapter is called among the facets."""
MOST_FACETS = 500
"""Facets that are counted by name; what comes after them is counted together."""
OTHERS = "others"


@dataclass
class OfServer:
    """loads and evictions; hits: requests that found their adapter loaded; waits: those that did not; failures:
    attempts that failed because the server did not answer or had too much to do."""

    loads: int = 0
    load_failures: int = 0
    load_seconds: float = 0.0
    evictions: int = 0
    unloads: int = 0
    hits: int = 0
    waits: int = 0
    failures: int = 0
    restarts: int = 0


@dataclass
class OfFacet:
    """requests that were answered, errors those that were not; tokens written and read; seconds of all answers."""

    requests: int = 0
    errors: int = 0
    cancelled: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    seconds: float = 0.0
    took: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def answered(self, seconds: float, tokens: int, prompt_tokens: int) -> None:
        self.requests += 1
        self.tokens += max(tokens, 0)
        self.prompt_tokens += max(prompt_tokens, 0)
        self.seconds += seconds
        self.took[next((i for i, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))] += 1


@dataclass
class Figures:
    servers: dict[str, OfServer] = field(default_factory=dict)
    facets: dict[str, OfFacet] = field(default_factory=dict)

    def server(self, name: str) -> OfServer:
        return self.servers.setdefault(name, OfServer())

    def facet(self, name: str | None) -> OfFacet:
        name = name or BASE
        if name not in self.facets and len(self.facets) >= MOST_FACETS:
            name = OTHERS
        return self.facets.setdefault(name, OfFacet())

    def told(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "servers": {name: dict(vars(counts)) for name, counts in list(self.servers.items())},
            "bounds": list(BOUNDS),
            "facets": {name: {**vars(c), "took": list(c.took)} for name, c in list(self.facets.items())},
        }
