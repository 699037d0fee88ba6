"""Primitives of numbers. Python's own arithmetic is right for ints and Fractions; the rest is coercion and naming.

Two numbers of different kinds meet by *generality* (Smalltalk-80's scheme): the less general one is coerced. Python
does that by itself for its own kinds; for a number that somebody made of a prototype, ``retry:coercing:`` asks it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.object import is_object
from ...image.values import ScaledDecimal, Symbol
from ..flow import Fault
from . import huge, primitive
from .text import is_text

if TYPE_CHECKING:
    from ..world import World

NUMBERS = (int, float, Fraction, ScaledDecimal)
EXACT = (int, Fraction, ScaledDecimal)
PROTOTYPES: dict[str, type] = {"Integer": int, "Float": float, "Fraction": Fraction}
GENERALITY = {int: 100, Fraction: 300, ScaledDecimal: 350, float: 400}
# Largest integers that a primitive makes: a power or shift beyond this many bits is refused rather than left to fill
# memory.
MOST_BITS = 1 << 28


def is_number(thing: Any) -> bool:
    return type(thing) in NUMBERS


def simplest(value: Any) -> Any:
    """A Fraction with denominator 1 is the Integer."""
    return value.numerator if type(value) is Fraction and value.denominator == 1 else value


def to_float(value: Any) -> float:
    """The nearest Float; of an exact number beyond all Floats, an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _whole(value: Any, function: Any) -> int:
    try:
        return int(function(value))
    except (OverflowError, ValueError):
        raise Fault("ArithmeticError", f"{print_float(value)} has no integer part") from None


def truncated(self: Any) -> int:
    return _whole(self, math.trunc)


def floor(self: Any) -> int:
    return _whole(self, math.floor)


def exact(self: Any) -> Any:
    if type(self) is ScaledDecimal:
        return self.fraction
    try:
        return Fraction(self)
    except (OverflowError, ValueError):
        raise Fault("ArithmeticError", f"{print_float(self)} is no fraction") from None


def divided_by_zero(dividend: Any) -> Fault:
    return Fault("ZeroDivide", "The program attempted to divide a number by zero", dividend=dividend)


def too_large(bits: int) -> Fault:
    return Fault("SystemExceptions.OutOfMemory", f"a number of {bits} bits is too large")


def need_integer(world: World, thing: Any) -> int:
    if type(thing) is not int:
        text = f"{world.describe(thing)} is no Integer, which is wanted here"
        raise Fault("SystemExceptions.WrongClass", text, value=thing)
    return thing


def _need_number(world: World, thing: Any, what: str) -> None:
    """A number of someone's own inherited an operation that it has to define itself."""
    if type(thing) not in NUMBERS:
        raise Fault(
            "SystemExceptions.SubclassResponsibility", f"{world.describe(thing)} does not say what {what} means to it"
        )


# --- the four operations, comparing ---------------------------------------------


def _binary(selector: str, compute: Any) -> None:
    """The primitive of an operation on two numbers."""

    def make(world: World) -> Any:
        retry = _retrying(world)

        def operate(self: Any, other: Any) -> Any:
            kind, kind2 = type(self), type(other)
            if kind not in GENERALITY:
                return derived(world, self, selector, other)
            if kind2 not in GENERALITY:
                return retry(self, selector, other)
            if not other and selector in DIVIDING:
                return world.signals.signal(world.signals.make("ZeroDivide", dividend=self))
            try:
                if kind is not kind2 and (kind is float or kind2 is float) and kind is not int and kind2 is not int:
                    if selector not in ORDER:
                        return compute(to_float(self), to_float(other))
                    if kind is ScaledDecimal:
                        self = self.fraction
                    elif kind2 is ScaledDecimal:
                        other = other.fraction
                try:
                    return compute(self, other)
                except OverflowError:  # an Integer beyond all Floats, and a Float
                    if kind is not float and kind2 is not float:
                        raise
                    return compute(to_float(self), to_float(other))
            except Exception as error:
                # Signalled here and not where the method is left, so that a handler can resume with a result.
                return world.signals.failed(error)

        return operate

    primitive(f"number.{selector}", world=True)(make)


def derived(world: World, self: Any, selector: str, other: Any) -> Any:
    """An operation that somebody's own number left out, told by those it has: all orders by <, all division by /."""
    send = world.send
    match selector:
        case ">":
            return send(other, "<", self)
        case "<=":
            return not world.truth(send(other, "<", self), "<=")
        case ">=":
            return not world.truth(send(self, "<", other), ">=")
        case "//":
            return send(send(self, "/", other), "floor")
        case "quo:":
            return send(send(self, "/", other), "truncated")
        case "\\\\":
            return send(self, "-", send(send(self, "//", other), "*", other))
        case "rem:":
            return send(self, "-", send(send(self, "quo:", other), "*", other))
    _need_number(world, self, selector)
    raise AssertionError


def _retrying(world: World) -> Any:
    def retry(self: Any, selector: str, other: Any) -> Any:
        if type(other) in NUMBERS or world.understands(other, "generality"):
            return world.send(self, "retry:coercing:", Symbol(selector), other)
        if not is_text(other) and world.understands(other, "adaptToNumber:andSend:"):
            return world.send(other, "adaptToNumber:andSend:", self, Symbol(selector))
        return no_number(world, self, selector, other)

    return retry


def no_number(world: World, self: Any, selector: str, other: Any) -> Any:
    """The error of ``3 + 'a'``: in the words of gst, with what was attempted."""
    message = world.clone(world.lookup("Message") or world.genesis)
    message.selector = Symbol("generality")
    message.arguments = world.new_array([])
    text = f"{world.describe(other)} does not understand #generality"
    text += f" ({world.describe(self)} {selector} {world.describe(other)}: a number is wanted)"
    said = "did not understand #generality"
    return world.signals.signal(world.signals.make("MessageNotUnderstood", said, text, message=message, receiver=other))


@primitive("number.retryCoercing", world=True)
def retry_coercing(world: World) -> Any:
    def retry_coercing(self: Any, selector: Any, other: Any) -> Any:
        name = text_of(selector)
        if not (type(other) in NUMBERS or world.understands(other, "generality")):
            return no_number(world, self, name, other)
        mine, its = world.send(self, "generality"), world.send(other, "generality")
        if mine == its:
            _need_number(world, self, name)
            text = f"{world.describe(self)} and {world.describe(other)} are equally general, and do not know {name}"
            raise Fault("SystemExceptions.WrongClass", text)
        if mine > its:
            return world.send(self, name, world.send(self, "coerce:", other))
        return world.send(world.send(other, "coerce:", self), name, other)

    return retry_coercing


@primitive("number.generality", world=True)
def generality(world: World) -> Any:
    def generality(self: Any) -> int:
        _need_number(world, self, "generality")
        return GENERALITY[type(self)]

    return generality


@primitive("number.coerce", world=True)
def coerce(world: World) -> Any:
    def coerce(self: Any, other: Any) -> Any:
        kind: type = type(self)
        if is_object(self):  # a prototype: Float coerce: 3
            kind = next((of for name, of in PROTOTYPES.items() if self is world.lookup(name)), kind)
        if kind not in NUMBERS:
            _need_number(world, self, "coerce:")
        if type(other) not in NUMBERS:
            return no_number(world, self, "coerce:", other)
        if kind is int:
            return truncated(other)
        if kind is float:
            return to_float(other)
        if type(self) is ScaledDecimal:
            return ScaledDecimal(other, self.scale)
        return simplest(exact(other))

    return coerce


ORDER = ("<", ">", "<=", ">=")
DIVIDING = frozenset(("/", "//", "\\\\", "quo:", "rem:"))


def _add(a: Any, b: Any) -> Any:
    return simplest(a + b)


def _subtract(a: Any, b: Any) -> Any:
    return simplest(a - b)


def _multiply(a: Any, b: Any) -> Any:
    if type(a) is int and type(b) is int and a.bit_length() + b.bit_length() > MOST_BITS:
        raise too_large(a.bit_length() + b.bit_length())
    return huge.multiply(a, b) if type(a) is int and type(b) is int else simplest(a * b)


def _divide(a: Any, b: Any) -> Any:
    if not b:
        raise divided_by_zero(a)
    if type(a) is int and type(b) is int:
        return simplest(Fraction(a, b))
    return simplest(a / b)


def floor_divide(a: Any, b: Any) -> Any:
    if not b:
        raise divided_by_zero(a)
    return floor(a / b) if type(a) is float or type(b) is float else a // b


def modulo(a: Any, b: Any) -> Any:
    if not b:
        raise divided_by_zero(a)
    return simplest(a % b)


def quo(a: Any, b: Any) -> Any:
    if not b:
        raise divided_by_zero(a)
    if type(a) is int and type(b) is int:
        whole = abs(a) // abs(b)
        return whole if (a < 0) == (b < 0) else -whole
    return truncated(a / b)


def rem(a: Any, b: Any) -> Any:
    if not b:
        raise divided_by_zero(a)
    if type(a) is float or type(b) is float:
        return math.fmod(a, b)
    return simplest(a - quo(a, b) * b)


_binary("+", _add)
_binary("-", _subtract)
_binary("*", _multiply)
_binary("/", _divide)
_binary("//", floor_divide)
_binary("\\\\", modulo)
_binary("quo:", quo)
_binary("rem:", rem)
_binary("<", lambda a, b: a < b)
_binary(">", lambda a, b: a > b)
_binary("<=", lambda a, b: a <= b)
_binary(">=", lambda a, b: a >= b)


@primitive("number.=", world=True)
def equals(world: World) -> Any:
    def equals(self: Any, other: Any) -> Any:
        if type(self) in NUMBERS:
            if type(other) in NUMBERS:
                if type(self) is ScaledDecimal:
                    self = self.fraction
                elif type(other) is ScaledDecimal:
                    other = other.fraction
                return self == other
            # A number of somebody's own knows whether it is the same; between prototypes there is only identity.
            if is_object(other) and world.understands(other, "generality"):
                return world.table("=")[type(other)] is not equals and world.send(other, "=", self)
            return False
        return self is other

    return equals


@primitive("number.negated", world=True)
def negated(world: World) -> Any:
    return lambda self: -self if type(self) in NUMBERS else world.send(world.send(self, "zero"), "-", self)


# --- Floats -----------------------------------------------------------------------


@primitive("float.infinity")
def infinity(self: Any) -> float:
    return math.inf


@primitive("float.nan")
def nan(self: Any) -> float:
    return math.nan


@primitive("float.smallest")
def smallest(self: Any) -> float:
    return 5e-324


@primitive("float.signBit")
def sign_bit(self: Any) -> int:
    return int(math.copysign(1.0, self) < 0)


@primitive("float.isInfinite")
def is_infinite(self: Any) -> bool:
    return math.isinf(self)


@primitive("float.exponent")
def exponent(self: float) -> int:
    if not math.isfinite(self):
        raise Fault("ArithmeticError", f"{print_float(self)} has no exponent")
    return math.frexp(self)[1] - 1 if self else 0


@primitive("float.significand")
def significand(self: float) -> float:
    return math.frexp(self)[0] * 2.0 if self and math.isfinite(self) else self


@primitive("float.timesTwoPower", world=True)
def times_two_power(world: World) -> Any:
    def times_two_power(self: float, power: Any) -> float:
        try:
            return math.ldexp(self, need_integer(world, power))
        except OverflowError:
            return math.copysign(math.inf, self)

    return times_two_power


@primitive("float.successor")
def successor(self: float) -> float:
    return math.nextafter(self, math.inf)


# --- as text: numerals.py writes them -----------------------------------------------

from .numerals import print_float, print_number  # noqa: E402

__all__ = ["MOST_BITS", "exact", "is_number", "need_integer", "print_float", "print_number", "simplest", "to_float"]
