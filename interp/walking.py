"""Walks of collections, and blocks with handlers, in line: what ``do:``, ``collect:`` and ``on:do:`` become in Python.

What the emitted code looks like::

    %1 = receiver
    %2 = walk do:(%1)                 # the elements, if it is the library's do: that answers
    if %2 is not None:
        for each in %2: ...           # the block's body, in line
    else:
        def [] 3:7''(each): ...       # the same as a function, for whatever else understands the message
        #do:[type(%1)](%1, [] 3:7'')

The run-time half is primitives/walks.py. Self's compiler dissolves such blocks by inlining the methods that they are
given to (Chambers and Ungar, 1989); here those are the library's own, and the guard is on the method found, once a
walk.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..grammar import nodes as n
from . import arithmetic
from .control import again, fix, inline_body

if TYPE_CHECKING:
    from .compiler import Emitter

Body = Callable[[ast.expr], None]  # emits what a turn of a loop does with an element


def in_line(em: Emitter, node: n.Send) -> bool:
    return id(node) in em.scopes.spares


def walk(em: Emitter, node: n.Send, wanted: bool) -> ast.expr | None:
    """Emit a walk; the expression of its value, if that is wanted."""
    from . import hashing

    if node.selector == "on:do:":
        return guard(em, node, wanted)
    if node.selector in hashing.FORMS:
        return hashing.Lookup(em, node, wanted).emit()
    return Walk(em, node, wanted).emit()


def guard(em: Emitter, node: n.Send, wanted: bool) -> ast.expr | None:
    """Emit ``[...] on: exception do: action`` with its block in line::

    while True:
        %1 = signals.chain = Handler(signals.chain, ((exception, action),), RETRY)
        try:
            try: %2 = ...                       # the block
            except Exception as %e: %2 = failed(%e)
            break
        except Landing as %u:
            %2 = landed(%1, %u)
            if %2 is not RETRY: break
        finally: signals.chain = %1.outer
    """
    from .compiler import call, const, load, located, store

    block = node.receiver
    assert isinstance(block, n.Block)
    exception, action = (fix(em, part) for part in em.expressions(list(em.scopes.spares[id(node)])))
    handler, target = em.temp(), em.temp()

    def chain(context: ast.expr_context) -> ast.expr:
        return ast.Attribute(load("signals"), "chain", context)

    def build() -> None:
        assert isinstance(block, n.Block)
        value = inline_body(em, block, [], True)
        if value is not None:
            em.emit(ast.Assign([store(target)], value), node)

    body, _ = em.nested(build)
    cases = ast.Tuple([ast.Tuple([again(exception), again(action)], ast.Load())], ast.Load())
    arm = ast.Assign(
        [store(handler), chain(ast.Store())],
        located(call("Handler", chain(ast.Load()), cases, load("RETRY")), node),
    )
    failed = ast.ExceptHandler(load("Exception"), "%e", [ast.Assign([store(target)], call("failed", load("%e")))])
    landed = ast.ExceptHandler(
        load("Landing"),
        "%u",
        [
            ast.Assign([store(target)], located(call("landed", load(handler), load("%u")), node)),
            ast.If(ast.Compare(load(target), [ast.IsNot()], [load("RETRY")]), [ast.Break()], []),
        ],
    )
    disarm = ast.Assign([chain(ast.Store())], ast.Attribute(load(handler), "outer", ast.Load()))
    inside = ast.Try(body or [ast.Pass()], [failed], [], [])
    em.emit(
        ast.While(const(True), [arm, ast.Try([inside, ast.Break()], [landed], [], [disarm])], []),
        node,
    )
    return load(target) if wanted else None


class Walk:
    def __init__(self, em: Emitter, node: n.Send, wanted: bool) -> None:
        self.em = em
        self.node = node
        self.wanted = wanted
        self.blocks = [arg for arg in node.args if isinstance(arg, n.Block)]
        self.found = em.temp()
        self.target = em.temp()

    def emit(self) -> ast.expr | None:
        from .compiler import call, const, load, located, store

        em, node, selector = self.em, self.node, self.node.selector
        plain = [arg for arg in node.args if not isinstance(arg, n.Block)]
        self.parts = [fix(em, part) for part in em.expressions([node.receiver, *plain])]
        asked = self.parts if selector == "with:do:" else self.parts[:1]
        ask = located(call("walk " + selector, *map(again, asked)), node)
        em.emit(ast.Assign([store(self.found)], ask), node)
        quick, _ = em.nested(self._in_line)
        general, _ = em.nested(self._sent)
        em.emit(ast.If(ast.Compare(load(self.found), [ast.IsNot()], [const(None)]), quick, general), node)
        return load(self.target) if self.wanted else None

    def _answer(self, value: ast.expr) -> None:
        from .compiler import store

        self.em.emit(ast.Assign([store(self.target)], value), self.node)

    def _run(self, block: n.Block) -> None:
        inline_body(self.em, block, [], False)

    def _sent(self) -> None:
        """The message itself, with the spares for its blocks."""
        from .compiler import call, load, located

        em = self.em
        values = iter(self.parts[1:])
        args = [
            em.block(arg) if isinstance(arg, n.Block) else again(next(values))
            for arg in em.scopes.spares[id(self.node)]
        ]
        send = located(em.plain_send(again(self.parts[0]), self.node.selector, args), self.node)
        if self.wanted:
            self._answer(send)
        else:
            em.emit(ast.Expr(send), self.node)
        for arg in args:
            if getattr(arg, "watched", False):
                assert isinstance(arg, ast.Name)
                em.emit(ast.Expr(call("let_go", load(arg.id))), self.node)

    def _in_line(self) -> None:
        from .compiler import call, const, load, located, store

        em, node, block = self.em, self.node, self.blocks[0]
        match node.selector:
            case "collect:" | "select:" | "reject:" as selector:
                gathered = em.temp()
                em.emit(ast.Assign([store(gathered)], ast.List([], ast.Load())), node)

                def keep(value: ast.expr) -> None:
                    add = ast.Attribute(load(gathered), "append", ast.Load())
                    em.emit(ast.Expr(ast.Call(add, [value], [])), node)

                def collect(element: ast.expr) -> None:
                    value = inline_body(em, block, [], True)
                    if value is not None:
                        keep(value)

                self._loop(collect if selector == "collect:" else self._chosen(keep, selector == "select:"))
                if self.wanted:
                    made = "collected" if selector == "collect:" else "chosen"
                    self._answer(located(call(made, again(self.parts[0]), load(gathered)), node))
            case "inject:into:":
                self._inject()
            case "detect:ifNone:":

                def take(element: ast.expr) -> None:
                    if self.wanted:
                        self._answer(element)
                    em.emit(ast.Break(), node)

                def none() -> None:
                    value = inline_body(em, self.blocks[1], [], self.wanted)
                    if self.wanted and value is not None:
                        self._answer(value)

                self._loop(self._chosen(take, True), em.nested(none)[0])
            case "anySatisfy:" | "allSatisfy:" as selector:
                decides = selector == "anySatisfy:"
                self._answer(const(not decides))

                def decide(element: ast.expr) -> None:
                    self._answer(const(decides))
                    em.emit(ast.Break(), node)

                self._loop(self._chosen(decide, decides))
            case "count:":
                self._answer(const(0))
                self._loop(
                    self._chosen(lambda element: self._answer(ast.BinOp(load(self.target), ast.Add(), const(1))), True)
                )
            case "do:separatedBy:":
                begun = em.temp()
                em.emit(ast.Assign([store(begun)], const(False)), node)

                def separated(element: ast.expr) -> None:
                    between, _ = em.nested(lambda: self._run(self.blocks[1]))
                    start: list[ast.stmt] = [ast.Assign([store(begun)], const(True))]
                    em.emit(ast.If(load(begun), between or [ast.Pass()], start), node)
                    self._run(block)

                self._loop(separated)
                if self.wanted:
                    self._answer(again(self.parts[0]))
            case _:
                self._loop(lambda element: self._run(block))
                if self.wanted:
                    self._answer(again(self.parts[0]))

    def _loop(self, body: Body, otherwise: list[ast.stmt] | None = None, skip: int = 0) -> None:
        """The loop that binds the block's parameters (but the first ``skip``) to what was found."""
        from .compiler import call, load, store

        em, block = self.em, self.blocks[0]
        variables = [em.scopes.declared[id(block)][name] for name in block.params[skip:]]
        names = [em.temp() if variable.boxed else variable.python for variable in variables]

        def build() -> None:
            for variable, name in zip(variables, names, strict=True):
                if variable.boxed:
                    em.emit(ast.Assign([store(variable.python)], call("new_box", load(name))))
                elif variable.flagged:
                    for statement in arithmetic.set_flag(variable):
                        em.emit(statement)
            body(load(names[-1]))

        statements, _ = em.nested(build)
        aims: list[ast.expr] = [store(name) for name in names]
        aim = aims[0] if len(aims) == 1 else ast.Tuple(aims, ast.Store())
        em.emit(ast.For(aim, load(self.found), statements or [ast.Pass()], otherwise or []), self.node)

    def _chosen(self, then: Body, when: bool) -> Body:
        """What to do with the elements of which the block says so."""
        from .compiler import load, store

        em, node, block = self.em, self.node, self.blocks[0]
        variable = em.scopes.declared[id(block)][block.params[0]]

        def body(element: ast.expr) -> None:
            assert isinstance(element, ast.Name)
            name = element.id
            if variable.writes and not variable.boxed:  # the block may give its parameter another value
                name = em.temp()
                em.emit(ast.Assign([store(name)], element))
            test = inline_body(em, block, [], True, node.selector)
            if test is not None:
                statements, _ = em.nested(lambda: then(load(name)))
                em.emit(ast.If(test if when else ast.UnaryOp(ast.Not(), test), statements, []), node)

        return body

    def _inject(self) -> None:
        """The block's first parameter is what has come of the elements before."""
        from .compiler import call, kind_of, load, store, typed

        em, node, block = self.em, self.node, self.blocks[0]
        so_far = em.scopes.declared[id(block)][block.params[0]]
        apart = so_far.boxed or bool(so_far.writes)  # then the result must not be what the block made of it
        result = em.temp() if apart else so_far.python

        def become(value: ast.expr) -> None:
            if so_far.flagged and not apart:
                for statement in arithmetic.set_flag(so_far, value):
                    em.emit(statement, node)
            else:
                em.emit(ast.Assign([store(result)], value), node)

        def turn(element: ast.expr) -> None:
            if so_far.boxed:
                em.emit(ast.Assign([store(so_far.python)], call("new_box", load(result))))
            elif apart:
                em.emit(ast.Assign([store(so_far.python)], load(result)))
                if so_far.flagged:
                    for statement in arithmetic.set_flag(so_far):
                        em.emit(statement)
            value = inline_body(em, block, [], True)
            if value is not None:
                become(value)

        become(typed(again(self.parts[1]), kind_of(self.parts[1])))
        self._loop(turn, skip=1)
        if self.wanted:
            self._answer(load(result))
