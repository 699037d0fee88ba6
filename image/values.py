"""The values that Python has no type for: Symbol, Character, ScaledDecimal.

All three are immutable and persist by value: an image keeps the text, the code point, the fraction, never a reference.
``type(x)`` is the key by which messages are dispatched, so each is one plain class with nothing made per value.
Symbols and characters are interned: two that read the same are the same object, in every thread and after a restart,
and identity is all that equality has to ask.
"""

import math
import os
import re
import threading
import weakref
from fractions import Fraction
from typing import Any, ClassVar, Final, Self, overload

__all__ = ["Character", "ScaledDecimal", "Symbol"]


class Symbol(str):
    """A name: a str that is interned, and equal to nothing but itself (not even to a str of the same text).

    Symbols sort by their text; beside a str of the same text the str comes first, so that mixed keys of a BTree have
    one order. A symbol nobody holds any longer is forgotten.
    """

    __slots__ = ("__weakref__",)

    _known: ClassVar[weakref.WeakValueDictionary[str, "Symbol"]] = weakref.WeakValueDictionary()
    # Reentrant: collecting garbage while the lock is held may run code that makes a symbol.
    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __new__(cls, text: str) -> "Symbol":
        if type(text) is not str:
            if isinstance(text, Symbol):
                return text
            if not isinstance(text, str):
                raise TypeError(f"a Symbol is made from text, not from {type(text).__name__}")
            text = str(text)
        known = cls._known.data.get(text)  # type: ignore[attr-defined]  # as .get() would, in a third of the time
        found = None if known is None else known()
        if found is None:
            with cls._lock:
                found = cls._known.get(text)
                if found is None:
                    found = super().__new__(Symbol, text)
                    cls._known[text] = found
        return found

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    __hash__ = str.__hash__

    # str's own comparisons see only text; these put Symbol after an equal str, from either side of the operator.
    def __lt__(self, other: str) -> bool:
        return str.__lt__(self, other)

    def __gt__(self, other: str) -> bool:
        return str.__gt__(self, other) or (self is not other and str.__eq__(self, other))

    def __le__(self, other: str) -> bool:
        return self is other or str.__lt__(self, other)

    def __ge__(self, other: str) -> bool:
        return str.__ge__(self, other)

    def __repr__(self) -> str:
        return f"Symbol({str.__repr__(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Symbol, (str(self),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _renew_lock() -> None:
    Symbol._lock = threading.RLock()


# Another thread may have held the lock at the fork, and that thread does not exist in the child.
os.register_at_fork(after_in_child=_renew_lock)


class Character:
    """One code point, 0 to 16r10FFFF. ``Character(97) is Character("a")``; no Character equals a str."""

    __slots__ = ("_char", "code")

    code: int
    _char: str  # the same as text, for streams
    _known: ClassVar[dict[int, "Character"]] = {}

    def __new__(cls, code: int | str) -> "Character":
        if isinstance(code, str):
            code = ord(code)
        found = cls._known.get(code)
        if found is None or type(code) is not int:  # 1.0 and True are found where 1 is known
            if type(code) is not int:
                raise TypeError(f"a Character is made from a code point, not from {type(code).__name__}")
            if not 0 <= code <= 0x10FFFF:
                raise ValueError(f"no Character has the code point {code}: they go from 0 to 16r10FFFF")
            found = object.__new__(Character)
            object.__setattr__(found, "code", code)
            object.__setattr__(found, "_char", chr(code))
            # Atomic, so that two threads at once get the same one.
            found = cls._known.setdefault(code, found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Character cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Character cannot be changed")

    def __hash__(self) -> int:
        return self.code

    def __eq__(self, other: object) -> bool:
        return self is other

    def __lt__(self, other: "Character") -> bool:
        return self.code < other.code if type(other) is Character else NotImplemented

    def __le__(self, other: "Character") -> bool:
        return self.code <= other.code if type(other) is Character else NotImplemented

    def __gt__(self, other: "Character") -> bool:
        return self.code > other.code if type(other) is Character else NotImplemented

    def __ge__(self, other: "Character") -> bool:
        return self.code >= other.code if type(other) is Character else NotImplemented

    def __str__(self) -> str:
        return self._char

    def __repr__(self) -> str:
        return f"Character({self.code})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Character, (self.code,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


_SCALED: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?s(\d*)\Z", re.ASCII)


class Letters(dict[str, Character]):
    """Characters by their text."""

    def __missing__(self, text: str) -> Character:
        self[text] = character = Character(text)
        return character


LETTERS = Letters()


class ScaledDecimal:
    """An exact fraction that is shown with a fixed number of decimals: ``ScaledDecimal(Fraction(314, 100), 2)``.

    The scale is for showing only; no operation rounds. With another ScaledDecimal the larger scale wins; with an
    Integer or a Fraction the ScaledDecimal's scale stays (as in Pharo and Squeak); with a Float the answer is a Float.
    Digits beyond the scale are cut off when printed, not rounded (as in GNU Smalltalk): ``1/3`` at scale 2 is
    ``0.33s2``, ``2/3`` is ``0.66s2``. Comparison and hash are those of the exact fraction, so ``0.50s2 = 0.5s1`` and
    ``0.5s1 = (1/2)``. Division by zero raises ZeroDivisionError.
    """

    __slots__ = ("_fraction", "_scale")

    _fraction: Fraction
    _scale: int

    def __init__(self, value: "int | float | Fraction | ScaledDecimal", scale: int) -> None:
        """``value`` exactly (a float too: the fraction that it is), shown with ``scale`` decimals.

        Raises ValueError for a negative scale, a NaN or an infinity; TypeError for what is no number.
        """
        if type(scale) is not int:
            raise TypeError(f"the scale of a ScaledDecimal is an Integer, not {type(scale).__name__}")
        if scale < 0:
            raise ValueError(f"the scale of a ScaledDecimal cannot be negative: {scale}")
        if type(value) is ScaledDecimal:
            value = value._fraction
        elif isinstance(value, bool) or not isinstance(value, int | float | Fraction):
            raise TypeError(f"a ScaledDecimal is made from a number, not from {type(value).__name__}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} has no fraction, so no ScaledDecimal can hold it")
        object.__setattr__(self, "_fraction", Fraction(value))
        object.__setattr__(self, "_scale", scale)

    @classmethod
    def parse(cls, text: str) -> "ScaledDecimal":
        """``3.14s2``, ``3s2``, ``-0.5s`` (the scale is then the number of digits). Raises ValueError."""
        match = _SCALED.match(text)
        if match is None:
            raise ValueError(f"not a ScaledDecimal: {text!r} (it is written like 3.14s2)")
        sign, whole, decimals, scale = match.groups(default="")
        value = Fraction(int(sign + whole + decimals), 10 ** len(decimals))
        return cls(value, int(scale) if scale else len(decimals))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a ScaledDecimal cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a ScaledDecimal cannot be changed")

    @property
    def fraction(self) -> Fraction:
        """The exact value."""
        return self._fraction

    @property
    def scale(self) -> int:
        """How many decimals are shown."""
        return self._scale

    @property
    def numerator(self) -> int:
        return self._fraction.numerator

    @property
    def denominator(self) -> int:
        return self._fraction.denominator

    # -- text

    def display_string(self) -> str:
        """The digits without the scale: ``3.14``. ANSI's displayString."""
        value = self._fraction
        digits = str(abs(value.numerator) * 10**self._scale // value.denominator)
        sign = "-" if value < 0 else ""
        if not self._scale:
            return sign + digits
        digits = digits.rjust(self._scale + 1, "0")
        return f"{sign}{digits[: -self._scale]}.{digits[-self._scale :]}"

    def __str__(self) -> str:
        return f"{self.display_string()}s{self._scale}"

    def __repr__(self) -> str:
        return f"ScaledDecimal({self._fraction!r}, {self._scale})"

    # -- equality, order

    def __eq__(self, other: object) -> Any:
        return self._fraction == other._fraction if type(other) is ScaledDecimal else _compare(self, other, "__eq__")

    def __hash__(self) -> int:
        return hash(self._fraction)

    def __lt__(self, other: object) -> Any:
        return _compare(self, other, "__lt__")

    def __le__(self, other: object) -> Any:
        return _compare(self, other, "__le__")

    def __gt__(self, other: object) -> Any:
        return _compare(self, other, "__gt__")

    def __ge__(self, other: object) -> Any:
        return _compare(self, other, "__ge__")

    def __bool__(self) -> bool:
        return bool(self._fraction)

    # -- arithmetic

    def __add__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__add__)

    def __radd__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__radd__)

    def __sub__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__sub__)

    def __rsub__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__rsub__)

    def __mul__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__mul__)

    def __rmul__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__rmul__)

    def __truediv__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__truediv__)

    def __rtruediv__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__rtruediv__)

    def __mod__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__mod__)

    def __rmod__(self, other: object) -> Any:
        return _combine(self, other, Fraction.__rmod__)

    def __floordiv__(self, other: object) -> Any:
        """Floored, an Integer (a Float beside a Float)."""
        return _divide_down(self, other, Fraction.__floordiv__)

    def __rfloordiv__(self, other: object) -> Any:
        return _divide_down(self, other, Fraction.__rfloordiv__)

    @overload
    def __pow__(self, other: int) -> "ScaledDecimal": ...
    @overload
    def __pow__(self, other: object) -> Any: ...
    def __pow__(self, other: object) -> Any:
        """Exact for an Integer power, a Float otherwise."""
        if type(other) is int:
            return _scaled(self._fraction**other, self._scale)
        plain = _plain(other)
        return NotImplemented if plain is None else float(self._fraction) ** float(plain)

    def __rpow__(self, other: object) -> Any:
        plain = _plain(other)
        if plain is None:
            return NotImplemented
        return plain**self._fraction.numerator if self._fraction.denominator == 1 else float(plain) ** float(self)

    def __neg__(self) -> "ScaledDecimal":
        return _scaled(-self._fraction, self._scale)

    def __pos__(self) -> "ScaledDecimal":
        return self

    def __abs__(self) -> "ScaledDecimal":
        return _scaled(abs(self._fraction), self._scale)

    # -- conversion

    def __float__(self) -> float:
        return float(self._fraction)

    def __int__(self) -> int:
        return int(self._fraction)

    def __trunc__(self) -> int:
        return math.trunc(self._fraction)

    def __floor__(self) -> int:
        return math.floor(self._fraction)

    def __ceil__(self) -> int:
        return math.ceil(self._fraction)

    @overload
    def __round__(self, decimals: None = None) -> int: ...
    @overload
    def __round__(self, decimals: int) -> "ScaledDecimal": ...
    def __round__(self, decimals: int | None = None) -> "int | ScaledDecimal":
        """To the nearest, halves away from zero, as Smalltalk's ``rounded`` does (Python's own rounds to even)."""
        if decimals is None:
            return _round_away(self._fraction)
        unit = Fraction(10) ** decimals
        return _scaled(_round_away(self._fraction * unit) / unit, self._scale)

    def truncated_to_scale(self) -> Fraction:
        """The value that is shown: everything beyond the scale cut off."""
        unit = 10**self._scale
        return Fraction(math.trunc(self._fraction * unit), unit)

    def __reduce__(self) -> tuple[Any, ...]:
        # Two integers and not the Fraction itself, which would pickle as a class name and a string of digits.
        return _restore, (self._fraction.numerator, self._fraction.denominator, self._scale)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _scaled(value: Fraction, scale: int) -> ScaledDecimal:
    result = object.__new__(ScaledDecimal)
    object.__setattr__(result, "_fraction", value)
    object.__setattr__(result, "_scale", scale)
    return result


def _restore(numerator: int, denominator: int, scale: int) -> ScaledDecimal:
    return _scaled(Fraction(numerator, denominator), scale)


def _plain(other: object) -> int | float | Fraction | None:
    """The number to calculate with, or None for what is no number here (booleans are none)."""
    if type(other) is ScaledDecimal:
        return other._fraction
    if isinstance(other, int | float | Fraction) and not isinstance(other, bool):
        return other
    return None


def _compare(left: ScaledDecimal, right: object, operation: str) -> Any:
    plain = _plain(right)
    return NotImplemented if plain is None else getattr(left._fraction, operation)(plain)


def _combine(left: ScaledDecimal, right: object, operation: Any) -> Any:
    plain = _plain(right)
    if plain is None:
        return NotImplemented
    result = operation(left._fraction, plain)
    if type(result) is not Fraction:
        return result  # a Float beside a Float
    return _scaled(result, max(left._scale, right._scale) if type(right) is ScaledDecimal else left._scale)


def _divide_down(left: ScaledDecimal, right: object, operation: Any) -> Any:
    plain = _plain(right)
    return NotImplemented if plain is None else operation(left._fraction, plain)


def _round_away(value: Fraction) -> int:
    nearest = math.floor(abs(value) + Fraction(1, 2))
    return nearest if value >= 0 else -nearest
