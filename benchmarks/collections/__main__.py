"""Collections of 10^5 elements in messages against the same written by hand in Python: ratios, CPU time, one process.

    python -m benchmarks.collections [--turns N] [NAME ...]

Each line is a method ``CollectionBench >> name`` (messages.st) and a Python function that does the same work on a list,
dict, set or io.StringIO. Both run in turn, the least of each counts. What takes a block in messages is given a function
by hand (``for x in array: block(x)``); where a Python programmer would write the body into the loop instead, the last
column says how that compares. At most 3 is wanted; the exit status is 1 if a ratio is above.

Python's list is what an OrderedCollection is made of: its first element is removed as by ``list.pop(0)``, with which it
is compared. That takes time in proportion to the size, some microseconds at 10^5.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .by_hand import functions

SIZE = 100_000
MOST = 3.0
SOURCE = Path(__file__).with_name("messages.st")


def least(pieces: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Least CPU seconds of each, taken in turn so that noise meets all alike."""
    found = dict.fromkeys(pieces, float("inf"))
    for _ in range(turns):
        for name, piece in pieces.items():
            start = time.thread_time()
            piece()
            found[name] = min(found[name], time.thread_time() - start)
    return found


def measure(names: list[str], turns: int, size: int = SIZE) -> dict[str, tuple[float, float, float | None]]:
    """CPU seconds in messages, by hand with a function for a block, and in a plain loop, by name."""
    from batos.image import open_image
    from batos.interp import Worker

    order = list(range(1, size + 1))
    random.Random(7).shuffle(order)
    by_hand, by_loop = functions(order)
    results = {}
    with open_image("memory:") as image:
        worker = Worker(image)
        for outcome in worker.evaluate(SOURCE.read_text(encoding="utf-8")):
            if outcome.error is not None:
                raise SystemExit(outcome.error.render())
        worker.transactions.begin()
        world = worker.world
        bench = world.clone(world.lookup("CollectionBench"))
        world.send(bench, "prepare:", world.new_array(order))
        for name in names or by_hand:
            pieces = {"messages": lambda name=name: world.send(bench, name), "hand": by_hand[name]}
            if name in by_loop:
                pieces["loop"] = by_loop[name]
            times = least(pieces, turns)
            results[name] = (times["messages"], times["hand"], times.get("loop"))
        worker.close()
    return results


def main() -> int:
    from batos.interp import deep

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    results = deep(lambda: measure(options.names, options.turns))
    print(f"{'10^5 elements':24} {'messages':>10} {'by hand':>10}  ratio   to a plain loop")
    for name, (messages, hand, loop) in results.items():
        plain = f"{messages / loop:10.2f}" if loop is not None else ""
        print(f"{name:24} {messages * 1e3:8.2f}ms {hand * 1e3:8.2f}ms {messages / hand:6.2f}{plain}")
    largest = max(messages / hand for messages, hand, _ in results.values())
    print(f"largest ratio {largest:.2f}")
    return 0 if largest <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
