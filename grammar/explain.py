"""From what the parser says (``unexpected token, expected one of 14``) to what a person wants to hear."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from .build import Fault
from .problem import SyntaxProblem
from .scan import CLOSERS, Lexeme, scan

_WORDS = {
    "IDENT": "a name",
    "DOTTED": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "SYMBOL": "a symbol",
    "CHARACTER": "a character",
    "KEYWORD": "a keyword",
    "KEYWORDS": "a keyword",
    "KEYWORDS_WORD": "a symbol",
    "OPERATOR": "an operator",
    "SHIFT": "an operator",
    "FENCE": "a ```python body",
    "HASH_PAREN": "'#('",
    "HASH_BRACKET": "'#['",
    "LPAREN": "'('",
    "RPAREN": "')'",
    "LBRACKET": "'['",
    "RBRACKET": "']'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "ASSIGN": "':='",
    "COLON": "':'",
    "SEMICOLON": "';'",
    "DOT": "'.'",
    "CARET": "'^'",
    "BAR": "'|'",
    "LESS": "'<'",
    "GREATER": "'>'",
    "$END": "the end",
}
_EXPRESSION = frozenset(
    [
        "IDENT",
        "DOTTED",
        "NUMBER",
        "STRING",
        "SYMBOL",
        "CHARACTER",
        "HASH_PAREN",
        "HASH_BRACKET",
        "LPAREN",
        "LBRACKET",
        "LBRACE",
    ]
)
_OPERAND = _EXPRESSION | {"RPAREN", "RBRACKET", "RBRACE"}
_OPERATORS = frozenset({"OPERATOR", "SHIFT", "BAR", "LESS", "GREATER", "KEYWORD"})
_CLOSE = frozenset({"RPAREN", "RBRACKET", "RBRACE"})


def expected_words(terminals: set[str]) -> tuple[str, ...]:
    """Terminals in words, an expression's many beginnings as one."""
    words = set()
    if terminals >= _EXPRESSION:
        words.add("an expression")
        terminals = terminals - _EXPRESSION
    return tuple(sorted(words | {_WORDS[t] for t in terminals if t in _WORDS}))


class _Place:
    """The surroundings of a fault: the lexeme before it, the one it stands on, and the brackets open there."""

    def __init__(self, source: str, begin: int, offset: int, first_line: int) -> None:
        self.source, self.begin, self.first_line = source, begin, first_line
        self.open: list[Lexeme] = []
        self.before: Lexeme | None = None
        self.statement: list[Lexeme] = []  # since the last period or bracket at this depth
        for lexeme in scan(source, begin, offset):
            if lexeme.kind in ("SPACE", "COMMENT"):
                continue
            if lexeme.kind in CLOSERS:
                self.open.append(lexeme)
            elif lexeme.kind in _CLOSE and self.open:
                self.open.pop()
            self.before = lexeme
            if lexeme.kind in ("DOT", "LBRACKET", "LBRACE", "LPAREN"):
                self.statement = []
            else:
                self.statement.append(lexeme)

    def text(self, lexeme: Lexeme) -> str:
        text = self.source[lexeme.start : lexeme.end]
        return text if len(text) <= 40 else text[:37] + "..."

    def line(self, lexeme: Lexeme) -> int:
        return self.source.count("\n", self.begin, lexeme.start) + self.first_line


def _possible(accepts: set[str], place: _Place) -> set[str]:
    """Without what LALR, which merges states, holds possible and the brackets rule out."""
    if not place.open:
        return accepts - _CLOSE
    kind = place.open[-1].kind
    closer = {")": "RPAREN", "]": "RBRACKET", "}": "RBRACE"}[CLOSERS[kind]]
    return accepts - (_CLOSE - {closer}) - {"$END"} - ({"DOT"} if kind == "LPAREN" else set())


def explain(error: UnexpectedInput, source: str, begin: int, origin: str, line: int) -> SyntaxProblem:
    """The problem that Lark's error is. The statement at fault begins at offset ``begin``, in line ``line``."""
    if isinstance(error, Fault):
        span = error.span
        return SyntaxProblem(
            error.message, origin=origin, source=source, offset=span.start, length=span.end - span.start
        )
    state = error.interactive_parser.parser_state
    accepts = {name for name in state.parse_conf.states[state.position] if name in _WORDS}
    if isinstance(error, UnexpectedCharacters):
        offset = error.pos_in_stream or 0
        expected = expected_words(_possible(accepts, _Place(source, begin, offset, line)))
        message, length, at_end = _strange_character(source, offset)
        return SyntaxProblem(
            message, origin=origin, source=source, offset=offset, length=length, expected=expected, at_end=at_end
        )
    assert isinstance(error, UnexpectedToken)
    ended = error.token.type == "$END"
    offset = len(source) if ended else error.token.start_pos
    surroundings = _Place(source, begin, offset, line)
    accepts = _possible(accepts, surroundings)
    expected = expected_words(accepts)
    if ended:
        message, offset, length = _unfinished(surroundings, accepts)
    else:
        length = len(error.token.value)
        message = _misplaced(surroundings, error.token.type, error.token.value, accepts)
    return SyntaxProblem(
        message, origin=origin, source=source, offset=offset, length=length, expected=expected, at_end=ended
    )


def _strange_character(source: str, offset: int) -> tuple[str, int, bool]:
    character = source[offset]
    if character == "'" or source.startswith("#'", offset):
        return "this string is never closed", len(source), True
    if character == '"':
        return "this comment is never closed", len(source), True
    if character == "$":
        return "expected a character after '$'", 1, True
    if character == "#":
        return "expected a symbol, '(' or '[' after '#'", 1, offset + 1 == len(source)
    if source.startswith("```", offset):
        if re.match("`{3,}python", source[offset : offset + 80]):
            return "this ```python body is never closed by ``` on a line of its own", len(source), True
        return "a fence holds Python and begins with ```python", 3, False
    if character == "_" or character.isalnum():
        return f"a name cannot begin with {character}", 1, False
    if not character.isprintable():
        return f"the character U+{ord(character):04X} has no meaning here", 1, False
    return f"the character {character} has no meaning here", 1, False


def _wanted(place: _Place, accepts: set[str]) -> str | None:
    """What the lexeme before the fault asks for, if it asks for anything."""
    before = place.before
    if before is None:
        return None
    text = place.text(before)
    if before.kind == "KEYWORD":
        if "NUMBER" not in accepts:
            return f"expected a parameter name after '{text}'"
        return f"a keyword message wants an argument after '{text}'"
    if before.kind == "OPERATOR":
        if accepts == {"IDENT"}:
            return f"expected a parameter name after '{text}'"
        if accepts <= {"IDENT", "BAR"}:
            return "expected a variable name or '|'"
        if accepts <= {"IDENT", "KEYWORD"}:
            return "expected a pragma, such as <category: 'x'>"
        if "LPAREN" in accepts and text != "|":
            return f"a binary message wants an argument after '{text}'"
        return None
    if before.kind == "ASSIGN":
        return "expected an expression after ':='"
    if before.kind == "CARET":
        return "expected an expression after '^'"
    if before.kind == "SEMICOLON":
        return "expected a message after ';'"
    if before.kind == "COLON":
        return "expected a parameter name after ':'"
    if before.kind == "LPAREN" and not any(b.kind == "HASH_PAREN" for b in place.open):
        return "expected an expression after '('"
    return None


def _unfinished(place: _Place, accepts: set[str]) -> tuple[str, int, int]:
    """The text ended too early: message, offset, length."""
    end = len(place.source.rstrip()) if place.before is None else place.before.end
    wanted = _wanted(place, accepts)
    if wanted is not None and not wanted.startswith("expected an expression after '('"):
        return wanted, end, 1
    if accepts <= {"IDENT", "BAR"}:
        return "this list of variables is not closed by '|'", end, 1
    if place.open:
        bracket = place.open[-1]
        text = place.text(bracket)
        return f"this bracket {text} opened at line {place.line(bracket)} was never closed", bracket.start, len(text)
    if accepts >= {"LBRACKET", "FENCE"}:
        return "expected the method's body, in [ ]", end, 1
    return "expected " + " or ".join(expected_words(accepts)), end, 1


def _misplaced(place: _Place, kind: str, text: str, accepts: set[str]) -> str:
    """A token stands where it cannot."""
    shown = text if len(text) <= 40 and "\n" not in text else text[:37].split("\n")[0] + "..."
    if kind in _CLOSE:
        if not place.open:
            return f"this {text} closes nothing"
        bracket = place.open[-1]
        if CLOSERS[bracket.kind] != text:
            return f"this {text} cannot close the {place.text(bracket)} opened at line {place.line(bracket)}"
    if place.open and place.open[-1].kind == "HASH_BRACKET":
        return "a byte array holds integers from 0 to 255"
    if place.open and any(b.kind == "HASH_PAREN" for b in place.open):
        return f"{shown} cannot stand in a literal array"
    wanted = _wanted(place, accepts)
    if wanted is not None:
        return f"{wanted}, found {shown}"
    if accepts <= {"IDENT", "BAR"}:
        return f"expected a variable name or '|', found {shown}"
    if kind in _OPERATORS and "NUMBER" in accepts:
        if text == "-":
            return "a message wants a receiver before '-'; a negative number has no blank after its sign"
        return f"a message wants a receiver before '{text}'"
    if kind == "COLON" and "NUMBER" in accepts:
        return "':' begins a parameter of a block and stands at its head, as in [ :each | ... ]"
    if accepts <= {"COLON", "BAR", "RBRACKET"}:
        return f"expected '|' after the parameters of the block, found {shown}"
    if kind == "ASSIGN" and place.before and place.before.kind in ("IDENT", "DOTTED") and len(place.statement) > 1:
        return f"only a variable can be assigned to: is a '.' missing before {place.text(place.before)}?"
    if kind == "ASSIGN":
        return "only a variable can be assigned to"
    if kind == "SEMICOLON":
        return "a cascade continues a message: there is none before this ';'"
    if kind == "DOT" and place.open and "NUMBER" not in accepts:
        bracket = place.open[-1]
        return f"a statement cannot end inside the {place.text(bracket)} opened at line {place.line(bracket)}"
    if kind == "CARET" and "DOT" in accepts:
        return "'^' begins a statement: is a '.' missing before it?"
    if kind in ("LBRACKET", "FENCE") and any(place.text(x) == ">>" for x in place.statement):
        return "a method is defined at the top level, as in Account >> deposit: amount [ ... ]"
    if kind in _OPERAND and "OPERATOR" in accepts and "DOT" in accepts:
        return f"expected a message before {shown}: is a '.' missing?"
    words = " or ".join(expected_words(accepts))
    return f"expected {words}, found {shown}"
