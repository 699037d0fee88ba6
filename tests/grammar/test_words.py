"""What is a sentence, and what is a program."""

from __future__ import annotations

import pytest

from batos.grammar.words import only_prose, words_of


@pytest.mark.parametrize("text", ["make me a button", "Create a button, please!", "  what's in here ", "a b c"])
def test_a_sentence_is_words(text: str) -> None:
    assert len(words_of(text)) >= 3


PROGRAMS = ("foo bar", "a b: c", "x := y z w", "a b. c d", "'what''s in here'", "1 to: 3", "a | b c", "")


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program_is_not(text: str) -> None:
    assert words_of(text) == []
    assert not only_prose(text)


def test_a_chain_of_unary_messages_may_be_either() -> None:
    assert words_of("account owner name first") and not only_prose("account owner name first")
    assert not only_prose("self name first asString ,")


def test_what_no_program_begins_like() -> None:
    assert only_prose("what's in here") and only_prose("how do I make a button?")


def test_a_long_text_is_not_looked_at_for_ever() -> None:
    assert words_of("a " * 100_000) == []
