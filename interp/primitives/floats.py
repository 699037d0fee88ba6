"""Primitives of numbers: functions, most of which answer Floats; and Floats themselves."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...image.values import ScaledDecimal, Symbol
from ..flow import Fault
from . import huge, primitive
from .numbers import MOST_BITS, NUMBERS, divided_by_zero, exact, need_integer, no_number, simplest, to_float, too_large

if TYPE_CHECKING:
    from ..world import World


def _math(name: str, function: Any) -> None:
    """A function of Floats: nan where there is no result, an infinity where it is too large."""

    def make(world: World) -> Any:
        def compute(self: Any) -> float:
            if type(self) not in NUMBERS:
                self = world.send(self, "asFloat")
            try:
                return float(function(self if type(self) is int else float(self)))
            except ValueError:
                return math.nan
            except OverflowError:
                return math.inf if self > 0 or name in ("cosh",) else -math.inf

        return compute

    primitive(f"float.{name}", world=True)(make)


def square_root(value: Any) -> float:
    if type(value) is int and value.bit_length() > 1000:
        return to_float(math.isqrt(value))
    return math.sqrt(value)


def logarithm(value: Any, function: Any = math.log) -> float:
    return -math.inf if value == 0 else function(value)


for _name, _function in {
    "sqrt": square_root, "sin": math.sin, "cos": math.cos, "tan": math.tan, "arcSin": math.asin, "arcCos": math.acos,
    "arcTan": math.atan, "exp": math.exp, "ln": logarithm, "log10": lambda value: logarithm(value, math.log10),
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
}.items():  # fmt: skip
    _math(_name, _function)


def _need_real(world: World, thing: Any) -> Any:
    return thing if type(thing) in NUMBERS else world.send(thing, "asFloat")


@primitive("float.log", world=True)
def log(world: World) -> Any:
    def log(self: Any, base: Any) -> float:
        value, base = _need_real(world, self), _need_real(world, base)
        if type(base) is int and base in (2, 10):
            function = math.log2 if base == 2 else math.log10
            return logarithm(value if type(value) is int else float(value), function) if value >= 0 else math.nan
        if value < 0 or base <= 0 or base == 1:
            return math.nan
        value, base = (x if type(x) is int else float(x) for x in (value, base))
        return logarithm(value) / math.log(base)

    return log


@primitive("float.arcTan2", world=True)
def arc_tan2(world: World) -> Any:
    return lambda self, x: math.atan2(to_float(_need_real(world, self)), to_float(_need_real(world, x)))


def _floor_log(world: World, self: Any, base: Any) -> tuple[int, bool]:
    """The largest power of base that is not above self, by exact comparison; and whether it is self."""
    if type(self) not in NUMBERS or type(base) not in NUMBERS or not self > 0 or not base > 1 or self == math.inf:
        raise Fault("ArithmeticError", f"{world.describe(self)} has no logarithm to the base {world.describe(base)}")
    value, unit = exact(self), exact(base)
    power = math.floor((math.log(value.numerator) - math.log(value.denominator)) / math.log(unit))
    while unit**power > value:
        power -= 1
    while unit ** (power + 1) <= value:
        power += 1
    return power, unit**power == value


@primitive("number.floorLog", world=True)
def floor_log(world: World) -> Any:
    return lambda self, base: _floor_log(world, self, base)[0]


@primitive("number.ceilingLog", world=True)
def ceiling_log(world: World) -> Any:
    def ceiling_log(self: Any, base: Any) -> int:
        power, same = _floor_log(world, self, base)
        return power if same else power + 1

    return ceiling_log


@primitive("number.raisedTo", world=True)
def raised_to(world: World) -> Any:
    def raised_to(self: Any, power: Any) -> Any:
        if type(power) not in NUMBERS:
            if world.understands(power, "generality"):
                return world.send(self, "retry:coercing:", Symbol("raisedTo:"), power)
            return no_number(world, self, "raisedTo:", power)
        if type(self) not in NUMBERS:
            return _by_squaring(world, self, need_integer(world, power))
        if type(power) is Fraction or type(power) is ScaledDecimal:
            power = simplest(exact(power)) if type(self) is not float else float(power)
        if type(power) is int and type(self) is not float:
            if not self and power < 0:
                raise divided_by_zero(1)
            if type(self) is int and self not in (0, 1, -1) and self.bit_length() * abs(power) > MOST_BITS:
                raise too_large(self.bit_length() * abs(power))
            if type(self) is ScaledDecimal:
                return ScaledDecimal(self.fraction**power, self.scale)
            if type(self) is int:
                whole = huge.power(self, abs(power))
                return simplest(Fraction(1, whole)) if power < 0 else whole
            return simplest(self**power)
        base, exponent = to_float(self), to_float(power)
        if base == 0 and exponent < 0:
            raise divided_by_zero(1.0)
        if base < 0 and math.isfinite(base) and math.isfinite(exponent) and not exponent.is_integer():
            text = f"{world.describe(self)} is negative: it has no real power of {world.describe(power)}"
            raise Fault("ArithmeticError", text)
        try:
            return math.pow(base, exponent)
        except OverflowError:
            return -math.inf if base < 0 and exponent % 2 else math.inf

    return raised_to


def _by_squaring(world: World, base: Any, power: int) -> Any:
    if power < 0:
        return world.send(_by_squaring(world, base, -power), "reciprocal")
    result = world.send(base, "unity")
    while power:
        if power & 1:
            result = world.send(result, "*", base)
        power >>= 1
        if power:
            base = world.send(base, "*", base)
    return result
