"""How fast answers come: many threads, facets in turn. Used by `batos weaver bench` and benchmarks/weaver.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine import Message, Options
from .cognitive import CognitiveWeaver

QUESTIONS = ("What is the capital of France?", "Name a fruit.", "Say hello.", "Count to five.")


@dataclass(frozen=True)
class Timed:
    """What a run came to; `took`: seconds of each answer, sorted."""

    requests: int
    failed: tuple[str, ...]
    tokens: int
    seconds: float
    took: tuple[float, ...]

    def told(self) -> str:
        if not self.took:
            return f"no answer at all: {self.failed[0] if self.failed else 'nothing was asked'}"
        half, most = self.took[len(self.took) // 2], self.took[int(len(self.took) * 0.95)]
        answers, tokens = len(self.took) / self.seconds, self.tokens / self.seconds
        lines = [
            f"{self.requests} requests in {self.seconds:.2f} s: {answers:.1f} answers, {tokens:.1f} tokens a second",
            f"half of the answers within {half:.3f} s, 95 of 100 within {most:.3f} s",
        ]
        if self.failed:
            lines.append(f"{len(self.failed)} failed, the first: {self.failed[0]}")
        return "\n".join(lines)


def run(clients: int, requests: int, ask: Callable[[int], int], tell: Callable[[int], None] | None = None) -> Timed:
    """ask(0) ... ask(requests - 1), each answering its tokens, from so many threads at once. ``tell`` hears how many
    have come."""
    numbers = iter(range(requests))
    lock, gate = threading.Lock(), threading.Barrier(clients + 1)
    took: list[float] = []
    failed: list[str] = []
    tokens = 0

    def client() -> None:
        nonlocal tokens
        gate.wait()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            began = time.perf_counter()
            try:
                made = ask(number)
            except Exception as problem:  # a failed request is a result, too
                failed.append(str(problem) or type(problem).__name__)
                continue
            with lock:
                took.append(time.perf_counter() - began)
                tokens += made
            if tell is not None:
                tell(len(took) + len(failed))

    threads = [threading.Thread(target=client, name=f"client-{n}", daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return Timed(requests, tuple(failed), tokens, time.perf_counter() - began, tuple(sorted(took)))


def timed(
    weaver: CognitiveWeaver,
    clients: int,
    requests: int,
    tokens: int,
    names: Sequence[str] = (),
    tell: Callable[[int], None] | None = None,
) -> Timed:
    """The facets named, or all there are, or the base, asked in turn. Raises AdapterUnknown, EngineProblem."""
    chosen: list[Any] = [weaver.library.resolve(name) for name in names] or [f.name for f in weaver.facets()] or [None]
    options = Options(max_tokens=tokens)
    weaver.complete(chosen[0], _question(0), Options(max_tokens=1))  # whoever has to wake up has

    def ask(number: int) -> int:
        return max(weaver.complete(chosen[number % len(chosen)], _question(number), options).tokens, 0)

    return run(clients, requests, ask, tell)


def _question(number: int) -> tuple[Message, ...]:
    return (Message("user", QUESTIONS[number % len(QUESTIONS)]),)


