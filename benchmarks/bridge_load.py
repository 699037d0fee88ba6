"""Many clients at one kernel, reading and writing: how long each waits, and whether anybody starves.

    python -m benchmarks.bridge_load [--clients N] [--seconds S]

Every client sends one message after another; each fifth is a write (a commit with its fsync), to an object of its own.
Then a bare loop of ZODB commits on the same disk, one after another, for the ratio. Last line: `commits RATIO` (kernel
to bare loop).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time

from batos.bridge.async_client import AsyncClient


async def client(number: int, endpoint: str, until: float, reads: list[float], writes: list[float]) -> int:
    done = 0
    async with AsyncClient(endpoint, f"load {number}") as link:
        await link.evaluate(f"Load{number} := Object clone. Load{number} setSlot: 'n' value: 0", timeout=120)
        while time.perf_counter() < until:
            source, times = (f"Load{number} n: {done}", writes) if done % 5 == 0 else ("3 + 4", reads)
            begin = time.perf_counter()
            answer = await link.evaluate(source, timeout=120)
            times.append(time.perf_counter() - begin)
            assert not answer.failed, answer
            done += 1
    return done


def bare_commits(folder: str, seconds: float) -> float:
    """Commits a second of one changed object, with nothing of ours around."""
    import transaction
    import ZODB.FileStorage
    from persistent.mapping import PersistentMapping

    db = ZODB.DB(ZODB.FileStorage.FileStorage(f"{folder}/bare.fs"))
    manager = transaction.TransactionManager()
    thing = PersistentMapping()
    connection = db.open(manager)
    connection.root()["thing"] = thing
    manager.commit()
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        thing["n"] = count
        manager.commit()
        count += 1
    took = time.perf_counter() - begin
    connection.close()
    db.close()
    return count / took


def row(name: str, times: list[float], seconds: float) -> str:
    ordered = sorted(times)
    p50, p99 = statistics.median(ordered) * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3
    return f"{name:7} {len(times) / seconds:8.0f} a second   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms"


async def load(clients: int, endpoint: str, seconds: float) -> tuple[list[int], list[float], list[float]]:
    reads: list[float] = []
    writes: list[float] = []
    until = time.perf_counter() + seconds
    counts = await asyncio.gather(*(client(n, endpoint, until, reads, writes) for n in range(clients)))
    return counts, reads, writes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        command = [sys.executable, "-m", "batos.kernel", f"{folder}/i.fs", "--listen", f"ipc://{folder}/s"]
        kernel = subprocess.Popen([*command, "--workers", str(chosen.workers)], stdout=subprocess.PIPE, text=True)
        try:
            assert kernel.stdout is not None
            endpoint = kernel.stdout.readline().split()[1]
            counts, reads, writes = asyncio.run(load(chosen.clients, endpoint, chosen.seconds))
        finally:
            kernel.terminate()
            kernel.wait(30)
        bare = bare_commits(folder, min(chosen.seconds, 5.0))
    print(row("reads", reads, chosen.seconds))
    print(row("writes", writes, chosen.seconds))
    print(f"messages of a client: least {min(counts)}, most {max(counts)}, of {chosen.clients} clients")
    print(f"bare ZODB commits: {bare:.0f} a second")
    print(f"commits {len(writes) / chosen.seconds / bare:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
