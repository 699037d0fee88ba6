"""A line that begins with `?` is a wish in words for the model: `? create a button that commits`."""

from __future__ import annotations

MARK = "?"


def is_wish(line: str) -> bool:
    return line.startswith(MARK) and bool(line[len(MARK) :].strip())


def source_of(line: str) -> str:
    """The message that asks the model, and shows what came of it as text rather than as a string's source."""
    said = " ".join(line[len(MARK) :].split()).replace("'", "''")
    return f"Transcript showCr: (genesis ask: '{said}')"
