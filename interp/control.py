"""Control flow in line: what ``ifTrue:``, ``and:``, ``whileTrue:``, ``to:do:`` and their kin become in Python.

Nobody can tell but by speed: the receiver's type is checked, and anything but a Boolean
is answered by ``not_boolean``, which signals the error that the message itself would.

Loops are ``while True:`` with a ``break``: CPython 3.11 warms a function up at unconditional backward jumps only,
so a long loop that runs once would otherwise never be specialised.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ..grammar import nodes as n
from . import arithmetic
from .scopes import inlined_blocks

if TYPE_CHECKING:
    from .compiler import Emitter

LOOP_SELECTORS = {
    "whileTrue:",
    "whileFalse:",
    "whileTrue",
    "whileFalse",
    "repeat",
    "timesRepeat:",
    "to:do:",
    "to:by:do:",
}


def _in_line(em: Emitter, node: n.Send) -> bool:
    blocks = inlined_blocks(node)
    return blocks is not None and all(id(block) in em.scopes.inlined for block in blocks)


def effect(em: Emitter, node: n.Send) -> bool:
    """Emit the send for its effect if it is control flow; False when it is an ordinary send."""
    from . import walking

    if walking.in_line(em, node):
        walking.walk(em, node, False)
        return True
    if not _in_line(em, node):
        return False
    if node.selector in LOOP_SELECTORS:
        _loop(em, node)
    else:
        _branch(em, node, None)
    return True


def value(em: Emitter, node: n.Send) -> ast.expr | None:
    """The expression for the send's value if it is control flow (emitting what it needs), else None."""
    from . import walking
    from .compiler import const, load, typed

    if walking.in_line(em, node):
        return walking.walk(em, node, True)
    if not _in_line(em, node):
        return None
    if node.selector in LOOP_SELECTORS:
        receiver = _loop(em, node)
        return receiver if receiver is not None else typed(const(None), "nil")
    if node.selector in ("and:", "or:"):
        return _logic(em, node, sure=False)
    target = em.temp()
    kinds = _branch(em, node, target)
    kind = kinds[0] if kinds and all(k == kinds[0] for k in kinds) else None
    return typed(load(target), kind)


def condition(em: Emitter, node: n.Node, selector: str) -> tuple[ast.expr, bool]:
    """An expression for a condition, and whether it is certain to be a bool."""
    from .compiler import const, kind_of, located, typed

    if isinstance(node, n.Send) and node.selector in ("and:", "or:") and _in_line(em, node):
        result = _logic(em, node, sure=True)
    else:
        result = em.expr(node)
    if kind_of(result) != "bool" and isinstance(result, ast.IfExp) and getattr(result, "bool_fast", False):
        # A comparison under a guard: what the slow path answers is checked there, off the fast path.
        last = getattr(result, "last", result)
        last.orelse = located(call_("truth", last.orelse, const(selector)), node)
        result = typed(result, "bool")
    return result, kind_of(result) == "bool"


# --- branches -----------------------------------------------------------------


def _logic(em: Emitter, node: n.Send, sure: bool) -> ast.expr:
    """``a and: [b]``: Python's own ``and`` when both are plainly bool and b needs no statements, else an if.

    ``sure``: the value is used as a condition, so b must be a Boolean too, and is checked like one. Each part is
    compiled once, however deep such messages nest.
    """
    from .compiler import const, kind_of, load, store, typed

    selector, block = node.selector, node.args[0]
    assert isinstance(block, n.Block)
    left, certain = condition(em, node.receiver, selector)
    if not certain or isinstance(left, ast.Constant):
        name = em.temp()
        em.emit(ast.Assign([store(name)], left))
        left = load(name)
    statements, right = em.nested(lambda: inline_body(em, block, [], True, selector if sure else ""))
    plain = right is not None and kind_of(right) == "bool"
    if certain and plain and not statements:
        return typed(ast.BoolOp(ast.And() if selector == "and:" else ast.Or(), [left, right]), "bool")  # type: ignore[no-any-return]
    target = em.temp()
    goes_on = [*statements, ast.Assign([store(target)], right)] if right is not None else statements
    decided: list[ast.stmt] = [ast.Assign([store(target)], const(selector == "or:"))]
    yes, no = (goes_on, decided) if selector == "and:" else (decided, goes_on)
    if certain:
        em.emit(ast.If(left, yes, no), node)
    else:
        assert isinstance(left, ast.Name)
        again = load(left.id)
        wrong = ast.Assign([store(target)], call_("not_boolean", again, const(selector)))
        _mark(wrong, node.receiver)
        otherwise = ast.If(ast.Compare(again, [ast.Is()], [const(False)]), no, [wrong])
        em.emit(ast.If(ast.Compare(left, [ast.Is()], [const(True)]), yes, [otherwise]), node)
    return typed(load(target), "bool" if plain or right is None else None)  # type: ignore[no-any-return]


def _branch(em: Emitter, node: n.Send, target: str | None) -> list[str | None]:
    """If-then-else on truth or nil; each branch's value goes to target, if there is one."""
    from .compiler import const, kind_of, load, store

    selector = node.selector
    blocks = list(node.args)
    kinds: list[str | None] = []

    def branch(block: n.Node | None, default: ast.expr, parameter: ast.expr | None = None) -> list[ast.stmt]:
        def build() -> None:
            result: ast.expr | None = default
            if block is not None:
                assert isinstance(block, n.Block)
                result = inline_body(
                    em, block, [parameter] if block.params and parameter is not None else [], target is not None
                )
            if target is not None and result is not None:
                kinds.append(kind_of(result))
                em.emit(ast.Assign([store(target)], result))

        statements, _ = em.nested(build)
        return statements or [ast.Pass()]

    if selector in ("ifNil:", "ifNotNil:", "ifNil:ifNotNil:", "ifNotNil:ifNil:"):
        subject = em.hold(em.expr(node.receiver))
        if isinstance(subject, ast.Constant) or not em.stable(subject):
            name = em.temp()
            em.emit(ast.Assign([store(name)], subject))
            subject = load(name)
        again = load(subject.id) if isinstance(subject, ast.Name) else subject
        when_nil = blocks[0] if selector.startswith("ifNil:") else (blocks[1] if len(blocks) == 2 else None)
        when_not = blocks[0] if selector.startswith("ifNotNil:") else (blocks[1] if len(blocks) == 2 else None)
        test: ast.expr = ast.Compare(subject, [ast.Is()], [const(None)])
        yes = branch(when_nil, const(None))
        no = branch(when_not, again, again)
        em.emit(ast.If(test, yes, [] if target is None and _is_pass(no) else no), node)
        return kinds

    test, certain = condition(em, node.receiver, selector)
    if not certain:
        test = em.hold(test)
        if isinstance(test, ast.Constant) or not em.stable(test):
            name = em.temp()
            em.emit(ast.Assign([store(name)], test))
            test = load(name)
    # A branch that the condition decides keeps the condition's own value (and:, or:).
    match selector:
        case "ifTrue:":
            yes, no = branch(blocks[0], const(None)), branch(None, const(None))
        case "ifFalse:":
            yes, no = branch(None, const(None)), branch(blocks[0], const(None))
        case "ifTrue:ifFalse:":
            yes, no = branch(blocks[0], const(None)), branch(blocks[1], const(None))
        case "ifFalse:ifTrue:":
            no = branch(blocks[0], const(None))
            yes = branch(blocks[1], const(None))
        case "and:":
            yes, no = branch(blocks[0], const(None)), branch(None, _known(False))
        case _:
            yes, no = branch(None, _known(True)), branch(blocks[0], const(None))
    if certain:
        em.emit(ast.If(test, yes, [] if target is None and _is_pass(no) else no), node)
    else:
        again = load(test.id) if isinstance(test, ast.Name) else test
        failure = call_("not_boolean", again, const(selector))
        wrong: ast.stmt = ast.Expr(failure) if target is None else ast.Assign([store(target)], failure)
        _mark(wrong, node.receiver)
        otherwise = ast.If(ast.Compare(again, [ast.Is()], [const(False)]), no, [wrong])
        em.emit(ast.If(ast.Compare(test, [ast.Is()], [const(True)]), yes, [otherwise]), node)
        kinds.append(None)
    return kinds


def _known(value: bool) -> ast.expr:
    from .compiler import const, typed

    return typed(const(value), "bool")  # type: ignore[no-any-return]


def _is_pass(statements: list[ast.stmt]) -> bool:
    return len(statements) == 1 and isinstance(statements[0], ast.Pass)


def call_(name: str, *args: ast.expr) -> ast.Call:
    from .compiler import call

    return call(name, *args)


def _mark(statement: Any, node: n.Node) -> None:
    from .compiler import locate

    locate(statement, node.span)
    if isinstance(statement, ast.Expr | ast.Assign):
        locate(statement.value, node.span)


def inline_body(em: Emitter, block: n.Block, arguments: list[Any], wanted: bool, truth: str = "") -> ast.expr | None:
    """Emit a dissolved block's statements; the value of the last one, or None when it does not come to its end.

    ``truth`` names the selector that wants the value to be a Boolean.
    """
    from .compiler import const, store, typed

    variables = em.scopes.declared[id(block)]
    em.lexical.append(variables)
    try:
        for name, argument in zip(block.params, arguments, strict=False):
            variable = variables[name]
            if variable.boxed:
                em.emit(ast.Assign([store(variable.python)], call_("new_box", argument)))
            else:
                em.emit(ast.Assign([store(variable.python)], argument))
                if variable.flagged:
                    for assignment in arithmetic.set_flag(variable):
                        em.emit(assignment)
        em.declare({k: v for k, v in variables.items() if not v.parameter})
        if not block.body:
            return const(None)
        *first, last = block.body
        for statement in first:
            em.effect(statement)
        if isinstance(last, n.Return):
            em.effect(last)
            return None
        if not wanted:
            em.effect(last)
            return None
        if truth:
            result, certain = condition(em, last, truth)
            return result if certain else typed(call_("truth", result, const(truth)), "bool")  # type: ignore[no-any-return]
        return em.expr(last)
    finally:
        em.lexical.pop()


# --- loops --------------------------------------------------------------------


def _loop(em: Emitter, node: n.Send) -> ast.expr | None:
    """Emit a loop; answers its receiver where that is the loop's value (to:do:, timesRepeat:)."""
    selector = node.selector
    if selector in ("to:do:", "to:by:do:"):
        return _interval(em, node)
    if selector == "timesRepeat:":
        return _times(em, node)

    def build() -> None:
        from .compiler import const, load, store

        assert isinstance(node.receiver, n.Block)
        if selector == "repeat":
            inline_body(em, node.receiver, [], False)
            return
        em.lexical.append(em.scopes.declared[id(node.receiver)])
        em.declare(em.scopes.declared[id(node.receiver)])
        *first, last = node.receiver.body or (n.Pseudo("nil"),)
        for statement in first:
            em.effect(statement)
        if isinstance(last, n.Return):
            em.effect(last)
            em.lexical.pop()
            return
        test, sure = condition(em, last, selector)
        em.lexical.pop()
        until = selector.startswith("whileTrue")
        if not sure:
            name = em.temp()
            em.emit(ast.Assign([store(name)], test))
            test, again = load(name), load(name)
            fail = ast.Expr(call_("not_boolean", again, const(selector)))
            _mark(fail, last)
            stop = ast.Compare(again, [ast.Is()], [const(not until)])
            bad = ast.Compare(again, [ast.IsNot()], [const(until)])
            em.emit(ast.If(bad, [ast.If(stop, [ast.Break()], [fail, ast.Break()])], []), node)
        else:
            em.emit(ast.If(ast.UnaryOp(ast.Not(), test) if until else test, [ast.Break()], []), node)
        if node.args:
            assert isinstance(node.args[0], n.Block)
            inline_body(em, node.args[0], [], False)

    body, _ = em.nested(build)
    em.emit(ast.While(ast.Constant(True), body or [ast.Pass()], []), node)
    return None


def _interval(em: Emitter, node: n.Send) -> ast.expr:
    from .compiler import const, kind_of, load, store

    block = node.args[-1]
    assert isinstance(block, n.Block)
    bounds = [fix(em, bound) for bound in em.expressions([node.receiver, *node.args[:-1]])]
    start, stop = bounds[:2]
    by = bounds[2] if len(bounds) == 3 else const(1)
    step = by.value if isinstance(by, ast.Constant) and type(by.value) is int else 0
    plain: ast.expr
    if not step:
        # Which way it goes is known when it runs.
        plain = call_("by_steps", again(start), again(stop), again(by))
    else:
        edge: ast.expr
        if isinstance(stop, ast.Constant) and type(stop.value) is int:
            edge = const(stop.value + (1 if step > 0 else -1))
        else:
            edge = ast.BinOp(again(stop), ast.Add() if step > 0 else ast.Sub(), const(1))
        plain = ast.Call(load("range"), [again(start), edge] + ([const(step)] if step != 1 else []), [])
        checks = [_is_int(again(end)) for end in (start, stop) if kind_of(end) != "int"]
        if checks:
            test = checks[0] if len(checks) == 1 else ast.BoolOp(ast.And(), checks)
            plain = ast.IfExp(test, plain, call_("steps", again(start), again(stop), const(step)))
    variable = em.scopes.declared[id(block)][block.params[0]]
    counter = variable.python if not variable.boxed else em.temp()
    _mark_expression(plain, node)

    def build() -> None:
        if variable.flagged:
            for statement in arithmetic.set_flag(variable):
                em.emit(statement)
        inline_body(em, block, [load(counter)] if variable.boxed else [], False)

    known = variable.type, variable.flagged, variable.positive
    if kind_of(start) == "int" and step and not variable.writes:
        # Whatever the end is, it counts from an int by ints.
        variable.type, variable.flagged = "int", False
        variable.positive = step > 0 and _positive(em, node.receiver)
    body, _ = em.nested(build)
    variable.type, variable.flagged, variable.positive = known
    em.emit(ast.For(store(counter), plain, body or [ast.Pass()], []), node)
    return again(start)


def _positive(em: Emitter, node: n.Node) -> bool:
    """Is this int certain to be 1 or more?"""
    match node:
        case n.Number(value=int(value)):
            return value > 0
        case n.Name(name=name):
            variable = em.find(name)
            return variable is not None and variable.positive
        case n.Send(receiver=receiver, selector="+", args=(arg,)):
            return _positive(em, receiver) and _positive(em, arg)
    return False


def _times(em: Emitter, node: n.Send) -> ast.expr:
    from .compiler import kind_of, load, store

    count = fix(em, em.expr(node.receiver))
    block = node.args[0]
    assert isinstance(block, n.Block)
    plain: ast.expr = ast.Call(load("range"), [again(count)], [])
    if kind_of(count) != "int":
        plain = ast.IfExp(_is_int(again(count)), plain, call_("times", again(count)))
    _mark_expression(plain, node)
    body, _ = em.nested(lambda: inline_body(em, block, [], False))
    em.emit(ast.For(store(em.temp()), plain, body or [ast.Pass()], []), node)
    return again(count)


def fix(em: Emitter, expression: ast.expr) -> ast.expr:
    """Hold a loop bound: it is evaluated once, whatever the body assigns."""
    from .compiler import kind_of, load, store, typed

    if em.stable(expression):
        return expression
    name = em.temp()
    em.emit(ast.Assign([store(name)], expression))
    return typed(load(name), kind_of(expression))  # type: ignore[no-any-return]


def again(expression: ast.expr) -> ast.expr:
    from .compiler import kind_of, load, typed

    if isinstance(expression, ast.Name):
        return typed(load(expression.id), kind_of(expression))  # type: ignore[no-any-return]
    return expression


def _is_int(expression: ast.expr) -> ast.expr:
    from .compiler import class_of, load

    return ast.Compare(class_of(expression), [ast.Is()], [load("int")])


def _mark_expression(expression: ast.expr, node: n.Node) -> None:
    from .compiler import locate

    for one in ast.walk(expression):
        if isinstance(one, ast.expr):
            locate(one, node.span)
