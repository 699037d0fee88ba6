"""`kill -9` at random moments, and a disk that is full: what was acknowledged is there, and no half of anything.

    python -m benchmarks.kills [--kills N] [--seed S]

A kernel serves deposits, several under way at a time, and is killed: most often in the middle of them, now and then
while it starts, and now and then after its disk has filled up (a limit on the size of its files), when it has refused
messages and should have kept the others. After each kill the balance must lie between what was acknowledged and what
was sent, and both halves of every deposit must be there. The image is checked after the last one.

Then a tenth as many kills with receipts, where the client sends again what was not answered: all that it ever sent
must be there exactly once. Exit status 0 if all is well.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from batos import kernel as kernel_module
from batos.bridge.client import Client
from batos.bridge.core import BridgeProblem
from batos.bridge.covenant import Done, Evaluate
from batos.image.check import check

BANK = """
Account := Object clone.
Account setSlot: 'balance' value: 0.
Savings := Account clone.
Cash := Account clone.
Savings balance: 0.
Cash balance: 0.
Account >> deposit: amount [ balance := balance + amount. Cash balance: Cash balance - amount. ^balance ]
"""
MOMENTS = ("deposits",) * 7 + ("start", "full disk")


def serve(image: str, ready: str, room: int | None, receipts: bool) -> None:
    """A kernel, in a process of its own; with `room`, for so many more bytes."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")
    if room is not None:
        size = os.path.getsize(image) + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    kernel_module.main(image, policy="off", ready_file=ready, receipts=receipts)


class Bank:
    """The image, and what is known of it."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.image, self.ready = folder / "bank.fs", folder / "ready"
        self.chance = chance
        self.known = self.maybe = 0  # deposits that were acknowledged, and sent besides
        self.refused: Counter[str] = Counter()
        # Forked from a process that has the imports behind it: a start then costs what opening the image costs.
        self.forks = multiprocessing.get_context("forkserver")
        self.forks.set_forkserver_preload(["batos.kernel", "batos.interp.worker"])

    def start(self, room: int | None = None, receipts: bool = False) -> Any:
        self.ready.unlink(missing_ok=True)
        process = self.forks.Process(target=serve, args=(str(self.image), str(self.ready), room, receipts))
        process.start()
        return process

    def wait(self, process: Any) -> str:
        while not self.ready.exists():
            if not process.is_alive():
                raise SystemExit("the kernel did not start")
            time.sleep(0.002)
        return self.ready.read_text().strip()

    def look(self, client: Client, turn: int) -> int:
        """The balance, which must fit."""
        balance, owed = (int(outcome.printed or "x") for outcome in run(client, "Savings balance. Cash balance"))
        if not self.known <= balance <= self.known + self.maybe:
            raise SystemExit(f"turn {turn}: {balance}, but {self.known} acknowledged and {self.maybe} more sent")
        if owed != -balance:
            raise SystemExit(f"turn {turn}: half a deposit: {balance} and {owed}")
        return balance

    def deposit_until_killed(self, client: Client, balance: int) -> None:
        self.known, self.maybe = balance, 0
        waiting = []
        try:
            while True:
                waiting.append(client.post(Evaluate(source="Savings deposit: 1")))
                self.maybe += 1
                if len(waiting) == 4:
                    done = client.wait(waiting.pop(0), 60)
                    assert isinstance(done, Done)
                    self.maybe -= 1
                    if done.failed:
                        self.refused[done.outcomes[0].error.code] += 1  # type: ignore[union-attr]
                    else:
                        self.known += 1
        except BridgeProblem:
            return


def run(client: Client, source: str) -> list[Any]:
    done = client.evaluate(source, timeout=60)
    assert not done.failed, [outcome.error for outcome in done.outcomes]
    return done.outcomes


def kill_at_random(bank: Bank, kills: int) -> Counter[str]:
    moments: Counter[str] = Counter()
    for turn in range(kills + 1):
        moment = bank.chance.choice(MOMENTS) if 0 < turn < kills else "deposits"
        if moment == "start":
            process = bank.start()
            time.sleep(bank.chance.uniform(0.0, 0.2))
            process.kill()
            process.join(30)
            moments[moment] += 1
            continue
        full = moment == "full disk"
        process = bank.start(bank.chance.randrange(4_000) if full else None)
        with_client = Client(bank.wait(process), patience=0.0)
        with_client.connect(30)
        if turn == 0:
            run(with_client, BANK)
        balance = bank.look(with_client, turn)
        if turn < kills:
            killer = threading.Timer(bank.chance.uniform(0.1 if full else 0.0, 0.4 if full else 0.15), process.kill)
            killer.start()
            bank.deposit_until_killed(with_client, balance)
            killer.join()
            moments[moment] += 1
        else:
            process.kill()
        with_client.close()
        process.join(30)
        process.close()
    return moments


def kill_and_resend(bank: Bank, kills: int) -> tuple[int, int]:
    """Deposits that were sent, and how many are there: the client sends on through every kill."""
    process = bank.start(receipts=True)
    endpoint = bank.wait(process)
    client = Client(endpoint, patience=60.0)
    client.connect(30)
    before = bank.look(client, -1)
    over = threading.Event()

    def killer() -> None:
        nonlocal process
        for _ in range(kills):
            time.sleep(bank.chance.uniform(0.05, 0.3))
            process.kill()
            process.join(30)
            process = bank.start(receipts=True)
            bank.wait(process)
        over.set()

    thread = threading.Thread(target=killer)
    thread.start()
    sent, waiting = 0, []
    while not over.is_set() or waiting:
        if not over.is_set():
            waiting.append(client.post(Evaluate(source="Savings deposit: 1")))
            sent += 1
        if len(waiting) >= 8 or over.is_set():
            done = client.wait(waiting.pop(0), 120)
            assert isinstance(done, Done) and not done.failed, done
    thread.join()
    found = [int(outcome.printed or "x") for outcome in run(client, "Savings balance. Cash balance")]
    client.close()
    process.kill()
    process.join(30)
    if found != [before + sent, -before - sent]:
        raise SystemExit(f"{sent} deposits were sent and acknowledged, but the balance went from {before} to {found}")
    return sent, found[0] - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default="deposits")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        bank = Bank(Path(folder), random.Random(chosen.seed))
        moments = kill_at_random(bank, chosen.kills)
        told = ", ".join(f"{count} in: {moment}" for moment, count in sorted(moments.items()))
        print(f"{sum(moments.values())} kills ({told}); {bank.known} deposits acknowledged, none lost, none halved")
        print(f"refused while the disk was full: {dict(bank.refused)}")
        sent, found = kill_and_resend(bank, max(1, chosen.kills // 10))
        print(f"with receipts, {max(1, chosen.kills // 10)} kills: {sent} deposits sent, {found} carried out")
        report = check(str(bank.image))
        print(report.render())
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if report.ok and bank.known else 1


if __name__ == "__main__":
    sys.exit(main())
