"""Primitives of numbers. Python's own arithmetic is right for ints and floats; the rest is coercion and naming."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...image.values import ScaledDecimal
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World

NUMBERS = (int, float, Fraction, ScaledDecimal)
# Largest integers that a primitive makes: a power or shift beyond this many bits is refused rather than left to fill
# memory.
MOST_BITS = 1 << 28


def is_number(thing: Any) -> bool:
    return isinstance(thing, NUMBERS) and not isinstance(thing, bool)


def simplest(value: Any) -> Any:
    """A Fraction with denominator 1 is the Integer."""
    return value.numerator if type(value) is Fraction and value.denominator == 1 else value


def _pair(self: Any, other: Any) -> tuple[Any, Any]:
    """Both operands in a common kind: ScaledDecimal meets int and Fraction by itself, and gives way to Float."""
    if isinstance(self, ScaledDecimal) and isinstance(other, float):
        return float(self), other
    if isinstance(self, float) and isinstance(other, ScaledDecimal):
        return self, float(other)
    return self, other


def _binary(name: str, compute: Any) -> None:
    selector = name.partition(".")[2]

    def make(world: World) -> Any:
        def operate(self: Any, other: Any) -> Any:
            if type(other) not in NUMBERS:
                # A number of someone's own (a Complex, a Money) may know how to meet ours.
                return (
                    world.send(other, "retry:with:", selector, self)
                    if world.understands(other, "retry:with:")
                    else world.signals.failed(
                        Fault(
                            "SystemExceptions.WrongClass",
                            f"{world.describe(self)} {selector} {world.describe(other)}: not a number",
                        )
                    )
                    if other is None or isinstance(other, bool | str)
                    else world.does_not_understand(other, "generality", ())
                )
            a, b = _pair(self, other)
            return simplest(compute(a, b))

        return operate

    primitive(name, world=True)(make)


def _divide(a: Any, b: Any) -> Any:
    if not b:
        raise ZeroDivisionError
    if isinstance(a, int) and isinstance(b, int):
        return Fraction(a, b)
    return a / b


def floor_divide(a: Any, b: Any) -> Any:
    if not b:
        raise ZeroDivisionError
    return math.floor(a / b) if isinstance(a, float) or isinstance(b, float) else a // b


def modulo(a: Any, b: Any) -> Any:
    if not b:
        raise ZeroDivisionError
    return a % b


_binary("number.+", lambda a, b: a + b)
_binary("number.-", lambda a, b: a - b)
_binary("number.*", lambda a, b: a * b)
_binary("number./", _divide)
_binary("number.//", floor_divide)
_binary("number.\\\\", modulo)
_binary("number.<", lambda a, b: a < b)
_binary("number.>", lambda a, b: a > b)
_binary("number.<=", lambda a, b: a <= b)
_binary("number.>=", lambda a, b: a >= b)


@primitive("number.=")
def equals(self: Any, other: Any) -> bool:
    return is_number(other) and bool(self == other)


@primitive("number.quo")
def quo(self: Any, other: Any) -> Any:
    if not other:
        raise ZeroDivisionError
    if isinstance(self, int) and isinstance(other, int):
        whole = abs(self) // abs(other)
        return whole if (self < 0) == (other < 0) else -whole
    return math.trunc(self / other)


@primitive("number.rem")
def rem(self: Any, other: Any) -> Any:
    return self - quo(self, other) * other


@primitive("number.truncated")
def truncated(self: Any) -> int:
    return math.trunc(self)


@primitive("number.floor")
def floor(self: Any) -> int:
    return math.floor(self)


@primitive("number.ceiling")
def ceiling(self: Any) -> int:
    return math.ceil(self)


@primitive("number.asFloat")
def as_float(self: Any) -> float:
    return float(self)


@primitive("number.numerator")
def numerator(self: Any) -> int:
    return int(self.numerator)


@primitive("number.denominator")
def denominator(self: Any) -> int:
    return int(self.denominator)


@primitive("number.asFraction")
def as_fraction(self: Any) -> Any:
    return simplest(Fraction(self) if not isinstance(self, ScaledDecimal) else self.fraction)


def _math(name: str, function: Any) -> None:
    @primitive(f"float.{name}")
    def compute(self: Any) -> float:
        try:
            return float(function(float(self)))
        except ValueError:
            return math.nan


for _name, _function in {
    "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "tan": math.tan, "arcSin": math.asin, "arcCos": math.acos,
    "arcTan": math.atan, "exp": math.exp, "ln": math.log, "log10": math.log10,
}.items():  # fmt: skip
    _math(_name, _function)


def _integer(other: Any) -> int:
    """Python's bit operations take Booleans for numbers; the language does not."""
    if type(other) is not int:
        raise Fault("SystemExceptions.WrongClass", "only an Integer has bits")
    return other


@primitive("int.bitAnd")
def bit_and(self: int, other: int) -> int:
    return self & _integer(other)


@primitive("int.bitOr")
def bit_or(self: int, other: int) -> int:
    return self | _integer(other)


@primitive("int.bitXor")
def bit_xor(self: int, other: int) -> int:
    return self ^ _integer(other)


@primitive("int.bitShift")
def bit_shift(self: int, by: int) -> int:
    if by < 0:
        return self >> -by
    if self.bit_length() + by > MOST_BITS:
        raise Fault("SystemExceptions.OutOfMemory", f"a number of {self.bit_length() + by} bits is too large")
    return self << by


@primitive("int.gcd")
def gcd(self: int, other: int) -> int:
    return math.gcd(self, other)


@primitive("int.asCharacter")
def as_character(self: int) -> Any:
    from ...image.values import Character

    if not 0 <= self < 0x110000:
        raise Fault("SystemExceptions.InvalidValue", f"{self} is the code of no character")
    return Character(self)


@primitive("number.printString")
def print_string(self: Any) -> str:
    if type(self) is Fraction:
        return f"{self.numerator}/{self.denominator}"
    if type(self) is float:
        return print_float(self)
    return str(self)


def print_float(value: float) -> str:
    """The shortest decimal that reads back as the same Float: 100.0, 1e16 as 1e16, 0.0001."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        if "." not in mantissa:
            mantissa += ".0"
        return f"{mantissa}e{int(exponent)}"
    return text


@primitive("int.printRadix")
def print_radix(self: int, base: int) -> str:
    if not 2 <= base <= 36:
        raise Fault("SystemExceptions.InvalidArgument", "a radix is a number from 2 to 36")
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    value, text = abs(self), ""
    while True:
        value, digit = divmod(value, base)
        text = digits[digit] + text
        if not value:
            return "-" + text if self < 0 else text


@primitive("number.raisedTo")
def raised_to(self: Any, power: Any) -> Any:
    if isinstance(self, int) and isinstance(power, int):
        if power < 0:
            return simplest(Fraction(1) / Fraction(self) ** -power)
        if self.bit_length() * power > MOST_BITS:
            raise Fault("SystemExceptions.OutOfMemory", "the power is too large a number")
    return simplest(self**power)
