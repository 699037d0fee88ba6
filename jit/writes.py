"""Which slots of self a method writes, as far as its text tells."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from ..grammar import SyntaxProblem, nodes, parse_method
from ..grammar.python_text import parse_python
from .gates.effects import effects_of


@lru_cache(maxsize=2_000)
def writes_of(source: str, language: str, slots: frozenset[str]) -> tuple[str, ...]:
    """Names among `slots`, sorted: those assigned, and those set by a message to self. () where it does not parse."""
    if language == "python":
        try:
            function = parse_python(source).body[0]
        except (SyntaxError, ValueError, IndexError):
            return ()
        if not isinstance(function, ast.FunctionDef):
            return ()
        return tuple(s for s in effects_of(function).writes if s in slots)
    try:
        method = parse_method(source)
    except SyntaxProblem:
        return ()
    hidden = {*method.params, *method.temps}
    found: set[str] = set()
    pending: list[Any] = [method.body]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple | list):
            pending.extend(node)
        elif is_dataclass(node) and not isinstance(node, type):
            if isinstance(node, nodes.Assign):
                found.add(node.name)
            elif isinstance(node, nodes.Send) and node.receiver == nodes.Pseudo("self"):
                found.add(node.selector.removesuffix(":"))
            pending.extend(getattr(node, each.name) for each in fields(node))
    return tuple(sorted((found & slots) - hidden))
