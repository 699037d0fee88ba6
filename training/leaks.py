"""What must not be learnt: the held-out half of JITBench, by prototype, by selector, and by code.

Held out means that no row has a prototype of that half, asks for (or defines) a selector that a task of it sends, or
holds the body of a task's right answer, where that is long enough to be told from chance. Skills are not held out:
adding one to a slot is learnt on other things and under other names, or nothing could be learnt at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

TELLING = 60
"""Characters without blanks from which on a body is no coincidence any more."""
INTENT = re.compile(r"'intent' value: '([^']*)'")
NAMED = re.compile(r"\b([A-Z]\w*)\s*:=")


@dataclass(frozen=True)
class HeldOut:
    """Of the held-out half: prototypes, selectors, and without blanks the right bodies and the prototypes' intents."""

    prototypes: frozenset[str]
    selectors: frozenset[str]
    bodies: frozenset[str]
    intents: frozenset[str] = frozenset()

    def why(self, row: Mapping[str, Any]) -> str:
        """Why the row, as a mapping, is not to be learnt; "" if it may be."""
        if row.get("prototype") in self.prototypes:
            return f"the prototype {row['prototype']} is held out"
        for selector in row.get("selectors", ()):
            if selector in self.selectors:
                return f"the selector {selector} is held out"
        told = "\n".join(_texts(row))
        for name in re.findall(r"\bdef (\w+)\(", told):
            if name in self._python_names:
                return f"the method {name} is held out"
        plain = "".join(told.split())
        for body in self.bodies:
            if body in plain:
                return "it holds a held-out task's right answer"
        for intent in self.intents:
            if intent in plain:
                return "it holds what a held-out task's prototype intends"
        return ""

    @property
    def _python_names(self) -> frozenset[str]:
        return _named(self.selectors)


@cache
def _named(selectors: frozenset[str]) -> frozenset[str]:
    return frozenset(s.replace(":", "_") for s in selectors)


def _texts(row: Mapping[str, Any]) -> Iterable[str]:
    for message in row.get("messages", ()):
        content = message["content"]
        yield content if isinstance(content, str) else content["code"]


@cache
def held_out() -> HeldOut:
    """The held-out half as the benchmark has it now."""
    from ..jit.bench import read_tasks

    tasks = read_tasks("heldout")
    bodies = {"".join(task.right.replace(";", "\n").split()) for task in tasks}
    return HeldOut(
        frozenset(name for task in tasks for name in NAMED.findall(task.world)),
        frozenset(task.id.split("/", 2)[2] for task in tasks),
        frozenset(body for body in bodies if len(body) >= TELLING),
        frozenset("".join(said.split()) for task in tasks for said in INTENT.findall(task.world)),
    )
