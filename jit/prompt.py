"""A miss, asked of a model: the situation in words and code, the same text for the same situation, bounded in length.

Three styles, because three kinds of models answer:

- "large" (served models): the seeds' words for the task, then everything that is known, then the line to begin with.
- "small" (the embedded SmolLM2): it follows no instructions, but it continues code. So its answer is begun for it: a
  few methods of an imaginary Bottle that resemble the one wanted (`shots`), then the receiver's prototype as a Python
  class with the methods it has (`retell`), up to the first line of the method. Values are shown as kinds (`balance:
  int`): shown as values, they come back as constants. A grammar made for this receiver holds it (`constrain`).
- "tuned" (the small model with an adapter that was trained on this, `training/`): the class alone, without examples
  and without a grammar, since it has learnt both. Which style a model wants is a property of its adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ..grammar import SyntaxProblem, parse_method
from .constrain import method_grammar
from .engine import Message, Options
from .extract import ends_method
from .retell import retell
from .shots import asks_a_question, nearest_shots, selector_words, shots_text
from .situation import Neighbour, Situation, Slot

Style = Literal["small", "large", "tuned"]
STYLES: tuple[Style, ...] = get_args(Style)

TASK = (
    "You are the UVM JIT-Compiler. An object received a message it does not understand. Your task is to generate the "
    "complete, syntactically correct Python code for a new method to handle this message. The code will be executed "
    "directly. Do not add any conversational text or explanations."
)
RULES = (
    "In the method, self.NAME reads a slot, self.NAME = VALUE writes one, and self.at_put_(1, 2) sends the message "
    "at: 1 put: 2 (each colon is an underscore). Write one plain function: no imports but math, random and statistics, "
    "no decorators, defaults, annotations, classes or names that begin with an underscore. A method that changes its "
    "object returns self. Write only slots that the object has, and use every argument."
)
SHOTS = 6
TUNED_TASK = "You are the UVM JIT-Compiler."
MAX_NEIGHBOURS = {"small": 5, "large": 12, "tuned": 5}
MAX_SLOTS = {"small": 12, "large": 40, "tuned": 12}
MAX_TEXT = {"small": 5_000, "large": 14_000, "tuned": 5_000}
"""Characters of everything that is asked, which bounds the tokens: a token of code has three to four."""
MAX_TOKENS = {"small": 96, "large": 600, "tuned": 128}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to ask, and how; `head` is the line the method begins with."""

    messages: tuple[Message, ...]
    options: Options
    head: str


def build_prompt(situation: Situation, style: Style, adapter: str | None = None) -> Prompt:
    """The question for one situation. Each rejected attempt in it makes the next answer less greedy."""
    build = {"small": _small, "large": _large, "tuned": _tuned}[style]
    for fewer in range(MAX_NEIGHBOURS[style] + 1):
        prompt = build(situation, MAX_NEIGHBOURS[style] - fewer, adapter)
        if sum(len(m.content) for m in prompt.messages) + len(prompt.options.prefill) <= MAX_TEXT[style]:
            break
    return prompt


def _options(situation: Situation, style: Style, prefill: str, grammar: str | None, adapter: str | None) -> Options:
    again = len(situation.rejected)
    indent = 4 if style == "large" else 8
    return Options(
        max_tokens=MAX_TOKENS[style],
        temperature=0.6 if again else 0.0,
        seed=again,
        stop=("\n```", "<|im_end|>"),
        prefill=prefill,
        grammar=grammar,
        adapter=adapter,
        until=lambda text: ends_method(text, indent),
    )


# The small model's prompt.


def _small(situation: Situation, neighbours: int, adapter: str | None) -> Prompt:
    slots = [replace(s, holds="") for s in situation.slots[: MAX_SLOTS["small"]]]  # measured as it is
    wanted = f"Write the method {situation.name} of {_plain_name(situation.prototype)}."
    kinds = frozenset(s.kind for s in slots)
    shots = nearest_shots(situation.selector, kinds, SHOTS)
    prefill = "```python\n" + shots_text(shots) + _begun(situation, slots, neighbours)
    messages = (Message("system", TASK), Message("user", wanted))
    grammar = method_grammar(slots, situation.arguments, asks_a_question(situation.selector))
    return Prompt(messages, _options(situation, "small", prefill, grammar, adapter), situation.head)


def _begun(situation: Situation, slots: Sequence[Slot], neighbours: int) -> str:
    told = [_retold(neighbour, situation) for neighbour in nearest_neighbours(situation, neighbours)]
    wrong = [_one_line(a.reason, 120) for a in situation.rejected[-2:]]
    return begun_class(
        situation.prototype, situation.intent or situation.comment, slots, [t for t in told if t], wrong, situation.head
    )


def begun_class(
    prototype: str, about: str, slots: Sequence[Slot], methods: Sequence[str], wrong: Sequence[str], head: str
) -> str:
    """The prototype as a Python class, up to the first line of the method that `head` begins.

    methods: Python functions it has already; wrong: why earlier answers were refused.
    """
    lines = [f"class {_plain_name(prototype)}:"]
    if about:
        lines.append(f'    """{_one_line(about, 200).replace(chr(34), chr(39))}"""')
    lines += [
        f"    {s.name}: {_kind_name(s)}" + (f"  # {_one_line(s.holds, 160)}" if s.holds else "")
        for s in slots
        if s.name.isidentifier()
    ]
    lines.append("")
    for method in methods:
        lines += ["    " + line for line in method.splitlines()] + [""]
    lines += [f"    # wrong: {reason}" for reason in wrong]
    lines.append(f"    {head}")
    # Ends one space before the first statement: tokens of code begin with the space before the word.
    return "\n".join(lines) + "\n" + " " * 7


# The tuned model's prompt.


def _tuned(situation: Situation, neighbours: int, adapter: str | None) -> Prompt:
    slots = tuned_slots(situation.slots)
    prefill = "```python\n" + _begun(situation, slots, neighbours)
    messages = tuned_messages(situation.prototype)
    return Prompt(messages, _options(situation, "tuned", prefill, None, adapter), situation.head)


def tuned_slots(slots: Sequence[Slot]) -> list[Slot]:
    """Slots as an adapter learns to read them: what is in a list or another object is said, and nil is None."""
    return [replace(s, kind="None") if s.kind == "nil" else s for s in slots[: MAX_SLOTS["tuned"]]]


def tuned_messages(prototype: str) -> tuple[Message, ...]:
    return (Message("system", TUNED_TASK), Message("user", f"Write the next method of {_plain_name(prototype)}."))


def _retold(neighbour: Neighbour, situation: Situation) -> str | None:
    if neighbour.language == "python":
        lines = neighbour.source.strip("\n").splitlines()
        return "\n".join(lines) if len(lines) <= 12 else None
    try:
        method = parse_method(neighbour.source)
    except SyntaxProblem:
        return None
    return retell(method, [s.name for s in situation.slots])


def _plain_name(name: str) -> str:
    return "".join(c for c in name if c.isalnum() or c == "_") or "Object"


def _kind_name(slot: Slot) -> str:
    return slot.kind if slot.kind.isidentifier() and slot.kind != "nil" else "object"


# The large model's prompt.


def _large(situation: Situation, neighbours: int, adapter: str | None) -> Prompt:
    arguments = ", ".join(f"{a.name!r}: {a.printed or a.kind}" for a in situation.arguments)
    chain = " -> ".join(situation.chain)
    who = situation.receiver or situation.prototype
    lines = [
        f"CONTEXT: The object '{who}' received the message '{situation.selector}' with arguments {{{arguments}}}.",
        "The object does not have a slot for this message.",
        f"The method becomes one of {situation.prototype}" + (f" (delegation: {chain})." if chain else "."),
        f"The message was sent by this statement: {_one_line(situation.statement, 400)}",
    ]
    if situation.intent:
        lines.append(f"Intent of {situation.prototype}: {_one_line(situation.intent, 400)}")
    if situation.comment:
        lines.append(f"Comment of {situation.prototype}: {_one_line(situation.comment, 400)}")
    if situation.slots:
        lines += ["Slots:", *(f"- {s.name} = {s.printed or s.kind} ({s.kind})" for s in situation.slots[:40])]
    near = nearest_neighbours(situation, neighbours)
    if near:
        lines += ["Methods beside it (message syntax or Python):", *(_quoted(n) for n in near)]
    if situation.elsewhere:
        lines += [f"How {situation.selector} is written elsewhere:", *(_quoted(n) for n in situation.elsewhere[:3])]
    for attempt in situation.rejected[-2:]:
        lines += ["This attempt was rejected:", attempt.source.rstrip(), f"Reason: {_one_line(attempt.reason, 300)}"]
    lines += [RULES, f"GENERATE METHOD: {situation.head}"]
    messages = (Message("system", TASK), Message("user", "\n".join(lines)))
    prefill = f"```python\n{situation.head}\n   "
    return Prompt(messages, _options(situation, "large", prefill, None, adapter), situation.head)


def _quoted(neighbour: Neighbour) -> str:
    python = neighbour.language == "python"
    source = neighbour.source[:500].rstrip() if python else _one_line(neighbour.source, 500)
    return f"- {neighbour.prototype} >> {source}"


def nearest_neighbours(situation: Situation, count: int) -> Sequence[Neighbour]:
    """The methods to show: by words in common with the selector, then arity, then as given; the nearest last."""
    words = set(selector_words(situation.selector))
    arity = situation.selector.count(":")

    def distance(neighbour: Neighbour) -> tuple[int, bool]:
        return (-len(words & set(selector_words(neighbour.selector))), neighbour.selector.count(":") != arity)

    ranked = sorted(situation.neighbours, key=distance)[:count]
    return tuple(reversed(ranked))


def _one_line(text: str, limit: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."
