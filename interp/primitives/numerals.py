"""Numbers as text, and text as numbers."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.object import is_object
from ...image.values import Character, ScaledDecimal
from ..flow import Fault
from . import huge, primitive

if TYPE_CHECKING:
    from ..world import World

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WIDEST = 1_000_000


def print_number(self: Any) -> str:
    if type(self) is int:
        return decimal(self)
    if type(self) is Fraction:
        return f"{decimal(self.numerator)}/{decimal(self.denominator)}"
    if type(self) is float:
        return print_float(self)
    return str(self)


def decimal(value: int) -> str:
    """The decimal digits."""
    return huge.digits_of(value)


def print_float(value: float) -> str:
    """The shortest decimal that reads back as the same Float: 100.0, 1.0e16, 0.0001."""
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


def radix(value: int, base: int) -> str:
    """The digits of a whole number in a base. Long numbers are halved first, so that a million digits take seconds."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    if base in (2, 8, 16):
        return sign + format(value, {2: "b", 8: "o", 16: "X"}[base])
    powers = [base]
    while powers[-1] ** 2 <= value:
        powers.append(powers[-1] ** 2)

    def write(value: int, level: int) -> str:
        if level < 0:
            return DIGITS[value]
        high, low = divmod(value, powers[level])
        return write(high, level - 1) + write(low, level - 1)

    return sign + (write(value, len(powers) - 1).lstrip("0") or "0")


def check_base(base: Any) -> int:
    if type(base) is not int or not 2 <= base <= 36:
        raise Fault("SystemExceptions.InvalidArgument", "a radix is an Integer from 2 to 36", value=base)
    return base


@primitive("number.printString")
def print_string(self: Any) -> str:
    return print_number(self)


@primitive("number.print", world=True)
def print_unless_redefined(world: World) -> Any:
    """printString; where printOn: was redefined, or the number is somebody's own, what that says."""
    general = "object.printString"

    def print_unless_redefined(self: Any) -> Any:
        plain = world.primitives
        if is_object(self) or world.table("printOn:")[type(self)] is not plain["object.printOn"]:
            return plain[general](self)
        return print_number(self)

    return print_unless_redefined


@primitive("number.printRadix", world=True)
def print_radix(world: World) -> Any:
    def print_radix(self: Any, base: Any) -> Any:
        check_base(base)
        if type(self) is int:
            return radix(self, base)
        if type(self) is Fraction:
            return f"{radix(self.numerator, base)}/{radix(self.denominator, base)}"
        if type(self) in (float, ScaledDecimal) and base != 10:
            text = "only Integers and Fractions are written in another base than ten"
            raise Fault("SystemExceptions.InvalidArgument", text)
        return world.send(self, "printString")

    return print_radix


@primitive("int.printWithRadix")
def print_with_radix(self: int, base: Any) -> str:
    digits = radix(self, check_base(base))
    return f"-{base}r{digits[1:]}" if self < 0 else f"{base}r{digits}"


@primitive("int.printPadded", world=True)
def print_padded(world: World) -> Any:
    def print_padded(self: int, fill: Any, width: Any, base: Any) -> str:
        if type(fill) is not Character:
            raise Fault("SystemExceptions.WrongClass", f"{world.describe(fill)} is no Character, which is wanted here")
        if type(width) is not int or width > WIDEST:
            raise Fault("SystemExceptions.InvalidArgument", f"{world.describe(width)} is no width")
        digits = radix(self, check_base(base))
        if str(fill) == "0" and self < 0:
            return "-" + digits[1:].rjust(width - 1, "0")
        return digits.rjust(width, str(fill))

    return print_padded


@primitive("int.grouped")
def grouped(self: int, mark: Any, count: Any) -> str:
    if type(count) is not int or count < 1:
        raise Fault("SystemExceptions.InvalidArgument", "a group has at least one digit")
    return _group(decimal(self), str(mark), count)


def _group(digits: str, mark: str, count: int) -> str:
    sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
    first = len(digits) % count or count
    return sign + mark.join([digits[:first], *(digits[i : i + count] for i in range(first, len(digits), count))])


@primitive("number.commas", world=True)
def commas(world: World) -> Any:
    def commas(self: Any) -> str:
        whole, point, rest = text_of(world.send(self, "printString")).partition(".")
        return _group(whole, ",", 3) + point + rest

    return commas


@primitive("number.decimals", world=True)
def decimals(world: World) -> Any:
    def decimals(self: Any, places: Any) -> str:
        if type(places) is not int or not 0 <= places <= WIDEST:
            raise Fault("SystemExceptions.InvalidArgument", "the number of decimals is an Integer, 0 or more")
        if type(self) is float and not math.isfinite(self):
            return print_float(self)
        value = self.fraction if type(self) is ScaledDecimal else Fraction(self)
        scaled = abs(value) * 10**places
        digits = decimal(math.floor(scaled + Fraction(1, 2))).rjust(places + 1, "0")
        sign = "-" if value < 0 and digits.strip("0") else ""
        return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)

    return decimals


ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
         (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip


@primitive("int.roman")
def roman(self: int) -> str:
    if not 0 < self < 4000:
        raise Fault("SystemExceptions.InvalidValue", f"{self} cannot be written in Roman digits", value=self)
    text = ""
    for value, letters in ROMAN:
        text += letters * (self // value)
        self %= value
    return text


ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GROUPS = ("", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion")


@primitive("int.words")
def words(self: int) -> str:
    if self < 0:
        return "negative " + words(-self)
    if self < 20:
        return ONES[self]
    if self < 100:
        return TENS[self // 10 - 2] + (f"-{ONES[self % 10]}" if self % 10 else "")
    if self < 1000:
        return f"{ONES[self // 100]} hundred" + (f" {words(self % 100)}" if self % 100 else "")
    if self >= 1000 ** len(GROUPS):
        raise Fault("SystemExceptions.InvalidValue", "there are no words for so large a number", value=self)
    parts, level = [], 0
    while self:
        self, group = divmod(self, 1000)
        if group:
            parts.append(words(group) + GROUPS[level])
        level += 1
    return ", ".join(reversed(parts))


# --- reading ----------------------------------------------------------------------

NUMERAL = re.compile(
    r"(?P<sign>-?)(?:(?P<radix>\d+)r(?P<minus>-?)(?P<digits>[0-9A-Z]+)|(?P<whole>\d+)(?:\.(?P<fraction>\d+))?"
    r"(?:[edq](?P<exponent>-?\d+)|s(?P<scale>\d*))?)"
)
LONGEST_EXPONENT = 100_000


def read_number(text: str) -> tuple[Any, int]:
    """The number that text begins with, as a program would read it, and its length; (None, 0) if there is none."""
    match = NUMERAL.match(text)
    if match is None:
        return None, 0
    sign = -1 if match["sign"] else 1
    if match["radix"]:
        base = int(match["radix"])
        digits = match["digits"]
        if not 2 <= base <= 36 or any(DIGITS.index(digit) >= base for digit in digits):
            base_alone = re.match(r"-?\d+", text)
            return (int(base_alone[0]), base_alone.end()) if base_alone is not None else (None, 0)
        return sign * (-1 if match["minus"] else 1) * int(digits, base), match.end()
    whole, fraction = match["whole"], match["fraction"] or ""
    exponent = int(match["exponent"] or 0)
    if abs(exponent) > LONGEST_EXPONENT:
        raise Fault("SystemExceptions.OutOfMemory", f"a number with an exponent of {exponent} is too large")
    if match["scale"] is not None:
        value = Fraction(sign * huge.from_digits(whole + fraction), 10 ** len(fraction))
        return ScaledDecimal(value, int(match["scale"]) if match["scale"] else len(fraction)), match.end()
    if not fraction:
        value = Fraction(sign * huge.from_digits(whole)) * Fraction(10) ** exponent
        return (value.numerator if value.denominator == 1 else value), match.end()
    return sign * float(f"{whole}.{fraction}e{exponent}"), match.end()


@primitive("number.readFrom", world=True)
def read_from(world: World) -> Any:
    """The number at the start of a String or stream; the stream is left behind it."""

    def read_from(self: Any, source: Any) -> Any:
        if isinstance(source, str) or getattr(type(source), "_p_traits", "") == "String":
            value, _ = read_number(text_of(source).lstrip())
            return 0 if value is None else value
        world.send(source, "skipSeparators")
        start = world.send(source, "position")
        text = text_of(world.send(source, "upToEnd"))
        value, length = read_number(text)
        world.send(source, "position:", start + length)
        return 0 if value is None else value

    return read_from
