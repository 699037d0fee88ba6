"""The golden set: 150 conversations written for this project, each of whose answers runs and is checked.

They lie in `talks/FAMILY.toml`, one file a scenario family:

    [[talk]]
    id = "a-counter-counts"
    [[talk.turn]]
    say = "what the Architect says"
    why = "what the uvm_jit answers"
    code = "the Python that does it"        (none: the answer is words alone)
    leaves = ["expression => value", ...]   (message syntax, after the turn)

They are split by scenario (the talk), never by line: every fifth of a family goes to validation, the next to test.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from .errors import DataProblem
from .schema import Conversation, parse_line

FAMILIES = ("genesis", "composition", "bridge", "events", "refinement")
"""Genesis invocation; instantiation and composition; the Synaptic Bridge; events and messages; refinement, debugging."""
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
        data = tomllib.loads(folder.joinpath(f"{family}.toml").read_text(encoding="utf-8"))
        for number, talk in enumerate(data["talk"]):
            found.append(_golden(family, number, talk))
    ids = [golden.id for golden in found]
    if len(set(ids)) < len(ids):
        raise DataProblem(f"two goldens are called {next(i for i in ids if ids.count(i) > 1)}")
    return tuple(found)


def _golden(family: str, number: int, talk: dict[str, Any]) -> Golden:
    messages: list[dict[str, Any]] = []
    checks: dict[int, tuple[str, ...]] = {}
    for turn in talk["turn"]:
        messages.append({"role": "architect", "content": turn["say"]})
        code = turn.get("code", "").strip("\n")
        answer = {"explanation": turn["why"], "code": code + "\n"} if code else turn["why"]
        messages.append({"role": "uvm_jit", "content": answer})
        if turn.get("leaves"):
            checks[len(messages)] = tuple(turn["leaves"])
    try:
        said = parse_line(json.dumps({"messages": messages}))
    except DataProblem as problem:
        raise DataProblem(f"{family}.toml, {talk.get('id')}: {problem}") from problem
    assert isinstance(said, Conversation)
    part: Part = "validation" if number % 5 == 3 else "test" if number % 5 == 4 else "train"
    return Golden(talk["id"], family, part, said, checks)


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
