"""The tasks of JITBench, read from families/*.toml: a small world, a message that nobody understands there, a method
that answers it, methods that look as if they did, and hidden checks that tell the two apart by running.

A file is a family, wholly public or wholly held out. In it:

    half = "public" | "heldout"     about = "what these tasks have in common"
    [worlds]  name = "statements that make the world"
    [[task]]  world, send; more (further statements, perhaps none); right and wrong (bodies; parameters are called as
              the miss calls them); checks (examples, `statements => value`, see jit/example.py), each in a fresh copy
"""

from __future__ import annotations

import hashlib
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

from ...interp.example import Example

Split = Literal["public", "heldout", "all"]
SPLITS: tuple[Split, ...] = ("public", "heldout", "all")


@dataclass(frozen=True)
class Task:
    """One task. `id` is family/world/selector; `right` and `wrong` are bodies without their `def`."""

    id: str
    family: str
    half: str
    world: str
    send: str
    right: str
    wrong: tuple[str, ...]
    checks: tuple[Example, ...]

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that change when the task does."""
        text = repr((self.world, self.send, [str(c) for c in self.checks]))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def method(self, head: str, body: str) -> str:
        """The function with that head and one of this task's bodies."""
        return head + "\n" + textwrap.indent(body.strip("\n"), "    ") + "\n"


def read_tasks(split: Split = "all") -> list[Task]:
    """The tasks of one half, or all, families in order. Raises ValueError where a file is no family."""
    found: list[Task] = []
    for file in sorted(files(__package__).joinpath("families").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            found += read_family(file.name.removesuffix(".toml"), file.read_text("utf-8"))
    return [task for task in found if split in ("all", task.half)]


def read_family(name: str, text: str) -> list[Task]:
    """The tasks of one family's file."""
    data = tomllib.loads(text)
    if data.get("half") not in ("public", "heldout"):
        raise ValueError(f"{name}: half is public or heldout")
    return [_task(name, data["half"], data["worlds"], entry) for entry in data["task"]]


def _task(family: str, half: str, worlds: dict[str, str], entry: dict[str, Any]) -> Task:
    key = f"{family}/{entry['world']}/{_selector_of(entry['send'])}"
    world = worlds[entry["world"]].strip()
    if "more" in entry:
        world = f"{world}.\n{entry['more'].strip()}"
    checks: Sequence[str] = entry["checks"]
    return Task(
        key, family, half, world, entry["send"], entry["right"], tuple(entry["wrong"]), tuple(map(Example.read, checks))
    )


def _selector_of(send: str) -> str:
    words = send.split()[1:]
    keywords = [w for w in words if w.endswith(":")]
    return "".join(keywords) or words[0]
