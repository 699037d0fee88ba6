"""Run one program of the Python side in this process and print its times as one line of JSON."""

from __future__ import annotations

import importlib
import json
import sys
import time

from .suite import PROGRAMS


def measure(name: str, inner: int, warmup: int, iterations: int) -> dict[str, object]:
    """Seconds of each measured iteration, and whether every one of them verified."""
    program = PROGRAMS[name.lower()]
    instance = getattr(importlib.import_module(program.module), program.name)()
    seconds: list[float] = []
    verified = True
    for i in range(warmup + iterations):
        start = time.process_time()
        verified = instance.benchmark(inner) is True and verified
        if i >= warmup:
            seconds.append(time.process_time() - start)
    return {"verified": verified, "seconds": seconds, "problem": "" if verified else "the result is wrong"}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:5]))))
