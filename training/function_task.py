"""Task 3, function calling: what the Architect wants, and the JSON of the calls that do it, by the tools' schema."""

# ruff: noqa: E501

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .schema import Row

SYSTEM = (
    "You are the UVM. Your task is to translate the user's intent into a structured JSON object representing a call to an "
    "available internal tool. The available tools are defined by the following JSON schema: {schema}"
)
Short = Annotated[str, Field(min_length=1, max_length=80)]


class Tool(BaseModel):
    """One internal tool; its fields are its arguments."""

    model_config = ConfigDict(extra="forbid", strict=True)


class prioritize_facet(Tool):  # the tools' names are the wire's, as in the seeds' table
    """Give a facet of a persona more or less weight for the next operation."""

    persona: Literal["ROBIN", "BRICK"]
    facet: Literal["voice", "values", "constraints", "forbidden"]
    weight: Annotated[int, Field(ge=0, le=10)]


class evaluate(Tool):
    """Run a statement in a workspace."""

    source: Short
    workspace: Short = "default"


class create_method(Tool):
    """Have a method written for a prototype."""

    prototype: Short
    selector: Short
    intent: Short


class set_policy(Tool):
    """What happens when nobody understands a message."""

    policy: Literal["off", "ask", "auto"]


class undo(Tool):
    """Take back the last messages."""

    count: Annotated[int, Field(ge=1, le=100)]


class revert_method(Tool):
    """Put back what a method was before a model wrote it."""

    prototype: Short
    selector: Short


class backup(Tool):
    """Copy the image while it runs."""

    path: Short


class watch(Tool):
    """Be told when an object changes."""

    topic: Short


class find_senders(Tool):
    """Which methods send a message."""

    selector: Short


class load_adapter(Tool):
    """Use another adapter of the language model."""

    facet: Short


TOOLS: dict[str, type[Tool]] = {
    t.__name__: t
    for t in (prioritize_facet, evaluate, create_method, set_policy, undo, revert_method, backup, watch, find_senders, load_adapter)
}  # fmt: skip

SAYINGS: dict[str, tuple[str, ...]] = {
    "prioritize_facet": (
        "Let {persona}'s {facet} count for {weight} of ten next.", "Prioritize the '{facet}' persona facet of {persona}, weight {weight}.",
        "For the next operation {persona} should lean on its {facet}: {weight}.", "The system feels off. Set {persona} {facet} to {weight}.",
    ),
    "evaluate": ("What is {source}?", "Run {source} in the workspace {workspace}.", "Please evaluate {source} for {workspace}.", "In {workspace}, do {source}."),
    "create_method": (
        "{prototype} does not know {selector}: have it written, so that it will {intent}.", "Teach {prototype} to {intent} as {selector}.",
        "I want {prototype} >> {selector}; it should {intent}.", "Write {selector} for {prototype}. It must {intent}.",
    ),
    "set_policy": ("Set the JIT to {policy}.", "From now on the policy is {policy}.", "When nobody understands a message: {policy}.", "Switch generation to {policy}, please."),
    "undo": ("Take back the last {count} messages.", "Undo {count}.", "I made a mess: go {count} messages back.", "Please revert my last {count} steps."),
    "revert_method": ("Put back {prototype} {selector} as it was.", "The new {selector} of {prototype} is wrong, revert it.", "Undo what the model wrote for {prototype} >> {selector}."),
    "backup": ("Save a copy of the image to {path}.", "Back everything up as {path}.", "Before I go on: a backup in {path}."),
    "watch": ("Tell me whenever {topic} changes.", "Watch {topic}.", "I want to see every change of {topic}.", "Subscribe to {topic}."),
    "find_senders": ("Who sends {selector}?", "Find all methods that send {selector}.", "Where is {selector} used?"),
    "load_adapter": ("Use the adapter for {facet}.", "Switch the model to {facet}.", "Load {facet}, the one we trained."),
}  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "persona": ("ROBIN", "BRICK"),
    "facet": ("voice", "values", "constraints", "forbidden"),
    "weight": tuple(range(11)),
    "source": ("3 + 4", "World submorphs size", "Smalltalk keys size", "10 factorial", "savings balance", "#(3 1 2) asSortedCollection", "Object selectors", "'bat' reversed", "World children", "100 sqrt"),
    "workspace": ("default", "ann", "lab", "night", "sketch", "demo", "ops"),
    "prototype": ("Purse", "Kettle", "Lift", "Turtle", "Invoice", "Gauge", "Album", "Rocket", "Clock", "Garden", "Ferry", "Torch"),
    "selector": ("fill:", "drain:", "isFull", "reset", "doubled", "moveBy:y:", "describe", "total", "toggle", "average", "rename:", "canHold:"),
    "intent": ("add what is given to its level", "answer whether nothing is left", "put everything back to zero", "tell its name and size", "move by so much", "take what is given away"),
    "policy": ("off", "ask", "auto"),
    "count": tuple(range(1, 31)),
    "path": ("monday.fs", "before-demo.fs", "backups/image.fs", "safe/copy.fs", "night.fs", "release.fs"),
    "topic": ("state", "scene", "the ledger", "World", "status_label", "main_canvas", "the queue"),
}  # fmt: skip
FACETS = ("jit", "persona", "calls", "control", "night-shift", "canvas")


def tools_schema() -> dict[str, Any]:
    """JSON Schema of an answer: `tool_calls`, each a name and the arguments that this tool takes."""
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": name}, "arguments": tool.model_json_schema()},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for name, tool in TOOLS.items()
    ]
    items = {"anyOf": calls}
    return {
        "type": "object",
        "properties": {"tool_calls": {"type": "array", "items": items, "minItems": 1, "maxItems": 3}},
        "required": ["tool_calls"],
        "additionalProperties": False,
    }


@cache
def brief_schema() -> str:
    """The tools for a prompt: name and arguments with their kinds, on a few lines."""
    told = []
    for name, tool in TOOLS.items():
        kinds = {
            field: schema.get("enum") or schema.get("type")
            for field, schema in tool.model_json_schema()["properties"].items()
        }
        told.append(json.dumps({"name": name, "arguments": kinds}))
    return "\n".join(told)


def function_rows(seed: int) -> Iterator[dict[str, Any]]:
    """Without end; each answer holds to the schema."""
    rng = random.Random(f"function {seed}")
    number = 0
    while True:
        wanted = rng.choices((1, 2), (5, 1))[0]
        said, calls = [], []
        for name in rng.sample(list(TOOLS), wanted):
            saying = rng.choice(SAYINGS[name])
            values = {f: rng.choice(VALUES[f]) for f in TOOLS[name].model_fields}
            if name == "load_adapter":
                values["facet"] = rng.choice(FACETS)
            if "{workspace}" not in saying:
                values.pop("workspace", None)
            said.append(saying.format(**values))
            calls.append({"name": name, "arguments": values})
        yield {
            "id": f"function-{number}",
            "task": "function",
            "families": sorted(c["name"] for c in calls),
            "messages": [
                {"role": "system", "content": SYSTEM.format(schema=brief_schema())},
                {"role": "user", "content": f'Architect: "{" Then: ".join(said)}"'},
                {"role": "assistant", "content": json.dumps({"tool_calls": calls}, ensure_ascii=False)},
            ],
        }
        number += 1


def call_problem(text: str) -> str:
    """What is wrong with an answer, or ""."""
    try:
        data = json.loads(text)
    except ValueError as problem:
        return f"the answer is not JSON: {problem}"
    calls = data.get("tool_calls") if isinstance(data, dict) else None
    if not isinstance(calls, list) or not calls or set(data) != {"tool_calls"}:
        return "the answer is not {'tool_calls': [...]}"
    for call in calls:
        if not isinstance(call, dict) or set(call) != {"name", "arguments"}:
            return "a call has a name and arguments, and nothing else"
        tool = TOOLS.get(str(call["name"]))
        if tool is None:
            return f"there is no tool {call['name']!r}"
        try:
            tool.model_validate(call["arguments"])
        except ValidationError as problem:
            first = problem.errors()[0]
            return f"{call['name']}, argument {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return ""


def wrong_call(row: Row) -> str:
    return call_problem(row.messages[-1].content)
