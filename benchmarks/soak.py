"""A kernel under load for a long time: does its memory stay flat, does it stay as fast, does anything fail?

    python -m benchmarks.soak [--minutes M] [--clients N] [--picture FILE.png]

The clients send what people and programs send: reads, writes to objects of their own, shared counters, queues and
dictionaries, statements that are never the same twice, blocks that are stored, errors, methods that are redefined,
pages, completions, state events, sessions that come and go, an undo now and then. The data stay bounded, so memory has
no reason to grow. Every half minute a line: resident memory of the kernel, messages a second, size of the image.

Flat means: the median of the last fifth is at most 5 % above that of the second fifth (the first is warming up). Exit
status 0 if it is, and no message failed that should not. Last line: `soak GROWTH` in percent.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from batos.bridge.async_client import AsyncClient
from batos.bridge.core import BridgeProblem
from batos.bridge.covenant import Complete, Data, Inspect, Status, Subscribe, Undo, Unsubscribe

SETUP = """
Hits := SharedCounter new.
Line := SharedQueue new.
Table := SharedDictionary new.
Shape := Object clone.
Shape setSlot: 'side' value: 1.
Shape >> area [ ^side * side ].
Kept := Object clone.
1 to: 20 do: [:n | Kept setSlot: 'block' , n printString value: nil].
Big := OrderedCollection new.
1 to: 5000 do: [:n | Big add: n].
"""
EVERY = 30.0  # seconds between lines


class Load:
    """What the clients count together."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.messages = self.events = 0
        self.wrong: Counter[str] = Counter()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until


async def say(client: AsyncClient, load: Load, source: str, wanted: str = "") -> str | None:
    """One message; `wanted` is the code of the error it is to end with."""
    done = await client.evaluate(source, timeout=120)
    load.messages += 1
    outcome = done.outcomes[-1]
    code = outcome.error.code if outcome.error is not None else ""
    if code != wanted:
        load.wrong[f"{code or 'no error'}: {source[:60]}"] += 1
    return outcome.printed


async def one_client(number: int, endpoint: str, load: Load) -> None:
    chance = random.Random(number)
    mine = f"Mine{number}"
    while load.goes_on:  # a session, which ends and begins anew
        async with AsyncClient(endpoint, f"soak {number}", patience=30.0) as client:

            def came(event: object) -> None:
                load.events += 1

            client.on_event = came
            await say(client, load, f"{mine} := Shape clone. {mine} setSlot: #side value: {number}")
            handle = (await client.evaluate(mine)).outcomes[0].handle
            assert handle is not None
            await client.call(Subscribe(topics=[handle]))
            for turn in range(400):
                if not load.goes_on:
                    break
                fresh = chance.getrandbits(40)
                match chance.randrange(14):
                    case 0 | 1:
                        await say(client, load, "Hits increase")
                    case 2:
                        await say(client, load, f"{mine} side: {turn}. {mine} area")
                    case 3:
                        await say(client, load, f"Table at: {fresh % 500} put: {turn}")
                    case 4:
                        await say(client, load, f"Line add: {turn}. Line nextIfAbsent: [nil]")
                    case 5:
                        await say(client, load, f"(1 to: 20) inject: {fresh} into: [:a :b | a + b]")
                    case 6:
                        await say(client, load, f"Kept setSlot: 'block{fresh % 20 + 1}' value: [:x | x + {fresh}]")
                    case 7:
                        block = f"Kept getSlot: 'block{fresh % 20 + 1}'"
                        await say(client, load, f"({block}) isNil ifTrue: [0] ifFalse: [({block}) value: 3]")
                    case 8:
                        await say(client, load, f"{fresh} foo{fresh % 1000}", "not-understood")
                    case 9:
                        await client.call(Inspect(start=fresh % 100))
                        await client.call(Complete(source="Shape ar", position=8))
                        load.messages += 2
                    case 10:
                        await say(client, load, "Big collect: [:x | x * 2]")
                    case 11 if fresh % 20 == 0:
                        await say(client, load, f"Shape >> area [ ^side * side + {fresh % 3} ]")
                    case 12 if fresh % 20 == 0:
                        await say(client, load, f"{mine} side: {fresh}")
                        try:
                            await client.call(Undo())
                        except BridgeProblem as problem:  # others have written meanwhile
                            if problem.code != "cannot-undo":
                                load.wrong[problem.code] += 1
                        load.messages += 1
                    case _:
                        await say(client, load, "3 + 4")
            await client.call(Unsubscribe())


async def watch(kernel: subprocess.Popen[str], endpoint: str, load: Load, image: Path) -> list[tuple[float, float]]:
    """A line every half minute; (seconds, megabytes) of what was seen every few seconds."""
    began = time.monotonic()
    seen: list[tuple[float, float]] = []
    last_line, last_messages = began, 0
    print("minute    memory   messages/s      image   sessions   events", flush=True)
    async with AsyncClient(endpoint, "soak watcher", patience=30.0) as client:
        while load.goes_on and kernel.poll() is None:
            await asyncio.sleep(2.0)
            now = time.monotonic()
            seen.append((now - began, resident(kernel.pid)))
            if now - last_line >= EVERY:
                status = await client.call(Status(), timeout=60)
                assert isinstance(status, Data)
                rate = (load.messages - last_messages) / (now - last_line)
                print(
                    f"{(now - began) / 60:6.1f} {seen[-1][1]:6.1f} MB {rate:12.0f}"
                    f" {image.stat().st_size / 1e6:7.1f} MB {len(status.data['sessions']):10} {load.events:8}",
                    flush=True,
                )
                last_line, last_messages = now, load.messages
    return seen


def resident(pid: int) -> float:
    """Megabytes of memory that a process has in use."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def draw(seen: list[tuple[float, float]], path: str) -> None:
    try:
        import matplotlib
    except ImportError:
        print("no picture: matplotlib is not there (pip install matplotlib)")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3), layout="constrained")
    axes.plot([seconds / 60 for seconds, _ in seen], [size for _, size in seen], linewidth=1.2)
    axes.set(xlabel="minutes", ylabel="resident memory (MB)", ylim=(0, None), title="A kernel under load")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    print(f"picture: {path}")


async def soak(kernel: subprocess.Popen[str], endpoint: str, clients: int, minutes: float, image: Path) -> tuple:  # type: ignore[type-arg]
    async with AsyncClient(endpoint, "soak setup") as client:
        done = await client.evaluate(SETUP, timeout=120)
        assert not done.failed, done
    load = Load(time.monotonic() + minutes * 60)
    watcher = asyncio.create_task(watch(kernel, endpoint, load, image))
    await asyncio.gather(*(one_client(number, endpoint, load) for number in range(clients)))
    seen = await watcher
    async with AsyncClient(endpoint, "soak end") as client:
        total = (await client.evaluate("Hits value")).outcomes[0].printed
    return seen, load, total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--picture", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        image = Path(folder, "soak.fs")
        command = [sys.executable, "-m", "batos.kernel", str(image), "--listen", f"ipc://{folder}/s"]
        kernel = subprocess.Popen([*command, "--workers", str(chosen.workers)], stdout=subprocess.PIPE, text=True)
        try:
            assert kernel.stdout is not None
            endpoint = kernel.stdout.readline().split()[1]
            seen, load, total = asyncio.run(soak(kernel, endpoint, chosen.clients, chosen.minutes, image))
            alive = kernel.poll() is None
        finally:
            kernel.terminate()
            status = kernel.wait(60)
    sizes = [size for _, size in seen]
    fifth = max(1, len(sizes) // 5)
    early, late = statistics.median(sizes[fifth : 2 * fifth] or sizes), statistics.median(sizes[-fifth:])
    growth = 100 * (late / early - 1)
    if chosen.picture:
        draw(seen, chosen.picture)
    print(f"{load.messages} messages, {load.events} events; Hits {total}; failed: {dict(load.wrong) or 'none'}")
    print(f"kernel {'alive' if alive else 'DEAD'}, ended with status {status}")
    print(f"memory: {early:.1f} MB in the second fifth, {late:.1f} MB in the last")
    print(f"soak {growth:+.1f}")
    return 0 if alive and status == 0 and not load.wrong and growth <= 5.0 else 1


if __name__ == "__main__":
    sys.exit(main())
