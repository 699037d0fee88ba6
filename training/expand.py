"""More conversations from a language model: any engine, a structured prompt, and only what runs is kept.

The prompt is what the project's first documents ask for: context, persona, schema, some diverse goldens, and a task. A
small model seldom writes a whole conversation that runs; a served one does. Resumable: the file is appended to, and the
n-th question is always the same.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..jit.engine import Engine, Message, Options
from .goldens import FAMILIES, Golden, read_goldens
from .judge import judge_line, key_of
from .lanes import Line
from .schema import parse_line, published_schema

CONTEXT = """BAT OS is one living image of prototype objects. There are no classes: an object is made by cloning
another, has slots for data and methods, and delegates to its parent. Code is
Python that runs as a method of the conversation's
workspace: self.x is a variable of the workspace, capitalised names are the world's (Smalltalk.at_put_('Account',
Object.clone()) makes one), obj.at_put_(1, 2) sends at:put: (each colon is an underscore), and
obj.compile_('deposit: amount [ balance := balance + amount. ^self ]') gives an object a method in message syntax.
Morphs (LabelMorph, ButtonMorph, RowMorph, ColumnMorph, TextMorph, ListMorph) are shown by World.addMorph_(morph)."""
PERSONA = (
    "You are the UVM-JIT: the part of BAT OS that turns the Architect's intent into code that runs at once. You say "
    "in one or two sentences what you do and why, then you do it, on the objects that are there."
)
SCENARIOS = {
    "genesis": "the Architect sends a message that nobody understands yet, and you make what is missing",
    "composition": "things are cloned, given slots and methods, and put together into larger ones",
    "bridge": "a command of the Synaptic Bridge is made, packed with MessagePack, unpacked and checked",
    "events": "a press, a choice or a change makes one object send messages to others",
    "refinement": "something that was made is corrected, looked into, and put right in a second turn",
}
THINGS = (
    "a kettle,a library,a tram,a garden,a chess clock,a mailbox,an orchestra,a lighthouse,a bakery,a ferry,a radio,"
    "a weather station,a museum,a beehive,a cinema,a bicycle,a savings club,a recipe book,a running track,a greenhouse"
).split(",")


@dataclass
class Expansion:
    """What came of a run: kept, refused by reason, and what it cost. `price`: of a million tokens in and out."""

    kept: int = 0
    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def told(self, price: tuple[float, float] = (0.0, 0.0)) -> str:
        """The cost report, on a few lines."""
        lines = [f"{self.kept} kept of {self.asked} asked for"]
        lines += [f"  refused: {reason} {count}" for reason, count in self.refused.most_common()]
        lines.append(f"{self.tokens_in} tokens in, {self.tokens_out} out, {self.seconds:.0f} s of model")
        if self.kept:
            lines.append(f"{(self.tokens_in + self.tokens_out) / self.kept:.0f} tokens for each that was kept")
        if any(price):
            cost = (self.tokens_in * price[0] + self.tokens_out * price[1]) / 1e6
            lines.append(f"cost {cost:.4f}" + (f", {cost / self.kept:.5f} for each that was kept" if self.kept else ""))
        return "\n".join(lines)


def question(number: int, seed: int, goldens: tuple[Golden, ...]) -> tuple[list[Message], str]:
    """The n-th question, and its scenario: context, persona, schema, five to ten goldens of all families, and a task.
    Only goldens of the training part are shown."""
    rng = random.Random(f"expand {seed} {number}")
    family = FAMILIES[number % len(FAMILIES)]
    pool = [g for g in goldens if g.part == "train"]
    shown = [rng.choice([g for g in pool if g.family == f]) for f in FAMILIES]
    shown += rng.sample([g for g in pool if g.family == family and g not in shown], rng.randint(0, 5))
    rng.shuffle(shown)
    turns = rng.choice((1, 2, 2, 3))
    thing = rng.choice(THINGS)
    task = (
        f"Write one new conversation of {turns} exchange{'s' if turns > 1 else ''} about {thing}, in which "
        f"{SCENARIOS[family]}. Answer with the JSON object alone."
    )
    system = f"{CONTEXT}\n\n{PERSONA}\n\nEach conversation is one JSON object of this schema:\n{_brief_schema()}"
    examples = "\n".join(g.line() for g in shown)
    return [Message("system", system), Message("user", f"Examples:\n{examples}\n\n{task}")], family


def _brief_schema() -> str:
    """The published schema without its titles and blanks."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in ("title", "$schema")}
        return [plain(v) for v in value] if isinstance(value, list) else value

    return json.dumps(plain(json.loads(published_schema())), separators=(",", ":"))


def expand(
    engine: Engine,
    out: Path,
    count: int,
    *,
    seed: int = 8,
    max_tokens: int = 900,
    temperature: float = 0.8,
    attempts: int = 0,
    tell: Callable[[int], None] = lambda kept: None,
    judge: Callable[[str], str] | None = None,
) -> Expansion:
    """Ask until `out` holds `count` conversations that hold, or `attempts` (none: five times as many) were made.

    What was refused lies in `OUT.refused` with its reason; the next run goes on behind the last question of this one.
    judge: why a line is not good, or ""; by default what `batos train validate` says, in this process: the code of a
    conversation runs here, so give a judge that locks itself in for a model you do not trust.
    Raises what the engine raises.
    """
    goldens = read_goldens()
    say = judge or (lambda text: judge_line(Line(1, text)).reason)
    refused_file = out.with_name(out.name + ".refused")
    seen, asked = _known(out, refused_file)
    report = Expansion()
    have = len(seen)
    seen |= {key_of(g.conversation) for g in goldens}
    limit = attempts or 5 * count
    with out.open("a", encoding="utf-8") as good, refused_file.open("a", encoding="utf-8") as bad:
        while have < count and report.asked < limit:
            number = asked + report.asked
            messages, family = question(number, seed, goldens)
            started = time.monotonic()
            told = engine.complete(
                messages, Options(max_tokens=max_tokens, temperature=temperature, seed=seed * 1_000_003 + number)
            )
            report.asked += 1
            report.tokens_in += told.prompt_tokens
            report.tokens_out += told.tokens
            report.seconds += time.monotonic() - started
            text = object_in(told.text)
            reason = say(text)
            if not reason:
                key = key_of(parse_line(text))
                reason = "duplicate" if key in seen else ""
                seen.add(key)
            if reason:
                report.refused[reason] += 1
                bad.write(json.dumps({"number": number, "family": family, "reason": reason, "text": told.text}) + "\n")
                bad.flush()
            else:
                good.write(text + "\n")
                good.flush()
                have += 1
                report.kept += 1
            tell(have)
    return report


def object_in(text: str) -> str:
    """The JSON object in an answer, on one line; the answer itself where there is none."""
    start = text.find("{")
    if start >= 0:
        try:
            data, _ = json.JSONDecoder().raw_decode(re.sub(r"[\r\n]+", " ", text[start:]))
            return json.dumps(data, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return " ".join(text.split()) or "{}"


def _known(out: Path, refused: Path) -> tuple[set[str], int]:
    """Keys of what the file holds, and how many questions were asked before."""
    seen: set[str] = set()
    lines = list(_lines(out))
    for line in lines:
        seen.add(key_of(parse_line(line)))
    return seen, len(lines) + sum(1 for _ in _lines(refused))


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        yield from (line for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
