"""Gate 4: the method is installed in a copy of the world, in another process, and the message is sent again there.

The only gate that can tell code that parses from code that is right, and even so only for this one message: it says
what came of it, and a person can judge that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...grammar.python_text import parse_python
from ..sandbox.client import Ran, Sandbox
from .verdict import Candidate, Verdict

UNKNOWN = re.compile(r"does not understand #(\S+?)(?:; did you mean|$|\s)")


@dataclass(frozen=True, slots=True)
class TrialRun:
    """The message that missed, as a trial needs it: oid of the prototype, statement and workspace."""

    prototype: bytes
    statement: str
    workspace: str


def trial_gate(sandbox: Sandbox, run: TrialRun, author: str) -> Callable[[Candidate], Verdict]:
    """The gate for one miss; `author` as the method would carry it ("model:NAME" is held to the narrow builtins)."""

    def try_out(candidate: Candidate) -> Verdict:
        ran = sandbox.run({
            "prototype": run.prototype.hex(),
            "selector": candidate.selector,
            "source": candidate.source,
            "author": author,
            "statement": run.statement,
            "workspace": run.workspace,
        })  # fmt: skip
        return judge(ran, candidate)

    return try_out


def judge_turn(ran: Ran) -> Verdict:
    """A verdict on what the trial of a conversation's code told."""
    details: dict[str, Any] = {"cpu": round(ran.cpu, 4), "memory": ran.memory}
    result = ran.result
    if result is None:
        return Verdict("trial", False, f"when tried, {ran.death}", ran.seconds, details)
    details["holds"] = result.get("holds", [])
    if result.get("error") is not None:
        message = _one_line(str(result["error"].get("message", "")))
        return Verdict("trial", False, f"when tried, it fails: {message}", ran.seconds, details)
    changed = [c for c in result.get("changed", []) if isinstance(c, dict)]
    details["changed"] = changed[:20]
    for change in changed:
        if change.get("was_author") == "genesis":
            what = _one_line(f"{change.get('object')}>>{change.get('slot')}")
            return Verdict("trial", False, f"when tried, it replaces {what} of the library", ran.seconds, details)
    return Verdict("trial", True, _told(str(result.get("printed", "")), changed), ran.seconds, details)


def judge(ran: Ran, candidate: Candidate) -> Verdict:
    """A verdict on what the trial told."""
    details: dict[str, Any] = {"cpu": round(ran.cpu, 4), "memory": ran.memory}
    result = ran.result
    if result is None:
        return Verdict("trial", False, f"when tried, {ran.death}", ran.seconds, details)
    details["holds"] = result.get("holds", [])
    error = result.get("error")
    if error is not None:
        message = str(error.get("message", ""))
        if error.get("code") == "not-understood" and _is_about_another(message, candidate):
            told = (
                f"it answers; the message then goes on to something else that nobody understands: {_one_line(message)}"
            )
            return Verdict("trial", True, told, ran.seconds, details)
        return Verdict("trial", False, f"when tried, it fails: {_one_line(message)}", ran.seconds, details)
    changed = [c for c in result.get("changed", []) if isinstance(c, dict)]
    details["changed"] = changed[:20]
    details["answer"] = str(result.get("printed", ""))
    details["answer_kind"] = result.get("kind")
    behaviour = [c for c in changed if c.get("kind") == "behaviour" and not c.get("new")]
    if behaviour:
        what = _one_line(f"{behaviour[0].get('slot')} of {behaviour[0].get('object')}")
        return Verdict("trial", False, f"when tried, it changes behaviour: {what}", ran.seconds, details)
    return Verdict("trial", True, _told(details["answer"], changed), ran.seconds, details)


def _is_about_another(message: str, candidate: Candidate) -> bool:
    """Whether the unknown message is one that the statement sends further on, not the method itself."""
    found = UNKNOWN.search(message)
    if found is None or found[1] == candidate.selector:
        return False
    said = {node.attr for node in ast.walk(parse_python(candidate.source)) if isinstance(node, ast.Attribute)}
    return found[1].replace(":", "_") not in said


def _told(answer: str, changed: list[dict[str, Any]]) -> str:
    data = [c for c in changed if c.get("kind") == "data"]
    parts = [f"answers {_one_line(answer)}"]
    for change in data[:4]:
        was, now = change.get("was") or "nothing", change.get("is") or "nothing"
        parts.append(_one_line(f"{change.get('slot')} of {change.get('object')}: {was} -> {now}"))
    if len(data) > 4:
        parts.append(f"and {len(data) - 4} more slots")
    return "; ".join(parts) if data else parts[0] + "; changes nothing"


def _one_line(text: str) -> str:
    # It goes to a terminal, and the child may have been made to say anything.
    flat = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return flat if len(flat) <= 160 else flat[:157] + "..."
