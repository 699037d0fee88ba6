"""What the text of a method says, kept for all worlds of the process: its tree, its free names, what it sends."""

from __future__ import annotations

from functools import lru_cache

from ..grammar import nodes, parse_method
from .scopes import Scopes, children


@lru_cache(maxsize=1024)
def tree_of(source: str) -> nodes.Method:
    return parse_method(source)


@lru_cache(maxsize=4096)
def free_of(source: str) -> tuple[str, ...]:
    tree = tree_of(source)
    return tuple(Scopes(tree, tree.params, tree.temps, tree.body).free)


@lru_cache(maxsize=4096)
def sends_of(source: str) -> frozenset[str]:
    return selectors_in(tree_of(source).body)


def selectors_in(body: tuple[nodes.Node, ...]) -> frozenset[str]:
    """The selectors sent anywhere in some statements."""
    found = set()
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, nodes.Send):
            found.add(node.selector)
        elif isinstance(node, nodes.Cascade):
            found.update(message.selector for message in node.messages)
        stack.extend(children(node))
    return frozenset(found)
