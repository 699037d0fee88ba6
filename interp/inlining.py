"""Small methods in line: a send whose method is known and short runs the method's statements where it stands.

A method that has been sent often is compiled anew (hot.py) and told which of its sends reached a small method last
time. Each such send becomes::

    if x.__class__ is ?balance 5d1c:     # the type whose balance is still that very method
        %1 = x.balance
    else:
        %1 = ...the send...

A send to self asks a flag of its family's own instead, ``@?balance 5d1c``. Types and flags are globals, kept by the
tables (table.py, self_sends.py): whoever changes behaviour empties them, so that the next send is a send again, in
code that is running too.

What runs in line has no frame. Its instructions carry lines that say whose they are: ``Inlined`` tells where each such
method was sent from, and stack.py gives it an activation of its own again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from types import CodeType
from typing import TYPE_CHECKING

from ..grammar import nodes as n
from . import arithmetic
from .arithmetic import again, assign, held
from .scopes import LOOPS, Scopes, any_node, children, renewed, size
from .trees import tree_of

if TYPE_CHECKING:
    from .compiler import Emitter

LARGEST = 30  # nodes of a method that is run in line
MOST = 200  # nodes of all of them in one unit
DEEPEST = 2  # small methods in small methods
PLACE = 1 << 20  # lines of the n-th method in line begin at n times this

Names = tuple[tuple[str, str], ...]
# What a function must have been compiled from to be a certain method, as far as it matters in line: the name of its
# code, what its names mean, which slots are whose, and whether self is an "int" or a "float".
Identity = tuple[str, Names, frozenset[tuple[str, str]], str | None]


@dataclass(frozen=True)
class Small:
    """A method to run in line: what it is, what its names mean to the receiver's family, and what it sends in turn.

    ``own``: it answers sends to self. ``kind`` is "int" or "float" if the receiver is one.
    """

    selector: str
    own: bool
    kind: str | None
    source: str
    filename: str
    where: Names
    marks: tuple[frozenset[tuple[str, str]], frozenset[str]]
    hints: tuple[frozenset[str], frozenset[str], frozenset[str]]
    holder: str
    inner: tuple[Small, ...]

    @property
    def identity(self) -> Identity:
        return self.filename, self.where, self.marks[0], self.kind

    @property
    def guard(self) -> str:
        """The global that says for which type it is still this method that answers (or, of sends to self, whether)."""
        return f"{'@' if self.own else ''}?{self.selector} {_digest(self.identity)}"


@lru_cache(maxsize=4096)
def _digest(identity: Identity) -> str:
    filename, where, shared, kind = identity
    return blake2b(repr((filename, where, sorted(shared), kind)).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Inlined:
    """Where a method in line was sent from, in its unit: the place (whose line may itself be in line), and the locals
    that hold its receiver and variables."""

    filename: str
    line: int
    column: int
    length: int
    receiver: str
    variables: Names  # as written -> the local


class Inlinings(tuple[Inlined, ...]):
    """All methods in line in one unit, in order; lies among the constants of its code."""

    __slots__ = ()


@lru_cache(maxsize=4096)
def is_small(source: str) -> bool:
    """May this method run in line? It has no loops, and no blocks but those of control flow."""
    tree = tree_of(source)
    if tree.language != "smalltalk" or tree.pragmas or size(tree) > LARGEST or tree.span.end_line >= PLACE:
        return False
    scopes = Scopes(tree, tree.params, tree.temps, tree.body)
    return (
        len(scopes.functions) == 1
        and not scopes.spares
        and not scopes.uses_super
        and not any(variable.writes for name, variable in scopes.declared[id(tree)].items() if name in tree.params)
        and not any(any_node(statement, _unfit) for statement in tree.body)
    )


def _unfit(node: n.Node) -> bool:
    """Loops would take the place of the one that a ^ leaves; contexts are those of frames."""
    if isinstance(node, n.Send):
        return node.selector in LOOPS
    return isinstance(node, n.Pseudo) and node.name == "thisContext"


def value(em: Emitter, node: n.Send) -> ast.expr | None:
    """A send as its method in line, or None."""
    small = _small(em, node.receiver, node.selector)
    if small is None:
        return None
    receiver, *args = em.expressions([node.receiver, *node.args])
    return _run(em, small, receiver, args, node)


def part(em: Emitter, node: n.Cascade, message: n.Message, receiver: ast.expr, args: list[ast.expr]) -> ast.expr | None:
    """One message of a cascade as its method in line, or None."""
    small = _small(em, node.receiver, message.selector)
    return None if small is None else _run(em, small, receiver, args, message)


def _small(em: Emitter, receiver: n.Node, selector: str) -> Small | None:
    own = isinstance(receiver, n.Pseudo) and receiver.name == "self" and em.customised
    small = em.mode.small.get((selector, own))
    if small is None or em.mode.checked or len(em.running) >= DEEPEST or small.filename in em.running:
        return None
    cost = size(tree_of(small.source))
    if em.spent + cost > MOST:
        return None
    em.spent += cost
    return small


def _run(em: Emitter, small: Small, first: ast.expr, others: list[ast.expr], node: n.Send | n.Message) -> ast.expr:
    from .compiler import class_of, load, located

    receiver = _named(em, first, True)
    args = [_named(em, arg, receiver.id == "self") for arg in others]
    target = em.temp()
    statements, _ = em.nested(lambda: _body(em, small, node, receiver, args, target))
    em.guards.add((small.selector, small.guard, small.identity))
    test: ast.expr = load(small.guard)
    if not small.own:
        test = ast.Compare(class_of(load(receiver.id)), [ast.Is()], [test])
    sent = located(em.plain_send(again(receiver), small.selector, list(map(again, args))), node)
    em.emit(ast.If(test, statements, [located(assign(target, sent), node)]), node)
    return load(target)


def _named(em: Emitter, expression: ast.expr, same: bool) -> ast.Name:
    """A local that holds the value. Self goes by another name if self is not about to stay the same."""
    from .compiler import kind_of, load, typed

    expression = held(em, expression)
    if isinstance(expression, ast.Name) and (same or expression.id != "self"):
        return expression
    name = em.temp()
    em.emit(assign(name, expression))
    return typed(load(name), kind_of(expression))  # type: ignore[no-any-return]


def _body(
    em: Emitter, small: Small, node: n.Send | n.Message, receiver: ast.Name, args: list[ast.Name], target: str
) -> None:
    """The method's statements, with its parameters for names of the arguments' locals."""
    from .compiler import const, kind_of, load

    height, number = em.height, len(em.inlined) + 1
    tree = _placed(tree_of(small.source), number, node.args)
    scopes = Scopes(tree, tree.params, tree.temps, tree.body)
    variables = scopes.declared[id(tree)]
    for declared in scopes.declared.values():
        for variable in declared.values():
            variable.python = em.temp()
    for parameter, arg in zip(tree.params, args, strict=True):
        variable = variables[parameter]
        variable.python = arg.id
        kind = kind_of(arg)
        variable.given = kind if kind in arithmetic.NUMERIC else None
        variable.positive = getattr(getattr(arg, "variable", None), "positive", False)
    names = tuple((name, variable.python) for name, variable in variables.items())
    span = node.span
    length = span.end_column - span.column if span.end_line == span.line else 1
    em.inlined.append(Inlined(small.filename, span.line, span.column, max(length, 1), receiver.id, names))
    before = em.mode, em.unit, em.scopes, em.lexical, em.elsewhere, em.target, em.self_kind
    data, pure, varied = small.hints
    em.mode = replace(
        em.mode,
        resolve=dict(small.where).__getitem__,
        shared=small.marks[0],
        timid=small.marks[1] | (em.mode.timid & {"numbers"}),
        data=data,
        pure=pure,
        varied=varied,
        top_level=False,
        holder=small.holder,
        small={(one.selector, one.own): one for one in small.inner},
    )
    em.unit, em.scopes, em.lexical, em.target = small.filename, scopes, [variables], target
    em.elsewhere = em.elsewhere or not small.own
    em.self_kind = small.kind
    em.running.append(small.filename)

    def build() -> None:
        arithmetic.settle_types(scopes, em.mode.redefined)
        arithmetic.flag_variables(scopes, tree, em.mode.redefined)
        em.declare(variables)
        em.body(tree.body, value=False, last=load("self"))

    statements, _ = em.nested(build)
    em.running.pop()
    em.height = height
    em.mode, em.unit, em.scopes, em.lexical, em.elsewhere, em.target, em.self_kind = before
    if not small.own:
        for statement in statements:
            for part in ast.walk(statement):
                if isinstance(part, ast.Name) and part.id == "self":
                    part.id = receiver.id
    if isinstance(statements[-1], ast.Break) and sum(_breaks(statement) for statement in statements) == 1:
        em.out.extend(statements[:-1])
    else:
        em.out.append(ast.While(const(True), statements, []))


def _breaks(statement: ast.stmt) -> int:
    """How many ways there are out of the method in line; those of methods in line inside it are their own."""
    if isinstance(statement, ast.Break):
        return 1
    if isinstance(statement, ast.While):
        return 0
    return sum(_breaks(part) for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)) + sum(
        _breaks(part) for handler in getattr(statement, "handlers", ()) for part in handler.body
    )


def _placed(tree: n.Method, number: int, args: tuple[n.Node, ...]) -> n.Method:
    """The tree with the literals among the arguments in place of its parameters, and lines that say it is the unit's
    method in line of that number."""
    declared = {name for statement in tree.body for name in _declared(statement)}
    literals = {
        parameter: arg
        for parameter, arg in zip(tree.params, args, strict=True)
        if isinstance(arg, n.Number | n.String | n.Symbol | n.Character) and parameter not in declared
    }

    def moved(span: n.Span) -> n.Span:
        return span._replace(line=number * PLACE + span.line, end_line=number * PLACE + span.end_line)

    def placed(node: n.Node) -> n.Node:
        if isinstance(node, n.Name) and node.name in literals:
            node = replace(literals[node.name], span=node.span)
        return replace(node, span=moved(node.span))

    return placed(replace(tree, body=tuple(renewed(statement, placed) for statement in tree.body)))  # type: ignore[return-value]


def _declared(node: n.Node) -> Iterator[str]:
    """The names that blocks declare in it."""
    if isinstance(node, n.Block):
        yield from (*node.params, *node.temps)
    for part in children(node):
        yield from _declared(part)


def share_locals(function: ast.FunctionDef, em: Emitter) -> None:
    """Let methods in line that stand beside each other use the same locals, once tidied: a frame is made, cleared and
    kept in Python's stack for each activation, so that large ones cost time."""
    stored = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in em.heights:
            if isinstance(node.ctx, ast.Store):
                stored.add(node.id)
            node.id = f"% {em.heights[node.id]}"

    def local(name: str) -> str:
        return name if name not in em.heights else f"% {em.heights[name]}" if name in stored else ""

    em.inlined[:] = [
        replace(
            one,
            receiver=local(one.receiver),
            variables=tuple((name, local(python)) for name, python in one.variables if local(python)),
        )
        for one in em.inlined
    ]


def with_inlinings(code: CodeType, inlined: Inlinings) -> CodeType:
    """A unit's code, and the code of its blocks, with the table of the methods in line among the constants."""
    constants = [with_inlinings(one, inlined) if isinstance(one, CodeType) else one for one in code.co_consts]
    return code.replace(co_consts=(*constants, inlined))


def inlinings(code: CodeType) -> Inlinings | None:
    last = code.co_consts[-1] if code.co_consts else None
    return last if type(last) is Inlinings else None
