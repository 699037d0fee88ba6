"""A bank in an image of its own, and an engine that answers what the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batos.image import Image, open_image
from batos.interp import Worker
from batos.jit.engine import Completion, Message, OnText, Options, Source, prompt_hash
from batos.jit.errors import Cancelled
from batos.jit.proposal import Proposal
from batos.jit.settings import Settings
from batos.jit.weave import Weaver

BANK = """Account := Object clone.
Account setSlot: 'balance' value: 0.
Account >> deposit: amount [ balance := balance + amount. ^self ].
savings := Account clone.
savings deposit: 50; deposit: 20."""

RIGHT = " self.balance = self.balance - amount\n        return self\n"
Weave = Callable[..., tuple[Worker, Weaver]]


class Scripted:
    """Answers in the order given; an answer may be a function of the prompt. No model: what it says it made up."""

    name = "scripted"
    style = "small"

    def __init__(self, *answers: str | Callable[[Sequence[Message], Options], str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[tuple[Message, ...], Options]] = []
        self.gate: threading.Event | None = None

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: threading.Event | None = None,
    ) -> Completion:
        self.asked.append((tuple(messages), options))
        while self.gate is not None and not self.gate.wait(0.01):
            if cancelled is not None and cancelled.is_set():
                raise Cancelled("cancelled while the script waited")
        answer = self.answers.pop(0)
        text = answer if isinstance(answer, str) else answer(messages, options)
        if on_text is not None:
            on_text(text)
        source = Source(
            self.name, "script", "", None, options.seed, options.temperature, prompt_hash(messages, options)
        )
        return Completion(text, len(text.split()), 1, 0.001, "stop", source)

    def describe(self) -> str:
        return "scripted"

    def close(self) -> None:
        pass


@dataclass
class Says:
    """A person with an answer ready; keeps what was shown."""

    verdict: str = "yes"
    code: str | None = None
    hint: str = ""

    def __post_init__(self) -> None:
        self.shown: list[Proposal] = []

    def __call__(self, proposal: Proposal) -> Says:
        self.shown.append(proposal)
        return self


@pytest.fixture
def image(fresh_image: Path) -> Iterator[Image]:
    with open_image(fresh_image) as opened:
        yield opened


@pytest.fixture
def bank(image: Image) -> Iterator[Worker]:
    worker = Worker(image)
    for outcome in worker.evaluate(BANK):
        assert outcome.error is None, outcome.error.message
    yield worker
    worker.close()


def oid_of(worker: Worker, name: str) -> bytes:
    return bytes(worker.transact(lambda world: world.lookup(name)._p_oid))


def last(worker: Worker, source: str, **options: Any) -> Any:
    return worker.evaluate(source, **options)[-1]


@pytest.fixture
def weave(bank: Worker) -> Iterator[Weave]:
    """weave(engine) -> a worker on the bank whose misses that engine answers."""
    made: list[Any] = []

    def start(engine: Any, settings: Settings | None = None, on_progress: Any = None) -> tuple[Worker, Weaver]:
        weaver = Weaver(settings or Settings(), on_progress, engine)
        worker = Worker(bank.image, name="w", misses=weaver)
        made.extend([worker, weaver])
        return worker, weaver

    yield start
    for one in made:
        one.close()
