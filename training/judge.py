"""One line: is it what it should be, does its code parse, are its names made before they are used, does it run?"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import textwrap
from functools import cache
from typing import Any

from ..jit.allowlist import MODULES
from .codex import persona_problem
from .encode import render
from .lanes import Judged, Line
from .schema import Conversation, Row, SchemaProblem, parse_line
from .talk import TurnFailed, run_turn, unknown_names
from .worlds import scratch_worker

REASONS = {
    "json": "not JSON",
    "schema": "not what the schema says",
    "syntax": "code that does not parse",
    "names": "a name that nobody made before",
    "execution": "code that does not run, or does not do what it should",
    "duplicate": "said before",
    "leak": "a task of the benchmark's held-out half",
}
RECURSION = 20_000
IMPORTS = frozenset({*MODULES, "batos", "json", "ormsgpack", "pydantic", "zmq"})
"""What a conversation's code may import: what the gates allow, and what programs on the bridge need. Locked in, other
modules may well import and do nothing, so running the code tells nothing of them."""


def judge_line(line: Line, run: bool = True) -> Judged:
    """Everything that can be said of a line by itself. Never raises for what the line is."""
    try:
        said = parse_line(line.text, line.number)
    except SchemaProblem as problem:
        reason = "json" if problem.reason.startswith("not JSON") else "schema"
        return Judged(line.number, reason, str(problem))
    try:
        if isinstance(said, Conversation):
            reason, detail = _conversation(said, run)
            task = "conversation"
        else:
            reason, detail = _row(said, run)
            task = said.task
    except RecursionError:
        reason, detail, task = "syntax", "nested too deep", ""
    return Judged(line.number, reason, f"line {line.number}, {detail}" if detail else "", task, key_of(said))


def key_of(said: Conversation | Row) -> str:
    """The same for lines that differ in blanks, case and ids only."""
    if isinstance(said, Row):
        text = "\n".join(m.content for m in said.messages)
    else:
        text = "\n".join(t.content if isinstance(t.content, str) else t.content.code for t in said.messages)
    plain = re.sub(r"\s+", " ", text).strip().lower()
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


# --- conversations


def _conversation(said: Conversation, run: bool) -> tuple[str, str]:
    codes = said.codes()
    for turn, code in codes:
        problem = syntax_problem(code)
        if problem:
            return "syntax", f"turn {turn}, field content.code: {problem}"
        module = foreign_import(code)
        if module:
            return "names", f"turn {turn}, field content.code: import of {module}, which no conversation may teach"
    unknown = unknown_names(codes, world_names())
    if unknown:
        turn, name = unknown[0]
        return "names", f"turn {turn}, field content.code: {name} is used before anything makes it"
    if run:
        try:
            with scratch_worker() as worker:
                for turn, code in codes:
                    run_turn(worker, turn, code)
        except TurnFailed as failed:
            return "execution", f"turn {failed.turn}, field content.code: {failed.reason}"
    return "", ""


def syntax_problem(code: str) -> str:
    """Why the text is no Python, or ""."""
    try:
        ast.parse(code)
    except SyntaxError as problem:
        return f"line {problem.lineno or 1} of the code: {problem.msg}"
    except (ValueError, MemoryError) as problem:
        return str(problem)
    return ""


def foreign_import(code: str) -> str:
    """A module that the code imports and that is not among IMPORTS, or ""."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = ["." * node.level + (node.module or "")]
        else:
            continue
        for module in found:
            if module.partition(".")[0] not in IMPORTS:
                return module
    return ""


@cache
def world_names() -> frozenset[str]:
    """The names every new image has."""
    from ..image.object import own_slots

    with scratch_worker() as worker:
        names: frozenset[str] = worker.transact(lambda world: frozenset(own_slots(world.names)))
    return names


# --- rows


def _row(said: Row, run: bool) -> tuple[str, str]:
    if not render(said.model_dump())[1]:
        return "schema", "field messages: nothing of it is learnt"
    if said.task == "code":
        return _code_row(said, run)
    if said.task == "function":
        from .function_task import wrong_call

        wrong = wrong_call(said)
        return ("execution", f"field messages: {wrong}") if wrong else ("", "")
    if said.task == "control":
        from .control_task import wrong_choice

        wrong = wrong_choice(said) if run else ""
        return ("execution", f"field messages: {wrong}") if wrong else ("", "")
    wrong = persona_problem(said.messages[-1].content)
    return ("execution", f"turn {len(said.messages)}, field content: {wrong}") if wrong else ("", "")


def methods_in(content: str) -> dict[str, str]:
    """Name -> source of every function in an answer: a fence with a class, or one def. Raises SyntaxError."""
    code = re.sub(r"^```[a-z]*\n|\n?```\s*$", "", content.strip() + "\n")
    tree = ast.parse(code)
    lines = code.splitlines()
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found[node.name] = textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])) + "\n"
    return found


def _code_row(said: Row, run: bool) -> tuple[str, str]:
    try:
        methods = methods_in(said.messages[-1].content)
    except SyntaxError as problem:
        return "syntax", f"turn {len(said.messages)}, field content: line {problem.lineno or 1}: {problem.msg}"
    if not methods:
        return "syntax", f"turn {len(said.messages)}, field content: there is no method in it"
    if run and said.trial is not None:
        from .code.verify import Scratch

        wrong = _scratch(Scratch).recheck(said.trial, methods)
        if wrong:
            return "execution", f"turn {len(said.messages)}, field content: {wrong}"
    return "", ""


_held: list[Any] = []
RENEW = 60
"""Rows after which a scratch world is given up: families of types pile up in it, and each definition costs more."""


def _scratch(kind: Any) -> Any:
    if _held and _held[0][1] >= RENEW:
        _held.pop()[0].close()
    if not _held:
        _held.append([kind(), 0])
    _held[0][1] += 1
    return _held[0][0]


def warm_up() -> None:
    """Import and compile what every line uses, on this thread, so that children need not."""
    from ..interp.depth import has_deep_stack

    has_deep_stack()
    sys.setrecursionlimit(RECURSION)
    world_names()
    from . import control_task, function_task
    from .code import verify

    assert control_task and function_task and verify
    with scratch_worker() as worker:
        run_turn(worker, 1, "self.warm = Object.clone()\nself.warm.compile_('foo [ ^1 + 2 ]')\nself.warm.foo()\n")
