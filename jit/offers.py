"""What is offered before a model is asked: the answer that the same question had before, and methods that other
prototypes have for the selector, where the receiver has what they need. The gates come next, as for any answer."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import Any

from ..grammar import SyntaxProblem, parse_method
from ..grammar.python_text import parse_python
from .engine import Completion, Source
from .gates.allow import python_name
from .gates.effects import effects_of
from .gates.verdict import Surroundings
from .retell import retell
from .situation import Neighbour, Situation

RETRIEVED = "retrieved"


def kept_answer(entry: dict[str, Any] | None, question: str) -> tuple[Completion, str] | None:
    """The answer that waits in the image for the same question, as a completion that costs nothing, and its method."""
    if entry is None or entry["state"] != "pending" or entry["question"] != question:
        return None
    source = Source(**entry["source_of"])
    return Completion(entry["source"], 0, 0, 0.0, "kept", source), entry["source"]


def retrieved(situation: Situation, surroundings: Surroundings) -> Iterator[tuple[Completion, str]]:
    """Methods for the same selector elsewhere in the world whose slots the receiver has, as Python."""
    for neighbour in situation.elsewhere:
        source = _as_python(neighbour, situation)
        if source is not None and fits(source, surroundings):
            digest = "sha256:" + hashlib.sha256(neighbour.source.encode()).hexdigest()
            where = f"{neighbour.prototype}>>{situation.selector}"
            told = Source(RETRIEVED, RETRIEVED, digest, None, 0, 0.0, "", where)
            yield Completion(source, 0, 0, 0.0, RETRIEVED, told), source


def fits(source: str, surroundings: Surroundings) -> bool:
    """Whether the receiver has every slot that the method reads or writes of itself."""
    try:
        function = parse_python(source).body[0]
    except SyntaxError:
        return False
    if not isinstance(function, ast.FunctionDef):
        return False
    effects = effects_of(function)
    understood = {python_name(s) for s in surroundings.selectors | surroundings.data_slots}
    slots = {python_name(s) for s in surroundings.data_slots}
    return set(effects.writes) <= slots and set(effects.reads) <= understood


def _as_python(neighbour: Neighbour, situation: Situation) -> str | None:
    if neighbour.language == "python":
        return neighbour.source.strip("\n") + "\n"
    try:
        told = retell(parse_method(neighbour.source), [s.name for s in situation.slots])
    except SyntaxProblem:
        return None
    return told + "\n" if told is not None else None
