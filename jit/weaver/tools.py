"""Task 3, function calling: the tools that a model may call, what it is told of them, and what an answer must be.

One definition: the published JSON Schema (tools.schema.json, made by `python -m batos.jit.weaver.tools`), the grammar
that holds an answer while it is written, the check of what came, and the training data all come from the models below.
What a call does is a message in the image (WeaverTools in interp/genesis).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

PUBLISHED = Path(__file__).with_name("tools.schema.json")
MAX_CALLS = 3
ALWAYS_ASK = frozenset({"evaluate", "backup", "undo"})
"""Tools that a person has to agree to under every policy: no gate looks at what they do."""
SYSTEM = (
    "You are the UVM. Your task is to translate the user's intent into a structured JSON object representing a call to "
    "an available internal tool. The available tools are defined by the following JSON schema: {schema}"
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
    for t in (
        prioritize_facet, evaluate, create_method, set_policy, undo, revert_method, backup, watch, find_senders,
        load_adapter,
    )
}  # fmt: skip


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
        "properties": {"tool_calls": {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_CALLS}},
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


@cache
def tools_grammar() -> str:
    """The same as GBNF, which both engines hold an answer to: llama.cpp makes a grammar too deep for itself of a JSON
    Schema with texts of 80 characters."""
    rules = [
        'root ::= "{\\"tool_calls\\": [" call (", " call){0,' + str(MAX_CALLS - 1) + '} "]}"',
        "call ::= " + " | ".join(name.replace("_", "-") for name in TOOLS),
    ]
    for name, tool in TOOLS.items():
        parts = [_quoted(f'{{"name": "{name}", "arguments": {{')]
        for number, (field, info) in enumerate(tool.model_fields.items()):
            part = f"{_quoted((', ' if number else '') + json.dumps(field) + ': ')} {_value_rule(info.annotation)}"
            parts.append(part if info.is_required() else f"({part})?")
        rules.append(f"{name.replace('_', '-')} ::= {' '.join(parts)} {_quoted('}}')}")
    rules += [r'text ::= "\"" [^"\\\x7F\x00-\x1F]{1,80} "\""', "number ::= [0-9] | [1-9] [0-9]{1,2}"]
    return "\n".join(rules) + "\n"


def _value_rule(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "(" + " | ".join(_quoted(json.dumps(each)) for each in get_args(kind)) + ")"
    return "number" if kind is int else "text"


def _quoted(text: str) -> str:
    return json.dumps(text)


def call_problem(text: str) -> str:
    """What is wrong with an answer, or ""."""
    try:
        data = from_json(text)
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


def shown(call: dict[str, Any]) -> str:
    """A call as a person reads it: `undo count: 3`."""
    arguments = " ".join(f"{name}: {value!r}" for name, value in call["arguments"].items())
    return f"{call['name']} {arguments}".strip()


def published_schema() -> str:
    """The JSON Schema of an answer, as the file beside this module has it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **tools_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PUBLISHED.write_text(published_schema(), encoding="utf-8")
