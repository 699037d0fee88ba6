"""Every program of the suite computes the published result at its smallest size, in both languages."""

from __future__ import annotations

import random

import pytest

from batos.grammar import parse
from benchmarks.awfy import measure_python, run
from benchmarks.awfy.python.cd import CallSign, RedBlackTree
from benchmarks.awfy.python.json import Json, JsonParser, ParseError
from benchmarks.awfy.suite import AWFY, EXTRA, Program

ALL = [pytest.param(program, id=program.name) for program in AWFY + EXTRA]


@pytest.mark.parametrize("program", ALL)
def test_python_verifies(program: Program) -> None:
    result = measure_python.measure(program.name, program.quick, warmup=0, iterations=1)
    assert result["problem"] == ""
    assert result["verified"] is True


@pytest.mark.parametrize("program", ALL)
def test_messages_parse(program: Program) -> None:
    for source in program.sources:
        parse(source.read_text(encoding="utf-8"), str(source))


def test_a_wrong_result_is_told() -> None:
    assert measure_python.measure("Mandelbrot", 3, warmup=0, iterations=1)["verified"] is False


def test_json_is_read_whole() -> None:
    assert Json().round_trips()
    with pytest.raises(ParseError, match="Unexpected end of input at 1:10"):
        JsonParser('{"a": [1,').parse()


def test_red_black_tree_stays_one() -> None:
    """Random puts and removes agree with a dict, in order, and no path has two reds or uneven blacks."""
    chance = random.Random(7)
    tree = RedBlackTree()
    model: dict[int, int] = {}

    def blacks(node: object, parent_red: bool) -> int:
        if node is None:
            return 1
        assert not (parent_red and node.is_red)  # type: ignore[attr-defined]
        left = blacks(node.left, node.is_red)  # type: ignore[attr-defined]
        assert left == blacks(node.right, node.is_red)  # type: ignore[attr-defined]
        return left + (0 if node.is_red else 1)  # type: ignore[attr-defined]

    for step in range(2000):
        key = chance.randrange(60)
        if chance.random() < 0.5:
            assert tree.put(CallSign(key), step) == model.get(key)
            model[key] = step
        else:
            assert tree.remove(CallSign(key)) == model.pop(key, None)
        blacks(tree.root, False)
        seen: list[tuple[int, int]] = []
        tree.for_each(lambda k, v, seen=seen: seen.append((k.value, v)))  # type: ignore[misc]
        assert seen == sorted(model.items())


def test_runner_names_an_unknown_program() -> None:
    with pytest.raises(SystemExit, match=r"no program named nosuch; there are Richards"):
        run.main(["nosuch"])
