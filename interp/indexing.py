"""Arrays, OrderedCollections and Strings in line: ``at:``, ``at:put:``, ``size``, ``isEmpty``, ``add:`` and such.

An Array's list is found as an attribute that nothing else has (image/collections.py says which); where it is missing,
the message is sent. Where that keeps happening it is sent at once, and the method is compiled anew with the place in
the form that fits what was met there (hashing.py has those of dictionaries and sets). Selectors that someone has
redefined on these collections are never in line (``Mode.redefined``).
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from ..grammar import nodes as n
from . import hashing
from .arithmetic import OPERATORS, again, assign, held, is_kind
from .hashing import FORMS, LOOKUPS, NAMES, attempt, form, measure, missed

if TYPE_CHECKING:
    from .compiler import Emitter

CHANGES = {"add:": "append", "removeLast": "pop"}  # selector -> what is done to the list
TEXTS = {"literal": "tuple", "string": "$strings", "text": "str"}  # form -> the global with the type, or types


def value(em: Emitter, node: n.Send) -> ast.expr | None:
    """The in-line form of a send, or None."""
    selector = node.selector
    if selector not in FORMS or selector in LOOKUPS or selector in em.mode.data:
        return None
    if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return None
    here = form(em, node)
    if not here:
        return None
    if here in NAMES:
        return hashing.value(em, node, here)
    if here in TEXTS:
        return _of_text(em, node, here)
    if selector in CHANGES:
        return _grown(em, node)
    return _listed(em, node)


def _listed(em: Emitter, node: n.Send) -> ast.expr:
    """``a at: i``, ``a at: i put: x``, ``a size``: an Array's list is indexed or measured."""
    from .compiler import load, located

    selector = node.selector
    name = _own_slot(em, node.receiver)
    args = _calm(em, node.args) if name else None
    if args is not None:
        # Nothing can happen between reading the slot and indexing what it holds: both are tried at once.
        subject: ast.expr = ast.Attribute(load("self"), name, ast.Load())
        sent, receiver = em.nested(lambda: held(em, em.expr(node.receiver)))
        miss = missed(em, node, "list", load("self"), *map(again, args), slot=name)
    else:
        receiver, *args = em.expressions([node.receiver, *node.args])
        if isinstance(receiver, ast.Constant):
            return located(em.plain_send(receiver, selector, args), node)  # type: ignore[no-any-return]
        receiver, args = held(em, receiver), [held(em, arg) for arg in args]
        subject, sent = again(receiver), []
        miss = missed(em, node, "list", again(receiver), *map(again, args))
    target = em.temp()
    sent.append(assign(target, located(em.plain_send(again(receiver), selector, list(map(again, args))), node)))
    tests: list[ast.expr] = []
    if not args:
        length = located(measure(selector, ast.Attribute(subject, "_v_array", ast.Load())), node)
        fast = [assign(target, length)]
    else:
        tests, place = _index(args[0])
        listed = ast.Attribute(subject, "_v_mine" if args[1:] else "_v_array", ast.Load())
        if args[1:]:
            put = ast.Assign([located(ast.Subscript(listed, place, ast.Store()), node)], again(args[1]))
            fast = [located(put, node), assign(target, again(args[1]))]
        else:
            fast = [assign(target, located(ast.Subscript(listed, place, ast.Load()), node))]
    if any(isinstance(test, ast.Constant) for test in tests):
        for statement in sent:  # an index that is out of range for certain
            em.emit(statement, node)
        return load(target)
    attempt(em, node, "list", tests, fast, target, miss, copy.deepcopy(miss), sent)
    return load(target)


def _of_text(em: Emitter, node: n.Send, here: str) -> ast.expr:
    """The same of Strings and literal Arrays, which are known by their type. A String's Characters are known by their
    text."""
    from .compiler import load, located

    selector, kind = node.selector, TEXTS[here]
    receiver, *args = em.expressions([node.receiver, *node.args])
    if isinstance(receiver, ast.Constant):
        return located(em.plain_send(receiver, selector, args), node)  # type: ignore[no-any-return]
    receiver, args = held(em, receiver), [held(em, arg) for arg in args]
    sent = located(em.plain_send(again(receiver), selector, list(map(again, args))), node)
    if not args:
        length = located(measure(selector, _characters(receiver, kind)), node)
        return located(ast.IfExp(_is_text(receiver, kind), length, sent), node)  # type: ignore[no-any-return]
    target = em.temp()
    tests, place = _index(args[0])
    tests.insert(0, _is_text(receiver, kind))
    one = located(ast.Subscript(_characters(receiver, kind), place, ast.Load()), node)
    if kind != "tuple":
        one = located(ast.Subscript(load("letters"), one, ast.Load()), node)
    handler = ast.ExceptHandler(load("NotThere"), None, [assign(target, sent)])
    attempt = ast.Try([assign(target, one)], [handler], [], [])
    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
    em.emit(ast.If(test, [attempt], [assign(target, copy.deepcopy(sent))]), node)
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


def _grown(em: Emitter, node: n.Send) -> ast.expr:
    """``c add: x`` and ``c removeLast``: done to an OrderedCollection's list (``_v_grow``)."""
    from .compiler import load, located

    selector = node.selector
    receiver, *args = em.expressions([node.receiver, *node.args])
    if isinstance(receiver, ast.Constant):
        return located(em.plain_send(receiver, selector, args), node)  # type: ignore[no-any-return]
    receiver, args = held(em, receiver), [held(em, arg) for arg in args]
    target = em.temp()
    change = ast.Attribute(ast.Attribute(again(receiver), "_v_grow", ast.Load()), CHANGES[selector], ast.Load())
    done = located(ast.Call(change, list(map(again, args)), []), node)
    fast = [ast.Expr(done), assign(target, again(args[0]))] if args else [assign(target, done)]
    sent = assign(target, located(em.plain_send(again(receiver), selector, list(map(again, args))), node))
    miss = missed(em, node, "list", again(receiver), *map(again, args))
    attempt(em, node, "list", [], fast, target, miss, miss, [sent])
    return load(target)


def _is_text(receiver: ast.expr, kind: str) -> ast.expr:
    from .compiler import class_of, load

    operator: ast.cmpop = ast.In() if kind == "$strings" else ast.Is()
    return ast.Compare(class_of(again(receiver)), [operator], [load(kind)])


def _characters(receiver: ast.expr, kind: str) -> ast.expr:
    """What holds a String's characters: the literal itself, or its contents."""
    return again(receiver) if kind != "$strings" else ast.Attribute(again(receiver), "_items", ast.Load())


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
