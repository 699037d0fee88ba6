"""Every program of this repository: it reads, is written back as the same tree, and has no colour of error."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygments.token import Error

from batos.grammar import format_tree, parse
from batos.grammar.highlight import MessageLexer

ROOT = Path(__file__).parents[2]
#: Where a broken program may stand on purpose, there is none of these.
FOLDERS = ("examples", "benchmarks", "interp")
PROGRAMS = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.st"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_program(path: Path) -> None:
    source = path.read_text("utf-8")
    tree = parse(source, origin=str(path))
    text = format_tree(tree)
    assert parse(text) == tree
    assert format_tree(parse(text)) == text
    pieces = list(MessageLexer().get_tokens_unprocessed(source))
    assert "".join(piece for _, _, piece in pieces) == source
    assert Error not in {kind for _, kind, _ in pieces}


def test_there_are_programs() -> None:
    assert PROGRAMS
