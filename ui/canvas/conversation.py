"""The conversation: messages typed, what came of them, and what the model proposes meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, StringProperty

from ...bridge.covenant import (
    Approval,
    Approve,
    Done,
    ErrorReply,
    Evaluate,
    Frame,
    Outcome,
    Progress,
    Reply,
)
from ...grammar import is_complete
from ...grammar.words import only_prose
from ..errors import around, shorten_stack
from ..gates import read_gate
from ..link import LinkLost
from ..wish import advice, is_wish, source_of
from .cards import Tool
from .editors import lexer_for
from .proposals import Choice, Proposal, name_of  # noqa: F401  (Proposal of the rule)
from .text import clean, coloured, escape, wrap


class Conversation(Tool):
    """The line below, what was said above it. One message at a time; Ctrl-C or Stop interrupts it."""

    kind = "conversation"
    busy = BooleanProperty(False)
    activity = StringProperty("")

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "Conversation"
        self.running: asyncio.Task[None] | None = None
        self.last: Outcome | None = None  # the last result
        self.wish = "print"
        self.typed = ""  # what runs, as the person typed it: a message, or words to the model
        self.proposals: list[Approval] = []
        self.doing, self.since, self.written = "", 0.0, ""
        line = self.ids.line
        line.is_complete = lambda text: is_wish(text) or only_prose(text) or is_complete(text)
        line.bind(
            on_send=lambda _, source: self.send(source),
            on_complete=lambda _, position: app.complete(line, position, app.workspace),
            focus=lambda _, focus: app.trace("line", {"focus": focus}),
            text=lambda _, text: app.trace("typed", {"text": text}),
        )
        line.keys = lambda key, modifiers: bool(app.completing.key(key, line))
        for name in ("code", "hint"):
            field = self.ids.proposal.ids[name]
            field.bind(focus=lambda _, focus, name=name: app.trace(name, {"focus": focus}))
        self.ids.proposal.bind(on_answer=lambda _, choice: self.answer_proposal(choice))

    def focus_first(self) -> None:
        (self.ids.proposal.ids.no if self.proposals else self.ids.line).focus = True

    def say(self, text: str, ink: str = "ink") -> None:
        self.ids.output.add(text, ink)
        self.app.trace("said", {"text": text, "ink": ink})

    def press(self) -> None:
        """The button beside the line: Stop while something runs, Send otherwise."""
        if self.running:
            self.app.interrupt()
        elif self.ids.line.text.strip():
            self.send(self.ids.line.text)

    def send_as(self, wish: str) -> None:
        """Send what is typed to run it, to print its result, or to look at its result."""
        if self.ids.line.text.strip():
            self.send(self.ids.line.text, wish)
        elif wish == "inspect":
            self.inspect_last()

    def inspect_last(self) -> None:
        """Open an inspector on the object that was answered last."""
        if self.last is None or self.last.handle is None:
            self.say("the last result is no object with slots", "warn")
            return
        self.app.inspect(self.last.handle, (self.last.printed or "an object").split("\n")[0][:80])

    def send(self, source: str, wish: str = "print") -> None:
        if self.running:
            self.say("one message at a time: Ctrl-C or Stop interrupts the one that runs", "warn")
            return
        line = self.ids.line
        line.remember(source)
        line.text = ""
        self.ids.output.add(source, lines=self._echo(source))
        self.busy = True
        self.app.trace("busy", {"source": source})
        self.doing, self.since, self.written = "evaluating", time.perf_counter(), ""
        self._ticking = Clock.schedule_interval(self._tick, 0.1)
        self.running = self.app.spawn(self._evaluate(source, wish))
        self.running.add_done_callback(lambda _: self._at_rest())

    def _echo(self, source: str) -> Callable[[int], list[str]]:
        """What was sent, in colours, behind a prompt."""
        style = self.app.theme.source

        def lines(columns: int) -> list[str]:
            if is_wish(source):
                return [escape(line) for line in wrap(clean(source), columns)]
            shown = coloured(clean(source), lexer_for("message"), style, columns - 2)
            return [("  " if number else "> ") + text for number, text in enumerate(shown)]

        return lines

    def _tick(self, _: float) -> None:
        elapsed = time.perf_counter() - self.since
        if self.proposals:
            self.activity = "it waits for your decision   Ctrl-C gives it up"
        elif elapsed > 0.3:
            written = " ".join(self.written.split())[-60:]
            self.activity = f"{self.doing}  {elapsed:.1f} s   {written or 'Ctrl-C interrupts'}"

    def quiet(self) -> None:
        """A message of another tool is over."""
        if self.running is None:
            self.activity = self.written = ""

    def _at_rest(self) -> None:
        self.running = None
        self.typed = ""
        self._ticking.cancel()
        self.activity = ""
        self.busy = False
        self.app.trace("rest", {})

    async def _evaluate(self, source: str, wish: str) -> None:
        self.last = None
        self.typed = source
        self.wish = "do" if is_wish(source) else wish
        app = self.app
        sent = source_of(source) if is_wish(source) else source
        command = Evaluate(source=sent, origin="<canvas>", workspace=app.workspace, policy=app.policy, stream=True)
        try:
            reply = await app.link.ask(command, self.came)
        except LinkLost:
            if not self.ids.line.text:
                self.ids.line.text = source  # nothing typed is lost
            raise
        if isinstance(reply, Done):
            for outcome in reply.outcomes:
                self.came(outcome)
            if wish == "inspect" and not reply.failed:
                self.inspect_last()
        else:
            app.refused(reply)

    def came(self, event: Reply) -> None:
        """Something on the way of a message of this window's."""
        if isinstance(event, Outcome):
            if event.transcript:
                self.say(event.transcript.rstrip("\n"))
                self.app.transcribe(event.transcript)
            if event.error:
                self.error(event.error)
                return
            self.last = event
            if event.printed is not None and self.wish != "do":
                self.say(f"=> {event.printed}", "good")
        elif isinstance(event, Progress):
            self.doing = event.phase + (f", {event.tokens} tokens" if event.tokens else "")
            self.written = (self.written + event.text)[-200:]
            if self.running is None:  # for a message of another tool, or of a morph
                self.since = time.perf_counter() - event.elapsed
                self._tick(0)
        elif isinstance(event, Approval):
            self.propose(event)

    def error(self, error: Frame) -> None:
        """What was wrong, the source line with a caret, the stack in message terms."""
        self.say(error.message, "bad")
        if is_wish(self.typed):
            return  # the message that a wish becomes is not the person's
        hint = advice(error, self.typed, self.app.policy)
        if hint:
            self.say(hint)
        output = self.ids.output
        if error.source_line.strip():
            shown, start, carets = around(error.source_line, error.column or 1, error.length or 1, output.columns - 8)
            output.add(f"{error.line or 1:5} | {shown}")
            output.add(" " * (8 + start) + "^" * carets, "bad")
        for frame in shorten_stack(error.stack):
            output.add(frame, "faint")

    # -- what the model proposes --------------------------------------------------------------------------------------

    def propose(self, proposal: Approval) -> None:
        if all(each.approval != proposal.approval for each in self.proposals):
            self.proposals.append(proposal)
            self._show_proposal()
            self.app.pending_changed()

    def _show_proposal(self) -> None:
        card = self.ids.proposal
        if not self.proposals:
            card.hide()
            self.ids.line.focus = True
            return
        first = self.proposals[0]
        card.show(first, len(self.proposals))
        facts = {"code": first.code, "title": first.title, "gates": [read_gate(each).passed for each in first.gates]}
        self.app.trace("proposal", {"name": name_of(first), **facts})

    def answer_proposal(self, choice: Choice) -> None:
        if self.proposals:
            self.app.spawn(self.decide(self.proposals[0], choice))

    def settled(self, approval: str) -> None:
        """A proposal was decided, here or elsewhere."""
        self.proposals = [each for each in self.proposals if each.approval != approval]
        self._show_proposal()

    async def decide(self, proposal: Approval, choice: Choice) -> None:
        self.settled(proposal.approval)
        command = Approve(approval=proposal.approval, decision=choice.decision, code=choice.code, hint=choice.hint)
        reply = await self.app.look.ask(command)
        if isinstance(reply, ErrorReply):
            self.app.refused(reply)
        self.app.pending_changed()
