"""Examples: what a message should come to, as text: ``savings withdraw: 30. savings balance => 40``.

What stands before the arrow are statements, the last of which is an expression; what stands behind it is one, too. An
example holds when both have values that are ``=``, in a copy of the world as it is now, where nothing of it stays.
JITBench's hidden checks are examples, and so are those that a person gives and the image keeps (``given``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from ..grammar import SyntaxProblem, nodes, parse

ARROW = " => "


@dataclass(frozen=True, slots=True)
class Example:
    """`before`: statements to run first, perhaps none; `got` and `wanted`: the two expressions."""

    before: str
    got: str
    wanted: str

    @classmethod
    def read(cls, text: str) -> Example:
        """Raises ValueError, with the reason, where the text is no example."""
        left, arrow, wanted = text.rpartition(ARROW)
        if not arrow:
            raise ValueError(f"an example reads `statements{ARROW}value`, and there is no arrow in {text.strip()!r}")
        try:
            program, value = parse(left), parse(wanted)
        except SyntaxProblem as problem:
            raise ValueError(f"{problem.message} in {text.strip()!r}") from None
        if len(value.statements) != 1 or not program.statements:
            raise ValueError(f"one expression is wanted on each side of the arrow in {text.strip()!r}")
        span = program.statements[-1].span
        if isinstance(program.statements[-1], nodes.Define | nodes.Variables | nodes.Assign):
            raise ValueError(f"what stands before the arrow is no expression in {text.strip()!r}")
        return cls(left[: span.start].strip(), left[span.start : span.end].strip(), _bare(wanted))

    def as_dict(self) -> dict[str, str]:
        return {"before": self.before, "got": self.got, "wanted": self.wanted}

    def __str__(self) -> str:
        before = f"{self.before.rstrip('. ')}. " if self.before else ""
        return f"{before}{self.got}{ARROW}{self.wanted}"


def selectors_of(example: Example) -> frozenset[str]:
    """The selectors that an example's text sends, wherever."""
    found: set[str] = set()
    for text in (example.before, example.got, example.wanted):
        pending: list[Any] = [parse(text)]
        while pending:
            node = pending.pop()
            if isinstance(node, tuple | list):
                pending.extend(node)
            elif is_dataclass(node) and not isinstance(node, type):
                selector = getattr(node, "selector", None)
                if isinstance(selector, str):
                    found.add(selector)
                pending.extend(getattr(node, each.name) for each in fields(node))
    return frozenset(found)


def _bare(text: str) -> str:
    return text.strip().removesuffix(".").strip()
