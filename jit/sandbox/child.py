"""What happens inside a trial: the world is opened as a copy, the process locks itself in, the message runs, and what
came of it is told as plain values."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any

import ZODB
from ZODB.MappingStorage import MappingStorage

from ... import grammar, interp
from ...image.method import Method
from ...interp import Outcome, Worker, primitives
from ...interp.awakening import workspace_named
from ...interp.depth import has_deep_stack
from ..changes import MAX_TOLD, changed_slots, kind_of_value
from ..turn import perform
from .exampling import run_examples
from .lockdown import lock_down
from .opened import RECURSION, UNWATCHED, Opened
from .records import Closed, Frames


def warm_up() -> None:
    """Import and compile what every trial uses: a small world, one miss's worth of messages."""
    for room in (grammar, interp, primitives):  # what is imported on first use must be here before the files are gone
        for module in iter_modules(room.__path__):
            if not module.name.startswith("__"):
                import_module(f"{room.__name__}.{module.name}")
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
    code = "self.w = Warm.clone()\nself.w.compile_('twice [ ^n * 2 ]')\nself.w.twice()"
    perform(worker, code, "model:warm", "default", UNWATCHED)
    import math
    import random
    import statistics

    import greenlet  # a method may wait
    import regex

    assert math and random and statistics and greenlet and regex  # here, so that a trial opens no file
    worker.close()


def run_trial(descriptor: int, opened: Opened | None = None) -> None:
    """Read the job, run it, send the result. Whatever goes wrong, the process tells it or dies: both are noes."""
    frames = Frames(descriptor)
    _, ahead = frames.receive()
    _, job_text = frames.receive()
    try:
        result = _run(frames, ahead, json.loads(job_text), opened)
    except Closed:
        raise
    except Exception as problem:  # ours, not the candidate's: it must not look as if it had passed
        result = {
            "error": {"code": "trial", "message": f"the trial itself failed: {type(problem).__name__}: {problem}"}
        }
    frames.send(b"R", json.dumps(result).encode())


def _run(frames: Frames, ahead: bytes, job: dict[str, Any], opened: Opened | None) -> dict[str, Any]:
    last = bytes.fromhex(job["last"])
    if opened is None:
        opened = Opened(frames, last, ahead)
    else:
        opened.move_on(frames, last, ahead, [bytes.fromhex(oid) for oid in job["changed"]])
    if "examples" in job:
        holds = lock_down(job["cpu_seconds"], job["memory_bytes"])
        return {"examples": run_examples(opened.base, job), "holds": holds}
    worker = opened.worker
    holds = lock_down(job["cpu_seconds"], job["memory_bytes"])
    result = (_talk if "turn" in job else _try_out)(worker, job, opened.changes)
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
    return told_of(worker, outcome, changes, before)


def _talk(worker: Worker, job: dict[str, Any], changes: MappingStorage) -> dict[str, Any]:
    """The code of a turn of a conversation."""
    worker.transact(lambda world: workspace_named(world, job["workspace"]))
    before = worker.connection.db().lastTransaction()
    outcome = perform(worker, job["turn"], job["author"], job["workspace"], UNWATCHED)
    return told_of(worker, outcome, changes, before)


def told_of(worker: Worker, outcome: Outcome, changes: MappingStorage, before: bytes) -> dict[str, Any]:
    """What came of a message, as plain values."""
    if outcome.error is not None:
        python = outcome.error.python.strip().splitlines()
        error = {
            "code": outcome.error.code,
            "message": outcome.error.message[:MAX_TOLD],
            "python": python[-1][:MAX_TOLD] if python else "",
        }
        return {"error": error}
    kind = kind_of_value(outcome.value)
    changed = changed_slots(worker, [oid for oid, tids in changes._data.items() if tids.maxKey() > before], before)
    return {
        "printed": (outcome.printed or "")[:MAX_TOLD],
        "kind": kind,
        "transcript": outcome.transcript[:MAX_TOLD],
        "changed": changed[:MAX_TOLD],
        "more_changed": max(0, len(changed) - MAX_TOLD),
    }
