"""Arithmetic, comparison and indexing in line, under a guard on the operands' types.

``a + b`` with both operands int or float is what Python computes; anything else is sent. A whole tree of such
operations over names and literals is guarded once, at its leaves, because + - * of numbers gives numbers. Selectors
that someone has redefined on the numbers are never in line (``Mode.redefined``).
"""

from __future__ import annotations

import ast
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..grammar import nodes as n
from .scopes import Scopes, Variable, children, size

if TYPE_CHECKING:
    from .compiler import Emitter

OPERATORS: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
WHOLE: dict[str, type[ast.operator]] = {"//": ast.FloorDiv, "\\\\": ast.Mod}
BITS: dict[str, type[ast.operator]] = {"bitAnd:": ast.BitAnd, "bitOr:": ast.BitOr, "bitXor:": ast.BitXor}
COMPARE: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt,
    ">": ast.Gt,
    "<=": ast.LtE,
    ">=": ast.GtE,
    "=": ast.Eq,
    "~=": ast.NotEq,
}
SINGLE = {"Character": "single", "Symbol": "symbol"}  # types with one object a value -> the mark where = met them
NIL_TESTS = frozenset(("isNil", "notNil"))
NUMERIC = ("int", "float", "num")
NUMBER_SELECTORS = frozenset({*OPERATORS, *WHOLE, *BITS, *COMPARE, "/", "bitShift:"})


def value(em: Emitter, node: n.Send) -> ast.expr | None:
    """The in-line form of a send, or None."""
    from . import indexing

    selector = node.selector
    if selector in em.mode.redefined:
        return None
    if selector in OPERATORS or selector in COMPARE or selector == "/":
        return None if "numbers" in em.mode.timid else _numeric(em, node)
    if selector in WHOLE or selector in BITS:
        return _whole(em, node)
    match selector:
        case "==" | "~~":
            return _identity(em, node)
        case "not":
            return _not(em, node)
        case "isNil" | "notNil":
            return _nil_test(em, node)
        case "value" | "value:" | "value:value:" | "value:value:value:":
            return _call(em, node)
        case "bitShift:":
            return _shift(em, node)
        case "sqrt":
            return _square_root(em, node)
    return indexing.value(em, node)


# --- numbers ------------------------------------------------------------------


def _leaf(em: Emitter, node: n.Node) -> bool:
    return (
        isinstance(node, n.Name | n.Number)
        or (isinstance(node, n.Pseudo) and node.name == "self")
        or _slot_leaf(em, node)
    )


def _slot_leaf(em: Emitter, node: n.Node) -> bool:
    """``b mass``: a read of a slot of something named, which can be tried without anybody noticing."""
    return (
        isinstance(node, n.Send)
        and node.selector in em.mode.pure
        and node.selector not in em.mode.timid
        and node.selector + " sent" not in em.mode.timid
        and not em.mode.checked
        and (
            isinstance(node.receiver, n.Name) or (isinstance(node.receiver, n.Pseudo) and node.receiver.name == "self")
        )
    )


def _tree(em: Emitter, node: n.Node, top: bool = True) -> bool:
    """Is this arithmetic over leaves only, except perhaps the very first operand?"""
    if isinstance(node, n.Send) and isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return False
    if isinstance(node, n.Send) and node.selector in OPERATORS and node.selector not in em.mode.redefined:
        return _tree(em, node.receiver, top) and _tree(em, node.args[0], False)
    return top or _leaf(em, node)


def _numeric(em: Emitter, node: n.Send) -> ast.expr | None:
    from .compiler import call, const, kind_of, located, typed

    selector = node.selector
    compare = selector in COMPARE
    if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return None
    redefined = em.mode.redefined
    parts = [node.receiver, node.args[0]]
    fused = [
        isinstance(part, n.Send)
        and part.selector in OPERATORS
        and part.selector not in redefined
        and _tree(em, part, i == 0)
        for i, part in enumerate(parts)
    ]
    if any(fused) and all(f or _leaf(em, p) or i == 0 for i, (f, p) in enumerate(zip(fused, parts, strict=True))):
        return _fused(em, node)
    left, right = em.expressions(parts)
    if selector in ("=", "~=") and isinstance(node.args[0], n.Character | n.Symbol):
        return _equals_single(em, node, held(em, left), right)
    if compare and any(isinstance(part, n.Character) for part in parts):
        return _order_single(em, node, left, right)
    if selector in ("=", "~=") and isinstance(right, ast.Constant) and type(right.value) is str:
        return _equals_text(em, node, held(em, left), right)
    if selector in ("=", "~=") and (selector in em.mode.timid or _never_number(left) or _never_number(right)):
        return located(_plain(em, node, left, right), node)  # type: ignore[no-any-return]
    left, right = held(em, left), held(em, right)
    fast, kind, tests = _operation(selector, again(left), again(right), kind_of(left), kind_of(right))
    located(fast, node)
    if not tests:
        return typed(fast, kind)  # type: ignore[no-any-return]
    slow = _plain(em, node, again(left), again(right))
    if selector in ("=", "~=") and isinstance(left, ast.Name) and isinstance(right, ast.Name):
        numbers = _names_tests(tests, left, right)
        single = next((kind for kind in SINGLE if f"{selector} {SINGLE[kind]}" in em.mode.timid), "")
        if single:
            # Most are Characters or Symbols here, of which there is one each.
            operator: ast.cmpop = ast.Is() if selector == "=" else ast.IsNot()
            same = located(ast.Compare(again(left), [operator], [again(right)]), node)
            other = _guard(node, numbers, fast, slow, "bool")
            result = _guard(node, [is_kind(again(left), single)], same, other, "bool")
            result.last = other  # type: ignore[attr-defined]
            return result
        miss = call("equals_miss", again(left), again(right), const(selector), em.site())
        return _guard(node, numbers, fast, located(miss, node), "bool")
    if compare:
        return _guard(node, _names_tests(tests, left, right), fast, slow, "bool")
    return _guard(node, _names_tests(tests, left, right), fast, slow, kind)


def _equals_single(em: Emitter, node: n.Send, left: ast.expr, right: ast.expr) -> ast.expr:
    """Comparison to a literal Character or Symbol, of which there is one each: identity, for such receivers."""
    from .compiler import located

    left = _named(em, left)
    kind = "Character" if isinstance(node.args[0], n.Character) else "Symbol"
    operator: ast.cmpop = ast.Is() if node.selector == "=" else ast.IsNot()
    fast = located(ast.Compare(again(left), [operator], [right]), node)
    return _guard(node, [is_kind(again(left), kind)], fast, _plain(em, node, again(left), again(right)), "bool")


def _equals_text(em: Emitter, node: n.Send, left: ast.expr, right: ast.expr) -> ast.expr:
    """Comparison to a literal String, for other literal ones and what is made of them."""
    from .compiler import located

    fast = located(ast.Compare(again(left), [COMPARE[node.selector]()], [right]), node)
    return _guard(node, [is_kind(again(left), "str")], fast, _plain(em, node, again(left), again(right)), "bool")


def _order_single(em: Emitter, node: n.Send, left: ast.expr, right: ast.expr) -> ast.expr:
    """``$0 <= c``: by code point, for Characters."""
    from .compiler import const, located, typed

    sides, tests, values = [], [], []
    for side, part in ((left, node.receiver), (right, node.args[0])):
        if isinstance(part, n.Character):
            sides.append(side)
            values.append(const(ord(part.value)))
        else:
            sides.append(_named(em, held(em, side)))
            tests.append(is_kind(again(sides[-1]), "Character"))
            values.append(ast.Attribute(again(sides[-1]), "code", ast.Load()))
    fast = located(ast.Compare(values[0], [COMPARE[node.selector]()], [values[1]]), node)
    if not tests:
        return typed(fast, "bool")  # type: ignore[no-any-return]
    return _guard(node, tests, fast, _plain(em, node, again(sides[0]), again(sides[1])), "bool")


def _plain(em: Emitter, node: n.Send, left: ast.expr, right: ast.expr) -> ast.expr:
    from .compiler import located

    return located(em.plain_send(left, node.selector, [right]), node)  # type: ignore[no-any-return]


def _never_number(expression: ast.expr) -> bool:
    from .compiler import kind_of

    if isinstance(expression, ast.Constant):
        return type(expression.value) not in (int, float)
    return kind_of(expression) in ("bool", "nil", "str") or (
        isinstance(expression, ast.Name) and expression.id[0] == "$"
    )


def _operation(
    selector: str, left: ast.expr, right: ast.expr, lk: str | None, rk: str | None
) -> tuple[ast.expr, str | None, list[str]]:
    """Fast expression, its kind, and which operands ("left", "right") need a numeric test."""
    tests = [side for side, kind in (("left", lk), ("right", rk)) if kind not in NUMERIC]
    if selector in COMPARE:
        return ast.Compare(left, [COMPARE[selector]()], [right]), "bool", tests
    if selector == "/":
        # Integers divide to Fractions: only floats go in line, and never by zero.
        divide = ast.BinOp(left, ast.Div(), right)
        nonzero = isinstance(right, ast.Constant) and bool(right.value)
        if "float" in (lk, rk) and nonzero and not tests:
            return divide, "float", []
        return divide, "float", [*tests, "float" if "float" not in (lk, rk) else "", "" if nonzero else "nonzero"]
    kind = "float" if "float" in (lk, rk) else ("int" if lk == rk == "int" else "num")
    return ast.BinOp(left, OPERATORS[selector](), right), kind, tests


def _names_tests(tests: list[str], left: ast.expr, right: ast.expr) -> list[ast.expr]:
    result: list[ast.expr] = []
    for test in tests:
        match test:
            case "left":
                result.append(_is_number(again(left)))
            case "right":
                if not (
                    isinstance(left, ast.Name)
                    and isinstance(right, ast.Name)
                    and left.id == right.id
                    and "left" in tests
                ):
                    result.append(_is_number(again(right)))
            case "float":
                result.append(ast.BoolOp(ast.Or(), [is_kind(again(left), "float"), is_kind(again(right), "float")]))
            case "nonzero":
                result.append(again(right))
    return result


def _guard(node: n.Node, tests: list[ast.expr], fast: ast.expr, slow: ast.expr, kind: str | None) -> ast.expr:
    from .compiler import located, typed

    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
    result = typed(located(ast.IfExp(test, fast, slow), node), None)
    result.numeric, result.bool_fast = kind != "bool", kind == "bool"
    return result  # type: ignore[no-any-return]


def _fused(em: Emitter, node: n.Send) -> ast.expr:
    """A tree of + - * (and a comparison on top) over held leaves, guarded once."""
    from .compiler import kind_of, located, typed

    order: list[n.Node] = []

    def gather(part: n.Node) -> None:
        if (
            isinstance(part, n.Send)
            and part.selector in OPERATORS
            and part.selector not in em.mode.redefined
            and (part is node or _tree(em, part, not order))
        ):
            gather(part.receiver)
            gather(part.args[0])
        else:
            order.append(part)

    gather(node.receiver)
    gather(node.args[0])
    tried = {id(part) for part in order if _slot_leaf(em, part)}
    first = [part for part in order if id(part) not in tried]
    by_node = {id(part): held(em, e) for part, e in zip(first, em.expressions(first), strict=True)}
    for part in order:
        if id(part) in tried:
            by_node[id(part)] = _try_slot(em, part)
    parts = [by_node[id(part)] for part in order]
    tests: list[ast.expr] = []
    seen: set[str] = set()
    for expression in parts:
        if kind_of(expression) in NUMERIC:
            continue
        key = expression.id if isinstance(expression, ast.Name) else ""
        if key in seen:
            continue
        seen.add(key)
        tests.append(_is_number(again(expression)))

    def fast(part: n.Node) -> tuple[ast.expr, str | None]:
        if id(part) in by_node:
            leaf = again(by_node[id(part)])
            return leaf, kind_of(leaf) or "num"
        assert isinstance(part, n.Send)
        left, lk = fast(part.receiver)
        right, rk = fast(part.args[0])
        if part.selector == "/":
            return located(ast.BinOp(left, ast.Div(), right), part), "float"
        expression, kind, _ = _operation(part.selector, left, right, lk, rk)
        return located(expression, part), kind

    def slow(part: n.Node) -> ast.expr:
        if id(part) in tried:
            # What was tried is sent now, in its turn.
            assert isinstance(part, n.Send)
            receiver = em.nested(lambda: em.expr(part.receiver))
            if not receiver[0]:
                return located(em.plain_send(receiver[1], part.selector, []), part)  # type: ignore[no-any-return]
        if id(part) in by_node:
            return again(by_node[id(part)])
        assert isinstance(part, n.Send)
        return located(em.plain_send(slow(part.receiver), part.selector, [slow(part.args[0])]), part)  # type: ignore[no-any-return]

    if node.selector == "/":
        # Both sides are numbers; in line only when one is surely or actually a float and the divisor is not zero.
        left, lk = fast(node.receiver)
        right, rk = fast(node.args[0])
        name = em.temp()
        other = em.temp()
        from .compiler import class_of, load, store

        numeric = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests) if tests else None
        checks = [
            ast.Compare(class_of(ast.NamedExpr(store(name), left)), [ast.Is()], [load("float")]),
            ast.NamedExpr(store(other), right),
        ]
        test = ast.BoolOp(ast.And(), [*([numeric] if numeric is not None else []), *checks])
        quick = located(ast.BinOp(load(name), ast.Div(), load(other)), node)
        divided = located(ast.IfExp(test, quick, slow(node)), node)
        divided.numeric = True
        return divided  # type: ignore[no-any-return]
    quick, kind = fast(node)
    if not tests:
        return typed(quick, kind)  # type: ignore[no-any-return]
    return _guard(node, tests, quick, slow(node), kind)


def _try_slot(em: Emitter, node: n.Node) -> ast.expr:
    """Read a slot for arithmetic; whatever goes wrong gives something that is no number, and so the slow path."""
    from .compiler import load, store

    assert isinstance(node, n.Send)
    receiver = em.hold(em.expr(node.receiver))
    target = em.temp()
    fetch = ast.Assign([store(target)], ast.Attribute(receiver, node.selector, ast.Load()))
    miss = ast.Assign([store(target)], load("MISSING"))
    em.emit(ast.Try([fetch], [ast.ExceptHandler(load("AttributeError"), None, [miss])], [], []), node)
    return load(target)


def _whole(em: Emitter, node: n.Send) -> ast.expr | None:
    """// \\\\ and the bit operations: integers only."""
    from .compiler import kind_of, located, typed

    if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return None
    left, right = em.expressions([node.receiver, node.args[0]])
    left, right = held(em, left), held(em, right)
    operator = WHOLE.get(node.selector) or BITS[node.selector]
    fast = located(ast.BinOp(again(left), operator(), again(right)), node)
    tests = [is_kind(again(side), "int") for side in (left, right) if kind_of(side) != "int"]
    if node.selector in WHOLE and not (isinstance(right, ast.Constant) and right.value):
        tests.append(again(right))
    if not tests:
        return typed(fast, "int")  # type: ignore[no-any-return]
    return _guard(node, tests, fast, _plain(em, node, again(left), again(right)), None)


def _shift(em: Emitter, node: n.Send) -> ast.expr | None:
    """A shift by a small constant."""
    from .compiler import const, kind_of, located, typed

    by = node.args[0]
    minus = isinstance(by, n.Number) and type(by.value) is int and -64 <= by.value <= 64
    if not minus or (isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super"):
        return None
    assert isinstance(by, n.Number) and isinstance(by.value, int)
    left = held(em, em.expr(node.receiver))
    operator: ast.operator = ast.LShift() if by.value >= 0 else ast.RShift()
    fast = located(ast.BinOp(again(left), operator, const(abs(by.value))), node)
    if kind_of(left) == "int":
        return typed(fast, "int")  # type: ignore[no-any-return]
    return _guard(node, [is_kind(again(left), "int")], fast, _plain(em, node, again(left), const(by.value)), None)


def _square_root(em: Emitter, node: n.Send) -> ast.expr | None:
    """Of a positive Float."""
    from .compiler import call, const, kind_of, located

    if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return None
    value = held(em, em.expr(node.receiver))
    tests = [] if kind_of(value) == "float" else [is_kind(again(value), "float")]
    tests.append(ast.Compare(again(value), [ast.GtE()], [const(0.0)]))
    slow = located(em.plain_send(again(value), "sqrt", []), node)
    return _guard(node, tests, located(call("square_root", again(value)), node), slow, "float")


# --- identity and truth ---------------------------------------------------------


def _identity(em: Emitter, node: n.Send) -> ast.expr:
    from .compiler import call, kind_of, located, typed

    left, right = em.expressions([node.receiver, node.args[0]])
    same = node.selector == "=="
    operator: ast.cmpop = ast.Is() if same else ast.IsNot()
    if any(_singular(side) for side in (left, right)):
        if isinstance(left, ast.Constant):
            left = _named(em, left)
        return typed(located(ast.Compare(left, [operator], [right]), node), "bool")  # type: ignore[no-any-return]
    left, right = held(em, left), held(em, right)
    if kind_of(left) == kind_of(right) == "int":
        equals: ast.cmpop = ast.Eq() if same else ast.NotEq()
        return typed(located(ast.Compare(again(left), [equals], [again(right)]), node), "bool")  # type: ignore[no-any-return]
    left, right = _named(em, left), _named(em, right)
    identical = ast.Compare(again(left), [ast.Is()], [again(right)])
    # Equal numbers are identical; of other things only looks at the type are lost.
    number = _int_or_float(again(left), again(left))
    equal = ast.BoolOp(ast.And(), [number, call("same", again(left), again(right))])
    result: ast.expr = ast.BoolOp(ast.Or(), [identical, equal])
    if not same:
        result = ast.UnaryOp(ast.Not(), result)
    return typed(located(result, node), "bool")  # type: ignore[no-any-return]


def _singular(expression: ast.expr) -> bool:
    """Values of which there is only one: identity is Python's ``is``."""
    from .compiler import kind_of

    if isinstance(expression, ast.Constant):
        return expression.value is None or isinstance(expression.value, bool)
    return kind_of(expression) in ("bool", "nil") or (isinstance(expression, ast.Name) and expression.id[0] == "$")


def _not(em: Emitter, node: n.Send) -> ast.expr | None:
    from .compiler import const, located, typed
    from .control import condition

    if isinstance(node.receiver, n.Pseudo) and node.receiver.name == "super":
        return None
    receiver, sure = condition(em, node.receiver, "")
    if sure:
        return typed(located(ast.UnaryOp(ast.Not(), receiver), node), "bool")  # type: ignore[no-any-return]
    receiver = _named(em, held(em, receiver))
    # Two comparisons of identity cost less than one look at the type.
    slow = em.plain_send(again(receiver), "not", [])
    is_false = ast.Compare(again(receiver), [ast.Is()], [const(False)])
    is_true = ast.Compare(again(receiver), [ast.Is()], [const(True)])
    other = located(ast.IfExp(is_true, const(False), slow), node)
    result = located(ast.IfExp(is_false, const(True), other), node)
    result.bool_fast, result.last = True, other
    return result  # type: ignore[no-any-return]


def _nil_test(em: Emitter, node: n.Send) -> ast.expr | None:
    """Identity with nil, as long as nobody has an isNil or notNil of his own."""
    from .compiler import const, located, typed

    receiver = _named(em, held(em, em.expr(node.receiver)))
    operator: ast.cmpop = ast.Is() if node.selector == "isNil" else ast.IsNot()
    return typed(located(ast.Compare(again(receiver), [operator], [const(None)]), node), "bool")  # type: ignore[no-any-return]


# --- blocks and arrays ----------------------------------------------------------


def _call(em: Emitter, node: n.Send) -> ast.expr | None:
    from .compiler import class_of, load, located

    receiver, *args = em.expressions([node.receiver, *node.args])
    receiver = held(em, receiver)
    if isinstance(receiver, ast.Constant):
        return located(em.plain_send(receiver, node.selector, args), node)  # type: ignore[no-any-return]
    args = [held(em, arg) for arg in args]
    test = ast.Compare(class_of(again(receiver)), [ast.Is()], [load("function")])
    fast = located(ast.Call(again(receiver), [again(arg) for arg in args], []), node)
    if node.selector in em.mode.data and not em.mode.checked and isinstance(receiver, ast.Name):
        # Here value is a name of data as well: what is no block most likely has the slot.
        target = em.temp()
        statements, answer = em.nested(lambda: em.slot_send(again(receiver), node, [again(arg) for arg in args]))
        em.emit(ast.If(test, [assign(target, fast)], [*statements, assign(target, answer)]), node)
        return load(target)
    slow = em.plain_send(again(receiver), node.selector, [again(arg) for arg in args])
    return located(ast.IfExp(test, fast, slow), node)  # type: ignore[no-any-return]


# --- helpers ------------------------------------------------------------------


def assign(target: str, value: ast.expr) -> ast.stmt:
    from .compiler import store

    return ast.Assign([store(target)], value)


def held(em: Emitter, expression: ast.expr) -> ast.expr:
    from .compiler import kind_of, load, store, typed

    if isinstance(expression, ast.Constant | ast.Name):
        return expression
    name = em.temp()
    em.emit(ast.Assign([store(name)], expression))
    return typed(load(name), kind_of(expression))  # type: ignore[no-any-return]


def _named(em: Emitter, expression: ast.expr) -> ast.expr:
    """A name for a constant: Python warns of ``is`` with a literal."""
    from .compiler import load, store

    if not isinstance(expression, ast.Constant):
        return expression
    name = em.temp()
    em.emit(ast.Assign([store(name)], expression))
    return load(name)


def again(expression: ast.expr) -> ast.expr:
    from .compiler import const, kind_of, load, typed

    if isinstance(expression, ast.Name):
        name = typed(load(expression.id), kind_of(expression))
        name.variable = getattr(expression, "variable", None)
        return name  # type: ignore[no-any-return]
    if isinstance(expression, ast.Constant):
        return typed(const(expression.value), kind_of(expression))  # type: ignore[no-any-return]
    return expression


def is_kind(expression: ast.expr, kind: str) -> ast.expr:
    from .compiler import class_of, load

    return ast.Compare(class_of(expression), [ast.Is()], [load(kind)])


def _is_number(expression: ast.expr) -> ast.expr:
    """Is it an int or a float? Where the variable carries a flag (see ``flag_variables``), the flag says so."""
    from .compiler import load

    variable = getattr(expression, "variable", None)
    if variable is not None and variable.flagged:
        return load(flag_name(variable))
    return _int_or_float(again(expression), again(expression))


def _int_or_float(one: ast.expr, other: ast.expr) -> ast.expr:
    first, second = ("float", "int") if FLOATS_FIRST.get() else ("int", "float")
    return ast.BoolOp(ast.Or(), [is_kind(one, first), is_kind(other, second)])


# Set while a method is compiled that looks like one about Floats: they are tested for first.
FLOATS_FIRST: ContextVar[bool] = ContextVar("floats_first", default=False)
FLOATY = frozenset(("/", "sqrt", "sin", "cos", "asFloat", "exp", "ln"))


def about_floats(root: n.Node) -> bool:
    stack = list(root.body) if isinstance(root, n.Method) else [root]
    while stack:
        node = stack.pop()
        if isinstance(node, n.Number) and type(node.value) is float:
            return True
        if isinstance(node, n.Send) and node.selector in FLOATY:
            return True
        stack.extend(children(node))
    return False


def flag_name(variable: Variable) -> str:
    return f"%number {variable.python}"


def set_flag(variable: Variable, value: ast.expr | None = None) -> list[ast.stmt]:
    """Statements that assign a variable (unless value is None: it has been) and keep its flag true to it."""
    from .compiler import const, load, store

    flag = flag_name(variable)

    def test() -> ast.stmt:
        name = load(variable.python)
        return ast.Assign([store(flag)], _int_or_float(name, load(variable.python)))

    if value is None:
        return [test()]
    first = ast.Assign([store(variable.python)], value)
    if isinstance(value, ast.Constant):
        return [first, ast.Assign([store(flag)], const(type(value.value) in (int, float)))]
    source = getattr(value, "variable", None)
    if isinstance(value, ast.Name) and source is not None and source.flagged and source is not variable:
        return [first, ast.Assign([store(flag)], load(flag_name(source)))]
    if getattr(value, "numeric", False) and isinstance(value, ast.IfExp):
        # The fast path gives a number: no need to look again.
        fast: list[ast.stmt] = [
            ast.Assign([store(variable.python)], value.body),
            ast.Assign([store(flag)], const(True)),
        ]
        slow: list[ast.stmt] = [ast.Assign([store(variable.python)], value.orelse), test()]
        return [ast.If(value.test, fast, slow)]
    return [first, test()]


def number_uses(root: n.Node, redefined: frozenset[str]) -> dict[str, int]:
    """How often each name is an operand where its being a number would be tested."""
    uses: dict[str, int] = {}
    stack: list[n.Node] = [root] if not isinstance(root, n.Method) else list(root.body)
    while stack:
        node = stack.pop()
        if isinstance(node, n.Send) and node.selector not in redefined:
            operands: tuple[n.Node, ...] = ()
            if node.selector in NUMBER_SELECTORS:
                operands = (node.receiver, *node.args)
            elif node.selector in ("at:", "at:put:"):
                operands = node.args[:1]
            elif node.selector in ("to:do:", "to:by:do:"):
                operands = (node.receiver, node.args[0])
            for part in operands:
                if isinstance(part, n.Name):
                    uses[part.name] = uses.get(part.name, 0) + 1
        stack.extend(children(node))
    return uses


def int_parameters(scopes: Scopes, root: n.Node, redefined: frozenset[str]) -> list[Variable]:
    """Parameters worth a version of the method of their own, for when they all are ints (most are, in practice)."""
    if not isinstance(root, n.Method) or size(root) > 300:
        return []
    uses = number_uses(root, redefined)
    variables = scopes.declared[id(root)]
    return [v for v in (variables[p] for p in root.params) if uses.get(v.name, 0) > 1 and not v.writes and not v.boxed][
        :3
    ]


def flag_variables(scopes: Scopes, root: n.Node, redefined: frozenset[str]) -> None:
    """Choose the variables that carry a flag saying whether they hold a number: those tested more than once.

    A test of a flag costs a fifth of the test of a type. What a method proves about a local it need not check again.
    """
    uses = number_uses(root, redefined)
    for names in scopes.declared.values():
        for variable in names.values():
            variable.flagged = (
                uses.get(variable.name, 0) > 1
                and variable.type is None
                and not variable.boxed
                and not variable.captured
                and not variable.soft_writes
            )


# --- types of variables ---------------------------------------------------------


def settle_types(scopes: Scopes, redefined: frozenset[str]) -> None:
    """Find the variables that can only ever hold an int or a float: every assignment says so, and none is read as nil.

    Optimistic: assume it of every candidate, and drop those whose assignments contradict, until nothing changes.
    """
    candidates: dict[int, Variable] = {}
    lookup: dict[int, dict[str, Variable]] = scopes.declared
    for names in lookup.values():
        for variable in names.values():
            variable.type = variable.given
    for names in lookup.values():
        for variable in names.values():
            if not variable.parameter and variable.definite and variable.writes and not variable.captured:
                candidates[id(variable)] = variable
    by_name: dict[str, list[Variable]] = {}
    for names in lookup.values():
        for variable in names.values():
            by_name.setdefault(variable.name, []).append(variable)

    def kind(node: n.Node) -> str | None:
        match node:
            case n.Number(value=value) if type(value) is int:
                return "int"
            case n.Number(value=value) if type(value) is float:
                return "float"
            case n.Name(name=name):
                # A name may be declared more than once in the method: believe what is true of all.
                kinds = {variable.type for variable in by_name.get(name, [])}
                return kinds.pop() if len(kinds) == 1 else None
            case n.Send(receiver=receiver, selector=selector, args=(arg,)) if (
                selector in OPERATORS and selector not in redefined
            ):
                left, right = kind(receiver), kind(arg)
                if left is None or right is None:
                    return None
                return "float" if "float" in (left, right) else "int"
            case n.Send(receiver=receiver, selector=selector, args=(n.Number(value=int(divisor)),)) if (
                selector in WHOLE and divisor and selector not in redefined
            ):
                return "int" if kind(receiver) == "int" else None
            case n.Assign(value=value):
                return kind(value)
            case _:
                return None

    for variable in candidates.values():
        variable.type = "int"
    for wanted in ("int", "float"):
        changed = True
        while changed:
            changed = False
            for variable in candidates.values():
                if variable.type == wanted and any(kind(write) != wanted for write in variable.writes):
                    variable.type = "float" if wanted == "int" and any(_floaty(w) for w in variable.writes) else None
                    changed = True


def _floaty(node: n.Node) -> bool:
    from .scopes import any_node

    return any_node(node, lambda one: isinstance(one, n.Number) and type(one.value) is float)
