"""Python's own text to Python's own tree, one thread at a time.

CPython 3.11 counts the depth of a tree under construction in one place for all threads. Building one makes objects,
which may let another thread run; if that builds a tree too, the first fails with "AST constructor recursion depth
mismatch".
"""

from __future__ import annotations

import ast
import threading

_one_at_a_time = threading.RLock()


def parse_python(text: str, filename: str = "<unknown>") -> ast.Module:
    """The tree of a module; SyntaxError and ValueError as ``ast.parse`` raises them."""
    with _one_at_a_time:
        return ast.parse(text, filename=filename)
