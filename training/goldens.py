"""The golden set: 150 conversations written for this project, each of whose answers runs and is checked.

They lie in `talks/FAMILY.talk`, one file a scenario family, as text to be read:

    ## a-counter-counts                       a conversation begins; its name
    > counter increment                       the Architect
    A Counter's count begins at 0.            the uvm_jit, in words
        self.counter = Object.clone()         its code, indented: see talk.py
    = counter count => 0                      what must be left, in message syntax

A turn of the uvm_jit without words says what it does by its code alone. They are split by scenario (the conversation),
never by line: every fifth of a family goes to validation, the next to test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from .errors import DataProblem
from .schema import Conversation, parse_line

FAMILIES = ("genesis", "composition", "bridge", "events", "refinement")
"""Genesis invocation; instantiation and composition; the Synaptic Bridge; events and messages; refinement."""
Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Golden:
    """One conversation; `checks`: turn (counted as in the messages) to what it leaves."""

    id: str
    family: str
    part: Part
    conversation: Conversation
    checks: dict[int, tuple[str, ...]]

    def line(self) -> str:
        """As a line of a conversation file."""
        return json.dumps(self.conversation.model_dump(), ensure_ascii=False)


@cache
def read_goldens() -> tuple[Golden, ...]:
    """All, family by family. Raises DataProblem naming file, talk, turn and field."""
    found: list[Golden] = []
    folder = resources.files(__package__).joinpath("talks")
    for family in FAMILIES:
        text = folder.joinpath(f"{family}.talk").read_text(encoding="utf-8")
        for number, (name, turns) in enumerate(read_talks(text, family)):
            found.append(_golden(family, number, name, turns))
    ids = [f"{golden.family}/{golden.id}" for golden in found]
    if len(set(ids)) < len(ids):
        raise DataProblem(f"two goldens are called {next(i for i in ids if ids.count(i) > 1)}")
    return tuple(found)


@dataclass
class Exchange:
    """What the Architect says and what the uvm_jit answers, as read."""

    say: str
    why: list[str]
    code: list[str]
    leaves: list[str]


def read_talks(text: str, origin: str) -> list[tuple[str, list[Exchange]]]:
    """The conversations of a file, by name. Raises DataProblem naming the line."""
    talks: list[tuple[str, list[Exchange]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# ") or (not line.strip() and not (talks and talks[-1][1] and talks[-1][1][-1].code)):
            continue
        if line.startswith("## "):
            talks.append((line[3:].strip(), []))
        elif not talks:
            raise DataProblem(f"{origin}.talk, line {number}: a conversation begins with ## and its name")
        elif line.startswith("> "):
            talks[-1][1].append(Exchange(line[2:], [], [], []))
        elif not talks[-1][1]:
            raise DataProblem(f"{origin}.talk, line {number}: the Architect (>) speaks first")
        elif line.startswith("    ") or not line.strip():
            talks[-1][1][-1].code.append(line[4:])
        elif line.startswith("= "):
            talks[-1][1][-1].leaves.append(line[2:])
        else:
            talks[-1][1][-1].why.append(line)
    return talks


def _golden(family: str, number: int, name: str, turns: list[Exchange]) -> Golden:
    messages: list[dict[str, object]] = []
    checks: dict[int, tuple[str, ...]] = {}
    for turn in turns:
        messages.append({"role": "architect", "content": turn.say})
        code = "\n".join(turn.code).strip("\n")
        why = " ".join(turn.why) or "Done as asked."
        messages.append({"role": "uvm_jit", "content": {"explanation": why, "code": code + "\n"} if code else why})
        if turn.leaves:
            checks[len(messages)] = tuple(turn.leaves)
    try:
        said = parse_line(json.dumps({"messages": messages}))
    except DataProblem as problem:
        raise DataProblem(f"{family}.talk, {name}: {problem}") from problem
    assert isinstance(said, Conversation)
    part: Part = "validation" if number % 5 == 3 else "test" if number % 5 == 4 else "train"
    return Golden(name, family, part, said, checks)


def write_splits(out: Path) -> dict[Path, int]:
    """OUT-train.jsonl and so on; how many each holds."""
    written: dict[Path, int] = {}
    out.parent.mkdir(parents=True, exist_ok=True)
    for part in ("train", "validation", "test"):
        path = out.with_name(f"{out.stem}-{part}.jsonl")
        lines = [golden.line() for golden in read_goldens() if golden.part == part]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        written[path] = len(lines)
    return written
