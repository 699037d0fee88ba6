"""A line that begins with `?` is a wish in words for the model: `? create a button that commits`."""

from __future__ import annotations

from ..bridge.covenant import Frame
from ..grammar.words import only_prose

MARK = "?"
JIT_OFF = "The JIT is off: with `ask` (--jit, or :jit in the REPL) a model writes what is missing, and you decide."
ASKS_NO_MODEL = "This kernel was started with --jit off: it asks no model, whatever is set here."


def is_wish(line: str) -> bool:
    return line.startswith(MARK) and bool(line[len(MARK) :].strip())


def source_of(line: str) -> str:
    """The message that asks the model, and shows what came of it as text rather than as a string's source."""
    said = " ".join(line[len(MARK) :].split()).replace("'", "''")
    return f"Transcript showCr: (genesis ask: '{said}')"


def in_own_words(error: Frame, line: str) -> Frame:
    """The error of a wish with the person's own line in place of the message that it became."""
    if error.source_line != source_of(line):
        return error
    changes = {"source_line": line, "column": 1, "length": len(line), "stack": []}
    return error.model_copy(update={**changes, "text": f"{error.message}\n    {line}"})


def advice(error: Frame, typed: str, policy: str) -> str:
    """What the person might do about it; "" if nothing. ``policy``: what was to happen with a miss."""
    if error.advice == "say" or (error.code == "syntax" and only_prose(typed)):
        return f"That reads as prose: begin the line with {MARK} to ask the model in words."
    if error.advice == "write":
        return JIT_OFF if policy == "off" else ASKS_NO_MODEL
    return ""
