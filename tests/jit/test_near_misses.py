"""A typo is answered with what was meant, and no model is asked; a word that only looks alike is asked for."""

from __future__ import annotations

import pytest

from batos.image import Image
from batos.interp import Worker
from batos.jit.settings import Settings
from batos.jit.weave import Weaver

from .conftest import Scripted, last

WORLD = """Account := Object clone.
Account setSlot: 'balance' value: 0. Account setSlot: 'interestRate' value: 3.
Account setSlot: 'open' value: true.
Account >> deposit: amount [ balance := balance + amount. ^self ].
Account >> withdraw: amount [ balance := balance - amount. ^self ].
Account >> transfer: amount to: other [ ^self ].
Account >> isEmpty [ ^balance = 0 ].
Account >> printStatement [ ^'none' ].
Account >> lock [ open := false. ^self ].
Account >> moveX: n [ ^self ].
Account >> turnOn [ ^self ].
savings := Account clone"""

TYPOS = """depost: 1|desposit: 1|depositt: 1|depsoit: 1|deposite: 1|edposit: 1|dpeosit: 1|deposot: 1|depoist: 1
Deposit: 1
withdarw: 1|witdraw: 1|withdrw: 1|withdaw: 1|wihtdraw: 1|withdrwa: 1|withdraww: 1|wothdraw: 1|withraw: 1|Withdraw: 1
balence|balanse|blance|ballance|balnace|balancee|blaance|banance|balanc|Balance
isEmtpy|isEmpyt|isempty|isEmty|isEmptyy|izEmpty|iEmpty|siEmpty
interestrate|intrestRate|interestRat|interstRate|interestRtae|interesrRate
printStatment|printStatemnet|prntStatement|printStatements
transfre: 1 to: savings|tranfser: 1 to: savings|transfer: 1 ot: savings|trasnfer: 1 to: savings""".replace("\n", "|")

OTHER_WORDS = ("unlock", "lockAll", "moveY: 1", "turnOff", "isOpen", "rebalance", "openUp")


@pytest.fixture
def asked(image: Image) -> object:
    engine = Scripted(*([" return self\n"] * len(OTHER_WORDS)))
    weaver = Weaver(Settings(), engine=engine)
    worker = Worker(image, name="w", misses=weaver)
    assert all(o.error is None for o in worker.evaluate(WORLD))
    yield worker, engine
    worker.close()
    weaver.close()


def test_fifty_typos_ask_no_model(asked: tuple[Worker, Scripted]) -> None:
    worker, engine = asked
    typos = TYPOS.split("|")
    assert len(typos) >= 50
    for typo in typos:
        error = last(worker, f"savings {typo}", policy="auto").error
        assert error is not None and "did you mean" in error.message, typo
    assert engine.asked == []


def test_another_word_is_no_typo(asked: tuple[Worker, Scripted]) -> None:
    worker, engine = asked
    for word in OTHER_WORDS:
        error = last(worker, f"savings {word}", policy="auto").error
        assert error is None or "did you mean" not in error.message, word
    assert len(engine.asked) >= len(OTHER_WORDS)


@pytest.mark.parametrize("policy", ["off", "ask", "auto"])
def test_prose_asks_no_model_and_is_told_from_messages(asked: tuple[Worker, Scripted], policy: str) -> None:
    worker, engine = asked
    for prose in ("make me a button please", "Create a big red button, please", "show me balance of savings"):
        error = last(worker, prose, policy=policy).error
        assert error is not None and error.advice == "say" and error.code == "not-understood", prose
    assert engine.asked == []


def test_a_chain_of_messages_is_no_prose(asked: tuple[Worker, Scripted]) -> None:
    worker, _ = asked
    for chain in ("savngs printStatement printString size", "ledger balance abs", "savings whole lot fun", "foo bar"):
        error = last(worker, chain).error
        assert error is not None and error.advice != "say", chain


def test_a_miss_that_nobody_was_asked_about_says_so(asked: tuple[Worker, Scripted]) -> None:
    worker, _ = asked
    said = "savings unlock", "savings depost: 1", "nil foo", "3 foo"
    assert [last(worker, each).error.advice for each in said] == ["write", "", "", ""]
    assert last(worker, "[savings unlock] on: ZeroDivide do: [:e | 1]").error.advice == "write"
