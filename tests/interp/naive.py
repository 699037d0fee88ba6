"""A naive evaluator of methods, straight from what LANGUAGE says, to hold the compiler against.

It walks the tree with dictionaries for variables and knows no trick: what it does is what the text says, one node after
another. Only the receiver ``self`` is special: ``note:`` writes its argument's printString to the log and answers it,
``yourself`` answers it, and the slot ``s`` can be read and assigned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from batos.grammar import nodes as n
from batos.grammar import parse_method

SELF: Any = type("Self", (), {"__repr__": lambda self: "self"})()
NUMBERS = (int, float, Fraction)


class Failed(Exception):
    """The program made an error; which one is not the compiler's affair."""


class Returned(Exception):
    def __init__(self, home: object, value: Any) -> None:
        self.home = home
        self.value = value


class Scope:
    def __init__(self, outer: Scope | None, names: dict[str, Any]) -> None:
        self.outer = outer
        self.names = names

    def holder(self, name: str) -> Scope | None:
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.outer
        return scope


class Closure:
    def __init__(self, run: Run, node: n.Block, scope: Scope) -> None:
        self.run, self.node, self.scope = run, node, scope

    def __call__(self, *args: Any) -> Any:
        if len(args) != len(self.node.params):
            raise Failed("arguments")
        self.run.tick()
        names = dict.fromkeys(self.node.temps) | dict(zip(self.node.params, args, strict=True))
        scope, value = Scope(self.scope, names), None
        for statement in self.node.body:
            value = self.run.value(statement, scope)
        return value


def is_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def simplest(value: Any) -> Any:
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def equal(a: Any, b: Any) -> bool:
    if is_number(a) and is_number(b):
        return bool(a == b)
    return a is b or (type(a) is type(b) is str and a == b)


def divide(a: Any, b: Any) -> Any:
    return Fraction(a, b) if isinstance(a, int) and isinstance(b, int) else a / b


def floor(a: Any, b: Any) -> Any:
    if isinstance(a, float) or isinstance(b, float):
        if not b:
            raise ZeroDivisionError
        return math.floor(a / b)
    return a // b


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "//": floor,
    "\\\\": lambda a, b: a % b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
BITS: dict[str, Callable[[int, int], int]] = {
    "bitAnd:": lambda a, b: a & b,
    "bitOr:": lambda a, b: a | b,
    "bitXor:": lambda a, b: a ^ b,
}


class Run:
    """One activation of one method. ``log`` is what ``note:`` wrote; ``slot`` the value of the slot s."""

    def __init__(self, source: str, slot: Any = 7, budget: int = 20_000) -> None:
        self.method = parse_method(source)
        self.log: list[Any] = []
        self.slot = slot
        self.budget = budget

    def tick(self) -> None:
        self.budget -= 1
        if self.budget < 0:
            raise TimeoutError

    def __call__(self, *args: Any) -> Any:
        self.home = object()
        names = dict.fromkeys(self.method.temps) | dict(zip(self.method.params, args, strict=True))
        scope = Scope(None, names)
        try:
            for statement in self.method.body:
                self.value(statement, scope)
        except Returned as returned:
            return returned.value
        except (ArithmeticError, TypeError, ValueError) as error:
            raise Failed from error
        return SELF

    def value(self, node: n.Node, scope: Scope) -> Any:
        self.tick()
        match node:
            case n.Number(value=value) | n.String(value=value):
                return value
            case n.Pseudo(name=name):
                return {"nil": None, "true": True, "false": False, "self": SELF}[name]
            case n.Name(name=name):
                holder = scope.holder(name)
                return self.slot if holder is None else holder.names[name]
            case n.Assign(name=name, value=part):
                value = self.value(part, scope)
                holder = scope.holder(name)
                if holder is None:
                    self.slot = value
                else:
                    holder.names[name] = value
                return value
            case n.Return(value=part):
                raise Returned(self.home, self.value(part, scope))
            case n.Block():
                return Closure(self, node, scope)
            case n.Cascade(receiver=receiver, messages=messages):
                target = self.value(receiver, scope)
                for message in messages:
                    result = self.send(target, message.selector, [self.value(a, scope) for a in message.args])
                return result
            case n.Send(receiver=receiver, selector=selector, args=args):
                target = self.value(receiver, scope)
                return self.send(target, selector, [self.value(a, scope) for a in args])
        raise AssertionError(node)

    def send(self, target: Any, selector: str, args: list[Any]) -> Any:
        match selector, args:
            case "note:", [value] if target is SELF:
                self.log.append(value)
                return value
            case "yourself", []:
                return target
            case (("isNil" | "notNil"), []):
                return (target is None) == (selector == "isNil")
            case "not", [] if isinstance(target, bool):
                return not target
            case (("=" | "~="), [other]):
                return equal(target, other) == (selector == "=")
            case (("==" | "~~"), [other]):
                same = target is other or (
                    type(target) is type(other) and type(target) in (int, float) and target == other
                )
                return same == (selector == "==")
            case _ if selector in BINARY and is_number(target) and is_number(args[0]):
                return simplest(BINARY[selector](target, args[0]))
            case _ if selector in ("<", ">", "<=", ">=") and type(target) is type(args[0]) is str:
                return BINARY[selector](target, args[0])
            case _ if selector in BITS and type(target) is type(args[0]) is int:
                return BITS[selector](target, args[0])
            case (("value" | "value:" | "value:value:"), _) if isinstance(target, Closure):
                return target(*args)
            case "value", []:
                return target
            case (("ifTrue:" | "ifFalse:" | "and:" | "or:"), [block]) if isinstance(target, bool):
                wanted = selector in ("ifTrue:", "and:")
                if target is wanted:
                    return block()
                return None if selector[:2] == "if" else target
            case (("ifTrue:ifFalse:" | "ifFalse:ifTrue:"), [first, second]) if isinstance(target, bool):
                return first() if target is (selector[:6] == "ifTrue") else second()
            case "ifNil:", [block]:
                return block() if target is None else target
            case "ifNotNil:", [block]:
                return None if target is None else self.given(block, target)
            case "ifNil:ifNotNil:", [block, other]:
                return block() if target is None else self.given(other, target)
            case "ifNotNil:ifNil:", [other, block]:
                return block() if target is None else self.given(other, target)
            case (("whileTrue:" | "whileFalse:"), [body]):
                while self.truth(target()) is (selector == "whileTrue:"):
                    body()
                return None
            case "timesRepeat:", [block] if type(target) is int:
                for _ in range(target):
                    block()
                return target
            case (("to:do:" | "to:by:do:"), [stop, *step, block]) if is_number(target) and is_number(stop):
                by = step[0] if step else 1
                counter = target
                while counter <= stop if by > 0 else counter >= stop:
                    block(counter)
                    counter = counter + by
                return target
        raise Failed(f"{target} {selector}")

    def given(self, block: Closure, value: Any) -> Any:
        return block(value) if block.node.params else block()

    def truth(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise Failed("not a Boolean")
