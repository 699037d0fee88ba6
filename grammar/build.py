"""From the parser's reductions to nodes: one function a rule (or alias) of messages.lark, called bottom-up.

They are embedded in the LALR parser, so that no intermediate tree is made, and they are pure: a parser that several
threads use holds no state of a text. What they find wrong although it parses (``nil := 3``) they raise as a Fault.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from lark.exceptions import UnexpectedInput

from .lexer import Token
from .nodes import (
    Array,
    Assign,
    Block,
    Brace,
    Bytes,
    Cascade,
    Character,
    Define,
    Message,
    Method,
    Name,
    Node,
    Number,
    Pragma,
    Program,
    Pseudo,
    Return,
    Send,
    Span,
    String,
    Symbol,
    Variables,
)
from .numerals import BadNumeral, Scaled, read_number

PSEUDO = frozenset({"nil", "true", "false", "self", "super", "thisContext"})
CONSTANTS = frozenset({"nil", "true", "false"})

_JOINTS = str.maketrans("", "", "#:.")
_make = tuple.__new__


class Fault(UnexpectedInput):
    """Something parses and is still wrong. (An UnexpectedInput, so that Lark hands over its state along with it.)"""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


class Items:
    """What has been read of a body so far."""

    __slots__ = ("body", "pragmas", "temps", "text")

    def __init__(self) -> None:
        self.text: Any = ""  # for a method's body, (start, end) in the source
        self.temps: list[Token] = []
        self.pragmas: list[Pragma] = []
        self.body: list[Node] = []


def place(token: Token) -> Span:
    return _make(Span, token[2:])


def between(first: Span, last: Span) -> Span:
    return _make(Span, (first[0], last[1], first[2], first[3], last[4], last[5]))


def word(token: Token) -> str:
    """An identifier, keyword or symbol as a plain str; beyond ASCII in Unicode's form NFC: one name, one spelling."""
    text = token.value
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    if not text.translate(_JOINTS).isidentifier():
        odd = next((c for c in text if not ("a" + c).isidentifier() and c not in "#:."), text[0])
        raise Fault(f"the character {odd} (U+{ord(odd):04X}) cannot be part of a name", place(token))
    return text


def variable(token: Token, role: str = "a variable") -> str:
    text = word(token)
    if text in PSEUDO:
        raise Fault(f"{text} is reserved and cannot be {role}", place(token))
    return text


def declared_once(params: Sequence[Token], temps: Sequence[Token]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of parameters and temporaries; each may be declared once."""
    param_names = tuple([variable(t, "a parameter") for t in params])
    temp_names = tuple([variable(t, "a temporary") for t in temps])
    if len(param_names) + len(temp_names) > 1:
        seen: set[str] = set()
        for token, name in zip([*params, *temps], param_names + temp_names, strict=True):
            if name in seen:
                raise Fault(f"{name} is declared twice", place(token))
            seen.add(name)
    return param_names, temp_names


def quoted(text: str) -> str:
    """The text between single quotes, each doubled quote inside made single."""
    inner = text[1:-1]
    return inner.replace("''", "'") if "'" in inner else inner


class Builder:
    """The functions by rule name. ``c`` is always the list of a rule's children."""

    # --- literals

    @staticmethod
    def number(c: list) -> Number:
        token = c[0]
        text = token.value
        try:
            return Number(read_number(text), text, span=place(token))
        except BadNumeral as bad:
            raise Fault(str(bad), place(token)) from None

    @staticmethod
    def string(c: list) -> String:
        return String(quoted(c[0].value), span=place(c[0]))

    @staticmethod
    def symbol(c: list) -> Symbol:
        text = c[0].value
        if text[1] == "'":
            return Symbol(quoted(text[1:]), span=place(c[0]))
        return Symbol(word(c[0])[1:], span=place(c[0]))

    @staticmethod
    def character(c: list) -> Character:
        text = c[0].value
        if len(text) == 2:
            return Character(text[1], span=place(c[0]))
        value = read_number(text[2:-1])  # $<65>
        if not isinstance(value, int) or not 0 <= value < 0x110000 or 0xD800 <= value < 0xE000:
            raise Fault(f"{text} is no character", place(c[0]))
        return Character(chr(value), span=place(c[0]))

    @staticmethod
    def binding(c: list) -> Node:
        """``#{Foo}``, GNU Smalltalk's literal for a name and what it is bound to: asked of the world when it runs."""
        here = place(c[0])
        name = c[0].value[2:-1].strip()
        return Send(
            Name("Smalltalk", span=here), "associationAt:", (Symbol(name, span=here),), span=here, selector_span=here
        )

    @staticmethod
    def array_word(c: list) -> Node:
        text = word(c[0])
        return (Pseudo if text in CONSTANTS else Symbol)(text, span=place(c[0]))

    @staticmethod
    def pragma_word(c: list) -> Node:
        text = word(c[0])
        # A name is its symbol: other systems number their primitives by names.
        return (Pseudo if text in CONSTANTS else Symbol)(text, span=place(c[0]))

    @staticmethod
    def array(c: list) -> Array:
        return Array(tuple(c[1]), span=between(place(c[0]), place(c[2])))

    @staticmethod
    def bytes(c: list) -> Bytes:
        values = bytearray()
        for token in c[1]:
            try:
                value = read_number(token.value)
            except BadNumeral as bad:
                raise Fault(str(bad), place(token)) from None
            if isinstance(value, (float, Scaled)) or not 0 <= value <= 255:
                raise Fault("a byte array holds integers from 0 to 255", place(token))
            values.append(value)
        return Bytes(bytes(values), span=between(place(c[0]), place(c[2])))

    @staticmethod
    def list_none(c: list) -> list:
        return []

    @staticmethod
    def list_same(c: list) -> list:
        return c[0]

    @staticmethod
    def list_add(c: list) -> list:
        c[0].append(c[1])
        return c[0]

    @staticmethod
    def brace(c: list) -> Brace:
        items = c[1] if len(c) == 3 else [*c[1], c[2]]
        return Brace(tuple(items), span=between(place(c[0]), place(c[-1])))

    # --- expressions

    @staticmethod
    def name(c: list) -> Node:
        text = word(c[0])
        return (Pseudo if text in PSEUDO else Name)(text, span=place(c[0]))

    @staticmethod
    def parenthesis(c: list) -> Node:
        # The parentheses belong to the place of what they hold, so that a statement's text is whole.
        object.__setattr__(c[1], "span", between(place(c[0]), place(c[2])))
        return c[1]

    @staticmethod
    def unary_send(c: list) -> Send:
        here = place(c[1])
        return Send(c[0], word(c[1]), (), span=between(c[0].span, here), selector_span=here)

    @staticmethod
    def binary_send(c: list) -> Send:
        return Send(c[0], c[1].value, (c[2],), span=between(c[0].span, c[2].span), selector_span=place(c[1]))

    @staticmethod
    def keyword_message(c: list) -> list:
        return [[c[0]], [c[1]]]

    @staticmethod
    def keyword_message_more(c: list) -> list:
        message = c[0]
        message[0].append(c[1])
        message[1].append(c[2])
        return message

    @staticmethod
    def keyword_send(c: list) -> Send:
        receiver, (keywords, args) = c
        return Send(
            receiver,
            "".join([word(k) for k in keywords]),
            tuple(args),
            span=between(receiver.span, args[-1].span),
            selector_span=place(keywords[0]),
        )

    @staticmethod
    def unary_part(c: list) -> Message:
        return Message(word(c[0]), (), span=place(c[0]))

    @staticmethod
    def binary_part(c: list) -> Message:
        return Message(c[0].value, (c[1],), span=between(place(c[0]), c[1].span))

    @staticmethod
    def keyword_part(c: list) -> Message:
        keywords, args = c[0]
        return Message(
            "".join([word(k) for k in keywords]), tuple(args), span=between(place(keywords[0]), args[-1].span)
        )

    @staticmethod
    def cascade_part(c: list) -> list:
        return [c[1]]

    @staticmethod
    def cascade_part_more(c: list) -> list:
        c[0].append(c[2])
        return c[0]

    @staticmethod
    def cascade(c: list) -> Cascade:
        first, rest = c
        end = first.args[-1].span if first.args else first.selector_span
        head = Message(first.selector, first.args, span=between(first.selector_span, end))
        return Cascade(first.receiver, (head, *rest), span=between(first.span, rest[-1].span))

    @staticmethod
    def assignment(c: list) -> Assign:
        return Assign(variable(c[0], "assigned to"), c[2], span=between(place(c[0]), c[2].span))

    @staticmethod
    def answer(c: list) -> Return:
        return Return(c[1], span=between(place(c[0]), c[1].span))

    # --- blocks and bodies

    @staticmethod
    def items_none(c: list) -> Items:
        return Items()

    @staticmethod
    def items_same(c: list) -> Items:
        return c[0]

    @staticmethod
    def items_add(c: list) -> Items:
        c[0].body.append(c[1])
        return c[0]

    @staticmethod
    def items_temps(c: list) -> Items:
        c[0].temps.extend(c[2])
        return c[0]

    @staticmethod
    def items_pragma(c: list) -> Items:
        pragma = c[2]
        object.__setattr__(pragma, "span", between(place(c[1]), place(c[3])))
        if c[0].body:
            raise Fault("a pragma stands at the head of a method, before its statements", pragma.span)
        c[0].pragmas.append(pragma)
        return c[0]

    names_none = list_none
    names_add = list_add

    @staticmethod
    def params(c: list) -> list:
        return [c[1]]

    @staticmethod
    def params_more(c: list) -> list:
        c[0].append(c[2])
        return c[0]

    @staticmethod
    def block(c: list) -> Block:
        items = c[1]
        _, temps = declared_once((), items.temps)
        body = items.body if len(c) == 3 else [*items.body, c[2]]
        return Block((), temps, tuple(body), span=between(place(c[0]), place(c[-1])))

    @staticmethod
    def block_of_params(c: list) -> Block:
        params, _ = declared_once(c[1], ())
        return Block(params, (), (), span=between(place(c[0]), place(c[2])))

    @staticmethod
    def block_with_params(c: list) -> Block:
        items = c[3]
        params, temps = declared_once(c[1], items.temps)
        body = items.body if len(c) == 5 else [*items.body, c[4]]
        return Block(params, temps, tuple(body), span=between(place(c[0]), place(c[-1])))

    # --- methods

    @staticmethod
    def unary_pragma(c: list) -> Pragma:
        return Pragma(word(c[0]))

    @staticmethod
    def pragma(c: list) -> Pragma:
        keywords, args = c[0]
        return Pragma("".join([word(k) for k in keywords]), tuple(args))

    @staticmethod
    def unary_pattern(c: list) -> tuple[str, list, Span]:
        return word(c[0]), [], place(c[0])

    @staticmethod
    def binary_pattern(c: list) -> tuple[str, list, Span]:
        return c[0].value, [c[1]], place(c[0])

    keyword_pattern = keyword_message
    keyword_pattern_more = keyword_message_more

    @staticmethod
    def pattern(c: list) -> tuple[str, list, Span]:
        keywords, names = c[0]
        return "".join([word(k) for k in keywords]), names, place(keywords[0])

    @staticmethod
    def smalltalk_body(c: list) -> tuple[Items, Span]:
        items = c[1]
        items.text = (c[0].end_pos, c[-1].start_pos)
        if len(c) == 4:
            items.body.append(c[2])
        return items, between(place(c[0]), place(c[-1]))

    @staticmethod
    def python_body(c: list) -> tuple[str, Span]:
        return unfence(c[0].value), place(c[0])

    @staticmethod
    def lone_method(c: list) -> Method:
        (selector, param_tokens, head), (body, tail) = c
        span = between(head, tail)
        if isinstance(body, str):
            params, _ = declared_once(param_tokens, ())
            return Method(selector, params, language="python", text=body, span=span)
        params, temps = declared_once(param_tokens, body.temps)
        return Method(selector, params, temps, tuple(body.pragmas), tuple(body.body), text=body.text, span=span)

    @staticmethod
    def definition(c: list) -> Define:
        method = Builder.lone_method(c[2:])
        return Define(c[0], method, span=between(c[0].span, method.span))

    # --- the whole

    @staticmethod
    def declaration(c: list) -> Variables:
        names = tuple([variable(t) for t in c[1]])
        return Variables(names, span=between(place(c[0]), place(c[2])))

    top_none = list_none
    top_same = list_same
    top_add = list_add

    @staticmethod
    def program(c: list) -> Program:
        return Program(tuple(c[0] if len(c) == 1 else [*c[0], c[1]]))


def unfence(text: str) -> str:
    """What a fence holds: its lines, without the margin that all of them share, and without the last line end."""
    lines = text.replace("\r\n", "\n").split("\n")[1:-1]
    margins = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    # A margin is common only as far as it is the same characters: a tab is not eight blanks.
    margin = min(margins, default=0)
    filled = [line for line in lines if line.strip()]
    while margin and len({line[:margin] for line in filled}) > 1:
        margin -= 1
    return "\n".join(line[margin:] if line.strip() else "" for line in lines)
