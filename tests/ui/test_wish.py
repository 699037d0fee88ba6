"""A line that begins with ? is a wish in words."""

from __future__ import annotations

import pytest

from batos.bridge.covenant import Frame
from batos.grammar import parse
from batos.ui.repl.piped import pieces
from batos.ui.wish import advice, in_own_words, is_wish, source_of


@pytest.mark.parametrize("line", ["? make a button", "?make it red", "?  it's a 'quoted' wish"])
def test_a_wish_becomes_a_message(line: str) -> None:
    assert is_wish(line)
    assert len(parse(source_of(line)).statements) == 1


@pytest.mark.parametrize("line", ["?", "?   ", "3 + 4", " ? x", ":help"])
def test_what_is_no_wish(line: str) -> None:
    assert not is_wish(line)


def test_what_is_typed_is_what_is_said() -> None:
    assert source_of("?  it's   red") == "Transcript showCr: (genesis ask: 'it''s red')"


def test_a_piped_program_may_wish() -> None:
    found = [piece for _, piece in pieces("x := 3.\n? make a button\nx foo: [\n? no wish\n]")]
    assert found == ["x := 3.", "? make a button", "x foo: [\n? no wish\n]"]


def test_an_error_of_a_wish_shows_what_was_typed() -> None:
    line = "? make a button"
    error = Frame(code="error", message="no model answers", source_line=source_of(line), stack=["<input>"], text="...")
    shown = in_own_words(error, line)
    assert (shown.source_line, shown.stack, shown.text) == (line, [], "no model answers\n    ? make a button")
    elsewhere = Frame(code="error", message="no", source_line="self button foo")
    assert in_own_words(elsewhere, line) is elsewhere


def test_what_a_person_might_do_about_an_error() -> None:
    prose = Frame(code="not-understood", message="", advice="say")
    unwritten = Frame(code="not-understood", message="", advice="write")
    wrong = Frame(code="syntax", message="")
    assert "?" in advice(prose, "make me a button", "ask")
    assert "is off" in advice(unwritten, "a foo", "off") and "--jit off" in advice(unwritten, "a foo", "ask")
    assert "?" in advice(wrong, "what's in here", "ask") and not advice(wrong, "3 + ", "ask")
