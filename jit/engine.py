"""What a language model is to the rest of the house: one call that turns messages into text.

Three engines keep this protocol: `embedded` (llama.cpp in this process), `server` (any OpenAI-compatible server) and
`recorded` (real answers kept in a file, for tests). Everything that can differ between two answers to the same
question travels in `Options` and comes back in `Completion.source`, so that an answer can be explained later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from threading import Event
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation put to the model."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer.

    max_tokens: upper bound on what is generated.
    temperature: 0 is greedy, and then `seed` has no effect.
    stop: strings that end the answer; they are not part of it.
    prefill: the beginning of the assistant's answer, which the model continues; it is not part of `Completion.text`.
    grammar: GBNF that the generated text must match; schema: JSON schema for the same. At most one of the two.
    adapter: name of a LoRA adapter the engine knows, or None for the model as it is.
    until: told the text so far after each piece; True ends the answer there.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    prefill: str = ""
    grammar: str | None = None
    schema: dict[str, Any] | None = field(default=None, hash=False)
    adapter: str | None = None
    until: Callable[[str], bool] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer came from: kept with the method it became.

    engine: "embedded", "server" or "recorded"; model: file or served name; digest: "sha256:..." of the model file,
    "" where a server does not tell; prompt_hash: see `prompt_hash`; recorded: for a cassette's answers, where and when
    the real one was made, so that it never passes for a live one.
    """

    engine: str
    model: str
    digest: str
    adapter: str | None
    seed: int
    temperature: float
    prompt_hash: str
    recorded: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said (without the prefill), and what it cost. `finish`: "stop", "length" or "until"."""

    text: str
    tokens: int
    prompt_tokens: int
    seconds: float
    finish: str
    source: Source


OnText = Callable[[str], None]


class Engine(Protocol):
    """A language model. One completion at a time; a second caller waits."""

    name: str

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Completion:
        """Answer. `on_text` gets each piece as it comes, on the caller's thread or the engine's.

        Raises EngineProblem when there is no answer to be had, Cancelled once `cancelled` is set.
        """
        ...

    def describe(self) -> str:
        """One line for people: which model, from where, in what state."""
        ...

    def close(self) -> None:
        """Give back memory, threads and connections. Idempotent."""
        ...


def prompt_hash(messages: Sequence[Message], options: Options) -> str:
    """Sixteen hex digits that are the same exactly when the question and the way to answer it are the same."""
    asked = {
        "messages": [[m.role, m.content] for m in messages],
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "seed": options.seed if options.temperature > 0 else 0,
        "stop": list(options.stop),
        "prefill": options.prefill,
        "grammar": options.grammar,
        "schema": options.schema,
        "adapter": options.adapter,
    }
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
