"""Trees to Python: each method becomes one Python function, so that CPython's adaptive interpreter sees plain code.

What the emitted code looks like (set KEEP_TREES to see it)::

    Account >> deposit: amount [ balance := balance + amount. ^self ]

    def deposit_(self, amount):
        try:
            try:
                %1 = self.balance
            except AttributeError:
                %1 = inherited(self, 'balance', 7)
            self.balance = %1 + amount if type(%1) is int and type(amount) is int ... else #+[type(%1)](%1, amount)
            return self
        except Exception as %e:
            return failed(%e, self)

* A send is ``table[type(receiver)](receiver, ...)`` where ``table``, a global named ``#selector``, is a dict of the
  functions by receiver type (families.py).
* A send to self is ``@selector(self, ...)``: each family has a copy of the code, with names of its own (self_sends.py).
* Arithmetic is tried in line under a guard on the operand types. Control flow is in line (control.py).
* Python evaluates left to right as Smalltalk does; where a part needs statements of its own, what was
  computed before it is put into a temporary first, so the order stays the same.
* A Python error inside a primitive surfaces in ``failed``, which signals it as an exception of the language while
  the callers are still on the stack.

Names that cannot collide: sends' tables begin with ``#``, constants with ``$``, temporaries with ``%``; what a
programmer wrote keeps its name, as Python allows any text as a name in a tree.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

from ..grammar import nodes as n
from . import arithmetic, control, inlining
from .inlining import Identity, Inlined, Inlinings, Small, with_inlinings
from .scopes import Function, Scopes, Variable, changes, inlined_blocks
from .tidy import tidy

Resolve = Callable[[str], str]

# Keep each unit's Python tree, for whoever wants to read it (``ast.unparse``). Trees are many objects: off, they are
# let go.
KEEP_TREES = False


@dataclass
class Compiled:
    """What compiling gives: code of a module that defines ``entry``, and the globals it needs."""

    code: CodeType
    entry: str
    selectors: frozenset[str]
    supers: frozenset[str]
    constants: dict[str, Any]
    free: dict[str, bool]
    selves: frozenset[str] = frozenset()  # selectors sent to self by name (self_sends.py)
    tree: ast.Module | None = None
    pools: frozenset[str] = frozenset()  # classes whose class variables it names
    # Of the methods it has in line: selector, the global that guards it, and what it was compiled from.
    guards: frozenset[tuple[str, str, Identity]] = frozenset()


def const(value: Any) -> ast.expr:
    return ast.Constant(value)


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def call(function: str | ast.expr, *args: ast.expr) -> ast.Call:
    return ast.Call(load(function) if isinstance(function, str) else function, list(args), [])


def class_of(expression: ast.expr) -> ast.expr:
    """The receiver's type. ``x.__class__`` costs half of what ``type(x)`` does."""
    return ast.Attribute(expression, "__class__", ast.Load())


def typed(expression: Any, kind: str | None) -> Any:
    """Note what is known of a value's type: int, num (int or float), float, bool, nil, or None for anything."""
    expression.kind = kind
    return expression


def kind_of(expression: ast.expr) -> str | None:
    return getattr(expression, "kind", None)


@dataclass
class Mode:
    """What the compiler is told about the world.

    ``resolve(name)`` answers where a free name is found: "slot" (self has or inherits a data slot), "send" (a method),
    "world", or "dynamic" (not known now; looked up when it runs). In a class's methods also "ivar" (an instance
    variable), "shared NAME" (a class variable of that class), "pool NAME" (a key of that Dictionary), "alias NAME" (the
    world's name for it is that) and "global" (not known now; nil if it still is nothing when it runs). ``shared`` names
    are mostly read from a parent. ``plain`` are the arithmetic selectors nobody has redefined. ``checked`` asks every
    store whether the value can persist.
    """

    resolve: Resolve
    # Names mostly read from a parent, and the global that holds the parent ("" when it must be searched).
    shared: frozenset[tuple[str, str]] = frozenset()
    redefined: frozenset[str] = frozenset()
    checked: bool = False
    top_level: bool = False
    # Selectors that are names of data somewhere: their sends read (or write) the slot in line where the type says so.
    data: frozenset[str] = frozenset()
    # Those of them that are unary and that no method anywhere has for selector.
    pure: frozenset[str] = frozenset()
    # Selectors that receivers of several types answer.
    varied: frozenset[str] = frozenset()
    # Selectors whose in-line form kept failing in this method: they are sent.
    timid: frozenset[str] = frozenset()
    # Distinguishes the super sends of this method's holder from others'.
    holder: str = ""
    # Small methods that sends reach, by selector and whether it is sent to self.
    small: Mapping[tuple[str, bool], Small] = field(default_factory=dict)


class Emitter:
    """Second pass: the tree of one method, expression by expression, into Python's tree."""

    def __init__(self, scopes: Scopes, mode: Mode, filename: str) -> None:
        self.scopes = scopes
        self.mode = mode
        self.filename = filename
        self.unit = filename  # whose code is being emitted: this or, of a method in line, its own
        self.selectors: set[str] = set()
        self.supers: set[str] = set()
        self.pools: set[str] = set()
        self.selves: set[str] = set()
        self.constants: dict[str, Any] = {}
        self.out: list[ast.stmt] = []
        self.impure = 0  # statements emitted so far whose order matters
        self.lexical: list[dict[str, Variable]] = []
        self.function: Function = scopes.root
        self._temps = 0
        self.version = ""
        # Of the methods in line (inlining.py): all so far and their size, and of the one that is being emitted whether
        # its receiver is another than the unit's own, what kind it is, and the local for what it answers.
        self.inlined: list[Inlined] = []
        self.guards: set[tuple[str, str, Identity]] = set()
        self.spent = 0
        self.height = 0  # temporaries in use, if those of methods in line are let go at their ends
        self.heights: dict[str, int] = {}  # temporary -> how many were in use with it
        self.running: list[str] = []
        self.elsewhere = False
        self.self_kind: str | None = None
        self.target = ""

    # --- small tools

    @property
    def customised(self) -> bool:
        """Is the code being emitted for one family alone? A block may run when self has moved to another."""
        return self.function.outer is None and not self.mode.top_level and not self.elsewhere

    def temp(self, lasting: bool = False) -> str:
        """A new temporary; it lasts only as long as the method in line that it is of, unless said otherwise."""
        self._temps += 1
        name = f"%{self._temps}"
        if not lasting:
            self.height += 1
            self.heights[name] = self.height
        return name

    def emit(self, statement: ast.stmt, node: n.Node | None = None, pure: bool = False) -> None:
        if node is not None:
            locate(statement, node.span)
        self.out.append(statement)
        if not pure:
            self.impure += 1

    def hold(self, expression: ast.expr) -> ast.expr:
        """The expression as something that can be used twice: itself if it is a name or constant, else a temporary."""
        if isinstance(expression, ast.Name | ast.Constant):
            return expression
        name = self.temp()
        self.emit(ast.Assign([store(name)], expression))
        return typed(load(name), kind_of(expression))

    def constant(self, value: Any) -> ast.expr:
        if value is None or type(value) in (int, float, str, bytes, bool):
            return const(value)
        # Named by what it is: code of the same unit compiled otherwise may still be running.
        name = f"$ {signature(value)} {self.filename}"
        self.constants[name] = value
        return load(name)

    def site(self) -> ast.expr:
        """The number under which this method's failed guesses are counted."""
        return const(0) if self.mode.top_level else load(f"$site {self.unit}")

    def super_table(self, selector: str) -> ast.expr:
        name = f"^{selector} {self.mode.holder}"
        self.supers.add(name)
        return load(name)

    def find(self, name: str) -> Variable | None:
        for scope in reversed(self.lexical):
            if name in scope:
                return scope[name]
        return None

    def nested(self, build: Callable[[], Any]) -> tuple[list[ast.stmt], Any]:
        """Run build with a statement list of its own: what it emitted, and its result."""
        outer, self.out = self.out, []
        try:
            result = build()
            return self.out, result
        finally:
            self.out = outer

    # --- expressions

    def expressions(self, parts: list[n.Node]) -> list[ast.expr]:
        """Several expressions in order; earlier ones are saved when a later one needs statements."""
        results: list[ast.expr] = []
        for part in parts:
            start, before = len(self.out), self.impure
            result = self.expr(part)
            if self.impure != before:
                position = start
                for index, earlier in enumerate(results):
                    if not self.stable(earlier):
                        name = self.temp(lasting=True)
                        self.out.insert(position, ast.Assign([store(name)], earlier))
                        position += 1
                        results[index] = typed(load(name), kind_of(earlier))
            results.append(result)
        return results

    def stable(self, expression: ast.expr) -> bool:
        if isinstance(expression, ast.Constant):
            return True
        return isinstance(expression, ast.Name) and (
            getattr(expression, "fixed", False) or expression.id[0] in "%$#" or expression.id == "self"
        )

    def expr(self, node: n.Node) -> ast.expr:
        match node:
            case n.Number(value=value):
                if isinstance(value, n.Scaled):
                    return self.constant(scaled(value))
                return typed(const(value), "int" if type(value) is int else "float")
            case n.String(value=value):
                return typed(const(value), "str")
            case n.Symbol() | n.Character() | n.Array() | n.Bytes():
                return self.constant(literal(node))
            case n.Pseudo(name=name):
                return self.pseudo(name, node)
            case n.Name(name=name):
                return self.read(name, node)
            case n.Assign(name=name, value=value):
                return self.assign(name, self.expr(value), node)
            case n.Brace(items=items):
                return located(call("new_array", ast.List(self.expressions(list(items)), ast.Load())), node)
            case n.Block():
                return self.block(node)
            case n.Send():
                return self.send(node)
            case n.Cascade():
                return self.cascade(node)
            case n.Return(value=value):
                self.return_(node)
                return const(None)
            case _:
                raise TypeError(f"no expression: {type(node).__name__}")

    def effect(self, node: n.Node) -> None:
        """Compile for effect only."""
        match node:
            case n.Return():
                self.return_(node)
            case n.Send() if control.effect(self, node):
                pass
            case n.Number() | n.String() | n.Symbol() | n.Character() | n.Array() | n.Bytes() | n.Block() | n.Pseudo():
                pass
            case _:
                result = self.expr(node)
                if not isinstance(result, ast.Constant | ast.Name):
                    self.emit(ast.Expr(result), node)

    def pseudo(self, name: str, node: n.Node) -> ast.expr:
        match name:
            case "nil":
                return typed(const(None), "nil")
            case "true" | "false":
                return typed(const(name == "true"), "bool")
            case "thisContext":
                result = call("this_context")
                locate(result, node.span)
                return self.hold(result)
            case _:
                return typed(load("self"), self.self_kind)

    def read(self, name: str, node: n.Node) -> ast.expr:
        variable = self.find(name)
        if variable is not None:
            if variable.boxed:
                return typed(ast.Attribute(load(variable.python), "v", ast.Load()), variable.type)
            result = load(variable.python)
            result.variable = variable  # type: ignore[attr-defined]
            result.fixed = (  # type: ignore[attr-defined]
                variable.parameter and not variable.writes or (len(variable.writes) == 1 and variable.definite)
            )
            return typed(result, variable.type)
        where = self.mode.resolve(name)
        if where == "slot":
            return self.read_slot(name, node)
        if where == "world":
            return located(ast.Attribute(load("world"), name, ast.Load()), node)
        if where == "send":
            return located(self.plain_send(load("self"), name, []), node)
        if where == "ivar":
            return self.read_variable(name, node)
        how, _, place = where.partition(" ")
        if how == "shared":
            self.pools.add(place)
            return located(ast.Attribute(load(f"$pool {place}"), name, ast.Load()), node)
        if how == "alias":
            return located(ast.Attribute(load("world"), place, ast.Load()), node)
        if how == "pool":
            return located(call("pool_at", const(place), const(name)), node)
        if how == "global":
            return located(call("look_global", load("self"), const(name)), node)
        return located(call("look_up", load("self"), const(name)), node)

    def read_variable(self, name: str, node: n.Node) -> ast.expr:
        """An instance variable: a slot whose name no message has."""
        target = self.temp()
        fetch = ast.Assign([store(target)], ast.Attribute(load("self"), "." + name, ast.Load()))
        unset = ast.Assign([store(target)], call("unset", load("self"), const("." + name)))
        self.emit(ast.Try([fetch], [ast.ExceptHandler(load("AttributeError"), None, [unset])], [], []), node)
        return load(target)

    def read_slot(self, name: str, node: n.Node) -> ast.expr:
        target = self.temp()
        holder = next((holder for shared, holder in self.mode.shared if shared == name), None)
        if holder is not None:
            first = ast.Assign([store(target)], call("getattr", load("self"), const(name), load("MISSING")))
            self.emit(first, node)
            missing = ast.Compare(load(target), [ast.Is()], [load("MISSING")])
            search = ast.Assign([store(target)], call("inherited", load("self"), const(name), const(0)))
            shown: ast.stmt = search
            if holder:
                read = ast.Assign([store(target)], ast.Attribute(load(holder), name, ast.Load()))
                shown = ast.Try([read], [ast.ExceptHandler(load("AttributeError"), None, [search])], [], [])
            self.emit(ast.If(missing, [shown], []), node)
        else:
            fetch = ast.Assign([store(target)], ast.Attribute(load("self"), name, ast.Load()))
            again = ast.Assign([store(target)], call("inherited", load("self"), const(name), self.site()))
            handler = ast.ExceptHandler(load("AttributeError"), None, [again])
            self.emit(ast.Try([fetch], [handler], [], []), node)
        return load(target)

    def assign(self, name: str, value: ast.expr, node: n.Node) -> ast.expr:
        variable = self.find(name)
        if variable is None or variable.boxed:
            value = self.hold(value)
        if variable is not None:
            if variable.boxed:
                self.emit(ast.Assign([ast.Attribute(load(variable.python), "v", ast.Store())], value), node)
                return value
            if variable.flagged:
                for statement in arithmetic.set_flag(variable, value):
                    self.emit(statement, node)
            else:
                self.emit(ast.Assign([store(variable.python)], value), node)
            if isinstance(value, ast.Name | ast.Constant):
                return value
            # Reading the variable again is its value, until somebody assigns it: the reader holds it if need be.
            return self.read(name, node)
        where = self.mode.resolve(name)
        if where == "slot" and not self.mode.checked and not (self.mode.top_level and name[:1].isupper()):
            self.emit(ast.Assign([ast.Attribute(load("self"), name, ast.Store())], value), node)
        elif where == "ivar" and not self.mode.checked:
            self.emit(ast.Assign([ast.Attribute(load("self"), "." + name, ast.Store())], value), node)
        elif where.startswith("shared ") and not self.mode.checked:
            self.pools.add(where[7:])
            self.emit(ast.Assign([ast.Attribute(load(f"$pool {where[7:]}"), name, ast.Store())], value), node)
        elif where == "ivar" or " " in where:
            self.emit(ast.Expr(call("assign_variable", load("self"), const(name), const(where), value)), node)
        else:
            how = "assign_top" if self.mode.top_level else "assign"
            self.emit(ast.Expr(call(how, load("self"), const(name), value)), node)
        return value

    def block(self, node: n.Block) -> ast.expr:
        """A block as a Python function, defined here."""
        outer, function = self.function, self.scopes.functions[id(node)]
        self.function = function
        if function.returns_home and outer.outer is None:
            unmade = ast.Compare(load("%home"), [ast.Is()], [const(None)])
            self.emit(ast.If(unmade, [ast.Assign([store("%home")], call("Home"))], []), pure=True)
        name = self.block_name(node, function)
        variables = self.scopes.declared[id(node)]
        self.lexical.append(variables)

        def build() -> None:
            shared = sorted({v.python for v in function.writes if not v.boxed})
            if shared:
                self.emit(ast.Nonlocal(shared))
            self.declare(variables)
            self.body(node.body, value=True)

        statements, _ = self.nested(build)
        self.lexical.pop()
        self.function = outer
        arguments = [ast.arg(parameter_name(variables[p])) for p in node.params]
        head = [statements.pop(0)] if statements and isinstance(statements[0], ast.Nonlocal) else []
        made = define(name, arguments, [*head, *guarded(statements, node)])
        tidy(made)
        locate(made, node.span)
        self.emit(made, pure=True)
        result = load(name)
        if function.spare and not function.passing and outer is function.outer:
            # Made in a loop, it must go on seeing what the loop's variables were in this turn.
            own = [v for v in function.reads | function.writes if v.home is outer and v.loop and not v.boxed]
            result.watched = any(v in function.writes for v in own)  # type: ignore[attr-defined]
            if own and not result.watched:  # type: ignore[attr-defined]
                return call("detached", result)
        return result

    def block_name(self, node: n.Block, function: Function) -> str:
        """Named by its place, so that a stored block is found again however the method was compiled; marked where walks
        are in line, as its variables go by other names then, and "!" if it shares variables that have no boxes."""
        mark, around = "", function
        if self.scopes.spares:
            mark = "'"
            while around.outer is not None:
                mark = "''" if around.spare else mark
                around = around.outer
            if any(changes(v) for v in function.reads | function.writes):
                mark += "!"
        return f"[] {node.span.line}:{node.span.column}{mark}{self.version}"

    def declare(self, variables: dict[str, Variable]) -> None:
        """Temporaries start as nil; boxes are made here, so that each activation has its own."""
        for variable in variables.values():
            if variable.boxed:
                first = load(parameter_name(variable)) if variable.parameter else const(None)
                self.emit(ast.Assign([store(variable.python)], call("new_box", first)))
            elif not variable.parameter and not (variable.definite and not variable.captured):
                self.emit(ast.Assign([store(variable.python)], const(None)))
            if variable.flagged and (variable.parameter or not variable.definite):
                for statement in arithmetic.set_flag(variable):
                    self.emit(statement)

    def body(self, statements: tuple[n.Node, ...], value: bool, last: ast.expr | None = None) -> None:
        """Statements of a function; with value the last one's value is returned (blocks), else last is (methods)."""
        if not statements:
            self.leave(const(None) if value or last is None else last)
            return
        *first, final = statements
        for statement in first:
            self.effect(statement)
        if isinstance(final, n.Return) or not value:
            self.effect(final)
            if not isinstance(final, n.Return):
                self.leave(last or const(None), final)
        else:
            self.leave(self.expr(final), final)

    def leave(self, value: ast.expr, node: n.Node | None = None) -> None:
        """Answer a value: return it, or from a method in line leave its statements."""
        if not self.target:
            self.emit(ast.Return(value), node)
            return
        self.emit(ast.Assign([store(self.target)], value), node)
        self.emit(ast.Break(), node)

    def return_(self, node: n.Return) -> None:
        value = self.expr(node.value)
        if self.function.outer is None or self.target:
            self.leave(value, node)
        else:
            self.emit(ast.Expr(call("return_home", load("%home"), value)), node)

    # --- sends

    def send(self, node: n.Send) -> ast.expr:
        if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
            args = self.expressions(list(node.args))
            function = ast.Subscript(self.super_table(node.selector), class_of(load("self")), ast.Load())
            return located(ast.Call(function, [load("self"), *args], []), node)
        tries = [control.value, arithmetic.value, inlining.value]
        if node.selector in self.mode.timid:
            tries[1:] = [inlining.value, arithmetic.value]
        for value in tries:
            done = value(self, node)
            if done is not None:
                return done
        receiver, *args = self.expressions([node.receiver, *node.args])
        if node.selector in self.mode.data and not self.mode.checked:
            return self.slot_send(receiver, node, args)
        return located(self.plain_send(receiver, node.selector, args), node)

    def slot_send(self, receiver: ast.expr, node: n.Send, args: list[ast.expr]) -> ast.expr:
        """A send that mostly reaches a data slot, read or written in line.

        Selectors in ``pure`` are names of data that no method has, and no Python type: reading the attribute can only
        give the slot or fail. Otherwise, and for writes, the receiver's type must be one that ``~selector`` lists.
        """
        selector = node.selector
        name = selector.rstrip(":")
        receiver = self.hold(receiver)
        if not isinstance(receiver, ast.Name) or (
            selector + " sent" in self.mode.timid and selector not in self.mode.timid
        ):
            # A constant; or elsewhere a name of data, but here a method answers.
            return located(self.plain_send(receiver, selector, args), node)
        self.selectors.add(selector)
        again = load(receiver.id)
        if selector in self.mode.pure and selector not in self.mode.timid:
            target = self.temp()
            fetch: ast.stmt = ast.Assign([store(target)], ast.Attribute(again, name, ast.Load()))
            locate(fetch, node.span)
            miss = located(call("slot_miss", load(receiver.id), const(name), self.site()), node)
            handler = ast.ExceptHandler(load("AttributeError"), None, [ast.Assign([store(target)], miss)])
            self.emit(ast.Try([fetch], [handler], [], []), node)
            return load(target)
        # Most names of data belong to one family: its type is tried before the set of all.
        kind = self.temp()
        one = ast.Compare(ast.NamedExpr(store(kind), class_of(load(receiver.id))), [ast.Is()], [load("=" + selector)])
        test = ast.BoolOp(ast.Or(), [one, ast.Compare(load(kind), [ast.In()], [load("~" + selector)])])
        if args:
            args = [self.hold(args[0])]
            value = args[0]
            again_value = load(value.id) if isinstance(value, ast.Name) else value
            write = ast.Assign([ast.Attribute(again, name, ast.Store())], again_value)
            send = located(self.plain_send(load(receiver.id), selector, [value]), node)
            target = self.temp()
            self.emit(
                ast.If(
                    test, [write, ast.Assign([store(target)], load(receiver.id))], [ast.Assign([store(target)], send)]
                ),
                node,
            )
            return load(target)
        target = self.temp()
        inherited = ast.Assign([store(target)], call("inherited", load(receiver.id), const(name), const(0)))
        read: list[ast.stmt]
        if selector in self.mode.timid:
            # Often not the receiver's own but its nearest parent's: asking costs less than failing.
            above = ast.Attribute(load(kind), "_p_above", ast.Load())
            missing = ast.Compare(load(target), [ast.Is()], [load("MISSING")])
            own, shown = (
                ast.Assign([store(target)], call("getattr", asked, const(name), load("MISSING")))
                for asked in (again, above)
            )
            read = [own, ast.If(missing, [shown, ast.If(missing, [inherited], [])], [])]
        else:
            fetch = ast.Assign([store(target)], ast.Attribute(again, name, ast.Load()))
            read = [ast.Try([fetch], [ast.ExceptHandler(load("AttributeError"), None, [inherited])], [], [])]
        send = located(self.plain_send(load(receiver.id), selector, []), node)
        self.emit(ast.If(test, read, [ast.Assign([store(target)], send)]), node)
        return load(target)

    def plain_send(self, receiver: ast.expr, selector: str, args: list[ast.expr]) -> ast.expr:
        self.selectors.add(selector)
        again: ast.expr
        if isinstance(receiver, ast.Name) and receiver.id == "self" and self.customised:
            self.selves.add(selector)
            return call("@" + selector, load("self"), *args)
        if isinstance(receiver, ast.Constant):
            again = const(receiver.value)
        elif isinstance(receiver, ast.Name):
            again = load(receiver.id)
        else:
            name = self.temp()
            receiver, again = ast.NamedExpr(store(name), receiver), load(name)
        if selector in self.mode.varied or isinstance(receiver, ast.Constant):
            function: ast.expr = ast.Subscript(load("#" + selector), class_of(receiver), ast.Load())
        else:
            # Most selectors are answered by one type of receiver, whose function is at hand: no table is asked.
            one = ast.Compare(class_of(receiver), [ast.Is()], [load("?" + selector)])
            table = ast.Subscript(load("#" + selector), class_of(again_(again)), ast.Load())
            function = ast.IfExp(one, load("!" + selector), table)
        return ast.Call(function, [again, *args], [])

    def cascade(self, node: n.Cascade) -> ast.expr:
        if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
            receiver: ast.expr = load("self")
        else:
            receiver = self.hold(self.expr(node.receiver))
            if isinstance(receiver, ast.Name) and not self.stable(receiver):
                name = self.temp()
                self.emit(ast.Assign([store(name)], receiver))
                receiver = load(name)
        result: ast.expr = const(None)
        for index, message in enumerate(node.messages):
            args = self.expressions(list(message.args))
            if isinstance(receiver, ast.Name):
                again: ast.expr = load(receiver.id)
            else:
                again = receiver
            if index == 0 and isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
                function: ast.expr = ast.Subscript(
                    self.super_table(message.selector), class_of(load("self")), ast.Load()
                )
                result = ast.Call(function, [load("self"), *args], [])
            else:
                done = inlining.part(self, node, message, again, args)
                result = done or self.plain_send(again, message.selector, args)
            located(result, message if message.span.end else node)
            if index < len(node.messages) - 1:
                self.emit(ast.Expr(result), node)
        return result


def again_(expression: ast.expr) -> ast.expr:
    return load(expression.id) if isinstance(expression, ast.Name) else expression


# --- pieces of trees ----------------------------------------------------------


def parameter_name(variable: Variable) -> str:
    return variable.python + ".arg" if variable.boxed and variable.parameter else variable.python


def define(name: str, arguments: list[ast.arg], body: list[ast.stmt]) -> ast.FunctionDef:
    return ast.FunctionDef(
        name,
        ast.arguments(
            posonlyargs=[], args=arguments, vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
        ),
        body,
        [],
        None,
    )


def guarded(statements: list[ast.stmt], node: n.Node) -> list[ast.stmt]:
    """The body of a function inside the net that turns Python errors into exceptions of the language."""
    if len(statements) == 1 and isinstance(statements[0], ast.Return) and harmless(statements[0].value):
        return statements
    again = ast.Return(call("failed", load("%e")))
    handler = ast.ExceptHandler(load("Exception"), "%e", [again])
    return [ast.Try(statements, [handler], [], [])]


def harmless(expression: ast.expr | None) -> bool:
    return isinstance(expression, ast.Constant) or (isinstance(expression, ast.Name) and expression.id == "self")


def locate(node: Any, span: n.Span) -> None:
    node.lineno, node.col_offset = max(span.line, 1), max(span.column - 1, 0)
    node.end_lineno, node.end_col_offset = max(span.end_line, 1), max(span.end_column - 1, 0)


def located(expression: Any, node: n.Node) -> Any:
    span = node.span
    locate(expression, span)
    return expression


def literal(node: n.Node) -> Any:
    """The value of a literal node."""
    from fractions import Fraction  # noqa: F401  (kept near: literals never make one, `/` does)

    from ..image.values import Character, Symbol

    match node:
        case n.Number(value=value):
            return scaled(value) if isinstance(value, n.Scaled) else value
        case n.String(value=value):
            return value
        case n.Symbol(value=value):
            return Symbol(value)
        case n.Character(value=value):
            return Character(ord(value))
        case n.Bytes(value=value):
            return value
        case n.Pseudo(name=name):
            return {"nil": None, "true": True, "false": False}[name]
        case n.Array(items=items):
            return tuple(literal(item) for item in items)
    raise TypeError(f"no literal: {type(node).__name__}")


def signature(value: Any) -> str:
    """A text that only equal literals of the same kind have."""
    if isinstance(value, tuple):
        return f"({' '.join(map(signature, value))})"
    return f"{type(value).__name__} {value!r}"


def scaled(value: n.Scaled) -> Any:
    from fractions import Fraction

    from ..image.values import ScaledDecimal

    return ScaledDecimal(Fraction(value.unscaled, 10**value.digits), value.scale)


# --- whole units --------------------------------------------------------------


def compile_method(method: n.Method, mode: Mode, filename: str, entry: str) -> Compiled:
    """A method in message syntax to code that defines a Python function ``entry(self, ...)``."""
    scopes = Scopes(method, method.params, method.temps, method.body, walks_in_line(mode))
    return _unit(scopes, method, method.params, method.body, mode, filename, entry, value=False)


def compile_statement(statement: n.Node, mode: Mode, filename: str) -> Compiled:
    """A top-level statement to code that defines ``statement(self)``, whose result is the statement's value."""
    temps, body = (statement.temps, statement.body) if isinstance(statement, n.Eval) else ((), (statement,))
    scopes = Scopes(statement, (), temps, body, walks_in_line(mode))
    mode.top_level = True
    return _unit(scopes, statement, (), body, mode, filename, "statement", value=True)


def walks_in_line(mode: Mode) -> bool:
    return "walks" not in mode.timid and "on:do:" not in mode.redefined


def _unit(
    scopes: Scopes,
    node: n.Node,
    params: tuple[str, ...],
    statements: tuple[n.Node, ...],
    mode: Mode,
    filename: str,
    entry: str,
    value: bool,
) -> Compiled:
    emitter = Emitter(scopes, mode, filename)
    variables = scopes.declared[id(node)]
    emitter.lexical.append(variables)

    def build() -> None:
        arithmetic.settle_types(scopes, mode.redefined)
        arithmetic.flag_variables(scopes, node, mode.redefined)
        emitter.declare(variables)
        emitter.body(statements, value=value, last=load("self"))

    arithmetic.FLOATS_FIRST.set(arithmetic.about_floats(node))
    versioned = arithmetic.int_parameters(scopes, node, mode.redefined)
    body: list[ast.stmt] = []
    if versioned:
        for variable in versioned:
            variable.given = "int"
        emitter.version = " int"
        fast, _ = emitter.nested(build)
        emitter.version = ""
        for variable in versioned:
            variable.given = None
        emitter.mode = replace(mode, small={})  # the version that runs seldom stays short
        tests: list[ast.expr] = [ast.Compare(class_of(load(v.python)), [ast.Is()], [load("int")]) for v in versioned]
        body.append(ast.If(tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests), fast, []))
    body.extend(emitter.nested(build)[0])
    if scopes.root.returns_home:
        body = _with_home(body)
    arguments = [ast.arg("self"), *(ast.arg(parameter_name(variables[p])) for p in params)]
    function = define(entry, arguments, guarded(body, node))
    tidy(function)
    if emitter.inlined:
        inlining.share_locals(function, emitter)
    locate(function, node.span)
    tree = ast.Module([function], [])
    ast.fix_missing_locations(tree)
    code = compile(tree, filename, "exec")
    if emitter.inlined:
        code = with_inlinings(code, Inlinings(emitter.inlined))
    return Compiled(
        code,
        entry,
        frozenset(emitter.selectors),
        frozenset(emitter.supers),
        emitter.constants,
        dict(scopes.free),
        frozenset(emitter.selves),
        tree if KEEP_TREES else None,
        frozenset(emitter.pools),
        frozenset(emitter.guards),
    )


def _with_home(body: list[ast.stmt]) -> list[ast.stmt]:
    """Wrap a method whose blocks return from it: ``%home`` is its activation's identity, open until it returns."""
    mine = ast.Compare(ast.Attribute(load("%r"), "home", ast.Load()), [ast.Is()], [load("%home")])
    caught = ast.ExceptHandler(
        load("ReturnHome"),
        "%r",
        [ast.If(mine, [ast.Return(ast.Attribute(load("%r"), "value", ast.Load()))], []), ast.Raise(None, None)],
    )
    close = ast.Assign([ast.Attribute(load("%home"), "open", ast.Store())], const(False))
    return [
        ast.Assign([store("%home")], const(None)),  # until a block is made that may return
        ast.Try(body, [caught], [], [ast.If(load("%home"), [close], [])]),
    ]


__all__ = ["Compiled", "Emitter", "Mode", "compile_method", "compile_statement", "inlined_blocks"]
