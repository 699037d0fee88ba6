"""Small functions made for one slot each, as compiled code would be: a name in their text is what CPython caches."""

from __future__ import annotations

import ast
from typing import Any

from ..grammar.python_text import parse_python

ACCESSORS = {
    "get": (
        "def get(self):\n"
        " value = getattr(self, {name!r}, MISSING)\n"
        " return inherited(self, {name!r}, 0) if value is MISSING else value"
    ),
    "find": "def find(self):\n value = getattr(self, {name!r}, MISSING)\n"
    " return miss(self) if value is MISSING else value",
    "put": "def put(self, value):\n self.NAME = value\n return self",
}


def accessor(kind: str, name: str, scope: dict[str, Any]) -> Any:
    """The function of one kind for one name; what it needs besides is in scope."""
    tree = parse_python(ACCESSORS[kind].format(name=name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "NAME":
            node.attr = name
    local: dict[str, Any] = {}
    exec(
        compile(tree, f"<slot {name}>", "exec"), {"AttributeError": AttributeError, "__builtins__": {}, **scope}, local
    )
    local[kind].plain = kind in ("get", "put")
    return local[kind]
