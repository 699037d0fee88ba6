"""A method that a model wrote is on probation for its first sends: if it raises, what was there before is put back.

While it is, its function is a wrapper that counts; after the last counted send the wrapper takes itself out of the
dispatch tables, so that from then on a send costs what a hand-written method's costs. What came of it is written into
the image after the message, in a transaction of its own: by then the message itself has been committed, or aborted.

Raising means that an error left the method: nobody handled it, or somebody above did. A method that says `raise` itself
may mean it, and is judged by errors that nobody handled. So is one that ran out of time, memory or stack.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..image import ledger
from ..image.method import Method, earlier
from ..image.object import Body, own_slots
from .families import is_method
from .flow import OutOfMemory, OutOfTime, StackOverflow, Unhandled, Unwind

if TYPE_CHECKING:
    from .worker import Worker
    from .world import World


@dataclass(frozen=True)
class Ended:
    """Probation is over for one method: `reason` says what it raised, "" when it passed."""

    method: Any
    holder: Any
    reason: str = ""


def sends_left(method: Any) -> int:
    """How many sends a method is still to be watched for; 0 for one that a person wrote, or that has passed."""
    left = own_slots(method)["provenance"].get("probation", 0)
    return left if isinstance(left, int) else 0


def watched(world: World, function: Any, method: Any, holder: Any, key: Any) -> Any:
    """The function of a method that is on probation."""
    slots = own_slots(method)
    selector = slots["selector"]
    may_raise = "raise" in slots["source"]
    counts = world.sends_left
    name = method._p_oid or id(method)  # the count outlives this function: tables may be learnt anew at any time
    counts.setdefault(name, sends_left(method))

    def on_probation(*args: Any) -> Any:
        try:
            value = function(*args)
        except (Unhandled, StackOverflow, OutOfTime, OutOfMemory) as failure:
            end(world, Ended(method, holder, told(failure)))
            raise
        except Unwind:
            if not may_raise:
                end(world, Ended(method, holder, "an error that was handled further up"))
            raise
        left = counts[name] = counts[name] - 1
        if left <= 0:
            world.take_over(key, function, selector)
            end(world, Ended(method, holder))
        return value

    return on_probation


def end(world: World, ended: Ended) -> None:
    if all(one.method is not ended.method for one in world.probation_ended):
        world.probation_ended.append(ended)


def told(failure: BaseException) -> str:
    """What was raised, in words."""
    if isinstance(failure, Unhandled):
        text = own_slots(failure.exception).get("messageText")
        return str(text)[:200] if text else "an error"
    if isinstance(failure, StackOverflow):
        return "too many messages within messages"
    return "it ran out of its budget"


def settle(worker: Worker) -> str:
    """Write down what came of probations in the message that has just ended. What a person should know, or ""."""
    ended, worker.world.probation_ended = worker.world.probation_ended, []
    notes = [str(worker.transact(partial(_settle, ended=one), "probation")) for one in ended]
    return "; ".join(note for note in notes if note)


def _settle(world: World, ended: Ended) -> str:
    method: Any = ended.method
    holder: Any = ended.holder
    selector = own_slots(method)["selector"]
    slots = own_slots(holder)
    held: Any = slots.get("&" + selector, slots.get(selector))
    if held is not method:
        return ""  # somebody replaced it meanwhile
    sends = sends_left(method)
    if not ended.reason:
        method.provenance = {**own_slots(method)["provenance"], "probation": f"passed {sends} sends"}
        return ""
    author = own_slots(method)["author"].removeprefix("model:")
    name = world.name_of(holder) or world.describe(holder)
    note = f"{name}>>{selector} by {author} raised in its first {sends} sends: {ended.reason}"
    source = own_slots(method)["source"]
    done = put_back(world, holder, selector, "probation")
    entry = {
        "state": "withdrawn",
        "prototype": name,
        "note": note,
        "question": "",
        "source": source,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    ledger.remember(world.root, holder._p_oid, selector, entry)
    return f"{note}; {done}"


def put_back(world: World, target: Any, selector: str, by: str) -> str:
    """Put back what a slot held before its method: the method's predecessor, or nothing. In words what was done."""
    slots = own_slots(target)
    method = slots.get("&" + selector, slots.get(selector))
    assert is_method(method)
    before = next(earlier(cast(Body, method)), None)
    name = world.name_of(target) or "the object"
    if before is None:
        held = "&" + selector if "&" + selector in slots else selector
        world.families.remove_slot(target, held)
        return f"{name}>>{selector} is gone; nothing was there before it"
    old = own_slots(before)
    again = Method(
        selector, old["source"], old["language"], old["author"], old["intent"], old["category"], old["comment"],
        {**old["provenance"], "reverted_by": by},
    )  # fmt: skip
    world.define(target, again)
    return f"{name}>>{selector} is again the one by {old['author'] or 'nobody'}"
