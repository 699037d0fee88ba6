"""What a short look at the world brings when a message is missed: everything that the rest of its way needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..image import ledger
from ..interp import Miss
from ..interp.example import Example
from .gates.verdict import Surroundings
from .situate import examples_for, situate
from .situation import Situation
from .swap import current_version

if TYPE_CHECKING:
    from ..interp import World


@dataclass(frozen=True)
class Seen:
    """What a short look at the world brought: for the prompt, for the gates, what is installed there now, the examples
    that people gave, and what the image remembers of this miss."""

    situation: Situation
    surroundings: Surroundings
    expected: bytes
    examples: tuple[Example, ...]
    entry: dict[str, Any] | None

    def would_teach_everybody(self, miss: Miss) -> bool:
        """A clone of Object without a name: its method would have to become everybody's."""
        return self.situation.prototype == "Object" and miss.receiver != miss.prototype

    def refusal(self, question: str) -> str:
        """Why this miss is not asked again, "" when it is: the question is another one, or nobody has refused it."""
        entry = self.entry
        if entry is None:
            return ""
        if entry["state"] == "withdrawn":
            return f"{entry['note']}; it is asked again once somebody says so: batos jit forget"
        if entry["state"] == "refused" and entry["question"] == question:
            return f"{entry['note']}; it is not asked again until something changes"
        return ""


def look(world: World, miss: Miss) -> Seen:
    """In a transaction of its own, which is over when a model is asked. Raises SwapRefused where data is in the way."""
    situation, surroundings = situate(world, miss)
    return Seen(
        situation,
        surroundings,
        current_version(world, miss.prototype, miss.selector),
        examples_for(world, miss),
        ledger.remembered(world.root, miss.prototype, miss.selector),
    )
