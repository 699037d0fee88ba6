"""Number literals: from text to value.

ANSI (NCITS 319, 3.5.6) with the common extensions: ``16r-1F`` and ``-16r1F``, digits of a radix number in small letters
(``16rff``, unless an ``e`` in it could be an exponent), fractions in a radix (``2r1.1``), and underscores between
digits as in GNU Smalltalk. The exponent letters ``e d q`` all make the one kind of Float there is; without
digits behind it (``1.0e``), as GNU Smalltalk has it, the letter says no more than that.
An Integer with an exponent that is not negative stays an Integer (``1e100``); with a negative one it is a Float
(``1e-2`` is ``0.01``).
"""

from __future__ import annotations

import re

from .nodes import Scaled

#: More digits than this in one literal is a mistake or an attack (``1e999999999`` would fill the memory).
MOST_DIGITS = 100_000

# Compiled by re, and kept by it, when the first such literal is read.
_RADIX = r"(-?)([0-9]+)r(-?)([0-9A-Za-z_]+?)(?:\.([0-9A-Z]+))?(?:(?<=[0-9A-Z])e(-?[0-9]+))?"
_DECIMAL = r"(-?)([0-9_]+)(?:\.([0-9_]+))?(?:[edq](-?[0-9]+)?|(s)([0-9]*))?"


class BadNumeral(ValueError):
    """The text looks like a number but means none; the message says why."""


def read_number(text: str) -> int | float | Scaled:
    """The value of a number literal. Raises BadNumeral."""
    if len(text) < 4000:  # int() itself refuses longer ones
        try:
            return int(text)  # nearly all of them
        except ValueError:
            pass
    if match := re.fullmatch(_RADIX, text):
        return _radix(*match.groups())
    match = re.fullmatch(_DECIMAL, text)
    if match is None:
        raise BadNumeral(f"{text} is no number")
    return _decimal(*match.groups())


def _radix(
    sign: str, base_text: str, inner: str, digits: str, fraction: str | None, exponent: str | None
) -> int | float:
    base = int(base_text) if len(base_text) < 3 else 99
    if not 2 <= base <= 36:
        raise BadNumeral(f"a radix is from 2 to 36, not {base_text[:20]}")
    digits = digits.replace("_", "")
    for digit in digits + (fraction or ""):
        if int(digit, 36) >= base:
            raise BadNumeral(f"{digit} is no digit in radix {base}")
    power = _power(exponent)
    unscaled = _integer(digits + (fraction or ""), base)
    value: int | float
    if fraction is None and power >= 0:
        value = unscaled * base**power
    else:
        value = _float(unscaled, base, power - len(fraction or ""))
    return -value if (sign == "-") != (inner == "-") else value


def _decimal(
    sign: str, whole: str, fraction: str | None, exponent: str | None, scaled: str | None, scale: str | None
) -> int | float | Scaled:
    whole, decimals = whole.replace("_", ""), (fraction or "").replace("_", "")
    if scaled:
        places = int(scale) if scale and len(scale) < 6 else len(decimals) if not scale else MOST_DIGITS + 1
        if places > MOST_DIGITS:
            raise BadNumeral(f"the scale {(scale or '')[:20]} is too large")
        unscaled = _integer(whole + decimals, 10)
        return Scaled(-unscaled if sign else unscaled, len(decimals), places)
    power = _power(exponent)
    if fraction is None and power >= 0:
        value = _integer(whole, 10) * 10**power
        return -value if sign else value
    number = float(f"{whole}.{decimals or '0'}e{power}")
    if number == float("inf"):
        raise BadNumeral("this Float is too large")
    return -number if sign else number


def _power(exponent: str | None) -> int:
    if exponent is None:
        return 0
    if len(exponent.lstrip("-")) > 6 or abs(int(exponent)) > MOST_DIGITS:
        raise BadNumeral(f"the exponent {exponent[:20]} is too large")
    return int(exponent)


def _integer(digits: str, base: int) -> int:
    """int(digits, base) without the interpreter's limit on length, and not in quadratic time."""
    if len(digits) > MOST_DIGITS:
        raise BadNumeral(f"a number literal has at most {MOST_DIGITS} digits")
    if len(digits) <= 2000:
        return int(digits, base)
    half = len(digits) // 2
    return _integer(digits[:-half], base) * base**half + _integer(digits[-half:], base)


def _float(value: int, base: int, power: int) -> float:
    """``value * base**power`` to the nearest Float."""
    from fractions import Fraction

    try:
        return float(Fraction(value) * Fraction(base) ** power)
    except OverflowError:
        raise BadNumeral("this Float is too large") from None
