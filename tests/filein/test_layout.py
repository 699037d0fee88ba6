"""Programs with classes in brackets, formatted, read as the same programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.grammar import format_tree, parse
from batos.grammar.foreign import recognise

PROGRAMS = Path(__file__).parent / "programs"
BRACKETS = [path for path in sorted(PROGRAMS.glob("*.st")) if recognise(path.read_text()) == "messages"]


@pytest.mark.parametrize("path", BRACKETS, ids=lambda path: path.name)
def test_formatted_it_is_the_same(path: Path) -> None:
    tree = parse(path.read_text(), path.name)
    again = parse(format_tree(tree), path.name)
    assert again == tree
    assert format_tree(again) == format_tree(tree)


def test_which_syntax_is_told() -> None:
    kinds = {path.name: recognise(path.read_text()) for path in PROGRAMS.rglob("*.st")}
    chunks = {
        "ansi.st", "benchmarks.st", "bluebook.st", "bottles.st", "calculator.st", "conditional.st", "corners.st",
        "gst2-account.st", "gst2shapes.st", "life.st", "pharo.st", "rosetta.st", "shapes.st", "squeak-bank.st",
        "squeak-counter.st", "visitor.st",
    }  # fmt: skip
    tonel = {
        "Animal.class.st", "BaselineOfZoo.class.st", "Dog.class.st", "Integer.extension.st", "ManifestZoo.class.st",
        "TNamed.trait.st", "TZooNamed.trait.st", "TZooSized.trait.st", "ZooAnimal.class.st",
        "ZooConstants.class.st", "ZooDog.class.st", "ZooTest.class.st", "package.st",
    }  # fmt: skip
    assert {name for name, kind in kinds.items() if kind == "chunks"} == chunks
    assert {name for name, kind in kinds.items() if kind == "tonel"} == tonel
    assert recognise("3 ! 4. 'wow!' size.") == "messages"
    assert recognise("x := 3!") == "chunks"
