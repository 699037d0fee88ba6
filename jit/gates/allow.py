"""Gate 2: nothing in the method is outside the allow-list of syntax, names, modules and attributes.

Works on the tree that Python's own parser made, so that encodings, escapes and look-alike letters (the parser folds
them) are no way around it.
"""

from __future__ import annotations

import ast
import difflib
import re

from ..allowlist import (
    BUILTINS,
    EXCEPTIONS,
    KEYWORDS,
    MAKES_CLASSES,
    METHODS,
    MODULES,
    NAMES_A_SEND,
    NEVER,
    REFLECTION,
    SYNTAX,
    SYNTAX_WORDS,
    WORLD_NAMES_REFUSED,
)
from .verdict import Candidate, Refused, Surroundings

MAX_EXPONENT = 100
MAX_FIELD = re.compile(r"[^0-9]*[0-9]{0,2}[^0-9]*([.][0-9]{1,2})?[^0-9]*")


def python_name(selector: str) -> str:
    """`at:put:` is `at_put_`: each colon becomes an underscore (the PyObjC rule)."""
    return selector.replace(":", "_")


REFLECTION_NAMES = frozenset(python_name(s) for s in REFLECTION)
SENT_LATER = {python_name(s): number for s, number in NAMES_A_SEND.items()}


def check_allowed(candidate: Candidate, function: ast.FunctionDef, world: Surroundings) -> None:
    """Raises Refused at the first thing that is not allowed."""
    Checker(candidate, function, world).check()


class Checker:
    def __init__(self, candidate: Candidate, function: ast.FunctionDef, world: Surroundings) -> None:
        self.function = function
        self.locals = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
        self.modules: dict[str, str] = {}
        self.imported: set[str] = set()
        own = {candidate.name}
        known = world.vocabulary | world.selectors | world.data_slots
        setters = {s + ":" for s in known if s.isidentifier()}  # a slot `x` answers to `x:`
        self.attributes = METHODS | {python_name(s) for s in known | setters} | own
        self.world_names = world.world_names - WORLD_NAMES_REFUSED
        self.world = world

    def check(self) -> None:
        nodes = list(ast.walk(self.function))
        for node in nodes:
            if type(node) not in SYNTAX:
                word = SYNTAX_WORDS.get(type(node).__name__, type(node).__name__)
                raise Refused(f"{word} is not allowed in a method", getattr(node, "lineno", 0))
            if isinstance(node, ast.FunctionDef) and node is not self.function:
                raise Refused("a function inside the method is not allowed", node.lineno)
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.take_import(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.locals.add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                self.locals.add(node.name)
        module_bases = {
            id(node.value) for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        for node in nodes:
            rule = getattr(self, f"check_{type(node).__name__}", None)
            if rule is not None:
                rule(node)
            if isinstance(node, ast.Name) and node.id in self.modules and id(node) not in module_bases:
                raise Refused(f"the module {node.id} can only be used as {node.id}.NAME", node.lineno)

    # imports

    def take_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in MODULES:
                    raise Refused(f"import of {alias.name} is not allowed; allowed: {', '.join(MODULES)}", node.lineno)
                self.modules[alias.asname or alias.name] = alias.name
            return
        allowed = MODULES.get(node.module or "") if node.level == 0 else None
        if allowed is None:
            raise Refused(f"import from {node.module or '.'} is not allowed", node.lineno)
        for alias in node.names:
            if alias.name not in allowed:
                raise Refused(f"{node.module}.{alias.name} is not allowed", node.lineno)
            self.imported.add(alias.asname or alias.name)

    def check_alias(self, node: ast.alias) -> None:
        self.plain(node.asname or node.name, node.lineno)

    # names

    def plain(self, name: str, line: int) -> None:
        if name.startswith("_") or not name.isascii():
            raise Refused(f"the name {name} is not allowed", line)

    def check_arg(self, node: ast.arg) -> None:
        self.plain(node.arg, node.lineno)
        if node.arg == "self" and node is not self.function.args.args[0]:
            raise Refused("self cannot be another parameter", node.lineno)
        if node.arg in self.modules or node.arg in self.imported:
            raise Refused(f"{node.arg} is a module here and cannot be a parameter", node.lineno)

    def check_Name(self, node: ast.Name) -> None:
        self.plain(node.id, node.lineno)
        if isinstance(node.ctx, ast.Store):
            if node.id == "self":
                raise Refused("self cannot be assigned", node.lineno)
            if node.id in self.modules or node.id in self.imported or node.id in self.world_names:
                raise Refused(f"{node.id} cannot be assigned", node.lineno)
            if node.id in self.world.data_slots:
                raise Refused(f"{node.id} is a slot: write self.{node.id}", node.lineno)
            return
        known = node.id in self.locals or node.id in self.imported or node.id in self.modules
        if known or node.id in BUILTINS or node.id in EXCEPTIONS or node.id in self.world_names:
            return
        if node.id in self.world.data_slots:
            raise Refused(f"{node.id} is a slot: write self.{node.id}", node.lineno)
        raise Refused(f"the name {node.id} is not allowed or not known{_near(node.id, self.locals)}", node.lineno)

    def check_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is None:
            raise Refused("except must name what it catches", node.lineno)
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if not all(isinstance(e, ast.Name) and e.id in EXCEPTIONS for e in caught):
            raise Refused(f"only these can be caught: {', '.join(sorted(EXCEPTIONS))}", node.lineno)
        if node.name:
            self.plain(node.name, node.lineno)
            if node.name == "self":
                raise Refused("self cannot be assigned", node.lineno)

    def check_Try(self, node: ast.Try) -> None:
        if node.finalbody:
            raise Refused("finally is not allowed", node.lineno)

    def check_Raise(self, node: ast.Raise) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if node.cause is not None or not (isinstance(raised, ast.Name) and raised.id in EXCEPTIONS):
            raise Refused(f"only these can be raised: {', '.join(sorted(EXCEPTIONS))}", node.lineno)

    # attributes and calls

    def check_Attribute(self, node: ast.Attribute) -> None:
        name = node.attr
        if name.startswith("_") or not name.isascii() or name in NEVER:
            raise Refused(f"the attribute {name} is not allowed", node.lineno)
        if isinstance(node.ctx, ast.Store) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            raise Refused("only slots of self can be assigned: send a message to another object", node.lineno)
        if isinstance(node.value, ast.Name) and node.value.id in self.modules:
            if name not in MODULES[self.modules[node.value.id]]:
                raise Refused(f"{self.modules[node.value.id]}.{name} is not allowed", node.lineno)
            return
        if name in REFLECTION_NAMES or MAKES_CLASSES.match(name):
            raise Refused(f"sending {name} is not allowed to a method written by a model", node.lineno)
        if isinstance(node.ctx, ast.Store):
            return  # which slots may be written is the next gate's question
        if name not in self.attributes:
            of_self = isinstance(node.value, ast.Name) and node.value.id == "self"
            whose = self.world.prototype if of_self else "the world"
            raise Refused(f"{whose} has no slot or method {name}{_near(name, self.attributes)}", node.lineno)

    def check_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name):
            plain = function.id in BUILTINS or function.id in EXCEPTIONS or function.id in self.imported
            if not plain and function.id not in self.locals:
                raise Refused(f"{function.id} is not a function that may be called", node.lineno)
        elif not isinstance(function, ast.Attribute):
            raise Refused("only a function or a message can be called", node.lineno)
        elif function.attr in SENT_LATER:
            self.check_sent_later(node, SENT_LATER[function.attr])
        for keyword in node.keywords:
            if keyword.arg not in KEYWORDS:
                raise Refused(f"the keyword argument {keyword.arg or '**'} is not allowed", node.lineno)

    def check_sent_later(self, node: ast.Call, number: int) -> None:
        """The message that this one keeps for later is one that might be sent now."""
        named = node.args[number] if number < len(node.args) else None
        if not (isinstance(named, ast.Constant) and isinstance(named.value, str)):
            raise Refused("a message that is sent later has to be written out", node.lineno)
        name = python_name(named.value)
        if named.value in REFLECTION or MAKES_CLASSES.match(name) or name not in self.attributes:
            raise Refused(f"{named.value} cannot be sent later by a method written by a model", node.lineno)

    def check_Lambda(self, node: ast.Lambda) -> None:
        a = node.args
        if a.defaults or a.kw_defaults or a.posonlyargs or a.kwonlyargs or a.vararg or a.kwarg:
            raise Refused("a lambda may have plain parameters only", node.lineno)

    # values

    def check_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, int | float | str | None):
            raise Refused(f"a constant {type(node.value).__name__} is not allowed", node.lineno)

    def check_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Call | ast.Constant):
            raise Refused("a statement must assign, send, call or return", node.lineno)

    def check_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Pow):
            self.check_exponent(node.right)

    def check_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.Pow):
            self.check_exponent(node.value)

    def check_exponent(self, node: ast.expr) -> None:
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and abs(node.value) > MAX_EXPONENT:
            raise Refused(f"an exponent above {MAX_EXPONENT} is not allowed", node.lineno)

    def check_FormattedValue(self, node: ast.FormattedValue) -> None:
        if node.format_spec is None:
            return
        parts = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else [node.format_spec]
        if not all(isinstance(p, ast.Constant) for p in parts):
            raise Refused("a format must be written out", node.lineno)
        text = "".join(str(p.value) for p in parts if isinstance(p, ast.Constant))
        if not MAX_FIELD.fullmatch(text):
            raise Refused("a format may be at most 99 wide", node.lineno)

    def check_For(self, node: ast.For) -> None:
        self.check_target(node.target)

    def check_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            raise Refused("async for is not allowed in a method", node.target.lineno)
        self.check_target(node.target)

    def check_target(self, target: ast.expr) -> None:
        if not all(isinstance(t, ast.Name | ast.Tuple | ast.List | ast.expr_context) for t in ast.walk(target)):
            raise Refused("a loop's variable must be a plain name", target.lineno)


def _near(name: str, known: set[str] | frozenset[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
