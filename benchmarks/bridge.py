"""What the bridge and the kernel cost, as ratios to a bare pyzmq echo, in one run.

    python -m benchmarks.bridge [--messages N] [--rounds R]

The echo is a ROUTER in another process that sends back the very frame it got. `bridge` is our server with a handler
whose one thread answers at once; `kernel` is a real kernel on a scratch image that evaluates `3 + 4`. The three take
turns, so that a noisy machine is noisy for all of them. Last line: `round trip RATIO` (kernel to echo, medians).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable

import zmq

from batos.bridge.client import Client
from batos.bridge.covenant import Done, Evaluate, Outcome
from batos.bridge.server import Server
from batos.bridge.session import Request


def serve_echo(endpoint: str) -> None:
    socket = zmq.Context().socket(zmq.ROUTER)
    socket.bind(endpoint)
    while True:
        socket.send_multipart(socket.recv_multipart())


class Answering:
    """A handler whose one thread answers whatever it is asked."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Request] = queue.SimpleQueue()
        threading.Thread(target=self.work, daemon=True).start()

    def work(self) -> None:
        while True:
            request = self.jobs.get()
            command = request.command
            assert isinstance(command, Evaluate)
            request.finish(Done(outcomes=[Outcome(statement=command.source, printed="7")]))

    def start(self, request: Request) -> None:
        self.jobs.put(request)

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        raise ValueError("nothing to watch")

    def describe(self) -> dict[str, object]:
        return {}

    figures = describe

    def shutdown(self, now: bool) -> None:
        os._exit(0)


def serve_bridge(endpoint: str) -> None:
    asyncio.run(Server(endpoint, Answering()).run())


def start(what: str, endpoint: str, folder: str) -> subprocess.Popen[bytes]:
    if what == "kernel":
        command = ["-m", "batos.kernel", f"{folder}/bench.fs", "--listen", endpoint]
    else:
        command = ["-m", "benchmarks.bridge", "--serve", what, endpoint]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    path = endpoint.removeprefix("ipc://")
    while not os.path.exists(path):
        if process.poll() is not None:
            raise SystemExit(f"{what} did not start")
        time.sleep(0.01)
    return process


def median_microseconds(once: Callable[[], object], messages: int) -> float:
    times = []
    for _ in range(messages):
        begin = time.perf_counter()
        once()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def pipelined(client: Client, messages: int, window: int = 32) -> float:
    """Messages a second with up to `window` unanswered."""
    begin = time.perf_counter()
    waiting = []
    for _ in range(messages):
        waiting.append(client.post(Evaluate(source="3 + 4")))
        if len(waiting) >= window:
            client.wait(waiting.pop(0))
    for pending in waiting:
        client.wait(pending)
    return messages / (time.perf_counter() - begin)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=1000, help="round trips per turn")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", choices=["bridge", "kernel"], help="leave the other out")
    arguments.add_argument("--serve", nargs=2, metavar=("WHAT", "ENDPOINT"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.serve:
        {"echo": serve_echo, "bridge": serve_bridge}[chosen.serve[0]](chosen.serve[1])
        return
    kinds = [kind for kind in ("bridge", "kernel") if chosen.only in (None, kind)]
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        processes = {what: start(what, f"ipc://{folder}/{what}", folder) for what in ["echo", *kinds]}
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        echo = context.socket(zmq.DEALER)
        echo.connect(f"ipc://{folder}/echo")
        frame = b"x" * 115  # as long as a packed evaluate

        def bare() -> None:
            echo.send(frame)
            echo.recv()

        clients = {kind: Client(f"ipc://{folder}/{kind}", "bench") for kind in kinds}
        try:
            for client in clients.values():
                client.connect(30)
                for _ in range(200):
                    client.evaluate("3 + 4")
            found: dict[str, list[float]] = {"echo": [], **{kind: [] for kind in kinds}}
            for _ in range(chosen.rounds):
                found["echo"].append(median_microseconds(bare, chosen.messages))
                for kind, client in clients.items():
                    found[kind].append(median_microseconds(lambda c=client: c.evaluate("3 + 4"), chosen.messages))
            middle = {kind: statistics.median(times) for kind, times in found.items()}
            for kind, value in middle.items():
                print(f"{kind:8} {value:8.1f} us a round trip   {value / middle['echo']:5.2f} x echo")
            for kind, client in clients.items():
                print(f"{kind:8} {pipelined(client, chosen.messages * 3):8.0f} messages a second, pipelined")
            print(f"round trip {middle[kinds[-1]] / middle['echo']:.2f}")
        finally:
            for client in clients.values():
                client.close()
            echo.close(0)
            context.term()
            for process in processes.values():
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
