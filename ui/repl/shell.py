"""The conversation: what a person types goes to the kernel, what comes back is shown.

The shell reads nothing itself: the terminal's reader and the piped reader hand it statements. It keeps what the
`:` commands look back at (the last result, the last error), the workspace and the policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator

from pydantic import ValidationError

from ...bridge.covenant import (
    Approval,
    Approve,
    Done,
    ErrorReply,
    Evaluate,
    Frame,
    Inspect,
    Interrupt,
    Outcome,
    Page,
    Policy,
    Progress,
    Reply,
    Stack,
    StackReply,
)
from ..errors import unsendable
from ..link import Link, LinkLost
from ..wish import advice, in_own_words, is_wish, source_of
from . import show
from .approval import Decision
from .screen import Screen, visible
from .spinner import Spinner

# What the model's side says of itself -> what a person reads.
PHASES = {
    "preparing": "looking at what is missing",
    "asking": "the model reads",
    "writing": "the model writes",
    "testing": "trying what it wrote",
    "reviewing": "looking at the verdicts",
    "waiting": "waiting for a decision",
    "installing": "installing",
    "asked already": "somebody else has asked the model for it",
}

Decide = Callable[[Approval], Awaitable[Decision]]


class Shell:
    """One person's conversation with one kernel."""

    def __init__(
        self,
        link: Link,
        screen: Screen,
        *,
        workspace: str = "default",
        policy: Policy = "ask",
        decide: Decide | None = None,
    ) -> None:
        self.link = link
        self.screen = screen
        self.workspace = workspace
        self.policy: Policy = policy
        self.decide = decide
        self.typed = ""  # what runs, as the person typed it
        self.last_result = ""
        self.last_error: Frame | None = None
        self.last_handle: str | None = None
        self.failed = False
        self.failed_source = ""  # the last source of which a statement failed
        self.stack: StackReply | None = None  # of what failed last, once it was asked for
        self.frame: int | None = None  # where in the stack the person stands; what is typed is then sent there
        self.edit: Callable[[str], Awaitable[str | None]] | None = None  # where there is an editor
        self.use_vi: Callable[[bool], None] | None = None  # where there are keys to choose
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_interrupt: Callable[[], None] | None = None

    # -- evaluation ---------------------------------------------------------------------------------------------------

    def complain(self, text: str) -> None:
        """Tell what was wrong with what the person asked for."""
        self.screen.say(text, "bad")
        self.failed = True

    async def wish(self, line: str, origin: str = "<input>") -> bool:
        """Ask the model in words. As `evaluate`."""
        return await self.evaluate(source_of(line), "do", origin, line)

    async def evaluate(self, source: str, wish: str = "print", origin: str = "<input>", typed: str = "") -> bool:
        """Run the source's statements and show what comes of each. False if one failed. ``typed``: what the person
        typed, if that was something else.

        LinkLost if the kernel went away.
        """
        self.last_handle = None
        self.typed = typed or source
        inside = self.frame is not None
        try:
            command = Evaluate(
                source=source,
                origin=origin,
                workspace=self.workspace,
                policy="off" if inside else self.policy_to_ask(),
                stream=True,
                keep_stack=not inside,
                frame=self.frame,
            )
        except ValidationError as problem:
            self.screen.say(unsendable(problem), "bad")
            self.failed = True
            return False
        async with Spinner(self.screen) as spinner:

            def heard(event: Reply) -> None:
                self._heard(event, spinner, wish)

            asking = asyncio.ensure_future(self.link.ask(command, heard))
            with self._interrupts(spinner, asking):
                try:
                    reply = await asking
                except asyncio.CancelledError:
                    if not asking.cancelled():
                        raise
                    reply = None
            if self._tasks:
                await asyncio.gather(*self._tasks)
        if reply is None:
            self.screen.say("Not waiting any longer. It has not stopped yet; what you send next comes after it.", "bad")
            self.failed = True
            return False
        ok = self._ended(reply, wish)
        self.typed = ""
        if ok and wish == "inspect" and self.last_handle:
            await self.inspect(self.last_handle)
        if not ok:
            self.failed = True
            if not inside:
                self.failed_source, self.stack = source, None
        return ok

    def policy_to_ask(self) -> Policy:
        """`ask` needs someone to ask; where there is nobody, a miss is a miss."""
        return "off" if self.policy == "ask" and self.decide is None else self.policy

    def _heard(self, event: Reply, spinner: Spinner, wish: str) -> None:
        if isinstance(event, Outcome):
            spinner.clear()
            spinner.label, spinner.tail = "evaluating", ""
            self.outcome(event, wish)
        elif isinstance(event, Progress):
            label = PHASES.get(event.phase, event.phase)
            spinner.label = label + (f", {event.tokens} tokens," if event.tokens else "")
            spinner.tail = (spinner.tail + event.text)[-400:]
        elif isinstance(event, Approval):
            task = asyncio.ensure_future(self._approve(event, spinner))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _approve(self, proposal: Approval, spinner: Spinner) -> None:
        """Ask the person, tell the kernel."""
        spinner.hold()
        try:
            decision = await self.decide(proposal) if self.decide else Decision("no")
        finally:
            spinner.release()
            self._catch_interrupts()  # the question had Ctrl-C for itself
        spinner.label = {"yes": "installing", "edit": "testing what you wrote", "retry": "the model tries again"}.get(
            decision.choice, "evaluating"
        )
        spinner.tail = ""
        answer = Approve(approval=proposal.approval, decision=decision.choice, code=decision.code, hint=decision.hint)
        reply = await self.link.ask(answer)
        if isinstance(reply, ErrorReply):
            self.screen.say(f"the decision did not arrive: {reply.message}", "bad")

    def _ended(self, reply: Reply, wish: str) -> bool:
        if isinstance(reply, Done):
            for outcome in reply.outcomes:
                self.outcome(outcome, wish)
            if reply.lost:
                self.screen.say(f"{reply.lost:,} results came faster than this terminal took them and are not shown")
            return not reply.failed
        self.refused(reply)
        return False

    def outcome(self, outcome: Outcome, wish: str = "print") -> None:
        """Show what became of one statement."""
        if outcome.transcript:
            self.screen.write(outcome.transcript)
        if outcome.error is not None:
            self.error(outcome.error)
            return
        self.last_result = outcome.printed or ""
        self.last_handle = outcome.handle
        if outcome.printed is None or wish == "do":
            return
        if self.screen.terminal:
            for line in show.result(self.screen, outcome.printed):
                self.screen.raw(line)
        else:
            self.screen.line(outcome.printed)

    def error(self, error: Frame) -> None:
        if is_wish(self.typed):
            error = in_own_words(error, self.typed)
        self._show_error(error)
        hint = advice(error, self.typed, self.policy_to_ask()) if self.typed and self.frame is None else ""
        if hint:
            self.screen.say(hint)

    def _show_error(self, error: Frame) -> None:
        self.last_error = error
        self.failed = True
        if not self.screen.terminal:
            self.screen.err.write((error.text or error.message).rstrip("\n") + "\n")
            self.screen.err.flush()
            return
        for line in show.error(
            self.screen,
            error.message,
            line=error.line,
            column=error.column,
            length=error.length,
            source_line=error.source_line,
            stack=error.stack,
            code=error.code,
        ):
            self.screen.raw(line)

    def refused(self, reply: Reply) -> None:
        """The kernel did not carry the command out."""
        if isinstance(reply, ErrorReply):
            self.screen.say(f"{reply.message} [{reply.code}]", "bad")
        else:
            self.screen.say(f"the kernel answered something unexpected: {type(reply).__name__}", "bad")

    @contextlib.contextmanager
    def _interrupts(self, spinner: Spinner, asking: asyncio.Future[Reply]) -> Iterator[None]:
        """Ctrl-C asks the kernel to interrupt what runs, while this lasts; the third one waits no longer."""
        pressed = 0

        def on_interrupt() -> None:
            nonlocal pressed
            pressed += 1
            spinner.label = "interrupting"
            if pressed >= 3:
                asking.cancel()
                return
            task = asyncio.ensure_future(self._interrupt())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._on_interrupt = on_interrupt
        self._catch_interrupts()
        try:
            yield
        finally:
            self._on_interrupt = None
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def _catch_interrupts(self) -> None:
        if self._on_interrupt is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._on_interrupt)

    async def _interrupt(self) -> None:
        with contextlib.suppress(LinkLost):
            await self.link.ask(Interrupt())

    # -- the stack ----------------------------------------------------------------------------------------------------

    async def get_stack(self, quietly: bool = False) -> StackReply | None:
        """The stack of what failed last; None if there is none, and unless `quietly` the person is told why."""
        if self.stack is None:
            reply = await self.link.ask(Stack())
            if not isinstance(reply, StackReply):
                if not quietly:
                    self.refused(reply)
                    self.failed = True
                return None
            self.stack = reply
        return self.stack

    # -- looking at objects -------------------------------------------------------------------------------------------

    async def inspect(self, handle: str | None, start: int = 0) -> None:
        """A page of an object's slots, as a table."""
        reply = await self.link.ask(Inspect(target=handle, start=start, count=40))
        if not isinstance(reply, Page):
            self.refused(reply)
            return
        room = max(self.screen.width - 30, 20)
        rows = [
            (visible(entry.name), "method" if entry.method else visible(entry.printed.replace("\n", " "))[:room])
            for entry in reply.entries
        ]
        shown = reply.start + len(rows)
        title = f"{visible(reply.printed)}, {reply.total:,} slots"
        lines = show.table(rows)
        if shown < reply.total:
            lines.append(self.screen.ink(f"… {reply.total - shown:,} more", "faint"))
        for line in show.framed(self.screen, title, lines):
            self.screen.raw(line)
