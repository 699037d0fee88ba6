"""Prose is not a program: telling a sentence in plain words from messages, for whoever then says what to do with it."""

from __future__ import annotations

import re

WORD = r"[A-Za-z]+(?:['’][a-z]+)?"
SENTENCE = re.compile(rf"\s*{WORD}(?:,?\s+{WORD}){{2,}}\s*[.!?]*\s*")


def words_of(text: str) -> list[str]:
    """The words of a text that is nothing but three words or more, as ``make me a button, please!``; else none.
    Such a text may also be a chain of unary messages: only who knows the world can tell."""
    if len(text) > 1000 or SENTENCE.fullmatch(text) is None:
        return []
    return re.findall(WORD, text)


def only_prose(text: str) -> bool:
    """Whether it is a sentence that no program begins like: ``what's in here``, ``how do I make a button?``."""
    words = words_of(text)
    return bool(words) and (text.rstrip().endswith(("?", "!")) or any(not each.isalpha() for each in words))
