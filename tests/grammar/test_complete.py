"""is_complete: would Enter end the statement?"""

import pytest

from batos.grammar import is_complete

COMPLETE = """3 + 4|a foo.|[ :x ~ x ]|A >> b|A >> b [ ^1 ]|#(1 2)|'it''s'|"c" 3||a := 3|$'|~ a b ~
3 + )|(3]|3 4|nil := 3""".replace("\n", "|").split("|")
INCOMPLETE = """3 +|a foo:|a at: 1 put:|a :=|^|a foo;|[ :x|[ :x ~ x|[|(3 + 4|{1. 2|#(1 2|#[1|'it|"c|~ a b|A >> b [
A >> b: c|A >> b ```python|#|$|A >> b [ ^'|3 + "c" """.replace("\n", "|").split("|")


@pytest.mark.parametrize("source", [text.replace("~", "|") for text in COMPLETE])
def test_complete(source: str) -> None:
    assert is_complete(source)


@pytest.mark.parametrize("source", [text.replace("~", "|") for text in INCOMPLETE])
def test_incomplete(source: str) -> None:
    assert not is_complete(source)
    if source not in ("#", "$"):  # a line end is a character, and no part of a symbol
        assert not is_complete(source + "\n")
