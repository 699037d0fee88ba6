"""A second opinion on what passed the gates, from the model speaking as a persona of the image (ROBIN, BRICK, or one
that people made): advice, recorded with the method and shown to the person, never a verdict. Off unless a setting names
personas: each costs a question."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from .engine import Engine, Message, Options
from .errors import EngineProblem
from .gates.verdict import Verdict
from .situation import Situation

if TYPE_CHECKING:
    from ..interp import World

SCHEMA = {
    "type": "object",
    "properties": {"fine": {"type": "boolean"}, "remark": {"type": "string", "maxLength": 200}},
    "required": ["fine", "remark"],
    "additionalProperties": False,
}


def told_of(world: World, persona: str) -> str:
    """The persona in words, as the image has it now; "" where the world has none of that name."""
    found: Any = world.lookup(persona.upper())
    if found is None or not world.send(found, "respondsTo:", "told"):
        return ""
    return str(world.send(found, "told"))


def review(
    engine_as: Callable[[str], Engine],
    personas: Sequence[tuple[str, str]],
    situation: Situation,
    source: str,
    cancelled: Event | None = None,
) -> list[Verdict]:
    """One opinion for each persona: its name, and what it is in words. An engine that cannot say is noted and harms
    nothing. Raises Cancelled."""
    return [_opinion(engine_as, name, told, situation, source, cancelled) for name, told in personas]


def _opinion(
    engine_as: Callable[[str], Engine],
    name: str,
    told: str,
    situation: Situation,
    source: str,
    cancelled: Event | None,
) -> Verdict:
    started = time.perf_counter()
    slots = ", ".join(f"{s.name} = {s.printed or s.kind}" for s in situation.slots[:12])
    asked = (
        f"{situation.prototype} has the slots: {slots}.\n"
        f"The message was: {' '.join(situation.statement.split())[:200]}\n"
        f"Somebody proposes this method for {situation.selector}:\n{source}\n"
        'Does it do what the message asks? Answer as JSON: "fine" is true or false, "remark" says why, in one sentence.'
    )
    who = f"You are {told}\nYou review a method that another one wrote."
    messages = (Message("system", who), Message("user", asked))
    try:
        if not told:
            raise EngineProblem(f"the image has no persona {name.upper()}")
        answer = engine_as(name).complete(messages, Options(max_tokens=120, schema=SCHEMA), None, cancelled)
        said = from_json(answer.text)
        remark = f"{'fine' if said['fine'] else 'doubtful'}: {' '.join(str(said['remark']).split())[:200]}"
    except EngineProblem as problem:
        remark = f"no opinion: {problem}"
    except (ValueError, KeyError, TypeError):
        remark = "no opinion: the answer was none"
    return Verdict(f"review by {name}", True, remark, time.perf_counter() - started, {}, advice=True)
