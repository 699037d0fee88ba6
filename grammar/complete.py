"""Would Enter end the statement? What a line editor asks."""

from __future__ import annotations

from .problem import SyntaxProblem
from .reader import parse


def is_complete(source: str) -> bool:
    """False when ``source`` is the beginning of something: an open bracket, string, comment or fence, a message without
    its argument. Text that no continuation could make right is complete: sending it shows what is wrong with it."""
    try:
        parse(source)
    except SyntaxProblem as problem:
        return not problem.at_end
    return True
