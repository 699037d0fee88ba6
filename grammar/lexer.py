"""Lark's contextual lexer, leaner: what the parser may see next decides how text is cut into tokens.

Lark's own makes a scanner for every set of terminals that some parser state accepts (38 of them here), and a general
Token for each match. Only four contexts cut text differently, so four scanners do; which one a parser state uses is
derived from what it accepts. Each knows all terminals and only tries them in another order, so that where a terminal is
out of place the parser can name what was found. A gap is skipped by the same match that finds the token behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from lark.exceptions import UnexpectedCharacters
from lark.lexer import Lexer, LexerState


class Token(NamedTuple):
    """A terminal found in the text. What follows ``value`` is its Span, in order."""

    type: str
    value: str
    start_pos: int
    end_pos: int
    line: int
    column: int
    end_line: int
    end_column: int


_token = tuple.__new__

#: By context: the terminals that come last, because the same text means another one there.
CONTEXTS = {
    "array": {"KEYWORD", "SHIFT", "BAR", "LESS", "GREATER"},
    "definition": {"KEYWORDS", "KEYWORDS_WORD", "BAR", "LESS", "GREATER"},  # behind `Account >>`
    "operand": {"KEYWORDS", "KEYWORDS_WORD", "OPERATOR", "SHIFT"},  # a number may be negative, and a bar is no operator
    "operator": {"KEYWORDS", "KEYWORDS_WORD", "NUMBER", "BAR", "LESS", "GREATER"},
}


def context_of(accepts: Collection[str]) -> str:
    """The context that a parser state is in, by what it accepts."""
    if "KEYWORDS" in accepts:
        return "array"
    if "OPERATOR" in accepts:
        return "definition" if "NUMBER" in accepts else "operator"
    return "operand"


class MessageLexer(Lexer):
    """Takes the place of lark.lexer.ContextualLexer (by Lark's ``_plugins``)."""

    def __init__(self, conf: Any, states: dict[int, Collection[str]], always_accept: Collection[str] = ()) -> None:
        self.conf = conf
        self.contexts = {state: context_of(accepts) for state, accepts in states.items()}
        self.matchers: dict[int, Callable[..., re.Match[str] | None]] = {}
        self.patterns: dict[str, re.Pattern[str]] = {}
        ignored = [t.pattern.to_regexp() for t in conf.terminals if t.name in conf.ignore]
        self.gap = f"(?:{'|'.join(ignored)})*+"

    def matcher(self, state: int) -> Callable[..., re.Match[str] | None]:
        """The match function for a parser state, compiled when it is first wanted."""
        context = self.contexts[state]
        if context not in self.patterns:
            self.patterns[context] = self.compile(CONTEXTS[context])
        match = self.matchers[state] = self.patterns[context].match
        return match

    def compile(self, last: Collection[str]) -> re.Pattern[str]:
        found = [t for t in self.conf.terminals if t.name not in self.conf.ignore]
        found.sort(key=lambda t: (t.name in last, -t.priority, -t.pattern.max_width, t.name))
        choices = "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in found)
        return re.compile(rf"{self.gap}(?:{choices}|(?P<END>\Z))")

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[Token]:  # type: ignore[override]
        text, end = lexer_state.text.text, lexer_state.text.end
        counter = lexer_state.line_ctr
        at, line, line_start = counter.char_pos, counter.line, counter.line_start_pos
        matchers, stack = self.matchers, parser_state.state_stack
        while True:
            state = stack[-1]
            match = (matchers.get(state) or self.matcher(state))(text, at, end)
            if match is None:
                raise self.stuck(text, at, end, parser_state)
            kind: Any = match.lastgroup
            start, stop = match.span(kind)
            if start > at:
                newlines = text.count("\n", at, start)
                if newlines:
                    line += newlines
                    line_start = text.rindex("\n", at, start) + 1
            if kind == "END":
                return
            value = match[kind]
            column = start - line_start + 1
            if "\n" in value:
                first_line = line
                line += value.count("\n")
                line_start = start + value.rindex("\n") + 1
                yield _token(Token, (kind, value, start, stop, first_line, column, line, stop - line_start + 1))
            else:
                yield _token(Token, (kind, value, start, stop, line, column, line, column + stop - start))
            at = stop

    def stuck(self, text: str, at: int, end: int, parser_state: Any) -> UnexpectedCharacters:
        """Nothing in the language begins as the text does behind the gap."""
        match = re.compile(self.gap).match(text, at, end)
        assert match is not None  # it matches nothing as well
        return UnexpectedCharacters(text, match.end(), 1, 1, state=parser_state)
