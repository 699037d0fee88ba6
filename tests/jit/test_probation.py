"""A method a model wrote that raises in its first sends is put back; one that does not costs what any other does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batos.image import ledger, open_image
from batos.image.object import own_slots
from batos.interp import Worker
from batos.jit.settings import Settings
from batos.jit.swap import Swap, install
from batos.jit.weave import Weaver

from .conftest import BANK, RIGHT, Scripted, Weave, last

DIVIDES = " return self.balance / amount\n"
RAISES = " if amount > self.balance:\n            raise ValueError('not enough')\n        return self\n"


def entry(worker: Worker) -> dict[str, Any]:
    return next(entry for _, _, entry in worker.transact(lambda world: list(ledger.all_remembered(world.root))))


def test_what_raises_is_put_back_and_not_asked_again_until_somebody_says_so(weave: Weave) -> None:
    engine = Scripted(DIVIDES, RIGHT)
    worker, weaver = weave(engine)
    assert last(worker, "savings share: 7", policy="auto").printed == "10.0"
    error = last(worker, "savings share: 0").error
    assert "divide a number by zero" in error.message
    assert "raised in its first 20 sends" in error.message and "nothing was there before it" in error.message
    assert last(worker, "savings share: 7").error.code == "not-understood"
    assert entry(worker)["state"] == "withdrawn" and "self.balance / amount" in entry(worker)["source"]
    asked = last(worker, "savings share: 7", policy="auto").error
    assert "asked again once somebody says so" in asked.message and len(engine.asked) == 1
    last(worker, "Account setSlot: 'more' value: 1")
    assert last(worker, "savings share: 7", policy="auto").error is not None, "another question does not say so"
    assert weaver.forget(worker, "share:") == 1
    assert last(worker, "savings share: 7", policy="auto").error is None


def test_what_was_there_before_is_there_again(weave: Weave) -> None:
    worker, _ = weave(Scripted(DIVIDES))
    last(worker, "savings share: 7", policy="auto")
    last(worker, "Account >> share: n [ ^42 ]")
    written = "def share_(self, amount):\n    return self.balance / amount\n"
    provenance = {"probation": 3, "engine": "x"}
    now = worker.transact(lambda world: own_slots(world.lookup("Account"))["share:"]._p_oid)
    account = worker.transact(lambda world: world.lookup("Account")._p_oid)
    install(worker, Swap(account, "share:", written, "model:x", expected=now, provenance=provenance))
    assert "again the one by" in last(worker, "savings share: 0").error.message
    assert last(worker, "savings share: 7").printed == "42"


def test_a_method_that_passes_its_sends_is_free_and_its_later_errors_are_its_own(weave: Weave) -> None:
    worker, _ = weave(Scripted(DIVIDES), Settings(probation=5))
    last(worker, "savings share: 7", policy="auto")
    last(worker, "1 to: 4 do: [:i | savings share: 1]")
    told = worker.transact(lambda world: own_slots(own_slots(world.lookup("Account"))["share:"])["provenance"])
    assert told["probation"] == "passed 5 sends"
    assert "probation" not in last(worker, "savings share: 0").error.message
    assert last(worker, "savings share: 7").printed == "10.0"


def test_other_workers_see_it_gone(weave: Weave, bank: Worker) -> None:
    worker, _ = weave(Scripted(DIVIDES))
    last(worker, "savings share: 7", policy="auto")
    assert last(bank, "savings share: 7").printed == "10.0"
    assert "nothing was there before it" in last(bank, "savings share: 0").error.message
    assert last(worker, "savings share: 7").error.code == "not-understood"


def test_a_restart_does_not_end_probation(fresh_image: Path) -> None:
    with open_image(fresh_image) as image:
        weaver = Weaver(Settings(), engine=Scripted(DIVIDES))
        worker = Worker(image, misses=weaver)
        worker.evaluate(BANK)
        last(worker, "savings share: 7", policy="auto")
        worker.close()
        weaver.close()
    with open_image(fresh_image) as image:
        worker = Worker(image)
        assert "raised in its first 20 sends" in last(worker, "savings share: 0").error.message
        assert last(worker, "savings share: 7").error.code == "not-understood"
        worker.close()


def test_an_error_that_the_program_handles_counts_unless_the_method_raises_on_purpose(weave: Weave) -> None:
    worker, _ = weave(Scripted(DIVIDES, RAISES))
    last(worker, "savings share: 7", policy="auto")
    last(worker, "savings check: 7", policy="auto")
    handled = last(worker, "[savings check: 100] on: Error do: [:e | 0]")
    assert handled.printed == "0" and last(worker, "savings check: 7").error is None
    handled = last(worker, "[savings share: 0] on: Error do: [:e | 0]")
    assert handled.printed == "0" and "Account>>share: is gone" in handled.transcript
    assert last(worker, "savings share: 7").error.code == "not-understood"


def test_runaway_recursion_counts_and_an_interrupt_does_not(weave: Weave) -> None:
    worker, _ = weave(Scripted(" if amount > 100:\n            return self.share_(amount)\n        return amount\n"))
    last(worker, "savings share: 7", policy="auto")
    assert last(worker, "savings share: 1000").error is not None
    assert last(worker, "savings share: 7").error.code == "not-understood"


@pytest.mark.parametrize("probation", [0, 10])
def test_after_probation_a_send_costs_what_a_hand_written_one_costs(weave: Weave, probation: int) -> None:
    """The function in the dispatch table is the compiled method itself: no wrapper is left."""
    worker, _ = weave(Scripted(RIGHT), Settings(probation=probation))
    last(worker, "savings withdraw: 1", policy="auto")
    last(worker, "1 to: 20 do: [:i | savings withdraw: 1]")
    world = worker.world
    functions = set(world.tables["withdraw:"].values()) | {world.globals["!withdraw:"]}
    names = {f.__qualname__ for f in functions if f is not None}
    assert names == {"withdraw_"}, names
