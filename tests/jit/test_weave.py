"""From a miss to an installed method, and all the ways in which it must not come to that."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from batos.image import Image
from batos.image.object import own_slots
from batos.interp import Worker
from batos.jit.errors import EngineDown
from batos.jit.proposal import Progress, Proposal
from batos.jit.settings import Settings
from batos.jit.swap import revert

from .conftest import RIGHT, Says, Scripted, Weave, last, oid_of

INVENTED = " self.volume = self.volume - amount\n        return self\n"


def method(worker: Worker, selector: str = "withdraw:") -> dict[str, Any]:
    return dict(worker.transact(lambda world: dict(own_slots(own_slots(world.lookup("Account"))[selector]))))


def test_a_miss_becomes_a_method_of_the_named_prototype(weave: Weave) -> None:
    person = Says()
    worker, _ = weave(Scripted(RIGHT))
    outcome = last(worker, "savings withdraw: 30", policy="ask", approve=person)
    assert (outcome.error, outcome.printed) == (None, "an Account")
    assert last(worker, "savings balance").printed == "40"
    assert last(worker, "(Account clone deposit: 9) withdraw: 2; balance").printed == "7", "every account has it"
    shown = person.shown[0]
    assert (shown.prototype, shown.selector) == ("Account", "withdraw:")
    assert shown.code == "def withdraw_(self, amount):\n    self.balance = self.balance - amount\n    return self\n"
    assert [(g["name"], g["verdict"]) for g in shown.gates] == [
        (gate, "passed") for gate in ("shape", "allow", "effects", "trial", "properties")
    ]
    assert "70 -> 40" in shown.explanation and "nearest prototype with a name" in shown.explanation


def test_the_method_tells_where_it_is_from(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT))
    last(worker, "savings withdraw: 30", policy="auto")
    kept = method(worker)
    assert (kept["author"], kept["language"]) == ("model:script", "python")
    assert kept["intent"] == "answers: savings withdraw: 30"
    story = kept["provenance"]
    assert story["engine"] == "scripted" and story["approver"] == "policy auto" and story["attempts"] == 1
    assert len(story["prompt_hash"]) == 16 and [g["gate"] for g in story["gates"]][-1] == "properties"


def test_a_failed_gate_is_shown_to_the_model_and_repaired(weave: Weave) -> None:
    engine = Scripted(INVENTED, RIGHT)
    worker, _ = weave(engine)
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert method(worker)["provenance"]["attempts"] == 2
    again, options = engine.asked[1]
    assert "the world has no slot" in options.prefill or "Account has no slot or method volume" in options.prefill
    assert options.temperature > 0 == engine.asked[0][1].temperature


def test_what_never_passes_is_refused_told_and_not_asked_again(weave: Weave) -> None:
    engine = Scripted(INVENTED, INVENTED, INVENTED, RIGHT)
    worker, weaver = weave(engine)
    error = last(worker, "savings withdraw: 30", policy="auto").error
    assert error.code == "not-understood" and "3 times" in error.message and "volume" in error.message
    assert last(worker, "savings balance").printed == "70"
    assert "not asked again" in last(worker, "savings withdraw: 30", policy="auto").error.message
    assert len(engine.asked) == 3
    assert weaver.forget(worker, "withdraw:") == 1
    assert last(worker, "savings withdraw: 30", policy="auto").error is None


def test_a_change_of_the_prototype_makes_it_another_question(weave: Weave) -> None:
    worker, _ = weave(Scripted(INVENTED, INVENTED, INVENTED, INVENTED.replace("self.volume", "self.balance")))
    assert last(worker, "savings withdraw: 30", policy="auto").error is not None
    assert last(worker, "Account setSlot: 'limit' value: 10").error is None
    assert last(worker, "savings withdraw: 30", policy="auto").error is None


def test_no_means_no(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT))
    error = last(worker, "savings withdraw: 30", policy="ask", approve=Says("no")).error
    assert "you said no" in error.message and error.code == "not-understood"
    assert last(worker, "savings balance").printed == "70"


def test_a_person_may_write_it_themselves(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT))
    edit = Says("edit", "def withdraw_(self, amount):\n    self.balance -= amount * 2\n    return self\n")
    assert last(worker, "savings withdraw: 30", policy="ask", approve=edit).error is None
    assert last(worker, "savings balance").printed == "10"
    assert method(worker)["provenance"]["edited"] is True


def test_a_wrong_edit_is_told_and_asked_again(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT, RIGHT))
    shown: list[Proposal] = []

    def person(proposal: Proposal) -> Says:
        shown.append(proposal)
        return Says("edit", "import os") if len(shown) == 1 else Says("yes")

    assert last(worker, "savings withdraw: 30", policy="ask", approve=person).error is None
    assert "your version did not pass" in shown[1].note


def test_a_hint_reaches_the_model(weave: Weave) -> None:
    engine = Scripted(" return amount\n", RIGHT)
    worker, _ = weave(engine)

    def person(proposal: Proposal) -> Says:
        return Says("retry", hint="take it off the balance") if "return amount" in proposal.code else Says("yes")

    assert last(worker, "savings withdraw: 30", policy="ask", approve=person).error is None
    assert "take it off the balance" in engine.asked[1][1].prefill


def test_near_misses_never_reach_the_model(weave: Weave) -> None:
    engine = Scripted()
    worker, _ = weave(engine)
    for typo in ("depost: 3", "desposit: 3", "depositt: 3", "balence", "blance", "balanse"):
        error = last(worker, f"savings {typo}", policy="auto").error
        assert "did you mean" in error.message, typo
    assert engine.asked == []


def test_an_unnamed_clone_of_object_does_not_teach_everybody(weave: Weave) -> None:
    engine = Scripted()
    worker, _ = weave(engine)
    last(worker, "thing := Object clone")
    assert "name one first" in last(worker, "thing frobnicate", policy="auto").error.message
    assert engine.asked == []


def test_an_engine_that_is_down_is_told_and_asked_again_next_time(weave: Weave) -> None:
    def down(*_: Any) -> str:
        raise EngineDown("the model's server http://x does not answer")

    worker, _ = weave(Scripted(down, RIGHT))
    assert "does not answer" in last(worker, "savings withdraw: 30", policy="auto").error.message
    assert last(worker, "savings withdraw: 30", policy="auto").error is None


def test_a_method_that_somebody_wrote_meanwhile_is_not_replaced(weave: Weave, bank: Worker) -> None:
    def slow(*_: Any) -> str:
        outcome = last(bank, "Account >> withdraw: n [ balance := balance - (n * 10). ^self ]")
        assert outcome.error is None
        return RIGHT

    worker, _ = weave(Scripted(slow))
    assert last(worker, "savings withdraw: 3", policy="auto").error is None
    assert last(worker, "savings balance").printed == "40", "the person's method answered"
    assert method(worker)["language"] == "smalltalk"


def test_no_transaction_is_open_while_the_model_thinks(weave: Weave, bank: Worker) -> None:
    def thinking(*_: Any) -> str:
        assert last(bank, "savings deposit: 100").error is None
        return RIGHT

    worker, _ = weave(Scripted(thinking))
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert last(worker, "savings balance").printed == "140"


def test_many_who_miss_the_same_ask_once(weave: Weave, bank: Worker, image: Image) -> None:
    engine = Scripted(RIGHT)
    engine.gate = threading.Event()
    _, weaver = weave(engine)
    workers = [Worker(image, name=f"w{i}", misses=weaver) for i in range(20)]
    errors: list[Any] = []
    for i in range(20):  # an account each: it is the method they share
        assert last(bank, f"a{i} := Account clone").error is None

    def send(number: int) -> None:
        for _ in range(5):
            errors.append(last(workers[number], f"a{number} withdraw: 1", policy="auto").error)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    while not engine.asked:
        time.sleep(0.001)
    engine.gate.set()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.close()
    assert errors == [None] * 100 and len(engine.asked) == 1
    assert [last(bank, f"a{i} balance").printed for i in range(20)] == ["-5"] * 20
    assert method(bank)["before*"] == ()


def test_thinking_can_be_cancelled(weave: Weave) -> None:
    engine = Scripted(RIGHT, RIGHT)
    engine.gate = threading.Event()
    seen: list[Progress] = []
    worker, weaver = weave(engine, None, seen.append)
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(last(worker, "savings withdraw: 30", policy="auto")))
    thread.start()
    while not engine.asked:
        time.sleep(0.001)
    assert weaver.cancel() == 1
    thread.join()
    assert "cancelled" in outcomes[0].error.message
    engine.gate.set()
    assert last(worker, "savings withdraw: 30", policy="auto").error is None, "a cancelled miss may be asked again"


def test_progress_is_told_and_a_broken_watcher_harms_nobody(weave: Weave) -> None:
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        raise RuntimeError("the watcher broke")

    worker, _ = weave(Scripted(RIGHT), None, watch)
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert [p.phase for p in seen if p.phase != "writing"] == ["preparing", "asking", "testing", "installing"]
    assert "".join(p.text for p in seen) == RIGHT
    assert {(p.prototype, p.selector, p.worker) for p in seen} == {("Account", "withdraw:", "w")}


def test_a_spent_budget_is_told(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT, " return True\n"), Settings(tokens_per_hour=5))
    assert last(worker, "savings withdraw: 30", policy="auto").error is None
    assert "budget of 5 tokens" in last(worker, "savings isEmpty", policy="auto").error.message


def test_reverting_takes_it_back(weave: Weave, bank: Worker) -> None:
    worker, _ = weave(Scripted(RIGHT))
    last(worker, "savings withdraw: 30", policy="auto")
    account = oid_of(bank, "Account")
    assert "nothing was there before" in revert(bank, account, "withdraw:", "ann")
    assert last(worker, "savings withdraw: 30").error.code == "not-understood"
    last(bank, "Account >> deposit: n [ ^self ]")
    assert "again the one by" in revert(bank, account, "deposit:", "ann")
    assert last(worker, "savings deposit: 5; balance").printed == "45"
    assert last(bank, "(Account >> #deposit:) history size").printed == "2"


def test_an_edit_goes_through_the_gates_too(weave: Weave) -> None:
    worker, _ = weave(Scripted(RIGHT, RIGHT))
    shown: list[Proposal] = []

    def person(proposal: Proposal) -> Says:
        shown.append(proposal)
        return Says("edit" if len(shown) == 1 else "no", "def withdraw_(self, amount):\n    return open(amount)\n")

    assert "said no" in last(worker, "savings withdraw: 30", policy="ask", approve=person).error.message
    assert "open" in shown[1].note


def test_a_fault_of_ours_costs_one_message_and_not_the_session(weave: Weave, caplog: pytest.LogCaptureFixture) -> None:
    worker, _ = weave(Scripted())
    assert "IndexError" in last(worker, "savings withdraw: 30", policy="auto").error.message
    assert "Account>>withdraw:" in caplog.text
    assert last(worker, "savings balance", policy="auto").printed == "70"


def test_a_method_that_imports_math_runs(weave: Weave) -> None:
    worker, _ = weave(Scripted(" import math\n        return math.floor(math.sqrt(self.balance + amount))\n"))
    assert last(worker, "savings rootWith: 30", policy="auto").printed == "10"


def test_a_person_who_asks_through_the_kernel_is_told_and_can_interrupt(weave: Weave) -> None:
    class Asking(Says):
        policy = "auto"
        interrupted = False
        phases: list[str]

        def progress(self, phase: str, elapsed: float, tokens: int, text: str) -> None:
            self.phases = [*getattr(self, "phases", []), phase]

    worker, _ = weave(engine := Scripted(RIGHT))
    asking = Asking()
    assert last(worker, "savings withdraw: 30", policy="auto", approve=asking).error is None
    assert asking.shown == [] and asking.phases[:2] == ["preparing", "asking"]
    engine.gate = threading.Event()
    asking.interrupted = True
    assert "cancelled" in last(worker, "savings drain: 30", policy="auto", approve=asking).error.message
