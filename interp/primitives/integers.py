"""Primitives of Integers: divisors, factorials, bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..flow import Fault
from . import huge, primitive
from .numbers import MOST_BITS, divided_by_zero, need_integer, too_large

if TYPE_CHECKING:
    from ..world import World


def _bits(name: str, compute: Any) -> None:
    def make(world: World) -> Any:
        def operate(self: Any, other: Any) -> Any:
            return compute(need_integer(world, self), need_integer(world, other))

        return operate

    primitive(f"int.{name}", world=True)(make)


def shift(self: int, by: int) -> int:
    if by < 0:
        return self >> -by
    if self and self.bit_length() + by > MOST_BITS:
        raise too_large(self.bit_length() + by)
    return self << by if self else 0


_bits("bitAnd", lambda a, b: a & b)
_bits("bitOr", lambda a, b: a | b)
_bits("bitXor", lambda a, b: a ^ b)
_bits("bitShift", shift)
_bits("gcd", huge.gcd)
_bits("lcm", math.lcm)


@primitive("int.even", world=True)
def even(world: World) -> Any:
    return lambda self: need_integer(world, self) & 1 == 0


@primitive("int.odd", world=True)
def odd(world: World) -> Any:
    return lambda self: need_integer(world, self) & 1 == 1


@primitive("int.highBit")
def high_bit(self: int) -> int:
    return (self if self >= 0 else -1 - self).bit_length()


@primitive("int.lowBit")
def low_bit(self: int) -> int:
    return (self & -self).bit_length()

MOST_CHOSEN = 2_000_000  # bits of what choosing may come to: half a second of everybody's time
MOST_ROOTED = 1_500_000


@primitive("int.factorial")
def factorial(self: int) -> int:
    if self < 0:
        raise Fault("SystemExceptions.InvalidValue", "factorial: receiver must not be negative", value=self)
    if self > 5_000_000:
        raise too_large(int(self * math.log2(self)))
    return math.factorial(self) if self <= 20_000 else huge.product(1, self)


@primitive("int.binomial", world=True)
def binomial(world: World) -> Any:
    def binomial(self: int, k: Any) -> int:
        if self < 0 or need_integer(world, k) < 0:
            raise Fault("SystemExceptions.InvalidArgument", "binomial: wants numbers that are not negative")
        fewer = min(k, self - k)
        if fewer * self.bit_length() > MOST_CHOSEN:
            raise too_large(fewer * self.bit_length())
        return math.comb(self, k)

    return binomial


@primitive("int.sqrtFloor")
def sqrt_floor(self: int) -> int:
    if self < 0:
        raise Fault("ArithmeticError", f"{self} has no square root")
    if self.bit_length() > MOST_ROOTED:
        raise too_large(self.bit_length())
    return math.isqrt(self)


@primitive("int.powerModulo", world=True)
def power_modulo(world: World) -> Any:
    def power_modulo(self: int, power: Any, modulus: Any) -> int:
        if not need_integer(world, modulus):
            raise divided_by_zero(self)
        try:
            return huge.power_modulo(self, need_integer(world, power), modulus)
        except ValueError:
            raise Fault("ArithmeticError", f"{self} has no inverse modulo {modulus}") from None

    return power_modulo


@primitive("int.isPrime")
def is_prime(self: int) -> bool:
    """Miller and Rabin's test with the bases that decide below 3.3e24; beyond, an error is less likely than 4**-40."""
    if self < 2:
        return False
    small = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    for p in small:
        if self % p == 0:
            return self == p
    odd, twos = self - 1, 0
    while odd & 1 == 0:
        odd, twos = odd >> 1, twos + 1
    bases = small if self < 3_317_044_064_679_887_385_961_981 else range(2, 42)
    for base in bases:
        x = huge.power_modulo(base, odd, self)
        if x in (1, self - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % self
            if x == self - 1:
                break
        else:
            return False
    return True


@primitive("int.asCharacter")
def as_character(self: int) -> Any:
    from ...image.values import Character

    if not 0 <= self < 0x110000:
        raise Fault("SystemExceptions.InvalidValue", f"{self} is the code of no character", value=self)
    return Character(self)
