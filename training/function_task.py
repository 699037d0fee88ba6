"""Task 3, function calling: what the Architect wants, and the JSON of the calls that do it, by the tools' schema."""

# ruff: noqa: E501

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from ..jit.weaver.tools import SYSTEM, TOOLS, brief_schema, call_problem, tools_schema
from .schema import Row

__all__ = ["SYSTEM", "TOOLS", "call_problem", "function_rows", "tools_schema", "wrong_call"]

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


def wrong_call(row: Row) -> str:
    return call_problem(row.messages[-1].content)
