"""Where the time of a program's message side goes."""

from __future__ import annotations

import cProfile
import pstats

from .measure_messages import evaluate, loaded
from .suite import Program


def profile(program: Program, inner: int) -> None:
    """Run one measured iteration under cProfile, after one without it, and print the costliest functions."""
    statement = f"{program.name} benchmark: {inner}"
    with loaded(program.name) as worker:
        evaluate(worker, statement, "<benchmark>")
        profiler = cProfile.Profile()
        profiler.runcall(evaluate, worker, statement, "<benchmark>")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
