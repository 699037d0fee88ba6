"""What the Weaver needs of a server, be it vLLM over HTTP or llama.cpp in this process.

Everything above this line of the room (the shelf, health, routing, metrics) is the same for both. All of it runs on the
loop of one `HttpClient`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..engine import Message, OnText, Options

if TYPE_CHECKING:
    from .library import Library


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: without the prefill. `tokens` as the server counts them, -1 where it does not tell."""

    text: str
    finish: str
    tokens: int
    prompt_tokens: int
    model: str


class AdapterGone(Exception):
    """The server does not hold the adapter it was asked to answer with: it was restarted, or somebody unloaded it."""


class Busy(Exception):
    """The server has too much to do just now, or failed for a reason of its own: again later."""


class Link(Protocol):
    """One server. Besides what is named, all may raise Passing (it is not there just now) and EngineProblem.

    name: for people and metrics; room: how many adapters may be loaded at once.
    """

    name: str
    room: int

    def find(self, library: Library, name: str) -> Path:
        """Where an adapter lies in the form that it takes, checked as far as that can be. Reads files."""
        ...

    async def names(self) -> list[str]:
        """The adapters it holds now."""
        ...

    async def load(self, name: str, path: Path) -> None:
        """Have it load an adapter; that it has it already is no failure, since names are immutable."""
        ...

    async def unload(self, name: str) -> None:
        """Have it let an adapter go; that it does not hold it is no failure."""
        ...

    async def ask(
        self,
        adapter: str | None,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None,
        until: Callable[[str], bool] | None,
    ) -> Said:
        """An answer by one of the adapters it holds, or by the base model. Raises AdapterGone, Busy."""
        ...

    def describe(self) -> str: ...

    async def close(self) -> None: ...
