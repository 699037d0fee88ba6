"""A second opinion on what passed the gates, from the model speaking as one of the facets: advice, recorded with the
method and shown to the person, never a verdict. Off unless a setting names facets: each costs a question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event

from pydantic_core import from_json

from .engine import Engine, Message, Options
from .errors import EngineProblem
from .gates.verdict import Verdict
from .situation import Situation

FACETS = {
    "brick": "You are BRICK: deadpan, exact. You look for what the method gets wrong: a slot confused with another, a "
    "case forgotten, an answer of the wrong kind.",
    "robin": "You are ROBIN: warm, present. You look for what the person who sent the message hoped for, and whether "
    "the method does that.",
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "properties": {"fine": {"type": "boolean"}, "remark": {"type": "string", "maxLength": 200}},
    "required": ["fine", "remark"],
    "additionalProperties": False,
}


def review(
    engine: Engine, facets: Sequence[str], situation: Situation, source: str, cancelled: Event | None = None
) -> list[Verdict]:
    """One opinion for each facet that is known. An engine that cannot say is noted and harms nothing."""
    return [_opinion(engine, name, situation, source, cancelled) for name in facets if name in FACETS]


def _opinion(engine: Engine, name: str, situation: Situation, source: str, cancelled: Event | None) -> Verdict:
    started = time.perf_counter()
    slots = ", ".join(f"{s.name} = {s.printed or s.kind}" for s in situation.slots[:12])
    asked = (
        f"{situation.prototype} has the slots: {slots}.\n"
        f"The message was: {' '.join(situation.statement.split())[:200]}\n"
        f"Somebody proposes this method for {situation.selector}:\n{source}\n"
        'Does it do what the message asks? Answer as JSON: {"fine": true or false, "remark": "one sentence"}.'
    )
    messages = (Message("system", FACETS[name]), Message("user", asked))
    try:
        answer = engine.complete(messages, Options(max_tokens=120, schema=SCHEMA), None, cancelled)
        said = from_json(answer.text)
        remark = f"{'fine' if said['fine'] else 'doubtful'}: {' '.join(str(said['remark']).split())[:200]}"
    except EngineProblem as problem:
        remark = f"no opinion: {problem}"
    except (ValueError, KeyError, TypeError):
        remark = "no opinion: the answer was none"
    return Verdict(f"review by {name}", True, remark, time.perf_counter() - started, {}, advice=True)
