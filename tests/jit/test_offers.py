"""What is there already is offered before a model is asked: a method that fits, and the answer that waits."""

from __future__ import annotations

from batos.image import ledger
from batos.image.object import own_slots
from batos.interp import Worker
from batos.jit.proposal import Proposal

from .conftest import RIGHT, Says, Scripted, Weave, last

PURSE = """Purse := Object clone.
Purse setSlot: 'balance' value: 9.
Purse >> withdraw: n [ balance := balance - n. ^self ]"""
TANK = """Tank := Object clone.
Tank setSlot: 'level' value: 9.
Tank >> withdraw: n [ level := level - n. ^self ]"""


def provenance(worker: Worker) -> dict[str, object]:
    return dict(
        worker.transact(
            lambda world: own_slots(own_slots(world.lookup("Account"))["withdraw:"])["provenance"]  # type: ignore[arg-type]
        )
    )


def test_a_method_for_the_same_selector_whose_slots_fit_is_offered_first(weave: Weave) -> None:
    engine = Scripted()
    worker, _ = weave(engine)
    last(worker, PURSE)
    person = Says()
    assert last(worker, "savings withdraw: 30", policy="ask", approve=person).error is None
    assert last(worker, "savings balance").printed == "40" and engine.asked == []
    assert "Purse>>withdraw: answers it already" in person.shown[0].explanation
    told = provenance(worker)
    assert (told["engine"], told["recorded"]) == ("retrieved", "Purse>>withdraw:")
    assert [g["gate"] for g in told["gates"]][-2:] == ["trial", "properties"]  # type: ignore[attr-defined]


def test_one_whose_slots_do_not_fit_is_not(weave: Weave) -> None:
    engine = Scripted(RIGHT)
    worker, _ = weave(engine)
    last(worker, TANK)
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert len(engine.asked) == 1 and provenance(worker)["engine"] == "scripted"


def test_a_hint_instead_of_what_was_found_asks_the_model(weave: Weave) -> None:
    engine = Scripted(RIGHT)
    worker, _ = weave(engine)
    last(worker, PURSE)

    def person(proposal: Proposal) -> Says:
        return Says("retry", hint="not that one") if "already" in proposal.explanation else Says("yes")

    assert last(worker, "savings withdraw: 30", policy="ask", approve=person).error is None
    assert len(engine.asked) == 1 and provenance(worker)["engine"] == "scripted"


def test_the_same_miss_twice_reuses_the_first_answer(weave: Weave) -> None:
    engine = Scripted(RIGHT)
    worker, _ = weave(engine)
    nobody = Says("later")
    error = last(worker, "savings withdraw: 30", policy="ask", approve=nobody).error
    assert error is not None and "waits for somebody to approve it" in error.message
    again = Says("yes")
    assert last(worker, "savings withdraw: 30", policy="ask", approve=again).error is None
    assert len(engine.asked) == 1 and again.shown[0].code == nobody.shown[0].code
    assert "when it was asked before" in again.shown[0].explanation
    assert worker.transact(lambda world: list(ledger.all_remembered(world.root))) == [], "the question is answered"


def test_what_waits_and_what_was_refused_outlive_a_restart(weave: Weave, bank: Worker) -> None:
    engine = Scripted(RIGHT, " return True\n")
    worker, _ = weave(engine)
    last(worker, "savings withdraw: 30", policy="ask", approve=Says("later"))
    last(worker, "savings isRich", policy="ask", approve=Says("no"))
    other, _ = weave(engine)  # another process knows no more than the image does
    error = last(other, "savings isRich", policy="auto").error
    assert "you said no" in error.message and "not asked again" in error.message
    assert last(other, "savings withdraw: 30", policy="auto").error is None and len(engine.asked) == 2


def test_an_answer_that_waits_is_tested_again_before_it_is_installed(weave: Weave) -> None:
    engine = Scripted(RIGHT, *([" self.balance = self.balance - amount * 1\n        return self\n"] * 3))
    worker, _ = weave(engine)
    last(worker, "savings withdraw: 30", policy="ask", approve=Says("later"))
    last(worker, "Account example: 'a := Account clone. a deposit: 5. a withdraw: 2. a balance => 1'")
    error = last(worker, "savings withdraw: 30", policy="auto").error
    assert error is not None and "examples" in error.message and len(engine.asked) == 4
