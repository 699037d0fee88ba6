"""Text to tree and back: the message language's grammar, nodes, formatter, highlighter and syntax errors.

Names are imported on first use: whoever only wants the nodes, or the problem's type, does not pay for the parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .complete import is_complete
    from .layout import format_tree
    from .problem import SyntaxProblem
    from .reader import parse, parse_method

__all__ = ["SyntaxProblem", "format_tree", "is_complete", "parse", "parse_method"]

_HOMES = {
    "parse": ".reader",
    "format_tree": ".layout",
    "parse_method": ".reader",
    "is_complete": ".complete",
    "SyntaxProblem": ".problem",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
