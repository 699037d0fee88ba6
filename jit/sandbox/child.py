"""What happens inside a trial: the world is opened as a copy, the process locks itself in, the message runs, and what
came of it is told as plain values."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.MappingStorage import MappingStorage
from ZODB.utils import u64

from ...image.collections import String
from ...image.method import Method
from ...image.object import MISSING, Body, own_slots
from ...image.values import ScaledDecimal
from ...interp import Budget, Worker
from ...interp.depth import has_deep_stack
from ...interp.families import is_method
from .exampling import run_examples
from .lockdown import lock_down
from .records import AskingStorage, Closed, Frames

MAX_TOLD = 200
"""Changed objects, and characters of one printed value, that a trial reports."""
RECURSION = 20_000
UNWATCHED = Budget(None, None)
"""The interpreter's own watch over time and memory is a thread, which the zygote must not have: here the system
watches."""


def warm_up() -> None:
    """Import and compile what every trial uses: a small world, one miss's worth of messages."""
    has_deep_stack()  # the zygote's own; a thread for it would be one too many to fork with
    worker = Worker(SimpleNamespace(db=ZODB.DB(MappingStorage())), name="warm")
    sys.setrecursionlimit(RECURSION)
    block = "Warm setSlot: 'kept' value: [Warm n]."  # one that comes from a record is compiled anew
    worker.evaluate(f"Warm := Object clone. Warm setSlot: 'n' value: 1. {block}", budget=UNWATCHED)
    body = "def warm_(self, amount):\n    self.n = self.n + amount\n    return self\n"
    worker.transact(
        lambda world: world.define(world.lookup("Warm"), Method("warm:", body, "python", author="model:warm"))
    )
    worker.evaluate("Warm warm: 2. (Warm n > 2) ifTrue: ['a'] ifFalse: ['b']. 1 / 2. Warm foo", budget=UNWATCHED)
    run_examples(
        worker.connection.db().storage,
        {"workspace": "default", "examples": [{"before": "Warm warm: 1", "got": "Warm kept value", "wanted": "4"}]},
    )
    import math
    import random
    import statistics

    assert math and random and statistics  # imported here, so that a trial opens no file for them
    worker.close()


def run_trial(descriptor: int) -> None:
    """Read the job, run it, send the result. Whatever goes wrong, the process tells it or dies: both are noes."""
    frames = Frames(descriptor)
    _, ahead = frames.receive()
    _, job_text = frames.receive()
    try:
        result = _run(frames, ahead, json.loads(job_text))
    except Closed:
        raise
    except Exception as problem:  # ours, not the candidate's: it must not look as if it had passed
        result = {
            "error": {"code": "trial", "message": f"the trial itself failed: {type(problem).__name__}: {problem}"}
        }
    frames.send(b"R", json.dumps(result).encode())


def _run(frames: Frames, ahead: bytes, job: dict[str, Any]) -> dict[str, Any]:
    base = AskingStorage(frames, bytes.fromhex(job["last"]))
    base.take_ahead(ahead)
    if "examples" in job:
        holds = lock_down(job["cpu_seconds"], job["memory_bytes"])
        return {"examples": run_examples(base, job), "holds": holds}
    changes = MappingStorage()
    db = ZODB.DB(DemoStorage(base=base, changes=changes), large_record_size=1 << 40)
    worker = Worker(SimpleNamespace(db=db), name="trial")
    sys.setrecursionlimit(RECURSION)
    holds = lock_down(job["cpu_seconds"], job["memory_bytes"])
    result = _try_out(worker, job, changes)
    result["holds"] = holds
    return result


def _try_out(worker: Worker, job: dict[str, Any], changes: MappingStorage) -> dict[str, Any]:
    def install(world: Any) -> None:
        target = world.connection.get(bytes.fromhex(job["prototype"]))
        method = Method(job["selector"], job["source"], "python", author=job["author"])
        world.define(target, method)

    worker.transact(install, "trial")
    before = changes.lastTransaction()
    try:
        outcomes = worker.evaluate(job["statement"], workspace=job["workspace"], policy="off", budget=UNWATCHED)
    except MemoryError:
        return {"error": {"code": "memory", "message": "the message uses more memory than a trial may"}}
    outcome = outcomes[-1]
    if outcome.error is not None:
        python = outcome.error.python.strip().splitlines()
        error = {
            "code": outcome.error.code,
            "message": outcome.error.message[:MAX_TOLD],
            "python": python[-1][:MAX_TOLD] if python else "",
        }
        return {"error": error}
    kind = _kind(outcome.value)
    changed = _changed(worker, changes, before)
    return {
        "printed": (outcome.printed or "")[:MAX_TOLD],
        "kind": kind,
        "transcript": outcome.transcript[:MAX_TOLD],
        "changed": changed[:MAX_TOLD],
        "more_changed": max(0, len(changed) - MAX_TOLD),
    }


def _changed(worker: Worker, changes: MappingStorage, before: bytes) -> list[dict[str, Any]]:
    """Slots that differ between the moment before the message and now: object, slot, was, is."""
    oids = [oid for oid, tids in changes._data.items() if tids.maxKey() > before]
    told: list[dict[str, Any]] = []
    worker.manager.begin()
    old = worker.connection.db().open(before=_after(before))
    try:
        for oid in sorted(oids):
            thing = worker.connection.get(oid)
            if not isinstance(thing, Body):
                continue  # the machinery's own: counters, trees
            now = own_slots(thing)
            was = _old_slots(old, oid)
            before_ = was or {}
            names = [n for n in {**before_, **now} if not _same(before_.get(n, MISSING), now.get(n, MISSING))]
            name = worker.world.describe(thing)
            for slot in sorted(n for n in names if n != "_items" or was is not None):
                kind = (
                    "behaviour"
                    if slot == "parent*" or is_method(now.get(slot)) or is_method((was or {}).get(slot))
                    else "data"
                )
                if was is None and kind == "data" and slot.startswith("_"):
                    continue
                told.append({
                    "object": name,
                    "slot": slot,
                    "was": _plain((was or {}).get(slot)) if was is not None and slot in was else None,
                    "is": _plain(now.get(slot)) if slot in now else None,
                    "was_kind": _kind(was[slot]) if was is not None and slot in was else None,
                    "is_kind": _kind(now[slot]) if slot in now else None,
                    "new": was is None,
                    "kind": kind,
                })  # fmt: skip
    finally:
        old.close()
        worker.manager.abort()
    return told


def _old_slots(old: Any, oid: bytes) -> dict[str, Any] | None:
    from ZODB.POSException import POSKeyError

    try:
        return dict(own_slots(old.get(oid)))
    except POSKeyError:
        return None


def _same(a: Any, b: Any) -> bool:
    """Whether two values, of two connections, are the same to a person: objects by identity, the rest by value."""
    if isinstance(a, Body) or isinstance(b, Body):
        return isinstance(a, Body) and isinstance(b, Body) and a._p_oid == b._p_oid
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return type(a) is type(b) and bool(a == b)


def _after(tid: bytes) -> bytes:
    from ZODB.utils import p64

    return p64(u64(tid) + 1)


def _kind(value: Any) -> str:
    """"number", "text", "bool", "nil" or "object"."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Fraction | ScaledDecimal):
        return "number"
    return "text" if isinstance(value, str | String) else "object"


def _plain(value: Any) -> str:
    if isinstance(value, Body):
        ghost: Any = getattr(type(value), "_p_ghost", type(value))
        return f"a {ghost.__name__}"
    if isinstance(value, list | tuple):
        text = f"({' '.join(_plain(v) for v in value[:20])}{' ...' if len(value) > 20 else ''})"
    elif value is None:
        text = "nil"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = repr(value)
    return text[:MAX_TOLD]
