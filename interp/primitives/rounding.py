"""Primitives of numbers: to Integers and to other kinds of number."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...image.values import ScaledDecimal
from ..flow import Fault
from . import primitive
from .numbers import _divide, _need_number, _whole, exact, floor, need_integer, simplest, to_float, truncated

if TYPE_CHECKING:
    from ..world import World

EXACT = 2**53  # the Floats below it, less their integer part, are Floats


def _own(name: str, compute: Any, what: str) -> None:
    """A primitive on one number, which somebody else's number must define itself."""

    def make(world: World) -> Any:
        def operate(self: Any) -> Any:
            _need_number(world, self, what)
            return compute(self)

        return operate

    primitive(f"number.{name}", world=True)(make)


def ceiling(self: Any) -> int:
    return _whole(self, math.ceil)


def rounded(self: Any) -> int:
    """To the nearest, halves away from zero; exact also where adding a half would round."""
    if type(self) is int:
        return self
    whole = truncated(self)
    if type(self) is float:
        rest = self - whole if -EXACT < whole < EXACT else 0.0  # what is beyond has no fraction
        return whole + 1 if rest >= 0.5 else whole - 1 if rest <= -0.5 else whole
    return whole + (1 if self > 0 else -1) if abs(exact(self) - whole) * 2 >= 1 else whole


def fraction_part(self: Any) -> Any:
    if type(self) is float:
        return math.fmod(self, 1.0) if math.isfinite(self) else math.nan
    return simplest(self - truncated(self))


def as_fraction(self: Any) -> Any:
    """The simplest fraction that reads back as the Float; an exact number as it is."""
    if type(self) is not float:
        return simplest(exact(self))
    value = exact(self)
    bound = 1
    while bound < value.denominator:
        near = value.limit_denominator(bound)
        if float(near) == self:
            return simplest(_smallest(value, self, bound // 16 or 1, bound))
        bound *= 16
    return simplest(value)


def _smallest(value: Fraction, wanted: float, low: int, high: int) -> Fraction:
    """The best approximation with the smallest denominator between low and high that is still wanted."""
    while low < high:
        middle = (low + high) // 2
        if float(value.limit_denominator(middle)) == wanted:
            high = middle
        else:
            low = middle + 1
    return value.limit_denominator(high)


_own("truncated", truncated, "truncated")
_own("floor", floor, "floor")
_own("ceiling", ceiling, "ceiling")
_own("rounded", rounded, "rounded")
_own("fractionPart", fraction_part, "fractionPart")
_own("asFloat", to_float, "asFloat")
_own("asFraction", as_fraction, "asFraction")
_own("asExactFraction", lambda self: simplest(exact(self)), "asExactFraction")
_own("numerator", lambda self: self.numerator, "numerator")
_own("denominator", lambda self: self.denominator, "denominator")


MOST_DECIMALS = 100_000


@primitive("number.asScaledDecimal", world=True)
def as_scaled_decimal(world: World) -> Any:
    def as_scaled_decimal(self: Any, scale: Any) -> Any:
        _need_number(world, self, "asScaledDecimal:")
        if need_integer(world, scale) < 0:
            raise Fault("SystemExceptions.InvalidArgument", "the scale of a ScaledDecimal cannot be negative")
        if scale > MOST_DECIMALS:
            raise Fault("SystemExceptions.InvalidArgument", f"a ScaledDecimal has at most {MOST_DECIMALS:,} decimals")
        return ScaledDecimal(exact(self), scale)

    return as_scaled_decimal


@primitive("scaled.scale")
def scale(self: Any) -> int:
    return int(self.scale)


@primitive("fraction.new", world=True)
def new_fraction(world: World) -> Any:
    def new_fraction(self: Any, above: Any, below: Any) -> Any:
        return _divide(need_integer(world, above), need_integer(world, below))

    return new_fraction
