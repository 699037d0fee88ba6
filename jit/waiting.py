"""What waits in the image for a person, and what was refused there: shown, approved, rejected, forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..image import ledger
from ..image.object import Body
from ..image.values import Symbol
from ..interp import Miss, Worker

if TYPE_CHECKING:
    from ..interp import World
    from .proposal import Approve, Proposal
    from .weave import Weaver


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry: state "pending", "refused" or "withdrawn" (put back after it had raised)."""

    prototype: str
    selector: str
    state: str
    time: str
    note: str
    explanation: str
    code: str
    gates: tuple[dict[str, Any], ...]

    def line(self) -> str:
        note = f": {self.note}" if self.note else ""
        return f"{self.prototype}>>{self.selector}  {self.state}  {self.time}{note}"


@dataclass(frozen=True, slots=True)
class _SaidYes:
    """A person who has said yes to one text and to no other: what is written anew waits again."""

    text: str
    verdict: str = "yes"
    code: str | None = None
    hint: str = ""
    policy: str = "ask"

    def __call__(self, proposal: Proposal) -> _SaidYes:
        return self if proposal.code == self.text else replace(self, verdict="later")


def waiting(world: World) -> list[Waiting]:
    """Everything the image remembers of misses, by prototype and selector."""
    found = [
        Waiting(
            str(entry.get("prototype", "")), selector, str(entry["state"]), str(entry.get("time", "")),
            str(entry.get("note", "")), str(entry.get("explanation", "")), str(entry.get("source", "")),
            tuple(entry.get("gates", ())),
        )
        for _, selector, entry in ledger.all_remembered(world.root)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.state != "pending", one.prototype, one.selector))


def approve(worker: Worker, weaver: Weaver, prototype: str, selector: str) -> str:
    """Put what waits through the gates again and install it. In words what came of it. Raises LookupError."""
    _, entry = _entry(worker, prototype, selector)
    if entry["state"] != "pending":
        raise LookupError(f"{prototype}>>{selector} does not wait: {entry.get('note') or entry['state']}")
    said_yes: Approve = _SaidYes(entry["source"])
    miss = Miss(**{**entry["miss"], "policy": "ask"})  # whatever the policy: it is this text that was agreed to
    resolution = weaver.resolve(miss, worker, said_yes)
    if not resolution.installed:
        raise LookupError(f"{prototype}>>{selector} was not installed: {resolution.note}")
    return resolution.note


def reject(worker: Worker, prototype: str, selector: str, by: str) -> str:
    """Say no to what waits; it is not asked for again until the question is another one. Raises LookupError."""
    oid, entry = _entry(worker, prototype, selector)
    told = {**entry, "state": "refused", "note": f"{by} said no to what the model wrote"}
    worker.transact(lambda world: ledger.remember(world.root, oid, selector, told), f"jit: {by} rejects {selector}")
    return f"{prototype}>>{selector} is rejected"


def forget(worker: Worker, prototype: str, selector: str) -> str:
    """Forget what is remembered of a miss: it may be asked again. Raises LookupError."""
    oid, _ = _entry(worker, prototype, selector)
    worker.transact(lambda world: ledger.remember(world.root, oid, selector, None), f"jit: forget {selector}")
    return f"{prototype}>>{selector} may be asked again"


def set_policy(worker: Worker, prototype: str, policy: str | None) -> str:
    """Who decides about what a prototype and its clones do not understand. Raises LookupError."""

    def put(world: World) -> None:
        thing = world.lookup(prototype)
        if not isinstance(thing, Body):
            raise LookupError(f"the world has no object named {prototype}")
        world.families.set_slot(thing, "jitPolicy", None if policy is None else Symbol(policy))

    worker.transact(put, f"jit: policy of {prototype}")
    return f"{prototype}: {policy or 'as elsewhere'}"


def _entry(worker: Worker, prototype: str, selector: str) -> tuple[bytes, dict[str, Any]]:
    def find(world: World) -> tuple[bytes, dict[str, Any]] | None:
        for oid, name, entry in ledger.all_remembered(world.root):
            if name == selector and entry.get("prototype") == prototype:
                return oid, entry
        return None

    found: tuple[bytes, dict[str, Any]] | None = worker.transact(find)
    if found is None:
        raise LookupError(f"nothing is remembered of {prototype}>>{selector}; batos jit pending tells what is")
    return found
