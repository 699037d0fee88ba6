"""Arrays, OrderedCollections and Strings in line: ``at:``, ``at:put:``, ``size``, ``isEmpty``, ``add:`` and such.

An Array's list is found as an attribute that nothing else has (image/collections.py says which); where it is missing,
the message is sent, and a method where that keeps happening is compiled without. Selectors that someone has redefined
on these collections are never in line (``Mode.redefined``).
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from ..grammar import nodes as n
from .arithmetic import OPERATORS, again, assign, held, is_kind

if TYPE_CHECKING:
    from .compiler import Emitter

CHANGES = {"add:": "append", "removeLast": "pop"}  # selector -> what is done to the list


def value(em: Emitter, node: n.Send) -> ast.expr | None:
    """The in-line form of a send, or None."""
    if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return None
    match node.selector:
        case "at:":
            return _indexed(em, node, "_v_array")
        case "at:put:":
            return _indexed(em, node, "_v_mine")
        case "size" | "isEmpty" | "notEmpty" if node.selector not in em.mode.data:
            return _size(em, node)
        case "add:" | "removeLast" if node.selector not in em.mode.data:
            return _grown(em, node)
    return None


def _indexed(em: Emitter, node: n.Send, items: str) -> ast.expr | None:
    """``a at: i`` and ``a at: i put: x``: an Array's list is indexed, which only an Array has (``_v_array``, and
    ``_v_mine`` to write it); anything else is sent."""
    from .compiler import call, const, load, located

    selector = node.selector
    miss_name = "at_put_miss" if node.args[1:] else "at_miss"
    text = _text_kind(em, selector)
    name = _own_slot(em, node.receiver) if selector not in em.mode.timid and not text else ""
    args = _calm(em, node.args) if name else None
    if args is not None:
        # Nothing can happen between reading the slot and indexing what it holds: both are tried at once.
        receiver: ast.expr = load("self")
        subject: ast.expr = ast.Attribute(load("self"), name, ast.Load())
        miss = call("slot_" + miss_name, load("self"), const(name), *map(again, args), em.site())
        slow = again(miss)
    else:
        receiver, *args = em.expressions([node.receiver, *node.args])
        if selector in em.mode.timid or em.mode.checked or isinstance(receiver, ast.Constant):
            return located(em.plain_send(receiver, selector, args), node)  # type: ignore[no-any-return]
        receiver, args = held(em, receiver), [held(em, arg) for arg in args]
        subject = again(receiver)
        miss = call(miss_name, again(receiver), *map(again, args), em.site())
        slow = em.plain_send(again(receiver), selector, list(map(again, args)))
    tests, place = _index(args[0])
    target = em.temp()
    if text:
        # Mostly a literal here or a String, whose Characters are known by their text.
        tests.insert(0, is_kind(again(receiver), text))
        one = located(ast.Subscript(_characters(receiver, text), place, ast.Load()), node)
        if text != "tuple":
            one = located(ast.Subscript(load("letters"), one, ast.Load()), node)
        found = assign(target, one)
        _try(em, node, tests, target, [found], located(slow, node), located(copy.deepcopy(slow), node))
        return load(target)
    listed = ast.Attribute(subject, items, ast.Load())
    if len(args) == 1:
        fast = [assign(target, located(ast.Subscript(listed, place, ast.Load()), node))]
    else:
        put = ast.Assign([located(ast.Subscript(listed, place, ast.Store()), node)], again(args[1]))
        fast = [located(put, node), assign(target, again(args[1]))]
    _try(em, node, tests, target, fast, located(miss, node), located(slow, node))
    return load(target)


def _own_slot(em: Emitter, node: n.Node) -> str:
    """The name of a slot that self most likely holds itself, or ''."""
    if not isinstance(node, n.Name) or em.mode.checked or em.find(node.name) is not None:
        return ""
    if em.mode.resolve(node.name) == "ivar":
        return "." + node.name
    if em.mode.resolve(node.name) != "slot" or any(name == node.name for name, _ in em.mode.shared):
        return ""
    return node.name


def _calm(em: Emitter, parts: tuple[n.Node, ...]) -> list[ast.expr] | None:
    """The expressions of parts that send nothing (literals, variables, slots, sums of ints), or None: they may be
    evaluated a moment sooner."""
    if not all(_simple(em, part, True) for part in parts):
        return None
    statements, expressions = em.nested(lambda: [held(em, part) for part in em.expressions(list(parts))])
    if any(isinstance(one, ast.IfExp) for statement in statements for one in ast.walk(statement)):
        return None  # a sum that may have to be sent
    em.out.extend(statements)
    return expressions  # type: ignore[no-any-return]


def _simple(em: Emitter, node: n.Node, top: bool) -> bool:
    match node:
        case n.Number() | n.String() | n.Character() | n.Symbol():
            return True
        case n.Pseudo(name=name):
            return name != "thisContext"
        case n.Name(name=name):
            return em.find(name) is not None or (top and _own_slot(em, node) != "")
        case n.Send(receiver=receiver, selector=selector, args=(arg,)) if (
            selector in OPERATORS and selector not in em.mode.redefined
        ):
            return _simple(em, receiver, False) and _simple(em, arg, False)
    return False


def _size(em: Emitter, node: n.Send) -> ast.expr | None:
    """``a size``, ``a isEmpty``: what an Array's list says; anything else is sent."""
    from .compiler import call, const, load, located

    selector = node.selector
    if "size" in em.mode.redefined:
        return None  # isEmpty asks it
    text = _text_kind(em, selector)
    name = _own_slot(em, node.receiver) if not text else ""
    target = em.temp()
    if name and selector not in em.mode.timid:
        subject: ast.expr = ast.Attribute(load("self"), name, ast.Load())
        miss = call("slot_size_miss", load("self"), const(name), const(selector), em.site())
    else:
        receiver = em.expr(node.receiver)
        if selector in em.mode.timid or em.mode.checked or isinstance(receiver, ast.Constant):
            return located(em.plain_send(receiver, selector, []), node)  # type: ignore[no-any-return]
        subject = held(em, receiver)
        if text:
            length = located(_measure(selector, _characters(subject, text)), node)
            sent = located(em.plain_send(again(subject), selector, []), node)
            return located(ast.IfExp(is_kind(again(subject), text), length, sent), node)  # type: ignore[no-any-return]
        miss = call("size_miss", again(subject), const(selector), em.site())
    length = located(_measure(selector, ast.Attribute(again(subject), "_v_array", ast.Load())), node)
    _try(em, node, [], target, [assign(target, length)], located(miss, node), miss)
    return load(target)


def _measure(selector: str, items: ast.expr) -> ast.expr:
    from .compiler import call

    if selector == "size":
        return call("len", items)  # type: ignore[no-any-return]
    empty = ast.UnaryOp(ast.Not(), items)
    return empty if selector == "isEmpty" else ast.UnaryOp(ast.Not(), empty)


def _grown(em: Emitter, node: n.Send) -> ast.expr | None:
    """``c add: x`` and ``c removeLast``: done to an OrderedCollection's list (``_v_grow``); anything else is sent."""
    from .compiler import call, const, load, located

    receiver, *args = em.expressions([node.receiver, *node.args])
    if node.selector in em.mode.timid or em.mode.checked or isinstance(receiver, ast.Constant):
        return located(em.plain_send(receiver, node.selector, args), node)  # type: ignore[no-any-return]
    receiver, args = held(em, receiver), [held(em, arg) for arg in args]
    target = em.temp()
    change = ast.Attribute(ast.Attribute(again(receiver), "_v_grow", ast.Load()), CHANGES[node.selector], ast.Load())
    done = located(ast.Call(change, list(map(again, args)), []), node)
    fast = [ast.Expr(done), assign(target, again(args[0]))] if args else [assign(target, done)]
    miss = call("grow_miss", again(receiver), const(node.selector), em.site(), *map(again, args))
    _try(em, node, [], target, fast, located(miss, node), miss)
    return load(target)


def _text_kind(em: Emitter, selector: str) -> str:
    """The global that holds the type which mostly answered here, of literal Strings or others, or of literal Arrays;
    '' if it was none."""
    marks = em.mode.timid
    if selector + " literal" in marks:
        return "tuple"
    return "string" if selector + " string" in marks else "str" if selector + " text" in marks else ""


def _characters(receiver: ast.expr, kind: str) -> ast.expr:
    """What holds a String's characters: the literal itself, or its contents."""
    return again(receiver) if kind != "string" else ast.Attribute(again(receiver), "_items", ast.Load())


def _index(index: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    """Tests that an index is a positive int (Python would count a 0 or less from the end), and the Python index."""
    from .compiler import const, kind_of

    if isinstance(index, ast.Constant) and type(index.value) is int:
        # A constant index that is out of range for certain is left to the send, which says so.
        return ([] if index.value > 0 else [const(False)]), const(index.value - 1)
    tests: list[ast.expr] = [] if kind_of(index) == "int" else [is_kind(again(index), "int")]
    variable = getattr(index, "variable", None)
    if variable is None or not variable.positive:
        tests.append(ast.Compare(again(index), [ast.Gt()], [const(0)]))
    return tests, ast.BinOp(again(index), ast.Sub(), const(1))


def _try(
    em: Emitter, node: n.Node, tests: list[ast.expr], target: str, fast: list[ast.stmt], miss: ast.expr, slow: ast.expr
) -> None:
    from .compiler import load

    handler = ast.ExceptHandler(load("NotThere"), None, [assign(target, miss)])
    attempt: ast.stmt = ast.Try(fast, [handler], [], [])
    if tests:
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        attempt = ast.If(test, [attempt], [assign(target, slow)])
    em.emit(attempt, node)
