"""Carrying out one statement in the transaction at hand: a definition, a class, variables, or messages."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

from ..grammar import nodes
from ..image.method import Method
from ..image.object import own_slots
from . import flow
from .awakening import workspace_named
from .filein import category_of, define_class, place
from .outcome import Outcome, Run
from .stack import Source
from .world import World

DEFINING = nodes.Define | nodes.Class | nodes.Extend
SILENT = DEFINING | nodes.Variables  # their value is not shown


def carry_out(world: World, statement: nodes.Node, text: str, run: Run, outcome: Outcome) -> None:
    """Run it, and print its value, with the processes that belong to it; ``outcome`` is told."""
    processes = world.processes
    try:
        outcome.value = processes.run(lambda: _perform(world, statement, text, run))
    except flow.Quit as quit:
        outcome.quit = quit.status
        return
    if run.echo and not isinstance(statement, SILENT):
        outcome.printed = processes.run(lambda: world.print_string(outcome.value))
    outcome.failures, processes.reports = processes.reports, []


def _perform(world: World, statement: nodes.Node, text: str, run: Run) -> Any:
    workspace = workspace_named(world, run.workspace)

    def evaluate(node: nodes.Node) -> Any:
        return _run(world, node, text, node.span, workspace, run)

    match statement:
        case nodes.Variables(names=names):
            for name in names:
                if name not in own_slots(workspace):
                    world.families.set_slot(workspace, name, None)
            return None
        case nodes.Define(target=target, method=method):
            span = statement.span
            piece = text[method.span.start - span.start : method.span.end - span.start]
            thing = _run(world, target, text, span, workspace, run)
            made = Method(
                method.selector,
                piece,
                method.language,
                author=run.author,
                category=category_of(method),
                comment=method.comment,
            )
            return world.define(thing, place(made, run.origin, method.span))
        case nodes.Class() | nodes.Extend():
            return define_class(world, statement, text, run.origin, run.author, evaluate)
        case _ if run.within is not None:
            return run.within(world, text)
        case _:
            return evaluate(statement)


def _run(world: World, node: nodes.Node, text: str, span: nodes.Span, workspace: Any, run: Run) -> Any:
    key, source = _placed(text, run.origin, span.line, span.column)
    return world.statement(node, workspace, source, key)(workspace)


@lru_cache(maxsize=1024)
def _placed(text: str, origin: str, line: int, column: int) -> tuple[str, Source]:
    """The name that a statement's compiled unit goes by, and its source."""
    # The text is part of the name: blocks of an earlier statement from the same place may still run.
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    key = f"statement {origin}:{line}:{column} {digest}"
    # Places in the tree count from the start of the whole text: the text is moved to where it stood.
    return key, Source(origin, "\n" * (line - 1) + " " * (column - 1) + text, origin)
