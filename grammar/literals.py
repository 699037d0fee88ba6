"""Literals from value to text: what ``read_number`` and the builder read, written."""

from __future__ import annotations

import math
import re
import unicodedata

from .nodes import Character, Node, Number, Scaled, String, Symbol
from .numerals import BadNumeral, read_number

_OPERATOR = re.compile(r"[-+*/\\~<>=@%|&?,!]+")


def literal(node: Node) -> str:
    """The text of a Number, String, Symbol or Character. Raises ValueError if there is none."""
    match node:
        case Number(value, text):
            return text if _means(text, value) else number(value)
        case String(value):
            return quote(value)
        case Symbol(value):
            return symbol(value)
        case Character(value):
            return "$" + value
    raise ValueError(f"{type(node).__name__} has no text of its own")


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def symbol(name: str) -> str:
    """``#at:put:`` or ``#foo:bar``, or ``#'any text'`` where that is no such thing."""
    parts = name[:-1].split(":") if name.endswith(":") else [name]
    plain = _OPERATOR.fullmatch(name) or all(part.isidentifier() for part in parts)
    return "#" + (name if plain and unicodedata.is_normalized("NFC", name) else quote(name))


def number(value: int | float | Scaled) -> str:
    """A literal that reads as ``value``. Raises ValueError for a Float that is not finite."""
    if isinstance(value, Scaled):
        digits = _decimal(abs(value.unscaled)).rjust(value.digits + 1, "0")
        whole, fraction = digits[: len(digits) - value.digits], digits[len(digits) - value.digits :]
        sign = "-" if value.unscaled < 0 else ""
        return f"{sign}{whole}{'.' + fraction if fraction else ''}s{value.scale or ('0' if fraction else '')}"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no literal")
        mantissa, _, exponent = repr(value).partition("e")
        return mantissa + ("" if "." in mantissa else ".0") + (f"e{int(exponent)}" if exponent else "")
    return ("-" if value < 0 else "") + _decimal(abs(value))


def _decimal(value: int) -> str:
    """str(value); in radix 16 for what is longer than Python writes in decimal."""
    return str(value) if value.bit_length() < 14_000 else f"16r{value:X}"


def _means(text: str, value: int | float | Scaled) -> bool:
    try:
        return bool(text) and type(read := read_number(text)) is type(value) and read == value
    except BadNumeral:
        return False
