"""Hypothesis strategies for trees: every kind of node, as a parser could have made it."""

from __future__ import annotations

import keyword
import unicodedata

from hypothesis import strategies as st

from batos.grammar.build import unfence
from batos.grammar.layout import fenced
from batos.grammar.nodes import (
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
    Scaled,
    Send,
    String,
    Symbol,
    Variables,
)

RESERVED = {"nil", "true", "false", "self", "super", "thisContext"}
OPERATORS = "-+*/\\~<>=@%|&?,!"

_ascii = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
_unicode = (
    st.text("äéßλжयी漢字αБé", min_size=1, max_size=5)
    .map(lambda s: unicodedata.normalize("NFC", s))
    .filter(str.isidentifier)
)
words = st.one_of(_ascii, _ascii, _unicode, st.sampled_from(keyword.kwlist), st.sampled_from(["e", "r", "s2", "class"]))
names = words.filter(lambda name: name not in RESERVED)
dotted = st.lists(st.from_regex(r"[A-Z][a-z0-9]{0,4}", fullmatch=True), min_size=2, max_size=3).map(".".join)
operators = st.one_of(
    st.sampled_from(["+", "-", ">>", "->", "|", "||", "<", ">", ">=", "==>", ",", "!", "--", "->>"]),
    st.text(OPERATORS, min_size=1, max_size=4),
)
keyword_selectors = st.lists(words, min_size=1, max_size=3).map(lambda parts: "".join(p + ":" for p in parts))
# Any text that can be encoded and is not NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")

numbers = st.one_of(
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(Scaled, st.integers(-(10**20), 10**20), st.integers(0, 8), st.integers(0, 12)),
).map(Number)
symbols = st.one_of(words, operators, keyword_selectors, texts).map(Symbol)
scalars = st.one_of(numbers, texts.map(String), symbols, characters.map(Character))
byte_arrays = st.binary(max_size=6).map(Bytes)
constants = st.sampled_from(["nil", "true", "false"]).map(Pseudo)
arrays = st.recursive(
    st.lists(st.one_of(scalars, constants, byte_arrays), max_size=4).map(tuple).map(Array),
    lambda inner: st.lists(st.one_of(scalars, inner), max_size=3).map(tuple).map(Array),
    max_leaves=5,
)
pragma_arguments = st.one_of(scalars, constants, byte_arrays, arrays)
leaves = st.one_of(
    names.map(Name), dotted.map(Name), st.sampled_from(sorted(RESERVED)).map(Pseudo), scalars, byte_arrays, arrays
)


@st.composite
def parts(draw: st.DrawFn, inner: st.SearchStrategy[Node]) -> tuple[str, tuple[Node, ...]]:
    """A selector with the arguments it wants."""
    selector = draw(st.one_of(words, operators, keyword_selectors))
    arity = selector.count(":") or int(selector[0] in OPERATORS)
    return selector, tuple(draw(inner) for _ in range(arity))


@st.composite
def declarations(draw: st.DrawFn, most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parameters and temporaries, none declared twice."""
    all_names = draw(st.lists(names, max_size=most, unique=True))
    cut = draw(st.integers(0, len(all_names)))
    return tuple(all_names[:cut]), tuple(all_names[cut:])


@st.composite
def blocks(draw: st.DrawFn, inner: st.SearchStrategy[Node]) -> Block:
    params, temps = draw(declarations(4))
    return Block(params, temps, tuple(draw(st.lists(st.one_of(inner, inner.map(Return)), max_size=3))))


def _compound(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    sends = st.tuples(inner, parts(inner)).map(lambda t: Send(t[0], *t[1]))
    messages = parts(inner).map(lambda p: Message(*p))
    return st.one_of(
        sends,
        sends,
        st.tuples(inner, st.lists(messages, min_size=2, max_size=4).map(tuple)).map(lambda t: Cascade(*t)),
        st.tuples(st.one_of(names, dotted), inner).map(lambda t: Assign(*t)),
        st.lists(inner, max_size=3).map(tuple).map(Brace),
        blocks(inner),
    )


expressions = st.recursive(leaves, _compound, max_leaves=12)
statements = st.one_of(expressions, expressions, expressions.map(Return))
pragmas = parts(pragma_arguments).filter(lambda p: p[0][0] not in OPERATORS).map(lambda p: Pragma(*p))
python_texts = st.lists(
    st.sampled_from(["", "x = 1", "    return self", "```", "  ````python", "'''é'''", "\tpass"]), max_size=5
).map(lambda lines: unfence(fenced("\n".join(lines))))


@st.composite
def methods(draw: st.DrawFn) -> Method:
    selector = draw(st.one_of(words, operators, keyword_selectors))
    arity = selector.count(":") or int(selector[0] in OPERATORS)
    params = tuple(draw(st.lists(names, min_size=arity, max_size=arity, unique=True)))
    if draw(st.booleans()):
        return Method(selector, params, language="python", text=draw(python_texts))
    temps = tuple(draw(st.lists(names.filter(lambda n: n not in params), max_size=3, unique=True)))
    return Method(
        selector,
        params,
        temps,
        tuple(draw(st.lists(pragmas, max_size=2))),
        tuple(draw(st.lists(statements, max_size=3))),
        comment=draw(texts),
    )


definitions = st.tuples(expressions, methods()).map(lambda t: Define(*t))
variables = st.lists(names, max_size=3).map(tuple).map(Variables)
programs = st.lists(st.one_of(statements, definitions, variables), max_size=4).map(tuple).map(Program)
