"""Task 3: a wish in words becomes calls of tools, held to the published schema and agreed to by a person or policy.

What comes back is plain data; the image sends it, in the transaction of the message that asked (WeaverTools).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from ..engine import Completion, Message, Options
from ..errors import EngineRefused
from ..proposal import Approve, Proposal
from .tools import ALWAYS_ASK, SYSTEM, brief_schema, call_problem, shown, tools_grammar

TRIES = 3
"""Answers that are asked for, in all, where one does not hold to the schema or is not wanted."""
MAX_TOKENS = 400


@dataclass(frozen=True)
class Agreement:
    """Who is to agree. `policy` "off": nothing a model says is done; "auto": what needs no person is done at once."""

    policy: str
    approve: Approve | None

    def check(self) -> None:
        """Raises EngineRefused where nobody could agree to anything."""
        if self.policy == "off":
            raise EngineRefused("nothing that a model says is done here: the policy is off (--jit ask, or --jit auto)")

    def needs_person(self, calls: Sequence[dict[str, Any]]) -> bool:
        return self.policy != "auto" or any(call["name"] in ALWAYS_ASK for call in calls)


def choose(
    ask: Callable[[Sequence[Message], Options], Completion], wish: str, options: Options, agreement: Agreement
) -> list[dict[str, Any]]:
    """The calls for a wish, checked and agreed to. Raises EngineRefused where it came to none, EngineProblem."""
    agreement.check()
    messages = [
        Message("system", SYSTEM.format(schema=brief_schema())),
        Message("user", f'Architect: "{wish}"'),
    ]
    held = replace(options, grammar=tools_grammar(), schema=None, max_tokens=max(options.max_tokens, MAX_TOKENS))
    problem = ""
    for attempt in range(TRIES):
        asked = held if not attempt else replace(held, temperature=max(held.temperature, 0.5), seed=held.seed + attempt)
        answer = ask(messages, asked)
        problem = call_problem(answer.text)
        if problem:
            again = f"That was refused: {problem}. Answer again, with the JSON alone."
            messages = [*messages, Message("assistant", answer.text), Message("user", again)]
            continue
        calls: list[dict[str, Any]] = from_json(answer.text)["tool_calls"]
        if not agreement.needs_person(calls):
            return calls
        calls, hint = _agreed(wish, calls, answer, agreement)
        if not hint:
            return calls
        problem = f"a person did not want it: {hint}"
        again = f"Not that: {hint}. Answer again."
        messages = [*messages, Message("assistant", answer.text), Message("user", again)]
    raise EngineRefused(f"the model chose no tools, {TRIES} times: {problem}")


def _agreed(
    wish: str, calls: list[dict[str, Any]], answer: Completion, agreement: Agreement
) -> tuple[list[dict[str, Any]], str]:
    """The calls that a person agreed to, or a hint for another try. Raises EngineRefused for a no."""
    approve = agreement.approve
    if approve is None:
        names = ", ".join(sorted({call["name"] for call in calls}))
        raise EngineRefused(f"nobody is there to agree to {names}")
    gate = {"name": "schema", "verdict": "passed", "detail": "the published JSON Schema of the tools"}
    code, note = json.dumps({"tool_calls": calls}, ensure_ascii=False, indent=1), ""
    told = "; ".join(map(shown, calls))
    while True:
        words = f"For {wish!r} {answer.source.model} chose: {told}."
        title = "The model wants to use tools."
        decision = approve(Proposal("CognitiveWeaver", "carryOut:", words, code, (gate,), note=note, title=title))
        match decision.verdict:
            case "yes":
                return from_json(code)["tool_calls"], ""
            case "edit" if decision.code:
                note = call_problem(decision.code)
                if not note:
                    return from_json(decision.code)["tool_calls"], ""
                note = f"your version was not taken: {note}"
            case "retry":
                return [], decision.hint or "something else"
            case _:
                who = "you said no" if decision.verdict == "no" else "nobody agreed"
                raise EngineRefused(f"{who} to what the model chose")
