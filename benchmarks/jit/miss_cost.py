"""What a miss costs outside the model, and what a trial costs: `python benchmarks/jit/miss_cost.py`.

Prints the p50 and p95 of a trial from a warm zygote (processor and wall), the share of a miss's wall time that is not
the model's with the embedded model, and the ratio of a send answered by a model's method to the same by hand.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from batos.image import open_image
from batos.interp import Worker
from batos.jit.gates.trial import TrialRun, trial_gate
from batos.jit.gates.verdict import Candidate
from batos.jit.sandbox.client import Sandbox
from batos.jit.settings import read_settings
from batos.jit.weave import Weaver

BANK = """Account := Object clone.
Account setSlot: 'balance' value: 0.
Account >> deposit: amount [ balance := balance + amount. ^self ].
savings := Account clone.
savings deposit: 70."""
BODY = "def withdraw_(self, amount):\n    self.balance = self.balance - amount\n    return self\n"
HAND = "Account >> take: amount ```python\n    self.balance = self.balance - amount\n    return self\n```"


def trials(worker: Worker, count: int = 60) -> None:
    account = worker.transact(lambda world: world.lookup("Account")._p_oid)
    sandbox = Sandbox(worker.image.db)
    gate = trial_gate(sandbox, TrialRun(account, "savings withdraw: 30", "default"), "model:benchmark")
    candidate = Candidate("withdraw:", "withdraw_", ("amount",), BODY)
    gate(candidate)
    walls, cpus = [], []
    for _ in range(count):
        started = time.perf_counter()
        verdict = gate(candidate)
        walls.append(time.perf_counter() - started)
        cpus.append(verdict.details["cpu"])
        assert verdict.passed, verdict.reason
    sandbox.close()
    walls.sort()
    print(f"trial: p50 {walls[count // 2] * 1e3:.1f} ms, p95 {walls[int(count * 0.95)] * 1e3:.1f} ms wall; "
          f"p50 {statistics.median(cpus) * 1e3:.1f} ms processor of the child", flush=True)  # fmt: skip


def misses(worker: Worker, weaver: Weaver) -> None:
    spent: dict[str, float] = {}
    shares = []
    for number, selector in enumerate(("withdraw", "spend", "drain", "pay", "reduce")):
        before = time.perf_counter()
        outcome = worker.evaluate(f"savings {selector}: 1", policy="auto")[-1]
        wall = time.perf_counter() - before
        if outcome.error is not None:
            print(f"  {selector}: refused: {outcome.error.message}")
            continue
        story = worker.transact(lambda world, s=selector: vars(vars(world.lookup("Account"))[f"{s}:"])["provenance"])
        model = story["model_seconds"]
        if number:  # the first loads the model
            shares.append((wall - model) / wall)
        spent[selector] = wall
        print(f"  {selector}: {wall:.2f} s, of which the model {model:.2f} s", flush=True)
    print(f"miss to installed: median {statistics.median(spent.values()):.2f} s; "
          f"outside the model {statistics.median(shares):.1%} of it", flush=True)  # fmt: skip


def second_sends(worker: Worker) -> None:
    assert worker.evaluate(HAND)[-1].error is None
    by_hand, by_model = [], []
    for _ in range(7):
        for selector, times in (("take", by_hand), ("withdraw", by_model)):
            started = time.perf_counter()
            assert worker.evaluate(f"1 to: 200000 do: [:i | savings {selector}: 1]")[-1].error is None
            times.append(time.perf_counter() - started)
    print(f"send answered by a model's method / by hand: {min(by_model) / min(by_hand):.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, open_image(Path(folder) / "bank.fs") as image:
        weaver = Weaver(read_settings(policy="auto"))
        worker = Worker(image, misses=weaver)
        worker.evaluate(BANK)
        trials(worker)
        misses(worker, weaver)
        second_sends(worker)
        worker.close()
        weaver.close()


if __name__ == "__main__":
    main()
