"""A Pygments lexer for the message language, made of the grammar's own terminals, for terminals and windows.

It takes any text, half-typed and wrong text too, and gives every character back. The token types:

=====================  ======================================================================
Keyword.Constant       nil true false
Keyword.Pseudo         self super thisContext
Name.Function          a selector sent: unary, keyword parts
Name.Function.Magic    the pattern of a method being defined
Name.Class             a capitalised name; Name.Namespace for a dotted one
Name.Variable          any other name
Operator               a binary selector; Operator.Word is ``:=`` and ``^``
Literal...             numbers, strings, symbols, characters
Comment, Punctuation, Whitespace, Error
=====================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from .build import CONSTANTS, PSEUDO
from .scan import Lexeme, scan

_FIXED = {
    "SPACE": Whitespace,
    "COMMENT": Comment,
    "OPEN_COMMENT": Comment,
    "STRING": String,
    "OPEN_STRING": String,
    "SYMBOL": String.Symbol,
    "CHARACTER": String.Char,
    "NUMBER": Number,
    "BINDING": String.Symbol,
    "DOTTED": Name.Namespace,
    "KEYWORD": Name.Function,
    "OPERATOR": Operator,
    "ASSIGN": Operator.Word,
    "CARET": Operator.Word,
    "OTHER": Error,
}
#: After these, a name is an operand; after anything else (an operand, a closer) it is a message.
_BEFORE_OPERAND = frozenset(
    "OPERATOR KEYWORD ASSIGN CARET DOT COLON LPAREN LBRACKET LBRACE HASH_HASH HASH_PAREN HASH_BRACKET OTHER".split()
)


class MessageLexer(Lexer):
    """Pygments' interface to the scanner."""

    name = "BAT OS messages"
    aliases = ("batos", "messages")
    filenames = ("*.st",)
    mimetypes = ("text/x-batos",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """(offset, token type, text) of every piece of ``text``, none left out."""
        for lexeme, kind in classified(text):
            piece = text[lexeme.start : lexeme.end]
            if lexeme.kind in ("FENCE", "OPEN_FENCE"):
                yield from _fence(lexeme.start, piece, closed=lexeme.kind == "FENCE")
            else:
                yield lexeme.start, kind, piece


def classified(text: str) -> Iterator[tuple[Lexeme, _TokenType]]:
    """The lexemes of a text, each with its Pygments token type."""
    lexemes = list(scan(text))
    solid = [i for i, lexeme in enumerate(lexemes) if lexeme.kind not in ("SPACE", "COMMENT")]
    patterns = set(_patterns(text, lexemes, solid))
    before = "DOT"
    bars = 0  # how many more `|` are bars and no operators
    arrays = 0  # how deep in literal arrays, where every word is a symbol
    for index, lexeme in enumerate(lexemes):
        kind: Any = _FIXED.get(lexeme.kind, Punctuation)
        word = text[lexeme.start : lexeme.end]
        if lexeme.kind == "HASH_PAREN" or (arrays and lexeme.kind == "LPAREN"):
            arrays += 1
        elif arrays and lexeme.kind == "RPAREN":
            arrays -= 1
        if arrays and lexeme.kind in ("IDENT", "KEYWORD", "DOTTED", "OPERATOR"):
            kind = Keyword.Constant if word in CONSTANTS else String.Symbol
        elif index in patterns and lexeme.kind in ("IDENT", "KEYWORD", "OPERATOR"):
            kind = Name.Function.Magic
        elif lexeme.kind == "IDENT":
            kind = _name(word, before)
        elif word == "|" and (before in ("DOT", "LBRACKET", "BAR", "COLON_NAME") or bars):
            kind, bars = Punctuation, 0 if bars or before == "COLON_NAME" else 1
        yield lexeme, kind
        if lexeme.kind in ("SPACE", "COMMENT"):
            continue
        if before == "COLON" and lexeme.kind == "IDENT":
            before = "COLON_NAME"
        elif kind is Punctuation and word == "|":
            before = "BAR"
        elif bars and lexeme.kind == "IDENT":
            before = "BAR"
        else:
            before = lexeme.kind


def _name(word: str, before: str) -> _TokenType:
    if before not in _BEFORE_OPERAND and before not in ("BAR", "COLON_NAME"):
        return Name.Function
    if word in CONSTANTS:
        return Keyword.Constant
    if word in PSEUDO:
        return Keyword.Pseudo
    return Name.Class if word[0].isupper() else Name.Variable


def _patterns(text: str, lexemes: list[Lexeme], solid: list[int]) -> Iterable[int]:
    """The indexes of the selector parts of method patterns: all that stands between ``>>`` and ``[`` or a fence."""
    for place, index in enumerate(solid):
        if text[lexemes[index].start : lexemes[index].end] != ">>":
            continue
        parts: list[int] = []
        rest = solid[place + 1 :][:64]
        for step, other in enumerate(rest):
            kind = lexemes[other].kind
            if kind in ("LBRACKET", "FENCE", "OPEN_FENCE") and parts:
                yield from parts
            if step % 2 == 0 and (kind in ("KEYWORD", "OPERATOR") or (kind == "IDENT" and step == 0)):
                parts.append(other)
            elif not (step % 2 and kind == "IDENT"):
                break


def _fence(start: int, piece: str, closed: bool) -> Iterator[tuple[int, _TokenType, str]]:
    """A Python body: its fences, and between them what Pygments' own lexer says."""
    from pygments.lexers.python import PythonLexer  # not cheap, and most texts have no Python

    head = piece.find("\n") + 1 or len(piece)
    tail = piece.rfind("\n") + 1 if closed else len(piece)
    yield start, Punctuation, piece[:head]
    if head < tail:
        for offset, kind, text in PythonLexer().get_tokens_unprocessed(piece[head:tail]):
            yield start + head + offset, kind, text
    if tail < len(piece):
        yield start + tail, Punctuation, piece[tail:]
