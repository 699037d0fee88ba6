"""What a person is shown before a method of a model's is installed, and what they may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .extract import explanation_of

if TYPE_CHECKING:
    from .crucible import Assay
    from .engine import Completion
    from .situation import Situation


@dataclass(frozen=True, slots=True)
class Proposal:
    """`gates`: name, verdict ("passed" or "failed") and detail of each; `note` says what went wrong with an edit;
    title: what it is about, where it is no method that is not written."""

    prototype: str
    selector: str
    explanation: str
    code: str
    gates: tuple[dict[str, Any], ...]
    replaces: str = ""
    note: str = ""
    title: str = ""


class Decision(Protocol):
    """verdict: "yes", "no", "edit" (install `code` instead, if it passes the gates), "retry" (with a `hint`) or "later"
    (nobody is there to decide: it waits in the image)."""

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


def explain(situation: Situation, result: Assay, completion: Completion) -> str:
    """For a person, in a few sentences: who wrote it, where it would go, what it did when tried."""
    source = completion.source
    if source.engine == "retrieved":
        who = f"{source.recorded} answers it already, with slots that this object has, too; its method is offered."
    else:
        live = f"recorded {source.recorded}" if source.recorded else source.engine
        took = f" in {completion.seconds:.1f} s" if completion.seconds else ", when it was asked before"
        who = f"{source.model} ({live}) wrote it{took}."
    said = explanation_of(completion.text)
    if said:
        who = f"{said} ({who.removesuffix('.')}.)"
    where = f"It would become a method of {situation.prototype}"
    if situation.receiver and situation.receiver != situation.prototype:
        where += f", the nearest prototype with a name that {situation.receiver} delegates to"
    verdicts = {v.gate: v.reason for v in result.verdicts}
    statement = " ".join(situation.statement.split())[:120]
    tried = f" Tried on a copy of the world, `{statement}` {verdicts['trial']}." if "trial" in verdicts else ""
    return f"{who} {where}.{tried}"
