"""The stack in message terms: which methods are running, and where in their source."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Any

from ..image.object import own_slots


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


def positions(code: CodeType, lasti: int) -> tuple[int, int, int]:
    """Line, column from 1, and length of what the instruction at lasti belongs to."""
    for index, (line, end_line, column, end_column) in enumerate(code.co_positions()):
        if index == lasti // 2:
            if line is None or column is None:
                return code.co_firstlineno, 1, 1
            length = (end_column - column) if end_column is not None and end_line == line else 1
            return line, column + 1, max(length, 1)
    return code.co_firstlineno, 1, 1


def walk(
    sources: dict[str, Source], frame: FrameType | None, failure: TracebackType | None, name: Any, limit: int = 200
) -> list[Place]:
    """Activations from the innermost outward. ``failure`` is the traceback of a Python error caught in the first of
    them."""
    places: list[Place] = []
    failing = {}
    while failure is not None:
        failing[failure.tb_frame] = failure.tb_lasti
        failure = failure.tb_next
    while frame is not None and len(places) < limit:
        source = sources.get(frame.f_code.co_filename)
        if source is not None and frame.f_code.co_name != "<module>":
            line, column, length = positions(frame.f_code, failing.get(frame, frame.f_lasti))
            block = frame.f_code.co_name.startswith("[] ")
            label = name(frame, source)
            places.append(Place(f"[] in {label}" if block else label, line, column, length, source, block))
        frame = frame.f_back
    return places


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
