"""Which methods of the image a model wrote, and how each came to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..image.object import Body, own_slots
from ..interp.families import is_method

if TYPE_CHECKING:
    from ..interp import World


@dataclass(frozen=True, slots=True)
class Story:
    """One method a model wrote; `provenance` as `weave` keeps it."""

    prototype: str
    selector: str
    author: str
    source: str
    intent: str
    provenance: dict[str, Any]

    def line(self) -> str:
        """For a list: what, who, when, who agreed."""
        told = self.provenance
        how = f"recorded {told['recorded']}" if told.get("recorded") else told.get("engine", "?")
        edited = ", edited" if told.get("edited") else ""
        return (
            f"{self.prototype}>>{self.selector}  {told.get('time', '?')}  {self.author.removeprefix('model:')} ({how})"
            f"  approved by {told.get('approver', '?')}{edited}"
        )

    def render(self) -> str:
        """Everything: where it is from, what the gates said, the code."""
        told = self.provenance
        lines = [self.line(), f"  {self.intent}"]
        lines += [
            f"  {key}: {told[key]}" for key in ("digest", "adapter", "prompt_hash", "seed", "attempts") if told.get(key)
        ]
        for gate in told.get("gates", ()):
            lines.append(f"  {'passed' if gate['passed'] else 'FAILED'} {gate['gate']}: {gate['reason']}")
        return "\n".join([*lines, *("    " + line for line in self.source.splitlines())])


def stories(world: World) -> Iterator[Story]:
    """The methods that a model wrote, of all objects with a name in the world, in the names' order."""
    for name, thing in sorted(own_slots(world.names).items()):
        if not isinstance(thing, Body) or world.name_of(thing) != name:
            continue
        for slot, value in own_slots(thing).items():
            if is_method(value):
                method = own_slots(value)
                if str(method["author"]).startswith("model:"):
                    yield Story(
                        name,
                        slot.removeprefix("&"),
                        method["author"],
                        method["source"],
                        method["intent"],
                        dict(method["provenance"]),
                    )
