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
from . import primitive

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
                return compute(self, other)
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
        return no_number(world, self, selector, other)

    return retry


def no_number(world: World, self: Any, selector: str, other: Any) -> Any:
    """The error of ``3 + 'a'``: in the words of gst, with what was attempted."""
    message = world.clone(world.lookup("Message") or world.genesis)
    message.selector = Symbol("generality")
    message.arguments = world.new_array([])
    text = f"{world.describe(other)} does not understand #generality"
    text += f" ({world.describe(self)} {selector} {world.describe(other)}: a number is wanted)"
    return world.signals.signal(world.signals.make("MessageNotUnderstood", text, message=message, receiver=other))


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
    return simplest(a * b)


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


# --- to Integers and other kinds --------------------------------------------------


def _whole(value: Any, function: Any) -> int:
    try:
        return int(function(value))
    except (OverflowError, ValueError):
        raise Fault("ArithmeticError", f"{print_float(value)} has no integer part") from None


def _own(name: str, compute: Any, what: str) -> None:
    """A primitive on one number, which somebody else's number must define itself."""

    def make(world: World) -> Any:
        def operate(self: Any) -> Any:
            _need_number(world, self, what)
            return compute(self)

        return operate

    primitive(f"number.{name}", world=True)(make)


def truncated(self: Any) -> int:
    return _whole(self, math.trunc)


def floor(self: Any) -> int:
    return _whole(self, math.floor)


def ceiling(self: Any) -> int:
    return _whole(self, math.ceil)


def rounded(self: Any) -> int:
    """To the nearest, halves away from zero; exact also where adding a half would round."""
    if type(self) is int:
        return self
    whole = truncated(self)
    return whole + (1 if self > 0 else -1) if abs(exact(self) - whole) * 2 >= 1 else whole


def exact(self: Any) -> Any:
    if type(self) is ScaledDecimal:
        return self.fraction
    try:
        return Fraction(self)
    except (OverflowError, ValueError):
        raise Fault("ArithmeticError", f"{print_float(self)} is no fraction") from None


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


@primitive("number.asScaledDecimal", world=True)
def as_scaled_decimal(world: World) -> Any:
    def as_scaled_decimal(self: Any, scale: Any) -> Any:
        _need_number(world, self, "asScaledDecimal:")
        if need_integer(world, scale) < 0:
            raise Fault("SystemExceptions.InvalidArgument", "the scale of a ScaledDecimal cannot be negative")
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


# --- functions --------------------------------------------------------------------


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
            return simplest(Fraction(self) ** power if power < 0 else self**power)
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


# --- Integers ---------------------------------------------------------------------


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
_bits("gcd", math.gcd)
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


@primitive("int.factorial")
def factorial(self: int) -> int:
    if self < 0:
        raise Fault("SystemExceptions.InvalidValue", "factorial: receiver must not be negative", value=self)
    if self > 5_000_000:
        raise too_large(int(self * math.log2(self)))
    return math.factorial(self)


@primitive("int.binomial", world=True)
def binomial(world: World) -> Any:
    def binomial(self: int, k: Any) -> int:
        if self < 0 or need_integer(world, k) < 0:
            raise Fault("SystemExceptions.InvalidArgument", "binomial: wants numbers that are not negative")
        return math.comb(self, k)

    return binomial


@primitive("int.sqrtFloor")
def sqrt_floor(self: int) -> int:
    if self < 0:
        raise Fault("ArithmeticError", f"{self} has no square root")
    return math.isqrt(self)


@primitive("int.powerModulo", world=True)
def power_modulo(world: World) -> Any:
    def power_modulo(self: int, power: Any, modulus: Any) -> int:
        if not need_integer(world, modulus):
            raise divided_by_zero(self)
        try:
            return pow(self, need_integer(world, power), modulus)
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
        x = pow(base, odd, self)
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
