"""What a person is shown before a method of a model's is installed, and what they may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Proposal:
    """`gates`: name, verdict ("passed" or "failed") and detail of each; `note` says what went wrong with an edit."""

    prototype: str
    selector: str
    explanation: str
    code: str
    gates: tuple[dict[str, Any], ...]
    replaces: str = ""
    note: str = ""


class Decision(Protocol):
    """verdict: "yes", "no", "edit" (install `code` instead, if it passes the gates) or "retry" (with a `hint`)."""

    @property
    def verdict(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def hint(self) -> str: ...


Approve = Callable[[Proposal], Decision]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a miss is. phase: "asking", "writing", "testing", "waiting", "installing"; elapsed in seconds since the
    miss; text: what the model wrote since the last such event."""

    phase: str
    elapsed: float
    tokens: int = 0
    text: str = ""
    prototype: str = ""
    selector: str = ""
    worker: str = ""


OnProgress = Callable[[Progress], None]
