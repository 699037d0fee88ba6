"""The model's panel: what it proposes and waits for a person, what of it was installed lately, and taking that back."""

from __future__ import annotations

from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from ...bridge.covenant import Approval, Data, Pending, Revert, Written
from .cards import Tool
from .proposals import Choice, Decision, chosen, language_of, name_of, tell_gates, tell_more
from .rows import Cell


class ModelPanel(Tool):
    kind = "model"
    explanation = StringProperty("")
    waiting = BooleanProperty(False)  # the chosen one waits for a decision
    installed = BooleanProperty(False)  # the chosen one can be reverted

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        self.chosen: Cell | None = None
        super().__init__(app, facts, **more)
        self.title = "Model"
        self.ids.list.bind(on_chosen=lambda _, row: self.choose(row))

    def start(self) -> None:
        self.app.spawn(self._fetch())

    async def _fetch(self) -> None:
        rows: list[Cell] = []
        pending = await self.app.look.ask(Pending())
        if isinstance(pending, Data):
            found = [Approval.model_validate({**each, "kind": "approval"}) for each in pending.data]
            rows.append(Cell(f"waiting for you ({len(found)})", kind="heading"))
            rows += [Cell(name_of(a), "", "plain", ink="warn", extra=a) for a in found]
        written = await self.app.look.ask(Written())
        if isinstance(written, Data):
            rows.append(Cell(f"installed ({len(written.data)})", kind="heading"))
            rows += [Cell(f"{w['prototype']}>>{w['selector']}", "", "plain", extra=w) for w in written.data]
        self.ids.list.show(rows)
        shown = self.ids.list.chosen
        if shown is None:
            first = next((i for i, row in enumerate(rows) if row.kind != "heading"), None)
            if first is None:
                self.explanation = (
                    "A message that nobody understands can be answered by the model. What it writes is shown here."
                )
                self.ids.code.text = ""
                self.ids.gates.clear()
                self.waiting = self.installed = False
            else:
                self.ids.list.choose(first)
        self.app.frames.shown(lambda: self.app.trace("model", {"rows": [row.name for row in rows]}))

    def choose(self, row: Cell) -> None:
        self.chosen = row
        told = row.extra
        if isinstance(told, Approval):
            self.waiting, self.installed = True, False
            self.explanation, code, gates = told.explanation, told.code, told.gates
        else:
            self.waiting, self.installed = False, True
            self.explanation = f"{told['told']}\n{told['intent']}"
            code, gates = str(told["source"]), told.get("gates") or []
        language = language_of(code, told.title if isinstance(told, Approval) else "")
        self.ids.code.show(code.strip("\n"), language)
        page = self.ids.gates
        page.clear()
        if isinstance(told, Approval):
            tell_more(page, told)
        tell_gates(page, gates)
        page.scroll_y = 1

    def decide(self, decision: Decision) -> None:
        if self.chosen is not None and isinstance(self.chosen.extra, Approval):
            proposal = self.chosen.extra
            choice = chosen(decision, proposal, self.ids.code.text, self.ids.hint.text)
            self.ids.hint.text = ""
            self.app.spawn(self._decide(proposal, choice))

    async def _decide(self, proposal: Approval, choice: Choice) -> None:
        await self.app.conversation.decide(proposal, choice)
        self.app.trace("decided", {"decision": choice.decision})
        await self._fetch()

    def revert(self) -> None:
        if self.chosen is not None and isinstance(self.chosen.extra, dict):
            self.app.spawn(self._revert(self.chosen.extra))

    async def _revert(self, told: dict[str, Any]) -> None:
        reply = await self.app.act.ask(Revert(target=told["target"], selector=told["selector"]))
        if isinstance(reply, Data):
            self.app.say(str(reply.data), "good")
            self.app.trace("reverted", {"text": reply.data})
        else:
            self.app.refused(reply)
        await self._fetch()
