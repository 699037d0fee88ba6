"""Asking a model for one method and testing what it answers, with repair rounds that show it what it failed on.

Used for a person's misses (`weave`) and for the tasks of JITBench (`bench`): the same questions, the same gates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event

from .crucible import Assay
from .engine import Completion, Engine, OnText
from .extract import method_source
from .gates.verdict import Candidate
from .prompt import Prompt, Style, build_prompt
from .situation import Attempt, Situation

MakePrompt = Callable[[Situation], Prompt]
Test = Callable[[Candidate, Completion], Assay]


@dataclass(frozen=True, slots=True)
class Try:
    """One answer of the model with the gates' verdicts on it."""

    completion: Completion
    assay: Assay


@dataclass(frozen=True, slots=True)
class Written:
    """What came of asking: every try, in order; the last passed, or none did."""

    tries: tuple[Try, ...]

    @property
    def assay(self) -> Assay:
        return self.tries[-1].assay

    @property
    def completion(self) -> Completion:
        return self.tries[-1].completion

    @property
    def passed(self) -> bool:
        return self.assay.passed

    @property
    def tokens(self) -> int:
        return sum(t.completion.tokens for t in self.tries)

    @property
    def model_seconds(self) -> float:
        return sum(t.completion.seconds for t in self.tries)


def write(
    engine: Engine,
    situation: Situation,
    make_prompt: MakePrompt,
    test: Test,
    repairs: int,
    *,
    asking: Callable[[], None] = lambda: None,
    on_text: OnText | None = None,
    cancelled: Event | None = None,
) -> Written:
    """Ask, test, and ask again at most `repairs` times. `asking` is called before each question and may raise.

    Raises what the engine raises.
    """
    tries: list[Try] = []
    for _ in range(repairs + 1):
        asking()
        prompt = make_prompt(situation)
        completion = engine.complete(prompt.messages, prompt.options, on_text, cancelled)
        source = method_source(completion.text, situation.name, prompt.head, prompt.options.prefill)
        result = test(Candidate(situation.selector, situation.name, situation.parameters, source), completion)
        tries.append(Try(completion, result))
        if result.failure is None:
            break
        situation = replace(situation, rejected=(*situation.rejected, Attempt(source, result.failure.reason)))
    return Written(tuple(tries))


def prompts_for(engine: Engine, style: Style | None = None, adapter: str | None = None) -> MakePrompt:
    """How this engine is asked, unless a style or an adapter is named. An engine may have a `style` and a default
    `adapter` of its own: the embedded model is small, what a server serves is not."""
    own: Style = getattr(engine, "style", "large")
    chosen = style or own
    by_default: str | None = getattr(engine, "adapter", None)
    return lambda situation: build_prompt(situation, chosen, adapter or by_default)


def warmed(make_prompt: MakePrompt, temperature: float) -> MakePrompt:
    """Ask with this temperature, where the prompt itself wants the likeliest answer."""
    if not temperature:
        return make_prompt

    def warm(situation: Situation) -> Prompt:
        prompt = make_prompt(situation)
        if prompt.options.temperature:
            return prompt
        return replace(prompt, options=replace(prompt.options, temperature=temperature))

    return warm


def author_of(completion: Completion) -> str:
    """`model:NAME`: the mark by which the interpreter narrows what the method can reach."""
    return f"model:{completion.source.model}"
