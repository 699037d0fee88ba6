"""The highlighter: every character back, whatever the text, and the right colours for right text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from batos.grammar.highlight import MessageLexer


def colours(source: str) -> list[tuple[str, str]]:
    tokens = MessageLexer().get_tokens_unprocessed(source)
    return [(str(kind).removeprefix("Token."), text) for _, kind, text in tokens if text.strip()]


def test_expression() -> None:
    assert colours('| a | a := Foo.Bar new + 3. ^self at: #x put: nil "c"') == [
        ("Punctuation", "|"),
        ("Name.Variable", "a"),
        ("Punctuation", "|"),
        ("Name.Variable", "a"),
        ("Operator.Word", ":="),
        ("Name.Namespace", "Foo.Bar"),
        ("Name.Function", "new"),
        ("Operator", "+"),
        ("Literal.Number", "3"),
        ("Punctuation", "."),
        ("Operator.Word", "^"),
        ("Keyword.Pseudo", "self"),
        ("Name.Function", "at:"),
        ("Literal.String.Symbol", "#x"),
        ("Name.Function", "put:"),
        ("Keyword.Constant", "nil"),
        ("Comment", '"c"'),
    ]


def test_minus_and_bars() -> None:
    assert ("Literal.Number", "-4") in colours("3 - -4")
    assert ("Operator", "-") in colours("x-4")
    assert colours("#(-4 a-4)")[1:4] == [
        ("Literal.Number", "-4"),
        ("Literal.String.Symbol", "a"),
        ("Literal.Number", "-4"),
    ]
    block = colours("[ :x | | t | t | x ]")
    assert [kind for kind, text in block if text == "|"] == ["Punctuation"] * 3 + ["Operator"]


def test_definitions() -> None:
    assert [text for kind, text in colours("A >> at: k put: v [ k foo: v ]") if "Magic" in kind] == ["at:", "put:"]
    assert [text for kind, text in colours("A >> + b [ ]") if "Magic" in kind] == ["+"]
    assert not [text for kind, text in colours("A >> b") if "Magic" in kind]


def test_python_body_is_python() -> None:
    source = "A >> x ```python\n    return self.y\n```\n3"
    assert ("Keyword", "return") in colours(source)
    assert colours(source)[-2:] == [("Punctuation", "```"), ("Literal.Number", "3")]
    assert ("Keyword", "return") in colours("A >> x ```python\n    return")


def test_unfinished_and_wrong() -> None:
    assert colours("a 'never closed\n more")[-1] == ("Literal.String", "'never closed\n more")
    assert colours('a "never')[-1] == ("Comment", '"never')
    assert colours("a § b")[1] == ("Error", "§")


@given(st.one_of(st.text(), st.text("ab A:=.^;|#$'\"()[]{}<>-+3e1r`python\n\t!\0\ud800é", max_size=60)))
def test_every_character_comes_back_once(text: str) -> None:
    pieces = list(MessageLexer().get_tokens_unprocessed(text))
    assert "".join(piece for _, _, piece in pieces) == text
    offset = 0
    for start, _, piece in pieces:
        assert start == offset and piece
        offset += len(piece)
