"""A last pass over an emitted function: temporaries that only carry a value from one statement to the next go away.

The emitter gives each part of an expression a temporary of its own and copies it on, which keeps it simple and keeps
the order of evaluation. Each copy costs as much as reading a slot, so what is certainly not needed is taken out here:

* ``%1 = x; y = %1`` and ``%1 = x; return %1`` become ``y = x`` and ``return x``;
* where ``%1`` is the last thing that each path of a statement assigns, the paths assign ``y`` themselves;
* what nobody reads is not stored;
* what is likely comes last, as Python jumps over the rest.

A temporary is a name like ``%12``; flags (``%number x``) are only ever dropped. Everything else is left as it is.
"""

from __future__ import annotations

import ast
from collections import Counter

Block = list[ast.stmt]


def tidy(function: ast.FunctionDef) -> None:
    """Tidy a function's body in place; functions inside it have been tidied before, and share no temporaries."""
    counts = _Counts()
    for statement in function.body:
        counts.visit(statement)
    if counts.temporaries:
        _block(function.body, counts)
    _turned(function)


class _Counts(ast.NodeVisitor):
    """How often each temporary is read and assigned."""

    def __init__(self) -> None:
        self.loads: Counter[str] = Counter()
        self.stores: Counter[str] = Counter()
        self.temporaries = False

    def visit_Name(self, node: ast.Name) -> None:
        if node.id[0] == "%":
            self.temporaries = True
            (self.loads if isinstance(node.ctx, ast.Load) else self.stores)[node.id] += 1


def _temporary(node: ast.expr | None) -> str:
    """The name of a temporary, or ''."""
    return node.id if isinstance(node, ast.Name) and node.id[0] == "%" and node.id[1:].isdigit() else ""


def _assigned(statement: ast.stmt) -> ast.expr | None:
    """What a plain assignment assigns to."""
    return statement.targets[0] if isinstance(statement, ast.Assign) else None


def _block(block: Block, counts: _Counts) -> None:
    result: Block = []
    for statement in block:
        for inner in _blocks(statement):
            _block(inner, counts)
        if not _dropped(statement, counts) and not (result and _joined(result, statement, counts)):
            result.append(statement)
    block[:] = result or [ast.Pass()]


def _blocks(statement: ast.stmt) -> list[Block]:
    if isinstance(statement, ast.If | ast.For | ast.While):
        return [part for part in (statement.body, statement.orelse) if part]
    if isinstance(statement, ast.Try):
        return [
            statement.body,
            *(handler.body for handler in statement.handlers),
            *([statement.finalbody] * bool(statement.finalbody)),
        ]
    return []


def _dropped(statement: ast.stmt, counts: _Counts) -> bool:
    """Is this an assignment of something plain that nobody reads? Of something else, only the effect is kept."""
    target = _assigned(statement)
    if not isinstance(target, ast.Name) or target.id[0] != "%" or counts.loads[target.id] or target.id == "%home":
        return False
    assert isinstance(statement, ast.Assign)
    if isinstance(statement.value, ast.Name):
        counts.loads[statement.value.id] -= 1
        return True
    return isinstance(statement.value, ast.Constant)


def _joined(block: Block, statement: ast.stmt, counts: _Counts) -> bool:
    """Join ``%1 = x`` at the end of the block with a statement whose first act is to read ``%1``, if only it does."""
    if isinstance(statement, ast.Assign | ast.Return):
        name = _temporary(statement.value)
    elif isinstance(statement, ast.If):
        return _tested(block, statement, counts)
    else:
        return False
    if not name or counts.loads[name] != 1:
        return False
    last = block[-1]
    if isinstance(last, ast.Assign) and _temporary(last.targets[0]) == name and counts.stores[name] == 1:
        statement.value = last.value
        block[-1] = statement
        return True
    target = _assigned(statement)
    ends: list[ast.Name] = []
    if not isinstance(target, ast.Name) or not _ends(last, name, ends) or len(ends) != counts.stores[name]:
        return False
    for end in ends:
        end.id = target.id
    counts.stores[target.id] += len(ends) - 1
    return True


def _tested(block: Block, statement: ast.If, counts: _Counts) -> bool:
    """``%1 = x; if %1: ...`` tests x itself."""
    last = block[-1]
    name = _temporary(statement.test)
    if not name or counts.loads[name] != 1 or counts.stores[name] != 1 or _temporary(_assigned(last)) != name:
        return False
    assert isinstance(last, ast.Assign)
    statement.test = last.value
    block[-1] = statement
    return True


def _ends(statement: ast.stmt, name: str, found: list[ast.Name]) -> bool:
    """Is assigning this temporary the last thing that each path through a statement does? Where is gathered."""
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id == name:
            found.append(target)
            return True
        return False
    if isinstance(statement, ast.If):
        return (
            bool(statement.orelse)
            and _ends(statement.body[-1], name, found)
            and _ends(statement.orelse[-1], name, found)
        )
    if isinstance(statement, ast.Try) and not statement.finalbody and not statement.orelse:
        return _ends(statement.body[-1], name, found) and all(
            _ends(handler.body[-1], name, found) for handler in statement.handlers
        )
    return isinstance(statement, ast.Return | ast.Break | ast.Continue)


def _turned(function: ast.FunctionDef) -> None:
    """Put what is likely after what is not: ``fast if test else slow`` becomes ``slow if not test else fast``. Python
    jumps over what comes second once the first is done."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef):
            continue  # it was tidied before
        if (isinstance(node, ast.If) and node.orelse) or isinstance(node, ast.IfExp):
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, node.body  # type: ignore[assignment]
        stack.extend(ast.iter_child_nodes(node))
