"""Run one program of the message side in this process and print its times as one line of JSON.

The program lives in a real image on disk, and one measured iteration is one message ``NAME benchmark: inner``
given to ``Worker.evaluate``: its text parsed, compiled, run in a transaction, committed and printed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .suite import DOCUMENT, PROGRAMS

if TYPE_CHECKING:
    from batos.interp import Worker


class Failed(Exception):
    """A statement of a program ended in an error; the text is its report."""


def evaluate(worker: Worker, source: str, origin: str) -> object:
    """The value of the last statement."""
    value: object = None
    for outcome in worker.evaluate(source, origin=origin):
        if outcome.error is not None:
            raise Failed(outcome.error.render())
        value = outcome.value
    return value


@contextmanager
def loaded(name: str) -> Iterator[Worker]:
    """A worker on a scratch image into which the program's files were read."""
    from batos.image import open_image
    from batos.interp import Worker

    program = PROGRAMS[name.lower()]
    with tempfile.TemporaryDirectory(prefix="bat-awfy-") as folder:
        image = open_image(str(Path(folder) / "awfy.fs"), create=True)
        try:
            worker = Worker(image, name="awfy")
            try:
                for source in program.sources:
                    evaluate(worker, source.read_text(encoding="utf-8"), source.name)
                if program.name == "Json":
                    text = DOCUMENT.read_text(encoding="utf-8").replace("'", "''")
                    evaluate(worker, f"Json document: '{text}'", DOCUMENT.name)
                yield worker
            finally:
                worker.close()
        finally:
            image.close()


def measure(name: str, inner: int, warmup: int, iterations: int) -> dict[str, object]:
    """Seconds of each measured iteration, and whether every one of them verified."""
    program = PROGRAMS[name.lower()]
    statement = f"{program.name} benchmark: {inner}"
    seconds: list[float] = []
    verified = True
    try:
        with loaded(name) as worker:
            for i in range(warmup + iterations):
                start = time.process_time()
                answer = evaluate(worker, statement, "<benchmark>")
                if i >= warmup:
                    seconds.append(time.process_time() - start)
                verified = answer is True and verified
    except Failed as problem:
        return {"verified": False, "seconds": [], "problem": str(problem)}
    return {"verified": verified, "seconds": seconds, "problem": "" if verified else "the result is wrong"}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:5]))))
