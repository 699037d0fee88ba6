"""Errors as they fit before a person: the ends of a stack, the middle of a line, why a command cannot even be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

STACK_HEAD, STACK_TAIL = 12, 4


def shorten_stack(stack: Sequence[str]) -> list[str]:
    """Lines that show its ends, for ten thousand frames of one recursion tell no more than sixteen."""
    lines = [f"  in {frame}" for frame in stack]
    if len(lines) <= STACK_HEAD + STACK_TAIL + 1:
        return lines
    left = len(lines) - STACK_HEAD - STACK_TAIL
    return [*lines[:STACK_HEAD], f"  … {left:,} more", *lines[-STACK_TAIL:]]


def around(text: str, column: int, length: int, width: int) -> tuple[str, int, int]:
    """The part of a long line around a column: (text, columns before the caret, carets)."""
    text = text.expandtabs(1).rstrip("\n")
    width = max(width, 20)
    start = min(max(column - 1, 0), len(text))
    begin = max(start - width // 2, 0) if len(text) > width else 0
    shown = text[begin : begin + width]
    start -= begin
    carets = max(min(length, len(shown) - start), 1)
    if begin:
        shown = "…" + shown[1:]
    return shown, start, carets


def unsendable(problem: ValidationError) -> str:
    """Why the covenant does not take a command: ``workspace: String should have at most 128 characters``."""
    first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
