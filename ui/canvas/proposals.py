"""A model's proposal before a person: why, the code (which may be edited), what it would replace, what the gates said.

Nothing here installs anything by itself, and the keyboard is on Reject first, so that an Enter meant for the line does
nothing that is not wanted.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Literal

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from ...bridge.covenant import Approval
from ..gates import read_gate

Decision = Literal["yes", "no", "edit", "retry"]


def name_of(proposal: Approval) -> str:
    """``Account>>withdraw:``; of a conversation, whom was spoken to."""
    if proposal.title:
        return f"{proposal.prototype or 'Object'} {proposal.selector}"
    return f"{proposal.prototype}>>{proposal.selector}" if proposal.prototype else proposal.selector


def heading_of(proposal: Approval) -> str:
    return proposal.title or f"The model proposes {name_of(proposal)}"


def language_of(code: str, title: str = "") -> str:
    """What a conversation runs is Python; a method may be either."""
    return "python" if title or code.lstrip().startswith(("def ", "import ", "from ", "@")) else "message"


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """The lines of two versions of a source as (ink, line): what went, what came, what stayed around it."""
    found = []
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3):
        if line.startswith(("---", "+++")):
            continue
        ink = "good" if line.startswith("+") else "bad" if line.startswith("-") else "faint"
        found.append((ink, line))
    return found


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decided: yes, no, edit (with the code as it is now) or retry (with a hint)."""

    decision: Decision
    code: str | None = None
    hint: str = ""


def chosen(decision: Decision, proposal: Approval, code: str, hint: str) -> Choice:
    """Installing what was edited sends the edited text, through the same gates."""
    if decision == "yes" and code.strip() != proposal.code.strip():
        return Choice("edit", code=code)
    return Choice("retry", hint=hint.strip()) if decision == "retry" else Choice(decision)


class Proposal(BoxLayout):
    """Hidden while there is none."""

    __events__ = ("on_answer",)
    heading = StringProperty("")
    verb = StringProperty("Install")
    shown = BooleanProperty(False)

    def __init__(self, **more: Any) -> None:
        self.proposal: Approval | None = None
        super().__init__(**more)

    def show(self, proposal: Approval, waiting: int = 1) -> None:
        self.proposal = proposal
        self.shown = True
        self.heading = heading_of(proposal) + (f"   and {waiting - 1} more" if waiting > 1 else "")
        self.verb = "Run it" if proposal.title else "Install"
        self.ids.code.show(proposal.code.strip("\n"), language_of(proposal.code, proposal.title))
        self.ids.hint.text = ""
        pages = self.ids.pages
        pages.clear()
        pages.add(proposal.explanation.strip() or "It says nothing of it.")
        tell_more(pages, proposal)
        tell_gates(pages, proposal.gates)
        pages.scroll_y = 1
        self.ids.no.focus = True

    def hide(self) -> None:
        self.proposal = None
        self.shown = False

    def answer(self, decision: Decision) -> None:
        if self.proposal is not None:
            self.dispatch("on_answer", chosen(decision, self.proposal, self.ids.code.text, self.ids.hint.text))

    def on_answer(self, choice: Choice) -> None:
        """The person has decided."""


def tell_more(pages: Any, proposal: Approval) -> None:
    """What the model should mind, and what would be replaced, onto a page."""
    if proposal.note.strip():
        pages.add(proposal.note.strip(), "warn")
    if proposal.replaces:
        pages.add("It would replace what is there:", "faint")
        for ink, line in differences(proposal.replaces, proposal.code):
            pages.add(line, ink)


def tell_gates(pages: Any, gates: list[dict[str, Any]]) -> None:
    for said in gates:
        gate = read_gate(said)
        mark = "✓" if gate.passed else "✗"
        pages.add(f"{mark} {gate.name}" + (f": {gate.reason}" if gate.reason else ""), "good" if gate.passed else "bad")
