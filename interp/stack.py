"""The stack in message terms: which methods are running, and where in their source."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Any

from ..image.object import own_slots
from .inlining import PLACE, inlinings


@dataclass(frozen=True)
class Source:
    """What a compiled unit was made from. ``label`` is e.g. ``Account>>deposit:`` or a file's name."""

    label: str
    text: str
    origin: str = ""
    first_line: int = 1
    home: Any = None  # the object whose slot holds the method
    first_column: int = 1  # where in its first line it begins


@dataclass(frozen=True)
class Place:
    """One activation: its label, and the span being evaluated in its source (lines and columns from 1)."""

    label: str
    line: int
    column: int
    length: int
    source: Source
    block: bool

    def __str__(self) -> str:
        return f"{self.label} (line {self.line}, column {self.column})"


Label = Callable[[Mapping[str, Any], Source], str]  # of an activation, by its variables


def positions(code: CodeType, lasti: int) -> tuple[int, int, int]:
    """Line, column from 1, and length of what the instruction at lasti belongs to."""
    for index, (line, end_line, column, end_column) in enumerate(code.co_positions()):
        if index == lasti // 2:
            if line is None or column is None:
                return code.co_firstlineno, 1, 1
            length = (end_column - column) if end_column is not None and end_line == line else 1
            return line, column + 1, max(length, 1)
    return code.co_firstlineno, 1, 1


def activations(
    sources: dict[str, Source], frame: FrameType, lasti: int, label: Label
) -> list[tuple[Place, Mapping[str, Any]]]:
    """What runs in a frame at an instruction, with its variables: the methods in line there (inlining.py), innermost
    first, and last the method or block that the frame is of. Nothing, if that is none of the world's."""
    code = frame.f_code
    source = sources.get(code.co_filename)
    if source is None or code.co_name == "<module>":
        return []
    line, column, length = positions(code, lasti)
    local = frame.f_locals
    found: list[tuple[Place, Mapping[str, Any]]] = []
    table = inlinings(code)
    while table and line >= PLACE:
        number, line = divmod(line, PLACE)
        one = table[number - 1]
        named = (("self", one.receiver), *one.variables)
        variables = {name: local[python] for name, python in named if python in local}
        inner = sources[one.filename]
        found.append((Place(label(variables, inner), line, column, length, inner, False), variables))
        line, column, length = one.line, one.column, one.length
    block = code.co_name.startswith("[] ")
    shown = label(local, source)
    found.append((Place(f"[] in {shown}" if block else shown, line, column, length, source, block), local))
    return found


def walk(
    sources: dict[str, Source], frame: FrameType | None, failure: TracebackType | None, name: Label, limit: int = 200
) -> list[Place]:
    """Activations from the innermost outward. ``failure`` is the traceback of a Python error caught in the first of
    them."""
    places: list[Place] = []
    failing = {}
    while failure is not None:
        failing[failure.tb_frame] = failure.tb_lasti
        failure = failure.tb_next
    while frame is not None and len(places) < limit:
        places += [place for place, _ in activations(sources, frame, failing.get(frame, frame.f_lasti), name)]
        frame = frame.f_back
    return places[:limit]


def author_at_work(sources: dict[str, Source]) -> str:
    """The model, as a method's author, that wrote a method which runs now, however far out; "" if none did."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        source = sources.get(frame.f_code.co_filename)
        if source is not None and source.home is not None:
            slots = own_slots(source.home)
            method = slots.get("&" + source.label, slots.get(source.label))
            author = str(getattr(method, "author", ""))
            if author.startswith("model:"):
                return author
        frame = frame.f_back
    return ""


def caller(depth: int = 1) -> FrameType:
    return sys._getframe(depth + 1)
