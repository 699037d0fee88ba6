"""A line that begins with ? is a wish in words."""

from __future__ import annotations

import pytest

from batos.grammar import parse
from batos.ui.repl.piped import pieces
from batos.ui.wish import is_wish, source_of


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
