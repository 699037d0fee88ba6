"""Primitives of Characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...image.values import LETTERS, Character, Symbol
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("character.new")
def character(self: Any, code: Any) -> Character:
    if type(code) is not int or not 0 <= code <= 0x10FFFF:
        raise Fault("SystemExceptions.InvalidValue", "a Character has a code point from 0 to 16r10FFFF", value=code)
    return Character(code)


@primitive("character.code")
def code(self: Any) -> int:
    return int(self.code)


@primitive("character.asString", world=True)
def character_string(world: World) -> Any:
    return lambda self: world.new_string(str(self))


@primitive("character.asSymbol")
def character_symbol(self: Any) -> Symbol:
    return Symbol(str(self))


def _test(name: str, test: Callable[[str], bool]) -> None:
    @primitive(f"character.{name}")
    def ask(self: Any) -> bool:
        return test(self._char)


_test("isVowel", "aeiouAEIOU".__contains__)
_test("isLetter", str.isalpha)
_test("isDigit", "0123456789".__contains__)
_test("isAlphaNumeric", str.isalnum)
_test("isUppercase", str.isupper)
_test("isLowercase", str.islower)
_test("isSeparator", " \t\n\r\f\v".__contains__)
_test("isPunctuation", ".,:;!?".__contains__)


@primitive("character.digitValue")
def digit_value(self: Any) -> int:
    """0 to 9, and 10 to 35 for the letters A to Z; -1 for what is no digit."""
    text = str(self)
    if "0" <= text <= "9":
        return ord(text) - 48
    upper = text.upper()
    return ord(upper) - 55 if "A" <= upper <= "Z" and len(upper) == 1 else -1


@primitive("character.ofDigit")
def of_digit(self: Any, value: Any) -> Character:
    if type(value) is not int or not 0 <= value <= 35:
        raise Fault("SystemExceptions.InvalidValue", "the value of a digit is 0 to 35", value=value)
    return Character("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value])


def _letter(change: Any) -> Any:
    def convert(self: Any) -> Character:
        text = change(self._char)
        return LETTERS[text] if len(text) == 1 else self  # type: ignore[no-any-return]

    return convert


primitive("character.asUppercase")(_letter(str.upper))
primitive("character.asLowercase")(_letter(str.lower))


@primitive("character.compare", world=True)
def character_compare(world: World) -> Any:
    """-1, 0 or 1."""

    def compare(self: Any, other: Any) -> int:
        if type(other) is not Character:
            raise Fault(
                "SystemExceptions.WrongClass",
                f"a Character is compared with a Character, not with {world.describe(other)}",
            )
        return (self.code > other.code) - (self.code < other.code)

    return compare
