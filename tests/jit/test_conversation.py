"""Talking with the model: its code passes gates, runs in one transaction, and its effect is told from the image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batos.image import Image
from batos.image.history import undo
from batos.interp import Worker
from batos.jit.embedded import EmbeddedEngine
from batos.jit.gates.turn import check_turn, check_turn_shape
from batos.jit.gates.verdict import Refused, Surroundings
from batos.jit.proposal import Proposal
from batos.jit.settings import Settings

from .conftest import Says, Scripted, Weave, last


def answer(code: str, explanation: str = "As you wish.") -> str:
    return json.dumps({"explanation": explanation, "code": code})


BUTTON = answer(
    "Smalltalk.at_put_('CommitButton', ButtonMorph.clone())\n"
    "CommitButton.label = 'Commit'\n"
    "CommitButton.compile_('pressed [ ^42 ]')\n"
    "self.button = CommitButton.clone()",
    "A button that commits.",
)


def test_a_wish_is_shown_run_and_told_from_the_image(weave: Weave) -> None:
    worker, _ = weave(Scripted(BUTTON))
    person = Says()
    outcome = last(worker, "genesis ask: 'Create a button that commits'", policy="ask", approve=person)
    assert outcome.error is None, outcome.error.message
    shown = person.shown[0]
    assert shown.title and shown.explanation.startswith("A button that commits.") and "compile_" in shown.code
    assert [(g["name"], g["verdict"]) for g in shown.gates] == [
        (gate, "passed") for gate in ("shape", "allow", "effects", "trial")
    ]
    assert "made CommitButton" in outcome.printed and "CommitButton has the method pressed" in outcome.printed
    assert "button of a Workspace: nothing -> a CommitButton" in outcome.printed
    assert last(worker, "button pressed").printed == "42" and last(worker, "button label").printed == "'Commit'"
    assert last(worker, "(CommitButton getSlot: #pressed) author").printed == "'model:script'"


def test_undo_takes_it_back_and_the_turn_with_it(weave: Weave, image: Image) -> None:
    worker, _ = weave(Scripted(answer("Account.bonus = 5")))
    last(worker, "genesis ask: 'Give accounts a bonus'", policy="auto")
    assert last(worker, "savings bonus").printed == "5" and "bonus" in last(worker, "genesis chat").printed
    undo(image)
    assert last(worker, "savings bonus").error.code == "not-understood"
    assert last(worker, "genesis chat").printed == "''"


def test_follow_ups_see_earlier_turns_and_a_new_chat_does_not(weave: Weave) -> None:
    engine = Scripted(answer("self.label = 12"), answer("self.label = 24"), answer("self.other = 1"))
    worker, _ = weave(engine)
    last(worker, "genesis ask: 'Add a label'", policy="auto")
    last(worker, "genesis ask: 'Larger, please'", policy="auto")
    messages, _ = engine.asked[1]
    assert [m.role for m in messages] == ["system", "user", "assistant", "user"]
    assert "Add a label" in messages[1].content and "self.label = 12" in messages[2].content
    assert "Variables: label, savings" in messages[3].content and messages[3].content.endswith("Larger, please")
    assert last(worker, "label").printed == "24"
    last(worker, "genesis newChat")
    last(worker, "genesis ask: 'Something else'", policy="auto")
    assert len(engine.asked[2][0]) == 2


def test_a_conversation_outlives_the_worker_and_belongs_to_its_workspace(weave: Weave) -> None:
    engine = Scripted(answer("self.a = 1"), answer("self.b = 2"), answer("self.c = 3"))
    worker, _ = weave(engine)
    last(worker, "genesis ask: 'one'", policy="auto", workspace="ann")
    other, _ = weave(engine)
    last(other, "genesis ask: 'two'", policy="auto", workspace="ann")
    assert len(engine.asked[1][0]) == 4
    last(other, "genesis ask: 'three'", policy="auto", workspace="bob")
    assert len(engine.asked[2][0]) == 2 and last(other, "b", workspace="bob").error is not None


def test_code_that_a_gate_refuses_is_shown_to_the_model_and_repaired(weave: Weave) -> None:
    engine = Scripted(answer("open('/etc/passwd')"), answer("self.n = 1 / 0"), answer("self.n = 3"))
    worker, _ = weave(engine)
    assert last(worker, "genesis ask: 'a number'", policy="auto").error is None
    assert "gate allow" in engine.asked[1][0][-1].content and "gate trial" in engine.asked[2][0][-1].content
    assert last(worker, "n").printed == "3"


def test_what_never_passes_or_is_not_wanted_changes_nothing(weave: Weave) -> None:
    bad = answer("import os")
    worker, _ = weave(Scripted(bad, bad, bad, answer("self.n = 3"), answer("self.n = 3"), "I would rather not."))
    assert "did not pass: allow" in last(worker, "genesis ask: 'x'", policy="auto").error.message
    assert "you said no" in last(worker, "genesis ask: 'x'", policy="ask", approve=Says("no")).error.message
    assert "nobody is here" in last(worker, "genesis ask: 'x'", policy="ask", approve=Says("later")).error.message
    assert last(worker, "n").error.code == "not-understood" and last(worker, "genesis chat").printed == "''"


def test_a_correction_reaches_the_model(weave: Weave) -> None:
    engine = Scripted(answer("self.n = 3"), answer("self.n = 4"))
    worker, _ = weave(engine)

    def person(proposal: Proposal) -> Says:
        return Says("retry", hint="four, not three") if "= 3" in proposal.code else Says("yes")

    assert last(worker, "genesis ask: 'a number'", policy="ask", approve=person).error is None
    assert engine.asked[1][0][-1].content == "four, not three" and last(worker, "n").printed == "4"


def test_an_edit_passes_the_gates_too(weave: Weave) -> None:
    worker, _ = weave(Scripted(answer("self.n = 3"), answer("self.n = 3")))
    edits = iter(["import os", "self.n = 9"])
    shown: list[Proposal] = []

    def person(proposal: Proposal) -> Says:
        shown.append(proposal)
        return Says("edit", next(edits))

    assert last(worker, "genesis ask: 'a number'", policy="ask", approve=person).error is None
    assert "your version did not pass: allow" in shown[1].note and last(worker, "n").printed == "9"


def test_words_and_a_fence_are_an_answer_too(weave: Weave) -> None:
    worker, _ = weave(Scripted("Here it is.\n```python\nself.n = 3\n```\n"))
    assert last(worker, "genesis ask: 'a number'", policy="auto").printed.startswith("'Here it is.")
    assert last(worker, "n").printed == "3"


def test_where_the_jit_is_off_it_says_so(bank: Worker) -> None:
    assert "the JIT is off" in last(bank, "genesis ask: 'anything'").error.message
    assert "say what you want" in last(bank, "genesis ask: ''").error.message
    assert "a text is wanted" in last(bank, "genesis ask: 3").error.message


def test_no_file_is_written(weave: Weave, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*.py"))
    worker, _ = weave(Scripted(BUTTON))
    last(worker, "genesis ask: 'Create a button'", policy="auto")
    assert set(tmp_path.rglob("*.py")) == before


WORLD = Surroundings(
    "a Workspace", frozenset({"savings"}), frozenset(),
    frozenset({"clone", "at:put:", "balance", "compile:", "setSlot:value:", "savings", "deposit:"}),
    frozenset({"Account", "Object", "Smalltalk", "Integer", "System"}), frozenset({"Object", "Integer", "Smalltalk"}),
)  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import os",
        "open('x')",
        "self._p_jar",
        "Account.__class__",
        "Smalltalk.at_put_('Integer', Account)",
        "Smalltalk.at_put_('Compiler', Account)",
        "Smalltalk.at_put_(savings, Account)",
        "s = Smalltalk",
        "Smalltalk.quit()",
        "Smalltalk.removeKey_('Account')",
        "System.quit()",
        "Account.compile_('f [ <primitive: 3> ]')",
        "Account.compile_('f [ ^thisContext ]')",
        "Account.compile_('f [ ^self perform: #x ]')",
        "Account.compile_('f [ ^Smalltalk at: #System ]')",
        "Account.compile_('f ```python\\nimport os\\n```')",
        "Account.compile_('def f(self):\\n    import os\\n')",
        "Account.compile_('def f(self):\\n    return self.__class__\\n')",
        "Account.compile_('f [')",
        "t = 'f [ ^1 ]'\nAccount.compile_(t)",
        "Account.setSlot_value_('parent*', None)",
        "Account.setSlot_value_('_items', None)",
        "Account.evaluate_('3')",
        "Account.perform_('x')",
        "Account.become_(savings)",
        "def f(self):\n    return 1",
        "class A:\n    pass",
        "exec('x')",
        "'{0.x}'.format(self)",
        "getattr(self, 'x')",
        "",
        "x = (",
    ],
)
def test_hostile_turns_are_refused(code: str) -> None:
    with pytest.raises(Refused):
        check_turn(check_turn_shape(code), WORLD)


@pytest.mark.parametrize(
    "code",
    [
        "self.savings = Account.clone()",
        "Smalltalk.at_put_('Purse', Object.clone())\nPurse.coins = 3\nself.mine = Purse.clone()",
        "Account.compile_('double [ ^balance * 2 ]')\nreturn Account.clone().double()",
        "Account.compile_('def half(self):\\n    return self.balance / 2\\n')",
        "for n in range(3):\n    Account.deposit_(n)",
        "Account.setSlot_value_('limit', 3)\nreturn Account.limit",
    ],
)
def test_what_a_wish_needs_is_allowed(code: str) -> None:
    check_turn(check_turn_shape(code), WORLD)


def test_the_library_is_not_replaced(weave: Weave) -> None:
    bad = answer("Object.compile_('printString [ ^3 ]')")
    worker, _ = weave(Scripted(bad, bad, bad))
    error = last(worker, "genesis ask: 'x'", policy="auto").error
    assert error is not None and "replaces Object>>printString of the library" in error.message


@pytest.mark.model
def test_the_real_model_answers_in_the_form_that_is_wanted(weave: Weave) -> None:
    """What it says is another matter: untuned, it cannot do what is asked of it. Nothing comes of that but a reason."""
    engine = EmbeddedEngine()
    worker, _ = weave(engine, Settings(repairs=0))
    outcome = last(worker, "genesis ask: 'Give every account a bonus of 5'", policy="auto")
    if outcome.error is not None:
        assert "did not pass" in outcome.error.message or "it failed and nothing" in outcome.error.message
    else:
        assert "undo takes it back" in outcome.printed
    assert last(worker, "savings balance").printed.isdigit()
    engine.close()
    engine.close()


def test_a_local_name_that_nothing_uses_is_meant_to_be_a_variable(weave: Weave) -> None:
    engine = Scripted(answer("n = 3"), answer("n = 3\nself.n = n"))
    worker, _ = weave(engine)
    assert last(worker, "genesis ask: 'a number'", policy="auto").error is None
    assert "self.n = ... keeps it" in engine.asked[1][0][-1].content
    assert last(worker, "n").printed == "3"
