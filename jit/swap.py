"""AtomicSwap: a reviewed method takes its place in one transaction, or nothing happens.

What was reviewed is what is installed: the slot must still be as it was when the prompt was made (absent, or holding
the very method that was to be replaced). Reverting is a swap like any other, so it leaves its trace in the history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..image import ledger
from ..image.method import Method
from ..image.object import MISSING, own_slots
from ..interp.families import is_method
from ..interp.probation import put_back
from .errors import SwapRefused

if TYPE_CHECKING:
    from ..interp import Worker, World

ABSENT = b""


@dataclass(frozen=True, slots=True)
class Swap:
    """What goes where: `prototype` is an oid; `expected` the oid of the method there now, ABSENT for none."""

    prototype: bytes
    selector: str
    source: str
    author: str
    intent: str = ""
    language: str = "python"
    expected: bytes = ABSENT
    provenance: dict[str, Any] = field(default_factory=dict)


def current_version(world: World, prototype: bytes, selector: str) -> bytes:
    """Oid of the method that the prototype itself holds for the selector, ABSENT when it holds none.

    Raises SwapRefused when it holds data under that name.
    """
    value = _held(world.connection.get(prototype), selector)
    if value is MISSING:
        return ABSENT
    if not is_method(value):
        raise SwapRefused(f"slot {selector} holds data, not a method")
    return value._p_oid or ABSENT


def install(worker: Worker, swap: Swap) -> bytes:
    """Put the method in its slot. The id of the transaction that did it. Raises SwapRefused; then nothing changed."""

    def put(world: World) -> Any:
        if current_version(world, swap.prototype, swap.selector) != swap.expected:
            raise SwapRefused(
                f"#{swap.selector} was written by somebody else meanwhile; what was reviewed was not installed"
            )
        method = Method(
            swap.selector, swap.source, swap.language, swap.author, swap.intent, provenance=dict(swap.provenance)
        )
        ledger.remember(world.root, swap.prototype, swap.selector, None)  # the question is answered
        return world.define(world.connection.get(swap.prototype), method)

    method = worker.transact(put, f"install {swap.selector} by {swap.author}")
    return bytes(method._p_serial)


def revert(worker: Worker, prototype: bytes, selector: str, by: str) -> str:
    """Put back what the slot held before: the method's predecessor, or nothing. In words what was done.

    Raises SwapRefused when there is no method to revert, or it came with the library.
    """

    def take_back(world: World) -> str:
        target = world.connection.get(prototype)
        method = _held(target, selector)
        if not is_method(method):
            raise SwapRefused(f"there is no method {selector} to revert")
        if own_slots(method)["author"] == "genesis":
            raise SwapRefused(f"{selector} is the library's own: there is nothing before it to put back")
        return put_back(world, target, selector, by)

    return str(worker.transact(take_back, f"revert {selector} by {by}"))


def _held(target: Any, selector: str) -> Any:
    slots = own_slots(target)
    return slots.get("&" + selector, slots.get(selector, MISSING))
