"""A text as a flat run of tokens, whatever is wrong with it: what highlighting, recovery and error messages go by.

The terminals are the grammar's own. The parser's contextual lexer knows from the grammar what may stand where; this one
knows only the token before and the brackets around, which is enough except in text that does not parse anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from .tables import parser

_ORDER = (
    "FENCE BINDING HASH_HASH HASH_PAREN HASH_BRACKET SYMBOL STRING CHARACTER DOTTED KEYWORD IDENT NUMBER ASSIGN "
    "OPERATOR LPAREN RPAREN LBRACKET RBRACKET LBRACE RBRACE COLON SEMICOLON DOT CARET"
).split(" ")
_OPERANDS = frozenset(
    ["SYMBOL", "STRING", "CHARACTER", "DOTTED", "IDENT", "NUMBER", "BINDING", "RPAREN", "RBRACKET", "RBRACE"]
)

#: Opening kind to the closer's text.
CLOSERS = {"LPAREN": ")", "HASH_HASH": ")", "LBRACKET": "]", "LBRACE": "}", "HASH_PAREN": ")", "HASH_BRACKET": "]"}


class Lexeme(NamedTuple):
    """A token: ``kind`` is a terminal's name, or SPACE, COMMENT, or for what is no token OPEN_STRING, OPEN_COMMENT,
    OPEN_FENCE (each to the end of the text) and OTHER (one character, or a run of backticks)."""

    kind: str
    start: int
    end: int


@cache
def _pattern() -> re.Pattern[str]:
    terminals = {t.name: t.pattern.to_regexp() for t in parser().terminals}
    parts = [("SPACE", r"\s++"), ("COMMENT", r'"[^"]*"')]
    parts += [(name, terminals[name]) for name in _ORDER]
    parts += [("OPEN_STRING", r"#?'(?s:.*)"), ("OPEN_COMMENT", r'"(?s:.*)'), ("OPEN_FENCE", r"```python(?s:.*)")]
    parts += [("OTHER", r"`+|(?s:.)")]
    return re.compile("|".join(f"(?P<{name}>{regexp})" for name, regexp in parts))


def scan(source: str, start: int = 0, end: int | None = None) -> Iterator[Lexeme]:
    """The lexemes of ``source[start:end]``, gaps included, without a hole between them. Never raises."""
    match_at = _pattern().match
    end = len(source) if end is None else end
    after_operand = False
    array_depth = 0  # > 0: inside #( ... ), where `3 -4` is two numbers
    at = start
    while at < end:
        match = match_at(source, at, end)
        assert match is not None and match.lastgroup is not None  # OTHER takes any character
        kind, stop = match.lastgroup, match.end()
        if kind == "NUMBER" and after_operand and not array_depth and source[at] == "-":
            kind, stop = "OPERATOR", at + 1
        if kind == "HASH_PAREN" or (kind in ("LPAREN", "HASH_HASH") and array_depth):
            array_depth += 1
        elif kind == "RPAREN" and array_depth:
            array_depth -= 1
        yield Lexeme(kind, at, stop)
        if kind not in ("SPACE", "COMMENT"):
            after_operand = kind in _OPERANDS
        at = stop


_DEFINITION = re.compile(r"[^\S\n]*\n(?:\s|\"[^\"]*\")*(?:[^\W\d][\w.]*)(?:\s+class)?\s*>>\s*[^\W\d]")


def _behind_closers(source: str, at: int) -> int:
    """The end of the closing brackets and periods that stand there."""
    end = at
    for kind, _, stop in scan(source, at):
        if kind in ("RPAREN", "RBRACKET", "RBRACE", "DOT"):
            end = stop
        elif kind not in ("SPACE", "COMMENT"):
            break
    return end


def statement_end(source: str, start: int, fault: int) -> int:
    """Where to go on after a fault: behind the first period at bracket depth 0 that is not before ``fault``.

    ``start`` is where the statement began. A closing bracket closes whatever was opened inside its pair (``[ ( ]``),
    and one too many is passed over, or ends a statement that begins with it. A method definition needs no period,
    so a line that begins the next one ends it.
    """
    stack: list[str] = []
    open_now = {")": 0, "]": 0, "}": 0}  # how many of each the stack holds
    for kind, at, end in scan(source, start):
        if kind in CLOSERS:
            stack.append(CLOSERS[kind])
            open_now[stack[-1]] += 1
        elif kind in ("RPAREN", "RBRACKET", "RBRACE"):
            if start == at == fault:
                return _behind_closers(source, end)  # it closes nothing, and nothing hangs on it
            closed = None
            while open_now[source[at]] and closed != source[at]:
                closed = stack.pop()
                open_now[closed] -= 1
            if end > fault and not stack and kind == "RBRACKET" and _DEFINITION.match(source, end):
                return end
        elif kind == "DOT" and at >= fault and (not stack or (at == fault and set(stack) == {")"})):
            return end  # a parenthesis that is open where a period is found will hardly be closed further on
    return len(source)
