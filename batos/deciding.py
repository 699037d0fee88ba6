"""Deciding about what a model wrote and what waits in the image: the same for a command and for `batos jit`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .bridge.codes import Code
from .bridge.covenant import Data, JitCommand, Reply
from .snapshot import Refused

if TYPE_CHECKING:
    from .interp import Worker


def decide(worker: Worker, weaver: Any, command: JitCommand, who: str) -> Reply:
    """The reply to a jit command. Refused where there is nothing to decide."""
    try:
        return Data(data=act(worker, weaver, command, who))
    except LookupError as problem:
        raise Refused(Code.NO_SUCH_SLOT, str(problem)) from None


def act(worker: Worker, weaver: Any, command: JitCommand, who: str) -> Any:
    """Carry out the command: a list of maps for `pending`, else words. Raises LookupError."""
    from .jit import waiting

    if command.action == "pending":
        return [asdict(one) for one in worker.transact(waiting.waiting)]
    if command.prototype is None:
        raise LookupError("which prototype?")
    if command.action == "policy":
        if command.policy is None:
            raise LookupError("which policy?")
        return waiting.set_policy(worker, command.prototype, None if command.policy == "none" else command.policy)
    if command.selector is None:
        raise LookupError("which selector?")
    if command.action == "approve":
        if weaver is None:
            raise LookupError("this kernel has no JIT")
        return waiting.approve(worker, weaver, command.prototype, command.selector)
    if command.action == "reject":
        return waiting.reject(worker, command.prototype, command.selector, who or "somebody")
    return waiting.forget(worker, command.prototype, command.selector)
