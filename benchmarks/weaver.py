"""Throughput through the CognitiveWeaver against the same load sent straight to the server.

    python -m benchmarks.weaver [--server NAME|URL|URL=KEYFILE]

Both sides send the same questions with the same facets from as many threads; straight is one httpx.Client for each
thread, connected already, with the adapters loaded beforehand. Rounds alternate, so that what else the machine does
falls on both. The last line is `share N`, throughput through the Weaver over throughput straight, the median of the
rounds; 0.95 is what is asked of it on a model. `--side-by-side SECONDS` has half of the clients ask straight and half
through the Weaver at the same time, and its share is the last: the one to believe on a busy machine.

Without a server (named, or run by `batos serve-model`) two doubles in processes of their own, which answer after the
time that a model would take (`--delay`), and at once. At once there is no model to hide behind: what is left is the
cost of a request itself (processor time of this process, microseconds), a lower bound and no promise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from batos.jit.engine import Message, Options
from batos.jit.http_client import Place, place_of
from batos.jit.server import chat_body
from batos.jit.serving.servers import find_server
from batos.jit.settings import Settings
from batos.jit.weaver.cognitive import CognitiveWeaver
from batos.jit.weaver.library import Library
from batos.jit.weaver.opening import open_weaver, running
from batos.jit.weaver.timing import QUESTIONS, Timed, run
from batos.jit.weaver.vllm import VllmLink

ROOT = Path(__file__).parents[1]
DOUBLE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from tests.serving import double as d
delay = float(sys.argv[2])
answer = d._Answers._answer
def slowly(self, body, model):
    time.sleep(delay)
    return answer(self, body, model)
if delay:
    d._Answers._answer = slowly
with d.Double(key="bench") as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@dataclass
class Case:
    """One server with the facets it is asked for."""

    title: str
    place: Place
    weaver: CognitiveWeaver
    names: list[str]
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def client(self, thread: str) -> httpx.Client:
        """A thread's own, made once: to make one takes as long as many requests."""
        if thread not in self.clients:
            self.clients[thread] = httpx.Client(headers=self.place.headers, timeout=120, trust_env=False)
        return self.clients[thread]


def straight(case: Case, clients: int, requests: int, options: Options) -> Timed:
    """The same without the Weaver: a client a thread, the adapters named as they are loaded."""
    return run(clients, requests, asking_straight(case, options))


def asking_straight(case: Case, options: Options) -> Callable[[int], int]:
    def ask(number: int) -> int:
        client = case.client(threading.current_thread().name)
        body = chat_body(case.names[number % len(case.names)], _question(number), options, stream=False)
        reply = client.post(f"{case.place.url}/v1/chat/completions", json=body)
        reply.raise_for_status()
        return int(reply.json()["usage"]["completion_tokens"])

    return ask


def through(case: Case, clients: int, requests: int, options: Options) -> Timed:
    return run(clients, requests, asking_weaver(case, options))


def asking_weaver(case: Case, options: Options) -> Callable[[int], int]:
    def ask(number: int) -> int:
        return case.weaver.complete(case.names[number % len(case.names)], _question(number), options).tokens

    return ask


def side_by_side(case: Case, clients: int, tokens: int, seconds: float) -> float:
    """Half of the clients straight, half through the Weaver, at the same time at the same server: whatever else the
    machine does, it does to both. Answers of the one side over answers of the other."""
    options, until = Options(max_tokens=tokens), time.monotonic() + seconds
    sides = [asking_straight(case, options), asking_weaver(case, options)]
    counts = [0] * clients

    def client(number: int) -> None:
        ask, turn = sides[number % 2], number
        while time.monotonic() < until:
            ask(turn)
            counts[number] += 1
            turn += 1

    threads = [threading.Thread(target=client, args=(n,), name=f"client-{n}", daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    direct, woven = sum(counts[::2]), sum(counts[1::2])
    print(f"\n{case.title}, side by side for {seconds:.0f} s: {direct} answers straight, {woven} through the Weaver")
    print(f"  share {woven / direct:.3f}")
    return woven / direct


def measure(case: Case, clients: int, requests: int, tokens: int, rounds: int) -> float:
    """Alternating rounds; prints both sides and answers the share."""
    options = Options(max_tokens=tokens)
    for name in case.names:
        case.weaver.load(name)
        case.weaver.complete(name, _question(0), options)
    for number in range(clients):
        case.client(f"client-{number}")
    sides: dict[str, Callable[..., Timed]] = {"straight": straight, "weaver": through}
    rates: dict[str, list[float]] = {side: [] for side in sides}
    costs: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sorted(sides, reverse=bool(number % 2)):
            began = time.process_time()
            timed = sides[side](case, clients, requests, options)
            costs[side].append((time.process_time() - began) / requests * 1e6)
            if timed.failed:
                raise SystemExit(f"{side}: {len(timed.failed)} failed, the first: {timed.failed[0]}")
            rates[side].append(len(timed.took) / timed.seconds)
    share = statistics.median(a / b for a, b in zip(rates["weaver"], rates["straight"], strict=True))
    shown = {side: f"{statistics.median(each):.2f} a second (of {rounds}: {min(each):.2f} to {max(each):.2f})"
             for side, each in rates.items()}  # fmt: skip
    print(f"\n{case.title}: {clients} clients, {len(case.names)} facets, {requests} requests of {tokens} tokens each")
    print(f"  straight  {shown['straight']}\n  weaver    {shown['weaver']}")
    cost = {side: f"{statistics.median(each):.0f}" for side, each in costs.items()}
    print(f"  a request costs {cost['weaver']} microseconds of processor time, straight {cost['straight']}")
    print(f"  share {share:.3f}")
    return share


def _question(number: int) -> tuple[Message, ...]:
    return (Message("user", QUESTIONS[number % len(QUESTIONS)]),)


def real(entry: str, adapters: Path | None, stack: ExitStack) -> Case:
    """A server that is there, with the first four adapters of a folder (the twelve of the tests unless told)."""
    folder = adapters or ROOT / "tests" / "serving" / "twelve"
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for path in folder.glob("*@*"):
        (copy / path.name).symlink_to(path) if path.is_dir() else (copy / path.name).write_bytes(path.read_bytes())
    server = find_server(entry)
    weaver = open_weaver(Settings(weaver=(entry,), adapters=copy, patience=60.0), _no_model)
    stack.callback(weaver.close)
    names = [facet.name for facet in weaver.facets() if not facet.name.startswith("jit@")][: server.max_loras]
    return Case(f"vLLM {server.name}", place_of(server.url, server.key()), weaver, names)


def double(delay: float, stack: ExitStack) -> Case:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    sys.path.insert(0, str(ROOT))
    from tests.serving.facets import TINY, put, small_lora, tiny_base

    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps(TINY))
    names = [put(folder / "adapters", f"facet{i}", small_lora(tiny_base(), seed=i + 1)) for i in range(4)]
    process = subprocess.Popen(
        [sys.executable, "-c", DOUBLE, str(ROOT), str(delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    stack.callback(process.wait)
    stack.callback(process.stdin.close)
    place = place_of(process.stdout.readline().strip(), "bench")
    links: list[VllmLink] = []

    def link(http: Any) -> list[VllmLink]:
        if not links:
            links.append(VllmLink(http, lambda: place, model=folder / "model"))
        return links

    weaver = CognitiveWeaver(Library([folder / "adapters"]), link)
    stack.callback(weaver.close)
    title = f"a double that answers after {delay * 1000:.0f} ms" if delay else "a double that answers at once"
    return Case(title, place, weaver, names)


def _no_model() -> Any:
    raise SystemExit("no server was named, and none runs: batos serve-model")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weaver", description=str(__doc__).split("\n")[0])
    parser.add_argument("--server", default=next(iter(running()), ""), help="NAME, URL or URL=KEYFILE")
    parser.add_argument("--adapters", type=Path, help="a folder of adapters for that server's base")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=32, help="a round")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side-by-side", type=float, default=0.0, metavar="SECONDS", help="both at the same time, too")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds that the slow double takes")
    given = parser.parse_args()
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {now}")
    with ExitStack() as stack:
        if given.server:
            case = real(given.server, given.adapters, stack)
            share = measure(case, given.clients, given.requests, given.tokens, given.rounds)
            if given.side_by_side:
                share = side_by_side(case, given.clients, given.tokens, given.side_by_side)
        else:
            measure(double(0.0, stack), given.clients, 10 * given.requests, given.tokens, given.rounds)
            share = measure(double(given.delay, stack), given.clients, 4 * given.requests, given.tokens, given.rounds)
    print(f"\nshare {share:.3f}")


if __name__ == "__main__":
    main()
