"""A rule that runs unasked, with what could take the machine's memory in one step held to a bound.

The watchdog ends Python that does not end, but it cannot look into one step of it: ``[0] * 1000000000``, a label of a
hundred thousand pixels, an ellipse of a billion corners. So products, and the numbers of which memory is made, go
through the functions below. What a person has allowed runs as it was written.
"""

from __future__ import annotations

import ast
from typing import Any

from kivy.lang import global_idmap

from .watchdog import LONGEST, Endless

# Properties by how large their numbers may be: counts, and pixels of something that is drawn into memory.
BOUNDS = dict.fromkeys(
    "segments circle ellipse rounded_rectangle bezier_precision cap_precision joint_precision dash_length dash_offset "
    "cols rows max_lines line_height outline_width tab_width".split(),
    1000,
) | dict.fromkeys("font_size text_size padding spacing".split(), 2048)
AFTER = {"circle": 3, "ellipse": 4, "rounded_rectangle": 4}  # the numbers before these are places and sizes


def guarded(kv: str) -> str:
    """The rule with its values guarded; each line stays where it is."""
    return "\n".join(_line(line) for line in kv.split("\n"))


def _line(line: str) -> str:
    name, colon, value = line.partition(":")
    bare = name.strip()
    if not (colon and value.strip() and bare[:1].islower() and not bare.startswith("canvas")):
        return line
    try:
        tree = ast.parse(value.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return line  # Kivy says what is wrong with it
    before = ast.dump(tree)
    tree = _Guards().visit(tree)
    bound = BOUNDS.get(bare)
    if bound is None and ast.dump(tree) == before:
        return line
    if not all(isinstance(each, ast.Expr) for each in tree.body):
        return line  # `if` in a handler: kvcheck lets no product into one
    text = "; ".join(ast.unparse(each) for each in tree.body)
    if bound is not None and len(tree.body) == 1:
        text = f"bounded_value({text}, {bound}, {AFTER.get(bare, 0)})"
    return f"{name}: {text}"


class _Guards(ast.NodeTransformer):
    """``a * b`` and ``a % b`` become calls."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        called = {ast.Mult: "times", ast.Mod: "rest_of"}.get(type(node.op))
        if called is None:
            return node
        return ast.Call(ast.Name(called, ast.Load()), [node.left, node.right], [])


def times(one: Any, other: Any) -> Any:
    """``one * other``; no text or list becomes longer than LONGEST by it."""
    for sequence, number in ((one, other), (other, one)):
        if isinstance(sequence, str | bytes | list | tuple) and isinstance(number, int):
            if len(sequence) * number > LONGEST:
                raise Endless(f"a product of more than {LONGEST:,} parts")
    return one * other


def rest_of(one: Any, other: Any) -> Any:
    """``one % other``, of numbers: a text's % can ask for any width."""
    if isinstance(one, str | bytes):
        raise Endless("% is for numbers here")
    return one % other


def numbers_sum(values: Any, start: Any = 0) -> Any:
    """Python's sum, of numbers: of lists it takes the square of their length, in one step."""
    total = start
    for each in values:
        if not isinstance(each, int | float) or not isinstance(total, int | float):
            raise Endless("a sum of something else than numbers")
        total += each
    return total


def bounded_value(value: Any, bound: int, after: int = 0) -> Any:
    """The value with its numbers (behind the first ``after`` ones) held between -bound and bound."""
    if isinstance(value, list | tuple):
        return [each if place < after else bounded_value(each, bound) for place, each in enumerate(value[:64])]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return min(max(value, -bound), bound) if value == value else 0
    return value


for each in (times, rest_of, bounded_value):
    global_idmap[each.__name__] = each
global_idmap["sum"] = numbers_sum
