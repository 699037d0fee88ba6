"""Integers of millions of bits, worked on in steps.

Python multiplies, divides, prints and reads a whole number in one go, in which nothing else of the process runs and no
interrupt arrives: a million factorial takes ten seconds of everybody's time. Here the outer steps are Python's
statements, so that others have their turn between two of them and a message ends when it is told to. The algorithms are
Karatsuba's, the product tree, and, for decimal digits, those of CPython's own `_pylong` (3.12).
"""

from __future__ import annotations

import decimal
import math
import sys

STEP = 1 << 18  # bits: a product of two such takes some ten milliseconds
SMALL_STEP = 1 << 14  # bits that a division of large numbers answers at once
DIGITS = 3_900  # digits: what Python reads at once, whatever was set
AT_ONCE = 250_000  # digits that Python may write at once, which takes it half a second


def allow_long_numbers() -> None:
    """Python refuses to write more than 4,300 digits, which a message about a number may well have."""
    if 0 < sys.get_int_max_str_digits() < AT_ONCE:
        sys.set_int_max_str_digits(AT_ONCE)


def multiply(a: int, b: int) -> int:
    """a * b."""
    if a.bit_length() < b.bit_length():
        a, b = b, a
    bits = a.bit_length()
    if bits <= STEP or b.bit_length() <= 4096:
        return a * b
    half = bits >> 1
    high = a >> half
    low = a - (high << half)
    if b.bit_length() <= half:
        return (multiply(high, b) << half) + multiply(low, b)
    top = b >> half
    rest = b - (top << half)
    first, last = multiply(high, top), multiply(low, rest)
    middle = multiply(high + low, top + rest) - first - last
    return (first << 2 * half) + (middle << half) + last


def power(base: int, exponent: int) -> int:
    """base ** exponent, which is not negative."""
    if base.bit_length() * exponent <= STEP:
        return int(base**exponent)
    twos = (base & -base).bit_length() - 1
    odd = base >> twos
    result = 1
    for digit in bin(exponent)[2:]:
        result = multiply(result, result)
        if digit == "1":
            result = multiply(result, odd)
    return result << twos * exponent


def power_modulo(base: int, exponent: int, modulus: int) -> int:
    """base ** exponent modulo another number. ValueError if there is no such, for a negative exponent."""
    if exponent < 0 or max(modulus.bit_length(), exponent.bit_length()) <= 4096:
        return pow(base, exponent, modulus)
    result, base = 1 % modulus, base % modulus
    for digit in bin(exponent)[2:]:
        result = result * result % modulus
        if digit == "1":
            result = result * base % modulus
    return result


def product(first: int, last: int) -> int:
    """The product of all whole numbers from first to last."""
    if last - first < 1000:
        return math.prod(range(first, last + 1))
    middle = (first + last) >> 1
    return multiply(product(first, middle), product(middle + 1, last))


def remainder(a: int, b: int) -> int:
    """a modulo b, neither negative."""
    if a.bit_length() - b.bit_length() <= SMALL_STEP:
        return a % b
    rest, at = 0, -(-a.bit_length() // SMALL_STEP) * SMALL_STEP
    while at:
        at -= SMALL_STEP
        piece = a >> at
        a -= piece << at
        rest = ((rest << SMALL_STEP) + piece) % b
    return rest


def gcd(a: int, b: int) -> int:
    """The greatest common divisor; of large numbers by Euclid's steps."""
    a, b = abs(a), abs(b)
    while min(a.bit_length(), b.bit_length()) > STEP:
        a, b = b, remainder(a, b)
    return math.gcd(remainder(a, b), b) if b else a


def digits_of(number: int) -> str:
    """The decimal digits of a number."""
    try:
        return str(number)
    except ValueError:  # it has more digits than Python writes at once
        pass
    if number < 0:
        return "-" + digits_of(-number)
    powers: dict[int, decimal.Decimal] = {}
    two = decimal.Decimal(2)

    def power_of_two(bits: int) -> decimal.Decimal:
        found = powers.get(bits)
        if found is None:
            if bits - 1 in powers:
                found = powers[bits - 1] + powers[bits - 1]
            else:
                found = two**bits if bits <= 128 else power_of_two(bits >> 1) * power_of_two(bits - (bits >> 1))
            powers[bits] = found
        return found

    def written(part: int, bits: int) -> decimal.Decimal:
        if bits <= 128:
            return decimal.Decimal(part)
        half = bits >> 1
        high = part >> half
        return written(part - (high << half), half) + written(high, bits - half) * power_of_two(half)

    with decimal.localcontext() as context:
        context.prec, context.Emax, context.Emin = decimal.MAX_PREC, decimal.MAX_EMAX, decimal.MIN_EMIN
        context.traps[decimal.Inexact] = True
        return str(written(number, number.bit_length()))


def from_digits(digits: str) -> int:
    """The number of that many decimal digits, with or without a sign."""
    if len(digits) <= DIGITS:
        return int(digits)
    if digits[0] in "+-":
        return -from_digits(digits[1:]) if digits[0] == "-" else from_digits(digits[1:])
    powers: dict[int, int] = {}

    def power_of_five(count: int) -> int:
        found = powers.get(count)
        if found is None:
            found = powers[count] = power_of_five(count - 1) * 5 if count - 1 in powers else power(5, count)
        return found

    def read(start: int, end: int) -> int:
        if end - start <= DIGITS:
            return int(digits[start:end])
        middle = (start + end + 1) >> 1
        count = end - middle
        return read(middle, end) + (multiply(read(start, middle), power_of_five(count)) << count)

    return read(0, len(digits))
