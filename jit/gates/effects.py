"""Gate 3: what the method would do, told before it runs: which slots it writes, what it sends.

It refuses what is allowed but makes no sense for this receiver: writing a slot that the receiver does not have (a
small model takes slots from its examples), an argument that is never looked at (it takes the number in the message for
the rule), a slot held against itself (it has confused it with another), or nothing at all.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .allow import python_name
from .verdict import Candidate, Refused, Surroundings


@dataclass(frozen=True, slots=True)
class Effects:
    """Slots of self the method writes and reads, messages it sends (Python names), whether it can answer a value."""

    writes: tuple[str, ...]
    reads: tuple[str, ...]
    sends: tuple[str, ...]

    def told(self) -> str:
        parts = []
        if self.writes:
            parts.append(f"writes {', '.join(self.writes)}")
        if self.reads:
            parts.append(f"reads {', '.join(self.reads)}")
        if self.sends:
            parts.append(f"sends {', '.join(self.sends)}")
        return "; ".join(parts) or "neither reads nor writes a slot"


def effects_of(function: ast.FunctionDef) -> Effects:
    """What can be read off the tree of an allowed method."""
    writes: list[str] = []
    reads: list[str] = []
    sends: list[str] = []
    called = {id(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
    for node in ast.walk(function):
        if isinstance(node, ast.AugAssign) and _of_self(node.target):
            reads.append(node.target.attr)  # type: ignore[union-attr]
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.ctx, ast.Store):
            writes.append(node.attr)
        elif id(node) in called:
            sends.append(node.attr)
        elif _of_self(node):
            reads.append(node.attr)
    return Effects(_once(writes), _once(reads), _once(sends))


def check_effects(candidate: Candidate, function: ast.FunctionDef, world: Surroundings) -> Effects:
    """The effects. Raises Refused where they make no sense for this receiver."""
    effects = effects_of(function)
    slots = {python_name(s) for s in world.data_slots}
    methods = {python_name(s) for s in world.selectors} - slots
    for slot in effects.writes:
        if slot in methods:
            raise Refused(f"{slot} is a method of {world.prototype} and cannot be assigned")
        if slots and slot not in slots:
            known = ", ".join(sorted(slots))
            raise Refused(f"{world.prototype} has no slot {slot} to write; its slots are: {known}")
    used = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    unused = [p.arg for p in function.args.args[1:] if p.arg not in used]
    if unused:
        raise Refused(f"the argument {', '.join(unused)} is never used")
    if all(map(_answers_itself, function.body)):
        raise Refused("it does nothing")
    for node in ast.walk(function):
        alike = _with_itself(node)
        if alike:
            raise Refused(f"{alike} is held against itself", node.lineno)  # type: ignore[attr-defined]
    return effects


def _answers_itself(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Return):
        return False
    value = statement.value
    return value is None or (isinstance(value, ast.Name) and value.id == "self")


def _with_itself(node: ast.AST) -> str:
    """The slot or name that a comparison, a difference or a quotient has on both sides; else ""."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = node.left, node.comparators[0]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod):
        left, right = node.left, node.right
    else:
        return ""
    plain = all(isinstance(n, ast.Attribute | ast.Name | ast.expr_context) for n in ast.walk(left))
    return ast.unparse(left) if plain and ast.dump(left) == ast.dump(right) else ""


def _of_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
