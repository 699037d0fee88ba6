"""kill -9 at 50 random moments of a run of deposits: what was acknowledged is there, and no half of anything."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from pathlib import Path

from batos import kernel as kernel_module
from batos.bridge.client import Client
from batos.bridge.core import KernelGone
from batos.bridge.covenant import Done, Evaluate
from batos.image.check import check

KILLS = 50
BANK = """
Account := Object clone.
Account setSlot: 'balance' value: 0.
Savings := Account clone.
Cash := Account clone.
Savings balance: 0.
Cash balance: 0.
Account >> deposit: amount [ balance := balance + amount. Cash balance: Cash balance - amount. ^balance ]
"""


def evaluate(client: Client, source: str) -> list[str | None]:
    done = client.evaluate(source, timeout=60)
    assert not done.failed, [outcome.error for outcome in done.outcomes]
    return [outcome.printed for outcome in done.outcomes]


def deposit_until_killed(client: Client) -> tuple[int, int]:
    """Deposits, several under way at a time; how many were acknowledged and how many sent when the kernel went."""
    acknowledged = sent = 0
    waiting = []
    try:
        while True:
            waiting.append(client.post(Evaluate(source="Savings deposit: 1")))
            sent += 1
            if len(waiting) == 4:
                done = client.wait(waiting.pop(0), 60)
                assert isinstance(done, Done) and not done.failed
                acknowledged += 1
    except KernelGone:
        return acknowledged, sent


def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(folder: Path) -> None:
    # Forked from a process that has the imports behind it: a start then costs what opening the image costs.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["batos.kernel", "batos.interp.worker"])
    image, ready = folder / "bank.fs", folder / "ready"
    chance = random.Random(os.environ.get("BATOS_TEST_SEED", "deposits"))
    known = total = 0
    for turn in range(KILLS + 1):
        ready.unlink(missing_ok=True)
        process = forks.Process(
            target=kernel_module.main, args=(str(image),), kwargs={"policy": "off", "ready_file": str(ready)}
        )
        process.start()
        while not ready.exists():
            assert process.is_alive()
            time.sleep(0.002)
        client = Client(ready.read_text().strip(), patience=0.0)
        client.connect(30)
        if turn == 0:
            evaluate(client, BANK)
        balance, owed = (int(text or "") for text in evaluate(client, "Savings balance. Cash balance"))
        assert known <= balance <= known + total, f"turn {turn}: {balance}, {known} acknowledged, {total} more sent"
        assert owed == -balance, f"turn {turn}: half a deposit"
        if turn < KILLS:
            killer = threading.Timer(chance.uniform(0.0, 0.12), process.kill)
            killer.start()
            acknowledged, sent = deposit_until_killed(client)
            killer.join()
            known, total = balance + acknowledged, sent - acknowledged
        else:
            process.kill()
        client.close()
        process.join(30)
        process.close()
    assert known > KILLS, "hardly a deposit came through: nothing was tested"
    report = check(str(image))
    assert report.ok, report.render()
