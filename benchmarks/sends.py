"""What slots and sends cost, each as a ratio to the same thing in plain Python, measured in turn in one process.

    python -m benchmarks.sends

``seeds' __getattr__`` is the UvmObject of the seeds taken literally (Persistent with __getattr__): what families avoid.
``clean`` objects are loaded and unchanged, ``live`` ones new or changed (image/object.py).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from persistent import Persistent

TURNS = 20_000
ROUNDS = 60


class Plain:
    def __init__(self) -> None:
        self.x = 1

    def answer(self) -> Plain:
        return self


class Seed(Persistent):
    def __init__(self) -> None:
        self.x = 1

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def read(thing: Any) -> None:
    for _ in range(TURNS):
        thing.x  # noqa: B018  reading is what is measured


def call(thing: Any) -> None:
    for _ in range(TURNS):
        thing.answer()


def nothing(thing: Any) -> None:
    for _ in range(TURNS):
        pass


def best(pieces: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Least CPU seconds of each, the pieces taken in turn so that noise meets all alike."""
    least = dict.fromkeys(pieces, float("inf"))
    for _ in range(ROUNDS):
        for name, piece in pieces.items():
            start = time.thread_time()
            piece()
            least[name] = min(least[name], time.thread_time() - start)
    return least


def copy_of(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """The function with inline caches of its own: one that saw two types is slower with both."""
    from types import FunctionType

    return FunctionType(function.__code__.replace(), function.__globals__)


def measure() -> None:
    from batos.image import open_image
    from batos.interp import Worker

    with tempfile.TemporaryDirectory() as folder:
        image = open_image(str(Path(folder) / "sends.fs"))
        worker = Worker(image)
        worker.evaluate(
            "Thing := Object clone. Thing setSlot: 'x' value: 0. Thing >> answer [ ^self ]."
            "Thing >> reads [ 1 to: 20000 do: [:i | x] ]."
            "Thing >> sends: other [ 1 to: 20000 do: [:i | other answer] ]."
            "old := Thing clone. old x: 1."
        )
        world = worker.world
        clean = worker.evaluate("old")[-1].value
        worker.transactions.begin()
        live = world.clone(world.lookup("Thing"))
        live.x = 1
        plain, seed = Plain(), Seed()
        reads = {name: copy_of(read) for name in ("plain", "seed")}
        times = best(
            {
                "empty loop": lambda: nothing(plain),
                "Python attribute": lambda: reads["plain"](plain),
                "seeds' __getattr__": lambda: reads["seed"](seed),
                "slot, live": lambda: world.send(live, "reads"),
                "slot, clean": lambda: world.send(clean, "reads"),
                "Python method": lambda: call(plain),
                "send, live": lambda: world.send(live, "sends:", live),
                "send, clean": lambda: world.send(clean, "sends:", clean),
            }
        )
        worker.close()
        image.close()
    loop = times.pop("empty loop")
    base = {"slot": times["Python attribute"], "seeds": times["Python attribute"], "send": times["Python method"]}
    for name, seconds in times.items():
        nanoseconds = (seconds - loop) / TURNS * 1e9
        against = base.get(name.split("'")[0].split(",")[0])
        ratio = f"{(seconds - loop) / (against - loop):6.2f}" if against is not None else ""
        print(f"{name:22} {nanoseconds:7.1f} ns {ratio}")


def main() -> None:
    from batos.interp import deep

    deep(measure)


if __name__ == "__main__":
    main()
