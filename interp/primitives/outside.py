"""Sends that leave the image; see interp/outside.py."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ...grammar import SyntaxProblem, nodes, parse
from ..awakening import workspace_named
from ..codex import page
from ..flow import Fault, Interrupted, Missed
from ..outside import MAX_CALLS, Called, into_world, plain
from ..stack import Source
from . import primitive
from .objects import is_text

if TYPE_CHECKING:
    from ..world import World

CANCELLED = "cancelled"


@primitive("codex.page", world=True)
def codex_page(world: World) -> Any:
    def codex_page(self: Any, name: Any) -> Any:
        try:
            return into_world(world, page(plain(world, name)))
        except (KeyError, TypeError):
            raise Fault("SystemExceptions.NotFound", f"the codex has no page {world.describe(name)}") from None

    return codex_page


@primitive("weaver.evaluate", world=True)
def evaluate(world: World) -> Any:
    def evaluate(self: Any, text: Any, workspace: Any) -> Any:
        """The value of the last of some statements, run in this message, with a workspace's variables."""
        source = plain(world, text)
        if not isinstance(source, str):
            raise Fault("SystemExceptions.WrongClass", "what is evaluated is a text")
        try:
            program = parse(source, "a tool call")
        except SyntaxProblem as problem:
            raise Fault("SystemExceptions.InvalidArgument", f"this is no statement: {problem}") from None
        home, value = workspace_named(world, plain(world, workspace)), None
        statements = program.statements
        temps = tuple(name for one in statements if isinstance(one, nodes.Variables) for name in one.names)
        if temps:
            body = tuple(one for one in statements if not isinstance(one, nodes.Variables))
            statements = (nodes.Eval(temps, body, span=statements[0].span),)
        for statement in statements:
            if isinstance(statement, nodes.Define | nodes.Class | nodes.Extend):
                raise Fault("SystemExceptions.InvalidArgument", "a tool evaluates statements; it defines nothing")
            key = f"a tool call {sha256(source.encode()).hexdigest()[:12]} {statement.span.start}"
            value = world.statement(statement, home, Source("a tool call", source, "a tool call"), key)(home)
        return value

    return evaluate


@primitive("outside.call", world=True)
def call(world: World) -> Any:
    def call(self: Any, action: Any, arguments: Any) -> Any:
        journal = world.journal
        if journal is None:
            raise Fault("ModelDown", "nothing outside the image can be asked from here (an atomic program, a trial)")
        if not is_text(action):
            raise Fault("SystemExceptions.WrongClass", "a text is wanted here")
        asked = plain(world, arguments)
        called = Called(plain(world, action), tuple(asked) if isinstance(asked, list) else (asked,), world.workspace)
        answer = journal.next(called)
        if answer is None:
            if len(journal) >= MAX_CALLS:
                raise Fault("ModelRefused", f"a statement may ask outside the image {MAX_CALLS} times")
            raise Missed(called)
        if answer.code == CANCELLED:
            raise Interrupted
        if answer.error:
            raise Fault(answer.error, answer.message, code=answer.code)
        return into_world(world, answer.value)

    return call
