"""Task 4, control flow: which blocks a message runs. The running interpreter says what is true."""

# ruff: noqa: E501

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from .schema import Row
from .worlds import scratch_worker

SYSTEM = (
    "You are the UVM execution engine. The object '{receiver}' has received the message '{selector}' with {count} "
    "code block argument{s}. Determine which block to execute based on the receiver's identity."
)
RECEIVERS: dict[str, tuple[tuple[str, str], ...]] = {
    # how it is called in the question, and the expression it stands for
    "truth": (
        ("boolean_true_prototype", "true"), ("boolean_false_prototype", "false"), ("3 < 4", "3 < 4"), ("9 < 4", "9 < 4"),
        ("10 = 10", "10 = 10"), ("'a' = 'b'", "'a' = 'b'"), ("7 even", "7 even"), ("8 even", "8 even"), ("true not", "true not"),
        ("#(1 2) isEmpty", "#(1 2) isEmpty"), ("'' isEmpty", "'' isEmpty"), ("nil isNil", "nil isNil"), ("5 isNil", "5 isNil"),
        ("2 ** 3 > 9", "(2 raisedTo: 3) > 9"), ("17 isPrime", "#(2 3 5 7 11 13 17) includes: 17"), ("(3 max: 9) = 9", "(3 max: 9) = 9"),
    ),
    "thing": (("nil", "nil"), ("the number 7", "7"), ("the text 'bat'", "'bat'"), ("an empty array", "#()"), ("false", "false")),
    "count": tuple((str(n), str(n)) for n in range(6)),
    "items": tuple((f"an array of {n} elements", f"#({' '.join('x' for _ in range(n))})") for n in range(5)),
}  # fmt: skip
MESSAGES: tuple[tuple[str, str, str], ...] = (
    # kind of receiver, selector, how it is sent: {r} the receiver, {0} {1} the blocks
    ("truth", "ifTrue:ifFalse:", "{r} ifTrue: {0} ifFalse: {1}"),
    ("truth", "ifFalse:ifTrue:", "{r} ifFalse: {0} ifTrue: {1}"),
    ("truth", "ifTrue:", "{r} ifTrue: {0}"),
    ("truth", "ifFalse:", "{r} ifFalse: {0}"),
    ("truth", "and:", "{r} and: {0}"),
    ("truth", "or:", "{r} or: {0}"),
    ("thing", "ifNil:", "{r} ifNil: {0}"),
    ("thing", "ifNotNil:", "{r} ifNotNil: {0}"),
    ("thing", "ifNil:ifNotNil:", "{r} ifNil: {0} ifNotNil: {1}"),
    ("thing", "ifNotNil:ifNil:", "{r} ifNotNil: {0} ifNil: {1}"),
    ("count", "timesRepeat:", "{r} timesRepeat: {0}"),
    ("items", "do:", "{r} do: {0}"),
    ("items", "do:separatedBy:", "{r} do: {0} separatedBy: {1}"),
    ("items", "ifEmpty:", "{r} ifEmpty: {0}"),
    ("items", "ifNotEmpty:", "{r} ifNotEmpty: {0}"),
    ("items", "ifEmpty:ifNotEmpty:", "{r} ifEmpty: {0} ifNotEmpty: {1}"),
)
TAKES_ONE = {("do:", 0), ("do:separatedBy:", 0), ("ifNotNil:", 0), ("ifNil:ifNotNil:", 1), ("ifNotNil:ifNil:", 0),
             ("ifNotEmpty:", 0), ("ifEmpty:ifNotEmpty:", 1)}  # fmt: skip
VERBS = "print open close save draw send move stop start play ring paint count add drop fetch wake hide".split()
NOUNS = "hello goodbye door lamp report signal song total warning canvas list letter bell page clock query menu tree".split()


def control_rows(seed: int) -> Iterator[dict[str, Any]]:
    """Without end; the interpreter was asked for each answer."""
    rng = random.Random(f"control {seed}")
    number = 0
    while True:
        kind, selector, _ = rng.choice(MESSAGES)
        shown, expression = rng.choice(RECEIVERS[kind])
        count = selector.count(":")
        blocks: list[str] = []
        while len(blocks) < count:
            block = f"block_{rng.choice(VERBS)}_{rng.choice(NOUNS)}"
            if block not in blocks:
                blocks.append(block)
        ran = which_run(selector, expression)
        answer = "EXECUTE: " + (", ".join(blocks[n] for n in ran) or "nothing")
        told = "\n".join(f"ARG_{n}: {block}" for n, block in enumerate(blocks, 1))
        yield {
            "id": f"control-{number}",
            "task": "control",
            "families": [selector],
            "messages": [
                {
                    "role": "system",
                    "content": SYSTEM.format(
                        receiver=shown,
                        selector=selector,
                        count={1: "one", 2: "two"}[count],
                        s="" if count == 1 else "s",
                    ),
                },
                {"role": "user", "content": f"RECEIVER: {shown}\nMESSAGE: {selector}\n{told}"},
                {"role": "assistant", "content": answer},
            ],
        }
        number += 1


@cache
def which_run(selector: str, expression: str) -> tuple[int, ...]:
    """The blocks, by number, that the message runs, in order and as often: asked of the interpreter."""
    sent = next(how for _, name, how in MESSAGES if name == selector)
    blocks = [
        f"[{':each | ' if (selector, n) in TAKES_ONE else ''}log add: {n}. {'true' if selector == 'or:' else 'nil'}]"
        for n in range(selector.count(":"))
    ]
    if selector in ("and:", "or:"):
        blocks = [f"[log add: {n}. true]" for n in range(1)]
    with scratch_worker() as worker:
        outcomes = worker.evaluate(
            f"log := OrderedCollection new. {sent.format(*blocks, r=f'({expression})')}. log asArray"
        )
        failed = next((o.error for o in outcomes if o.error is not None), None)
        if failed is not None:
            raise ValueError(f"{expression} {selector}: {failed.message}")
        printed = outcomes[-1].printed or ""
    return tuple(int(n) for n in re.findall(r"\d+", printed))


def wrong_choice(row: Row) -> str:
    """What the interpreter says against a row's answer, or ""."""
    fields = dict(re.findall(r"^(RECEIVER|MESSAGE|ARG_\d): (.*)$", row.messages[-2].content, re.M))
    selector = fields.get("MESSAGE", "")
    kind = next((k for k, name, _ in MESSAGES if name == selector), "")
    expression = next((e for shown, e in RECEIVERS.get(kind, ()) if shown == fields.get("RECEIVER")), None)
    if expression is None:
        return f"nobody knows what {fields.get('RECEIVER')!r} does with {selector!r}"
    ran = [fields.get(f"ARG_{n + 1}", "?") for n in which_run(selector, expression)]
    wanted = "EXECUTE: " + (", ".join(ran) or "nothing")
    answer = row.messages[-1].content
    return "" if answer == wanted else f"the interpreter does {wanted!r}, not {answer!r}"
