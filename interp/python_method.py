"""Methods written in Python, by hand or by a model.

The body is Python with one difference: a dot reaches into the world. ``self.balance`` reads a slot (found by
delegation), ``self.balance = 3`` writes it, ``self.deposit_(5)`` sends ``deposit:`` (each colon is an underscore, as in
PyObjC), and ``super().deposit_(5)`` sends it on. A capitalised name that is nothing in Python is a name of the world.
On values that are no objects of the image (numbers, text, modules a person imports) the dot is Python's own.

The text is parsed and rewritten as a tree: attribute access becomes calls of the helpers below. A method that ends
without ``return`` answers self, as in messages.

A person's method sees all of Python; one that a model wrote sees ``SAFE`` only, and was held to more by the gates.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from typing import TYPE_CHECKING, Any

from ..grammar import parse_method
from ..grammar.python_text import parse_python
from ..image.method import selector_of
from ..image.object import MISSING, is_object, own_slots
from .families import is_method
from .flow import Fault
from .python_collections import GO_THROUGH, TAKES_MANY, python_words

if TYPE_CHECKING:
    from .world import World

SAFE = frozenset(
    "abs all any bool dict divmod enumerate filter float frozenset int isinstance len list map max min pow range repr "
    "reversed round set sorted str sum tuple zip True False None ArithmeticError AttributeError Exception IndexError "
    "KeyError LookupError OverflowError RuntimeError StopIteration TypeError ValueError ZeroDivisionError".split()
)
# Modules that a model's method may import; the gates say which of their names it may use.
MODULES = frozenset({"math", "random", "statistics"})
# What Python programmers (and models) call on lists and dicts, in messages.
PYTHONIC = {
    ("append", 1): "add:",
    ("add", 1): "add:",
    ("extend", 1): "addAll:",
    ("pop", 0): "removeLast",
    ("remove", 1): "remove:",
    ("discard", 1): "remove:",
    ("index", 1): "indexOf:",
    ("count", 1): "occurrencesOf:",
    ("sort", 0): "sort",
    ("reverse", 0): "reverse",
    ("copy", 0): "copy",
    ("clear", 0): "removeAll",
    ("keys", 0): "keys",
    ("values", 0): "values",
    ("get", 1): "at:",
    ("upper", 0): "asUppercase",
    ("lower", 0): "asLowercase",
    ("size", 0): "size",
}


def compile_python(
    world: World, source: str, selector: str, filename: str, holder: Any = None, trusted: bool = True
) -> Any:
    """The function that a Python method runs as. SyntaxError if the text is no Python."""
    text, first = python_text(source)
    tree = parse_python(text)
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(definitions) != 1 or len(tree.body) != 1:
        raise SyntaxError("a Python method is one def and nothing else")
    definition = definitions[0]
    module = symtable.symtable(text, filename, "exec")
    Rewriter(world, known_names(module), holder, trusted).rewrite(definition)
    if first:
        ast.increment_lineno(tree, first)
    ast.fix_missing_locations(tree)
    code = compile(tree, filename, "exec")
    local: dict[str, Any] = {}
    scope = python_globals(world, trusted)
    exec(code, scope, local)
    return local[definition.name]


def check_source(source: str, selector: str) -> None:
    """Refuse a Python method whose text is no Python when it is defined, not when it is first sent."""
    try:
        parse_python(python_text(source)[0])
    except SyntaxError as problem:
        raise Fault(
            "SystemExceptions.InvalidArgument",
            f"the body of {selector} is no Python: {problem.msg} (line {problem.lineno})",
        ) from None


def python_text(source: str) -> tuple[str, int]:
    """The ``def`` of a Python method, and how many lines its source has before the body's first.

    Sources are a ``def`` as it is, or a pattern with a fence (``withdraw: amount ```python ... ```\u200b``).
    """
    if source.lstrip().startswith("def "):
        return source.strip() + "\n", 0
    from ..image.method import python_name

    method = parse_method(source)
    body = method.text if method.text.strip() else "pass"
    lines = "".join("    " + line + "\n" for line in body.split("\n"))
    parameters = ", ".join(("self", *method.params))
    return f"def {python_name(method.selector)}({parameters}):\n{lines}", 0


def known_names(module: symtable.SymbolTable) -> set[str]:
    """Names that are bound somewhere in the text (parameters, locals, imports), in whatever scope."""
    names: set[str] = set()
    stack = [module]
    while stack:
        table = stack.pop()
        names.update(
            s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_parameter() or s.is_imported()
        )
        stack.extend(table.get_children())
    return names


class Rewriter(ast.NodeTransformer):
    def __init__(self, world: World, bound: set[str], holder: Any, trusted: bool) -> None:
        self.world = world
        self.trusted = trusted
        self.bound = bound
        self.holder = holder
        self._temps = 0
        self._comprehensions = 0
        self._nested = 0  # functions within the method: what they answer stays Python's

    def rewrite(self, definition: ast.FunctionDef) -> None:
        body = [self.visit(statement) for statement in definition.body]
        flat: list[ast.stmt] = []
        for statement in body:
            flat.extend(statement if isinstance(statement, list) else [statement])
        flat.append(ast.Return(ast.Name("self", ast.Load())))
        handler = ast.ExceptHandler(
            ast.Name("Exception ", ast.Load()), "%e", [ast.Return(_call("failed ", ast.Name("%e", ast.Load())))]
        )
        definition.body = [ast.Try(flat, [handler], [], [])]

    # --- names

    def visit_Name(self, node: ast.Name) -> Any:
        if isinstance(node.ctx, ast.Load) and node.id not in self.bound and not hasattr(builtins, node.id):
            return ast.copy_location(_call("name ", ast.Constant(node.id)), node)
        return node

    # --- attributes

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        value = self.visit(node.value)
        if isinstance(node.ctx, ast.Load):
            return ast.copy_location(self._read(value, node.attr), node)
        return ast.copy_location(ast.Attribute(value, node.attr, node.ctx), node)

    def _read(self, value: ast.expr, name: str) -> ast.expr:
        if isinstance(value, ast.Name) and value.id == "self" and not self._comprehensions:
            self._temps += 1
            temp = f"%{self._temps}"
            fetch = ast.NamedExpr(
                ast.Name(temp, ast.Store()),
                _call("getattr ", value, ast.Constant(name), ast.Name("MISSING ", ast.Load())),
            )
            missing = ast.Compare(fetch, [ast.Is()], [ast.Name("MISSING ", ast.Load())])
            again = _call("read ", ast.Name("self", ast.Load()), ast.Constant(name))
            return ast.IfExp(missing, again, ast.Name(temp, ast.Load()))
        return _call("read ", value, ast.Constant(name))

    def visit_Assign(self, node: ast.Assign) -> Any:
        value = self.visit(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Attribute):
            written = node.targets[0]
            write = _call("write ", self.visit(written.value), ast.Constant(written.attr), value)
            return ast.copy_location(ast.Expr(write), node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            place = node.targets[0]
            put = _call("put ", self.visit(place.value), self.visit(_index(place.slice)), value)
            return ast.copy_location(ast.Expr(put), node)
        if any(isinstance(one, ast.Attribute) for target in node.targets for one in ast.walk(target)):
            # a, self.x = ...: through temporaries, one write each.
            self._temps += 1
            name = f"%{self._temps}"
            statements: list[ast.stmt] = [ast.Assign([ast.Name(name, ast.Store())], value)]
            for target in node.targets:
                statements.extend(self._spread(target, ast.Name(name, ast.Load())))
            return [ast.copy_location(statement, node) for statement in statements]
        node.value = value
        node.targets = [self.visit(target) for target in node.targets]
        return node

    def _spread(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        if isinstance(target, ast.Attribute):
            return [ast.Expr(_call("write ", self.visit(target.value), ast.Constant(target.attr), value))]
        if isinstance(target, ast.Tuple | ast.List) and not any(isinstance(one, ast.Starred) for one in target.elts):
            names = []
            for _ in target.elts:
                self._temps += 1
                names.append(f"%{self._temps}")
            unpack: list[ast.stmt] = [
                ast.Assign([ast.Tuple([ast.Name(n, ast.Store()) for n in names], ast.Store())], value)
            ]
            for one, name in zip(target.elts, names, strict=True):
                unpack.extend(self._spread(one, ast.Name(name, ast.Load())))
            return unpack
        return [ast.Assign([self.visit(target)], value)]

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        value = self.visit(node.value)
        if isinstance(node.target, ast.Subscript):
            return self._change_element(node, node.target, value)
        if not isinstance(node.target, ast.Attribute):
            node.value, node.target = value, self.visit(node.target)
            return node
        self._temps += 1
        holder = f"%{self._temps}"
        owner = node.target.value
        statements: list[ast.stmt] = []
        if isinstance(owner, ast.Name) and owner.id == "self":
            holder = "self"
        else:
            statements.append(ast.Assign([ast.Name(holder, ast.Store())], self.visit(owner)))
        old = self._read(ast.Name(holder, ast.Load()), node.target.attr)
        total = ast.BinOp(old, node.op, value)
        statements.append(
            ast.Expr(_call("write ", ast.Name(holder, ast.Load()), ast.Constant(node.target.attr), total))
        )
        return [ast.copy_location(statement, node) for statement in statements]

    def _change_element(self, node: ast.AugAssign, place: ast.Subscript, value: ast.expr) -> list[ast.stmt]:
        """``x[i] += v``: x and i once, then read, compute, write."""
        self._temps += 2
        holder, index = f"%{self._temps - 1}", f"%{self._temps}"
        whole, where = ast.Name(holder, ast.Load()), ast.Name(index, ast.Load())
        statements: list[ast.stmt] = [
            ast.Assign([ast.Name(holder, ast.Store())], self.visit(place.value)),
            ast.Assign([ast.Name(index, ast.Store())], self.visit(_index(place.slice))),
            ast.Expr(_call("put ", whole, where, ast.BinOp(_call("at ", whole, where), node.op, value))),
        ]
        return [ast.copy_location(statement, node) for statement in statements]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.visit_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_Return(self, node: ast.Return) -> Any:
        """What a method answers is the world's: a bare list would understand nothing."""
        if node.value is None or isinstance(node.value, ast.Constant | ast.Compare | ast.JoinedStr) or self._nested:
            return self.generic_visit(node)
        node.value = _call("stored ", self.visit(node.value))
        return node

    def visit_Delete(self, node: ast.Delete) -> Any:
        statements: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Attribute):
                statements.append(ast.Expr(_call("erase ", self.visit(target.value), ast.Constant(target.attr))))
            else:
                statements.append(ast.Delete([self.visit(target)]))
        return [ast.copy_location(statement, node) for statement in statements]

    # --- collections: Python's words for them, on those of the image

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        node.iter = ast.copy_location(_call("each ", node.iter), node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        node.iter = ast.copy_location(_call("each ", node.iter), node.iter)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.In | ast.NotIn):
            return node
        holds: ast.expr = _call("holds ", node.comparators[0], node.left)
        if isinstance(node.ops[0], ast.NotIn):
            holds = ast.UnaryOp(ast.Not(), holds)
        return ast.copy_location(holds, node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(_call("at ", node.value, _index(node.slice)), node)

    # --- sends

    def visit_Call(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Name) and function.id not in self.bound:
            if function.id == "len" and len(node.args) == 1:
                return ast.copy_location(_call("size ", self.visit(node.args[0])), node)
            if function.id in GO_THROUGH:
                self.generic_visit(node)
                node.args = [a if isinstance(a, ast.Starred) else _call("each ", a) for a in node.args]
                return ast.copy_location(node, node)
        plain = not node.keywords and not any(isinstance(arg, ast.Starred) for arg in node.args)
        if isinstance(function, ast.Attribute) and plain:
            args = [self.visit(arg) for arg in node.args]
            selector = selector_for(function.attr, len(args))
            owner = function.value
            if (
                isinstance(owner, ast.Call)
                and isinstance(owner.func, ast.Name)
                and owner.func.id == "super"
                and not owner.args
            ):
                table = f"^{selector} {id(self.holder)}"
                python_globals(self.world, self.trusted)[table] = self.world.super_table(selector, self.holder)
                kind = ast.Call(ast.Name("type ", ast.Load()), [ast.Name("self", ast.Load())], [])
                found = ast.Subscript(ast.Name(table, ast.Load()), kind, ast.Load())
                return ast.copy_location(ast.Call(found, [ast.Name("self", ast.Load()), *args], []), node)
            return ast.copy_location(
                _call("invoke ", self.visit(owner), ast.Constant(function.attr), ast.Constant(selector), *args), node
            )
        return self.generic_visit(node)

    def _in_comprehension(self, node: Any) -> Any:
        self._comprehensions += 1
        try:
            return self.generic_visit(node)
        finally:
            self._comprehensions -= 1

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Lambda = _in_comprehension

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self._nested += 1
        try:
            return self._in_comprehension(node)
        finally:
            self._nested -= 1


def plain_import(name: str, scope: Any = None, local: Any = None, names: Any = (), level: int = 0) -> Any:
    """``import`` in a method that a model wrote."""
    if level or name not in MODULES:
        raise ImportError(f"a method that a model wrote cannot import {name}")
    return __import__(name, {}, {}, names or (), 0)


def selector_for(name: str, arity: int) -> str:
    """The selector of a call ``x.name(...)``; a forgotten last underscore is forgiven (``deposit(5)`` is
    ``deposit:``)."""
    if arity and not name.endswith("_") and not name.startswith("__"):
        name += "_"
    return selector_of(name, arity)


def _index(index: ast.expr) -> ast.expr:
    """What stands in brackets, as an expression: ``1:`` is ``slice(1, None)``."""
    if not isinstance(index, ast.Slice):
        return index
    parts = (index.lower, index.upper, index.step)
    return _call("slice ", *(ast.Constant(None) if part is None else part for part in parts))


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


# --- what rewritten code calls ----------------------------------------------------


def python_globals(world: World, trusted: bool) -> dict[str, Any]:
    """The globals of Python methods. Helpers' names end in a blank, which no program can write."""
    found = world.python_scopes.get(trusted)
    if found is not None:
        return found
    send = world.send

    def read(thing: Any, name: str) -> Any:
        if is_object(thing):
            value = own_slots(thing).get(name, MISSING)
            if value is not MISSING and not is_method(value):
                return value
            return send(thing, name)
        if not trusted and name[:1] == "_":
            raise AttributeError(name)
        return getattr(thing, name)

    def write(thing: Any, name: str, value: Any) -> None:
        if not is_object(thing):
            raise Fault("SystemExceptions.WrongClass", f"{world.describe(thing)} has no slots to write")
        if world.checked:
            world.variables.check_storable(value, thing, name)
        value = stored(value)
        slots = vars(thing)
        if name in slots and not is_method(slots[name]):
            setattr(thing, name, value)
        else:
            world.families.set_slot(thing, name, value)

    def stored(value: Any) -> Any:
        """Python's own containers become the world's when they are kept, so that their changes are noticed."""
        kind = type(value)
        if kind is list:
            from ..image.collections import OrderedCollection

            return world.families.new(OrderedCollection, [stored(item) for item in value])
        if kind is dict:
            return world.new_dictionary({key: stored(item) for key, item in value.items()})
        if kind is tuple:
            return tuple(stored(item) for item in value)
        if kind is set:
            from ..image.collections import Set, key_of

            return world.families.new(Set, {key_of(item): None for item in value})
        return value

    def erase(thing: Any, name: str) -> None:
        if not is_object(thing) or name not in own_slots(thing):
            raise AttributeError(name)
        world.families.remove_slot(thing, name)

    words = python_words(world)
    each = words["each "]

    def invoke(thing: Any, name: str, selector: str, *args: Any) -> Any:
        if is_object(thing):
            word = words.get(f"{name}/{len(args)}")
            if word is not None and not world.understands(thing, selector):
                return word(thing, *args)
            other = PYTHONIC.get((name, len(args)))
            if other is not None and not world.understands(thing, selector):
                selector = other
            return send(thing, selector, *(stored(arg) for arg in args))
        if not trusted and name[:1] == "_":
            raise AttributeError(name)
        method = getattr(thing, name, MISSING)
        if method is MISSING:
            return send(thing, selector, *args)
        return method(*map(each, args)) if name in TAKES_MANY else method(*args)

    def name(text: str) -> Any:
        value = world.lookup(text)
        if value is None and text not in own_slots(world.names):
            raise NameError(f"nothing is named {text}")
        return value

    allowed = vars(builtins) if trusted else {k: getattr(builtins, k) for k in SAFE if hasattr(builtins, k)}
    if not trusted:
        allowed["__import__"] = plain_import
    scope: dict[str, Any] = {
        "__builtins__": allowed,
        "Exception ": Exception,
        "failed ": world.signals.failed,
        "getattr ": getattr,
        "type ": type,
        "MISSING ": MISSING,
        "read ": read,
        "write ": write,
        "erase ": erase,
        "invoke ": invoke,
        "name ": name,
        "stored ": stored,
        "slice ": slice,
        **words,
    }
    world.python_scopes[trusted] = scope
    return scope


__all__ = ["SAFE", "compile_python", "python_text", "selector_for"]
