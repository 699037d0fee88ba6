"""How the code of a conversation runs: as a method in Python of the conversation's workspace, one transaction a turn.

So `self.savings = Account.clone()` makes a variable that later turns and the REPL see as `savings`; a capitalised name
is the world's, and `Smalltalk.at_put_('Account', Object.clone())` makes one; `Account.compile_('twice [ ^n * 2 ]')`
gives an object a method. Imports are Python's own. What a check says is message syntax: `savings balance => 70`.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..interp import Worker

TURN = "codeOfThisTurn"
MADE_BY = ("at_put_", "subclass_")
"""Sends that make a name of the world, whose first argument is that name."""


class TurnFailed(Exception):
    """A turn's code did not run, or did not leave what it should."""

    def __init__(self, turn: int, reason: str) -> None:
        super().__init__(f"turn {turn}: {reason}")
        self.turn, self.reason = turn, reason


def run_turn(worker: Worker, turn: int, code: str, author: str = "") -> None:
    """Run one turn's code. Raises TurnFailed; the world is then as it was before."""
    from ..image.method import Method
    from ..interp.awakening import workspace_named
    from ..interp.flow import Unhandled

    source = f"def {TURN}(self):\n" + "".join(f"    {line}\n" for line in code.splitlines())

    def act(world: Any) -> None:
        workspace = workspace_named(world, "default")
        world.define(workspace, Method(TURN, source, "python", author=author))
        try:
            world.send(workspace, TURN)
        finally:
            world.families.remove_slot(workspace, TURN)

    try:
        worker.transact(act)
    except Unhandled as failure:
        exception = failure.args[0] if failure.args else failure
        told = worker_text(exception)
        raise TurnFailed(turn, told) from None
    except Exception as failure:
        raise TurnFailed(turn, f"{type(failure).__name__}: {failure}") from None


def worker_text(exception: Any) -> str:
    """An exception of the language in words."""
    from ..image.object import is_object, own_slots

    if is_object(exception):
        text = own_slots(exception).get("messageText")
        return str(text) if text else type(exception).__name__
    return f"{type(exception).__name__}: {exception}"


def run_talk(worker: Worker, codes: Iterable[tuple[int, str]], checks: dict[int, Sequence[str]] | None = None) -> None:
    """Run every turn's code, and after each its checks. Raises TurnFailed at the first that does not hold."""
    for turn, code in codes:
        run_turn(worker, turn, code)
        for check in (checks or {}).get(turn, ()):
            check_left(worker, turn, check)


def check_left(worker: Worker, turn: int, check: str) -> None:
    """`expression => printed`: what the turn should have left. Raises TurnFailed."""
    expression, arrow, wanted = check.rpartition("=>")
    if not arrow:
        raise TurnFailed(turn, f"a check is written 'expression => value', not {check!r}")
    outcome = worker.evaluate(expression.strip())[-1]
    if outcome.error is not None:
        raise TurnFailed(turn, f"{expression.strip()} fails: {outcome.error.message}")
    told = " ".join((outcome.printed or "").split())
    if told != " ".join(wanted.split()):
        raise TurnFailed(turn, f"{expression.strip()} is {told}, not {wanted.strip()}")


def unknown_names(codes: Iterable[tuple[int, str]], world_names: Iterable[str]) -> list[tuple[int, str]]:
    """Names that a turn uses and nobody has made before: (turn, name). Raises SyntaxError.

    A name is made by an assignment, an import, a def, a loop, a parameter, by `self.name = ...`, or by
    `Smalltalk.at_put_('Name', ...)` and `Object.subclass_('Name')`. Within a turn, order counts.
    """
    known = set(world_names) | set(dir(builtins)) | {"self"}
    slots: set[str] = set()
    unknown: list[tuple[int, str]] = []
    for turn, code in codes:
        local = set(known)
        for statement in ast.parse(code).body:
            made = _made_in(statement)
            for name in _used_in(statement):
                if name not in local and name not in made and not (name[0].isupper() and name in slots):
                    unknown.append((turn, name))
            written = _slots_written(statement)
            for name in _slots_read(statement):
                if name not in slots and name not in written:
                    unknown.append((turn, f"self.{name}"))
            local |= made
            slots |= written
            for name in _world_names_made(statement):
                known.add(name)
                local.add(name)
    return unknown


def _made_in(statement: ast.stmt) -> set[str]:
    made: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
    return made


def _used_in(statement: ast.stmt) -> list[str]:
    return [n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]


def _of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _slots_written(statement: ast.stmt) -> set[str]:
    return {n.attr for n in ast.walk(statement) if _of_self(n) and isinstance(n.ctx, ast.Store)}  # type: ignore[attr-defined]


def _slots_read(statement: ast.stmt) -> list[str]:
    called = {id(n.func) for n in ast.walk(statement) if isinstance(n, ast.Call)}
    inner = {id(n) for d in ast.walk(statement) if isinstance(d, ast.FunctionDef | ast.ClassDef) for n in ast.walk(d)}
    return [
        n.attr  # type: ignore[attr-defined]
        for n in ast.walk(statement)
        if _of_self(n) and isinstance(n.ctx, ast.Load) and id(n) not in called and id(n) not in inner  # type: ignore[attr-defined]
    ]


def _world_names_made(statement: ast.stmt) -> list[str]:
    return [
        str(n.args[0].value)
        for n in ast.walk(statement)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in MADE_BY
        and n.args and isinstance(n.args[0], ast.Constant)
    ]  # fmt: skip
