"""A limit to how deep a tree may be, so that whoever walks it may recurse."""

from __future__ import annotations

from .build import Fault
from .nodes import (
    Array,
    Assign,
    Block,
    Brace,
    Cascade,
    Define,
    Message,
    Method,
    Node,
    Return,
    Send,
)

#: Nodes from a statement down to a leaf. (Python's own parser stops at 200 brackets; a sum of 500 terms is deep too.)
MAX_DEPTH = 500


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the source."""
    match node:
        case Send(receiver, _, args):
            return (receiver, *args)
        case Message(_, args):
            return args
        case Cascade(receiver, messages):
            return (receiver, *messages)
        case Assign(_, value) | Return(value):
            return (value,)
        case Array(items) | Brace(items):
            return items
        case Block(body=body) | Method(body=body):
            return body
        case Define(target, method):
            return (target, method)
    return ()


def check_depth(statement: Node) -> None:
    """Raises Fault where the tree goes deeper than MAX_DEPTH. Takes no time for ordinary statements."""
    # Each level takes two characters of source at least, so a short text cannot be deep.
    if statement.span.end - statement.span.start < 2 * MAX_DEPTH:
        return
    level: list[Node] = [statement]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise Fault(f"nested too deeply: a statement may go {MAX_DEPTH} levels deep", level[0].span)
