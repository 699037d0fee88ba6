"""Which selectors a method's source sends."""

from __future__ import annotations

import ast
import dataclasses
from functools import lru_cache
from typing import Any

from .grammar import SyntaxProblem, nodes, parse_method
from .grammar.python_text import parse_python
from .image.method import selector_of


@lru_cache(maxsize=20_000)
def sends(source: str, language: str) -> frozenset[str]:
    """The selectors; none if the source does not parse."""
    found: set[str] = set()
    if language == "python":
        try:
            tree = parse_python(source)
        except (SyntaxError, ValueError):
            return frozenset()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found.add(selector_of(node.func.attr, len(node.args)))
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
        return frozenset(found)
    try:
        pending: list[Any] = [parse_method(source)]
    except SyntaxProblem:
        return frozenset()
    while pending:
        node = pending.pop()
        if isinstance(node, tuple | list):
            pending.extend(node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, type):
            selector = getattr(node, "selector", None)
            if isinstance(selector, str) and not isinstance(node, nodes.Method):
                found.add(selector)
            pending.extend(getattr(node, field.name) for field in dataclasses.fields(node))
    return frozenset(found)
