"""Statements that come again: what was found out about their text is kept, for all workers of the process.

A program that talks to a kernel sends the same few statements over and over. Reading and compiling one takes ten times
as long as running it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..grammar import foreign, nodes
from .compiler import Compiled
from .scopes import Scopes
from .trees import selectors_in

LONGEST = 4096  # characters of a program worth keeping; a longer one is a file, and comes once
MOST = 1024  # statements


def read(source: str, origin: str, syntax: str = "auto") -> nodes.Program:
    """The program in a text, faults and all, in the syntax named or else the one it is found to be in."""
    if len(source) > LONGEST:
        return foreign.read(source, origin, syntax)
    return _read(source, origin, syntax)


@lru_cache(maxsize=512)
def _read(source: str, origin: str, syntax: str) -> nodes.Program:
    return foreign.read(source, origin, syntax)


class Facts:
    """Of one statement: its free names, the selectors it sends, and the code it was compiled to in each situation."""

    __slots__ = ("node", "free", "selectors", "compiled")

    def __init__(self, node: nodes.Node) -> None:
        self.node = node  # keeps its id from being another's
        temps, body = (node.temps, node.body) if isinstance(node, nodes.Eval) else ((), (node,))
        self.free = tuple(Scopes(node, (), temps, body).free)
        self.selectors = selectors_in(body)
        self.compiled: dict[Any, Compiled] = {}


_facts: dict[int, Facts] = {}


def facts_of(node: nodes.Node) -> Facts:
    """What is known of a statement. The same tree object is the same statement; equal ones may differ in their
    places."""
    facts = _facts.get(id(node))
    if facts is None or facts.node is not node:
        if len(_facts) >= MOST:
            _facts.clear()
        facts = _facts[id(node)] = Facts(node)
    return facts
