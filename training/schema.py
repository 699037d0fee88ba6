"""What a line of training data is: a conversation (the seeds' schema) or a row (ChatML). Errors name turn and field.

A conversation's roles are `architect` and `uvm_jit`, in turns, the architect first; the architect says a text, the
uvm_jit a text or `{explanation, code}`, where code is Python that runs in the image (`talk.py` says how). A row has the
roles every chat template knows, and what it is for. `conversation.schema.json` beside this file is the published JSON
Schema of the former, made by `python -m batos.training.schema`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from .errors import DataProblem

PUBLISHED = Path(__file__).with_name("conversation.schema.json")
MAX_TEXT = 20_000
"""Characters of one content, or of one code."""


class SchemaProblem(DataProblem):
    """A line that is not what it should be: `line` and `turn` count from 1, `field` is a path within the turn."""

    code = "training-schema"

    def __init__(self, reason: str, line: int = 0, turn: int = 0, field: str = "") -> None:
        self.reason, self.line, self.turn, self.field = reason, line, turn, field
        where = [f"line {line}"] if line else []
        where += [f"turn {turn}"] if turn else []
        where += [f"field {field}"] if field else []
        super().__init__(f"{', '.join(where)}: {reason}" if where else reason)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(_Strict):
    """What the uvm_jit does: why, in words, and the Python that does it."""

    explanation: str = Field(min_length=1, max_length=MAX_TEXT)
    code: str = Field(min_length=1, max_length=MAX_TEXT)


class Turn(_Strict):
    role: Literal["architect", "uvm_jit"]
    content: str | Answer = Field(description="a text; of the uvm_jit also {explanation, code}")

    @model_validator(mode="after")
    def _says(self) -> Turn:
        if isinstance(self.content, str):
            if not self.content.strip():
                raise ValueError("content is empty")
            if len(self.content) > MAX_TEXT:
                raise ValueError(f"content has more than {MAX_TEXT} characters")
        elif self.role == "architect":
            raise ValueError("content of the architect is a text")
        return self


class Conversation(_Strict):
    """One line of a conversation file."""

    messages: tuple[Turn, ...] = Field(min_length=2)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("messages"), list):
            return {**value, "messages": tuple(value["messages"])}
        return value

    @model_validator(mode="after")
    def _alternates(self) -> Conversation:
        for number, turn in enumerate(self.messages, 1):
            wanted = "uvm_jit" if number % 2 == 0 else "architect"
            if turn.role != wanted:
                raise AlternationProblem(number, wanted)
        if len(self.messages) % 2:
            raise AlternationProblem(len(self.messages) + 1, "uvm_jit")
        return self

    def codes(self) -> list[tuple[int, str]]:
        """Turn and code of each answer that has code."""
        return [(n, t.content.code) for n, t in enumerate(self.messages, 1) if isinstance(t.content, Answer)]


class AlternationProblem(ValueError):
    def __init__(self, turn: int, wanted: str) -> None:
        self.turn = turn
        super().__init__(
            f"the role must be {wanted}: architect and uvm_jit take turns, and the uvm_jit has the last word"
        )


class Said(_Strict):
    """A message of a row, in the roles that every chat template knows."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1, max_length=MAX_TEXT)


TASKS = ("code", "persona", "function", "control")
Task = Literal["code", "persona", "function", "control"]


class Call(_Strict):
    """A send that was made to a row's methods when it was written, and what came of it in message syntax."""

    selector: str
    arguments: tuple[Any, ...] = ()
    answer: Any = None
    after: dict[str, Any] = {}


class Trial(_Strict):
    """How a code row is run again: the slots of the object, and the calls. `kinds`: what the objects in a slot are, as
    [name, slots with theme, methods]; the slot's value is then the list of one object's values, or a list of those."""

    slots: dict[str, Any]
    calls: tuple[Call, ...]
    kinds: dict[str, Any] = {}


class Row(_Strict):
    """One ChatML row. `spans`: parts of the last message that are learnt, as [begin, end) of characters; none: all."""

    id: str = Field(min_length=1, max_length=200)
    task: Task
    messages: tuple[Said, ...] = Field(min_length=2)
    families: tuple[str, ...] = ()
    prototype: str = ""
    selectors: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    trial: Trial | None = None
    tools: dict[str, Any] | None = Field(default=None, description="function calling: the JSON Schema of the answer")

    @model_validator(mode="after")
    def _ends_with_an_answer(self) -> Row:
        if self.messages[-1].role != "assistant":
            raise ValueError("the last message must be the assistant's")
        if not any(m.role == "user" for m in self.messages):
            raise ValueError("nobody asks: there is no message of the user")
        length = len(self.messages[-1].content)
        if any(not 0 <= a < b <= length for a, b in self.spans):
            raise ValueError("a span lies outside the last message")
        return self


def parse_line(text: str, line: int = 0) -> Conversation | Row:
    """The line as what it is. Raises SchemaProblem, whose message names line, turn and field."""
    try:
        data = from_json(text)
    except ValueError as problem:
        raise SchemaProblem(f"not JSON: {problem}", line) from None
    if not isinstance(data, dict):
        raise SchemaProblem(f"an object is wanted, not {type(data).__name__}", line)
    model: type[Conversation | Row] = Row if "task" in data else Conversation
    try:
        return model.model_validate(_tupled(data) if model is Row else data)
    except ValidationError as problem:
        raise _told(problem, line) from None


def _tupled(data: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists where strict tuples are wanted."""
    out = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    spans = out.get("spans")
    if isinstance(spans, tuple):
        out["spans"] = tuple(tuple(s) if isinstance(s, list) else s for s in spans)
    trial = out.get("trial")
    if isinstance(trial, dict) and isinstance(trial.get("calls"), list):
        calls = [
            {**c, "arguments": tuple(c.get("arguments", ()))} if isinstance(c, dict) else c for c in trial["calls"]
        ]
        out["trial"] = {**trial, "calls": tuple(calls)}
    return out


def _told(problem: ValidationError, line: int) -> SchemaProblem:
    # Of "a text or an answer" the text's complaint says least; and an error in a turn says more than one about all.
    errors = [e for e in problem.errors() if e["loc"][-1:] != ("str",)] or problem.errors()
    first = max(errors, key=lambda e: len(e["loc"]))
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, AlternationProblem):
        return SchemaProblem(str(cause), line, cause.turn, "role")
    place = [p for p in first["loc"] if p not in ("str", "Answer")]
    turn = 0
    if len(place) > 1 and place[0] == "messages" and isinstance(place[1], int):
        turn, place = place[1] + 1, place[2:]
    reason = str(cause) if cause is not None else first["msg"]
    field = ".".join(map(str, place))
    if not field and turn and reason.startswith("content"):
        field = "content"
    return SchemaProblem(reason[:1].lower() + reason[1:], line, turn, field)


def published_schema() -> str:
    """The JSON Schema of a conversation line, as the file beside this module has it."""
    schema = Conversation.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PUBLISHED.write_text(published_schema(), encoding="utf-8")
