"""What processes cost: switches, forks and hand-overs, as ratios to bare greenlets measured beside them.

`python -m benchmarks.processes`. Each figure is the best of seven runs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import greenlet

TURNS = 20_000
RUNS = 7

WORLD = f"""
Turns := Object clone.
Turns >> yieldFor: n [ | left | left := n. [left > 0] whileTrue: [left := left - 1. Processor yield] ].
Turns >> yield [ 2 timesRepeat: [[self yieldFor: {TURNS // 2}] fork] ].
Turns >> loop [ | left | left := {TURNS}. [left > 0] whileTrue: [left := left - 1. Processor yourself] ].
Turns >> fork [ {TURNS} timesRepeat: [[] fork] ].
Turns >> handOver [ | a b |
    a := Semaphore new. b := Semaphore new.
    [{TURNS // 2} timesRepeat: [a wait. b signal]] fork.
    [{TURNS // 2} timesRepeat: [a signal. b wait]] fork ].
Turns >> queue [ | queue |
    queue := SharedQueue new.
    [{TURNS} timesRepeat: [queue next]] fork.
    [1 to: {TURNS} do: [:i | queue nextPut: i. Processor yield]] fork ].
"""


def best(action: Callable[[], object]) -> float:
    """Processor seconds of the fastest of some runs: other programs on the machine do not count."""
    found = []
    for _ in range(RUNS):
        started = time.thread_time()
        action()
        found.append(time.thread_time() - started)
    return min(found)


def bare_switches() -> None:
    """Two greenlets that hand each other the processor, as the yields below do."""
    main = greenlet.getcurrent()
    pair: list[greenlet.greenlet] = []

    def play(me: int) -> None:
        for _ in range(TURNS // 2):
            pair[1 - me].switch()

    pair += [greenlet.greenlet(lambda: play(0), main), greenlet.greenlet(lambda: play(1), main)]
    pair[0].switch()
    while not all(one.dead for one in pair):
        next(one for one in pair if not one.dead).switch()


def bare_forks() -> None:
    def nothing() -> None:
        pass

    for _ in range(TURNS):
        greenlet.greenlet(nothing).switch()


def measure() -> None:
    from batos.image import open_image
    from batos.interp import Worker

    with tempfile.TemporaryDirectory() as folder:
        image = open_image(Path(folder) / "world.fs")
        worker = Worker(image)
        for outcome in worker.evaluate(WORLD):
            assert outcome.error is None, outcome.error.render()

        def run(selector: str) -> float:
            def action() -> None:
                (outcome,) = worker.evaluate(f"Turns {selector}")
                assert outcome.error is None, outcome.error.render()

            action()
            return best(action)

        switch, fork = best(bare_switches), best(bare_forks)
        rows = [
            ("bare greenlet switch", switch, switch),
            ("Processor yield", run("yield"), switch),
            ("Semaphore signal, wait", run("handOver"), switch),
            ("SharedQueue nextPut:, next", run("queue"), switch),
            ("a loop of plain sends", run("loop"), switch),
            ("bare greenlet, begun and ended", fork, fork),
            ("fork", run("fork"), fork),
        ]
        worker.close()
        image.close()
    for name, seconds, against in rows:
        print(f"{name:32} {seconds / TURNS * 1e9:8.0f} ns {seconds / against:7.2f}")


def main() -> None:
    from batos.interp import deep

    deep(measure)


if __name__ == "__main__":
    main()
