"""Running examples inside a trial: each on a copy of the world of its own, with the candidate in its place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.MappingStorage import MappingStorage

from ...image.method import Method
from ...interp import Budget, Worker

UNWATCHED = Budget(None, None)
MAX_TOLD = 200
COMPARE = "[:got :wanted | {got = wanted. got printString. wanted printString}] value: (%s) value: (%s)"


def run_examples(base: Any, job: dict[str, Any]) -> list[dict[str, Any]]:
    """For each example of the job: whether it holds, and in words what came of it. Stops at nothing."""
    return [_run(base, job, example) for example in job["examples"]]


def _run(base: Any, job: dict[str, Any], example: dict[str, str]) -> dict[str, Any]:
    db = ZODB.DB(DemoStorage(base=base, changes=MappingStorage()), large_record_size=1 << 40)
    worker = Worker(SimpleNamespace(db=db), name="example")
    try:
        if job.get("source"):
            method = Method(job["selector"], job["source"], "python", author=job["author"])
            worker.transact(lambda world: world.define(world.connection.get(bytes.fromhex(job["prototype"])), method))
        texts = [example["before"]] if example["before"] else []
        for text in [*texts, COMPARE % (example["got"], example["wanted"])]:
            for outcome in worker.evaluate(text, workspace=job["workspace"], budget=UNWATCHED):
                if outcome.error is not None:
                    return {"holds": False, "told": f"fails: {outcome.error.message}"[:MAX_TOLD]}
        same, got, wanted = outcome.value._items
        got, wanted = str(got)[:MAX_TOLD], str(wanted)[:MAX_TOLD]
        if same is True:
            return {"holds": True, "told": f"answers {got}"}
        return {"holds": False, "told": f"answers {got}, not {wanted}"}
    except MemoryError:
        return {"holds": False, "told": "uses more memory than a trial may"}
    finally:
        worker.close()
