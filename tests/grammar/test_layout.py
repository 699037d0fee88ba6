"""The formatter: its law over generated trees, and what its text looks like."""

from __future__ import annotations

from hypothesis import given

from batos.grammar import format_tree, parse, parse_method
from batos.grammar.nodes import Method, Node, Program

from .trees import expressions, methods, programs


@given(programs)
def test_a_program_reads_back_as_the_same_tree(tree: Program) -> None:
    text = format_tree(tree)
    assert parse(text) == tree
    assert format_tree(parse(text)) == text


@given(methods())
def test_a_method_reads_back_with_its_comment_and_its_python(method: Method) -> None:
    text = format_tree(method)
    back = parse_method(text)
    assert back == method
    assert back.comment == method.comment or method.language == "python"
    assert format_tree(back) == text


@given(expressions)
def test_an_expression_reads_back(tree: Node) -> None:
    assert parse(format_tree(tree)).statements == (tree,)
