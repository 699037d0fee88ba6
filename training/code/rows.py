"""Subjects as rows, in the words that the JIT asks in.

One row holds one class with all its methods, written by the very function that begins a prompt (`begun_class`): up to
the body of each method the text is a prompt, and the body is its answer. So one reading of a class teaches some six
methods, each with those before it as neighbours, at a sixth of the cost of a row a method.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from ...jit.prompt import begun_class, build_prompt, tuned_messages
from ...jit.situation import Argument, Neighbour, Situation, Slot
from .compose import Made, Subject

FENCE = "```python\n"
OTHER_NAMES = "n x litres coins points degrees many delta units more howMany count2 value dx number".replace(
    "count2 ", ""
).split()


def class_row(subject: Subject, number: int, rng: random.Random, trial: dict[str, Any] | None = None) -> dict[str, Any]:
    """One row with every method of the subject; `spans` are the parts of the last message that are answers."""
    slots = [Slot(name, kind, holds=subject.holds(name)) for name, _, kind in subject.slots]
    text, spans = "", []  # type: ignore[var-annotated]
    written = [_function(head, lines) for head, lines in subject.given]
    for index, made in enumerate(subject.methods):
        # Methods that people wrote name their parameters as they like: read here, and not learnt.
        foreign = made.parameters[:1] == ("amount",) and rng.random() < 0.2
        head, lines = _renamed(made, rng.choice(OTHER_NAMES)) if foreign else (made.head, made.python)
        begun = FENCE + begun_class(subject.prototype, subject.comment, slots, written, (), head)
        body = "\n        ".join(lines)
        last = index == len(subject.methods) - 1
        text = f"{begun} {body}" + ("\n```" if last else "\n\n")
        if not foreign or last:
            spans.append([len(begun), len(text)])
        written.append(_function(head, lines))
    messages = [{"role": m.role, "content": m.content} for m in tuned_messages(subject.prototype)]
    return {
        "id": f"class-{number}",
        "task": "code",
        "families": sorted({m.family for m in subject.methods}),
        "prototype": subject.prototype,
        "selectors": [m.selector for m in subject.methods],
        "messages": [*messages, {"role": "assistant", "content": text}],
        "spans": spans,
        **({"trial": trial} if trial else {}),
    }


def _function(head: str, lines: Sequence[str]) -> str:
    return head + "\n" + "\n".join(f"    {line}" for line in lines)


def _renamed(made: Made, name: str) -> tuple[str, tuple[str, ...]]:
    import re

    def swap(text: str) -> str:
        return re.sub(r"\bamount\b", name, text)

    return swap(made.head), tuple(swap(line) for line in made.python)


def situation_of(subject: Subject, made: Made, beside: Sequence[Made] = ()) -> Situation:
    """The situation in which the JIT would ask for that method, for prompts of any style."""
    arguments = tuple(
        Argument(name, _kind(value), repr(value))
        for name, value in zip(made.parameters, made.arguments[0], strict=True)
    )
    sent = "".join(f" {part}" for part in _spoken(made))
    return Situation(
        prototype=subject.prototype,
        selector=made.selector,
        name=made.name,
        arguments=arguments,
        statement=f"thing{sent}",
        slots=tuple(
            Slot(name, kind, repr(subject.states[0][name]), subject.holds(name)) for name, _, kind in subject.slots
        ),
        intent=subject.comment,
        neighbours=(
            *(Neighbour(subject.prototype, "given", _function(head, lines), "python") for head, lines in subject.given),
            *(Neighbour(subject.prototype, m.selector, m.source, "python") for m in beside),
        ),
    )


def _spoken(made: Made) -> Iterator[str]:
    if not made.parameters:
        yield made.selector
        return
    for keyword, value in zip(made.selector.split(":")[:-1], made.arguments[0], strict=True):
        yield f"{keyword}: {value!r}"


def _kind(value: Any) -> str:
    return {bool: "bool", int: "int", float: "float", str: "str"}.get(type(value), "object")


def seed_row(subject: Subject, made: Made, number: int) -> dict[str, Any]:
    """One method as the seeds' table has it: the large style, the whole method as the answer."""
    prompt = build_prompt(situation_of(subject, made), "large")
    messages = [{"role": m.role, "content": m.content} for m in prompt.messages]
    return {
        "id": f"method-{number}",
        "task": "code",
        "families": [made.family],
        "prototype": subject.prototype,
        "selectors": [made.selector],
        "messages": [*messages, {"role": "assistant", "content": made.source}],
    }
