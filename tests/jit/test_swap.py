"""AtomicSwap: whatever step fails, what was there before is whole, for every worker and after a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transaction
from ZODB.POSException import POSError

from batos.image import Image, ledger, open_image
from batos.image.object import own_slots
from batos.image.shared import Epoch
from batos.interp import Worker, World
from batos.interp.families import Families
from batos.jit import swap as swapping
from batos.jit.errors import SwapRefused
from batos.jit.swap import ABSENT, Swap, install, revert

from .conftest import BANK, last, oid_of

NEW = "def deposit_(self, amount):\n    self.balance = self.balance + amount * 100\n    return self\n"


class Injected(Exception):
    """The failure of a step."""


def fails(*_: Any, **__: Any) -> Any:
    raise Injected


def then_fails(real: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **options: Any) -> Any:
        real(*args, **options)
        raise Injected

    return run


STEPS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before anything": lambda patch: patch.setattr(swapping, "current_version", fails),
    "when the method is made": lambda patch: patch.setattr(swapping, "Method", fails),
    "when the question is ticked off": lambda patch: patch.setattr(ledger, "remember", fails),
    "before it is defined": lambda patch: patch.setattr(World, "define", fails),
    "after it was defined": lambda patch: patch.setattr(World, "define", then_fails(World.define)),
    "when its slot is written": lambda patch: patch.setattr(Families, "set_slot", fails),
    "when the epoch moves": lambda patch: patch.setattr(Epoch, "move", then_fails(Epoch.move)),
    "before the commit": lambda patch: patch.setattr(transaction.TransactionManager, "commit", fails),
    "when the storage votes": lambda patch: patch.setattr("ZODB.Connection.Connection.tpc_vote", fails),
    "when the storage writes": lambda patch: patch.setattr("ZODB.Connection.Connection.commit", fails),
}


def swap_of(bank: Worker) -> Swap:
    account = oid_of(bank, "Account")
    expected = bank.transact(lambda world: own_slots(world.lookup("Account"))["deposit:"]._p_oid)
    return Swap(account, "deposit:", NEW, "model:x", expected=expected)


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_at_any_step_leaves_the_old_behaviour_whole(
    step: str, bank: Worker, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Worker(image, name="other")
    assert last(other, "savings deposit: 1; balance").printed == "71"
    swap = swap_of(bank)
    before = image.db.lastTransaction()
    with monkeypatch.context() as patch:
        STEPS[step](patch)
        with pytest.raises((Injected, POSError)):
            install(bank, swap)
    assert image.db.lastTransaction() == before, "nothing was committed"
    for worker in (bank, other, fresh := Worker(image, name="fresh")):
        assert last(worker, "(Account clone) deposit: 5; balance").printed == "5", worker.name
    assert bank.transact(lambda world: own_slots(own_slots(world.lookup("Account"))["deposit:"])["before*"]) == ()
    assert last(bank, "savings deposit: 1; balance").printed == "72", "and it can still be written"
    install(bank, swap)
    assert last(other, "(Account clone) deposit: 5; balance").printed == "500"
    for worker in (other, fresh):
        worker.close()


def test_a_failed_install_is_gone_after_a_restart_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "restart.fs"
    with open_image(path) as image:
        worker = Worker(image)
        worker.evaluate(BANK)
        swap = swap_of(worker)
        with monkeypatch.context() as patch:
            STEPS["when the storage votes"](patch)
            with pytest.raises(Injected):
                install(worker, swap)
        worker.close()
    with open_image(path) as image:
        worker = Worker(image)
        assert last(worker, "savings deposit: 1; balance").printed == "71"
        worker.close()


def test_a_failed_revert_leaves_the_new_behaviour_whole(bank: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    swap = swap_of(bank)
    install(bank, swap)
    for step in ("before it is defined", "after it was defined", "when the epoch moves", "when the storage votes"):
        with monkeypatch.context() as patch:
            STEPS[step](patch)
            with pytest.raises(Injected):
                revert(bank, swap.prototype, "deposit:", "ann")
        assert last(bank, "(Account clone) deposit: 5; balance").printed == "500", step
    revert(bank, swap.prototype, "deposit:", "ann")
    assert last(bank, "(Account clone) deposit: 5; balance").printed == "5"


def test_what_was_reviewed_is_what_is_replaced(bank: Worker) -> None:
    swap = swap_of(bank)
    last(bank, "Account >> deposit: n [ ^n ]")
    with pytest.raises(SwapRefused, match="somebody else meanwhile"):
        install(bank, swap)
    with pytest.raises(SwapRefused, match="holds data"):
        install(bank, Swap(swap.prototype, "balance", NEW, "model:x", expected=ABSENT))
    assert last(bank, "savings deposit: 9").printed == "9"


def test_instances_and_running_loops_see_the_new_method_at_the_next_send(bank: Worker, image: Image) -> None:
    other = Worker(image, name="other")
    swap = swap_of(bank)
    seen: list[str] = []

    def between() -> None:
        seen.append(last(other, "savings deposit: 1; balance").printed)

    between()
    install(bank, swap)
    between()
    assert seen == ["71", "171"]
    last(bank, "kept := Account clone")
    change = "Account compile: 'deposit: n [ balance := balance + n. ^self ]'"
    loop = f"1 to: 4 do: [:i | i = 3 ifTrue: [{change}]. kept deposit: 1]"
    assert last(bank, loop).error is None
    assert last(bank, "kept balance").printed == "202", "twice the hundred, then twice the one"
    other.close()
