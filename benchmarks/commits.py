"""Commits a second: a bare ZODB loop, a worker without a kernel, and a kernel with several clients, in one run.

    python -m benchmarks.commits [--seconds S] [--profile]

`bare` changes one persistent object and commits, with nothing of ours around. `worker` evaluates `Thing n: K` on an
image, each a message with its commit. `kernel` has eight clients send the same to objects of their own. `receipts` is
that kernel with receipts. All on one disk, with its fsync; turns alternate, so that a noisy disk is noisy for all.
`--profile` shows what the worker's message spends its time on. Last line: `commits RATIO`, kernel to bare.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from batos.bridge.async_client import AsyncClient

CLIENTS = 8
SETUP = "Thing := Object clone. Thing setSlot: 'n' value: 0"


def bare(folder: str) -> tuple[Callable[[float], float], Callable[[], None]]:
    import transaction
    import ZODB.FileStorage
    from persistent.mapping import PersistentMapping

    db = ZODB.DB(ZODB.FileStorage.FileStorage(f"{folder}/bare.fs"))
    manager = transaction.TransactionManager()
    connection = db.open(manager)
    thing = connection.root()["thing"] = PersistentMapping()
    manager.commit()

    def run(seconds: float) -> float:
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            thing["n"] = count
            manager.commit()
            count += 1
        return count / (time.perf_counter() - begin)

    def close() -> None:
        connection.close()
        db.close()

    return run, close


def worker(folder: str) -> tuple[Callable[..., float], Callable[[], None]]:
    from batos.image import open_image
    from batos.interp import Worker, deep

    image = open_image(f"{folder}/worker.fs")
    one = Worker(image)
    one.evaluate(SETUP)

    def loop(seconds: float, watched: Any) -> float:
        begin, count = time.perf_counter(), 0
        if watched is not None:
            watched.enable()
        while time.perf_counter() - begin < seconds:
            one.evaluate("Thing n: Thing n + 1")
            count += 1
        if watched is not None:
            watched.disable()
        return count / (time.perf_counter() - begin)

    def run(seconds: float, watched: Any = None) -> float:
        return float(deep(lambda: loop(seconds, watched)))  # on a worker's stack, as in a kernel

    def close() -> None:
        one.close()
        image.close()

    return run, close


class Kernel:
    """A kernel in a process of its own."""

    def __init__(self, folder: str, *options: str) -> None:
        name = f"kernel{len(options)}"
        command = [sys.executable, "-m", "batos.kernel", f"{folder}/{name}.fs", "--listen", f"ipc://{folder}/{name}"]
        self.process = subprocess.Popen([*command, "--workers", "4", *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.endpoint = self.process.stdout.readline().split()[1]

    def run(self, seconds: float) -> float:
        return asyncio.run(self._run(seconds))

    async def _run(self, seconds: float) -> float:
        counts = [0] * CLIENTS
        until = [0.0]

        async def client(number: int) -> None:
            async with AsyncClient(self.endpoint, f"commits {number}") as link:
                done = await link.evaluate(SETUP.replace("Thing", f"Thing{number}"), timeout=60)
                assert not done.failed
                started.append(number)
                while len(started) < CLIENTS:
                    await asyncio.sleep(0.01)
                until[0] = until[0] or time.perf_counter() + seconds
                while time.perf_counter() < until[0]:
                    done = await link.evaluate(f"Thing{number} n: Thing{number} n + 1", timeout=60)
                    assert not done.failed, done
                    counts[number] += 1

        started: list[int] = []
        await asyncio.gather(*map(client, range(CLIENTS)))
        return sum(counts) / seconds

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def profile(folder: str) -> None:
    import cProfile
    import pstats

    run, close = worker(folder)
    run(1.0)
    watched = cProfile.Profile()
    run(5.0, watched)
    pstats.Stats(watched).sort_stats("tottime").print_stats(30)
    close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        if chosen.profile:
            profile(folder)
            return 0
        kernel, receipts = Kernel(folder), Kernel(folder, "--receipts")
        kinds: dict[str, Any] = {"bare": bare(folder), "worker": worker(folder)}
        kinds["kernel"], kinds["receipts"] = (kernel.run, kernel.close), (receipts.run, receipts.close)
        found: dict[str, list[float]] = {name: [] for name in kinds}
        try:
            for _ in range(chosen.turns):
                for name, (run, _) in kinds.items():
                    found[name].append(run(chosen.seconds))
        finally:
            for _, close in kinds.values():
                close()
    middle = {name: statistics.median(rates) for name, rates in found.items()}
    for name, rate in middle.items():
        print(f"{name:9} {rate:8.0f} commits a second   {rate / middle['bare']:5.2f} x bare")
    print(f"commits {middle['kernel'] / middle['bare']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
