"""The REPL at a terminal: prompt, statements, commands, and what to do when the kernel goes away."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output

from ...bridge.covenant import Approval, Complete, Completions, Data, Event, Goodbye, Signature
from ...grammar import is_complete
from ...grammar.words import only_prose
from ..link import LinkLost
from ..wish import MARK, is_wish
from .approval import Decision, decide, edit_in_editor
from .commands import COMMANDS, Quit, obey
from .reader import Reader, Typed
from .shell import Shell
from .spinner import Spinner


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion: what to insert, from which character of the source on, and what it is."""

    text: str
    start: int
    detail: str


class Keys:
    """Asks a person for one key, or for a line (approval.Asker)."""

    def __init__(self, input: Input | None = None, output: Output | None = None) -> None:
        self.input, self.output = input, output

    async def key(self, question: str, keys: str) -> str:
        bindings = KeyBindings()
        for each in keys:

            @bindings.add(each)
            @bindings.add(each.upper())
            def _chosen(event: KeyPressEvent, each: str = each) -> None:
                event.current_buffer.text = each
                event.current_buffer.validate_and_handle()

        @bindings.add("<any>")
        @bindings.add("enter")
        def _ignored(event: KeyPressEvent) -> None:
            """Only the keys offered are an answer; a stray Enter must never install anything."""

        session: PromptSession[str] = PromptSession(key_bindings=bindings, input=self.input, output=self.output)
        return await session.prompt_async(question)

    async def line(self, question: str) -> str:
        return await PromptSession[str](input=self.input, output=self.output).prompt_async(question)


class TerminalRepl:
    """The loop of a person at a terminal."""

    def __init__(
        self,
        shell: Shell,
        *,
        history: Path | None,
        vi: bool = False,
        revive: Callable[[], str] | None = None,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.shell = shell
        self.revive = revive
        output = output or blind_output()
        self.keys = Keys(input, output)
        shell.decide = self._decide
        self.notes: list[str] = []
        shell.link.on_event = self._heard
        self.reader = Reader(
            is_complete=lambda text: only_prose(text) or is_complete(text),
            lexer=_lexer() if shell.screen.colour else None,
            candidates=self._candidates,
            commands=COMMANDS,
            history=history,
            status=self._status,
            prompt=self._prompt,
            signatures=self._signatures,
            colour=shell.screen.colour,
            vi=vi,
            input=input,
            output=output,
        )
        shell.use_vi = self.reader.use_vi
        shell.edit = self._edit

    async def run(self) -> int:
        """Read and answer until the person leaves. The exit status is 0: errors were shown to the person."""
        shell, draft = self.shell, ""
        while True:
            for note in self.notes:
                shell.screen.say(note)
            self.notes.clear()
            try:
                typed = await self.reader.read(draft)
            except KeyboardInterrupt:
                draft = ""
                continue
            except EOFError:
                return 0
            draft = ""
            if not typed.strip():
                continue
            try:
                await self._answer(typed)
            except Quit:
                return 0
            except LinkLost as lost:
                shell.screen.say(f"The kernel is gone: {lost}.", "bad")
                draft = str(typed)
                if not await self._reconnect(draft):
                    return 1

    async def _answer(self, typed: Typed) -> None:
        with quiet_keys():
            if typed.startswith(":"):
                await obey(self.shell, typed)
            elif is_wish(typed):
                await self.shell.wish(str(typed))
            else:
                await self.shell.evaluate(str(typed), typed.wish)

    async def _reconnect(self, draft: str) -> bool:
        """Offer to connect anew. False if the person would rather leave."""
        screen = self.shell.screen
        while True:
            try:
                answer = await self.keys.key("Connect again? [y]es [q]uit: ", "yq")
            except (KeyboardInterrupt, EOFError):
                return False
            if answer == "q":
                return False
            try:
                async with Spinner(screen, "looking for a kernel", "at most 15 s"):
                    await self._find_kernel()
            except LinkLost as lost:
                screen.say(f"Still gone: {lost}.", "bad")
                continue
            screen.say("Connected.", "good")
            if not draft.startswith(":"):
                screen.say(
                    "Whether your last statements ran is not known; they stand at the prompt again: "
                    "look first, then Enter sends them, Ctrl-C drops them."
                )
            return True

    async def _find_kernel(self) -> None:
        """Connect to the kernel that is there by now, or start one where we may. LinkLost if there is none."""
        link = self.shell.link
        if self.revive is not None:
            try:
                await link.reconnect(0.5)
                return
            except LinkLost:
                pass
            try:
                link.endpoint = await asyncio.to_thread(self.revive)
            except Exception as problem:  # whatever kept it from starting, the person should read it and stay
                raise LinkLost(f"none could be started: {problem}") from problem
        await link.reconnect(15.0)

    async def _decide(self, proposal: Approval) -> Decision:
        with loud_keys():
            return await decide(self.shell.screen, proposal, self.keys, edit_in_editor)

    async def _candidates(self, source: str, cursor: int) -> Sequence[Any]:
        reply = await self.shell.link.ask(Complete(source=source, position=cursor, workspace=self.shell.workspace))
        if not isinstance(reply, Completions):
            return []  # a kernel without completion is still a kernel
        return [
            Candidate(each.text, reply.start, "  ".join(part for part in (each.what, each.hint) if part))
            for each in reply.items
        ]

    async def _signatures(self, source: str, cursor: int) -> str:
        """What the message that is being typed wants, on one line."""
        if source.startswith((":", MARK)):
            return ""
        reply = await self.shell.link.ask(Signature(source=source, position=cursor, workspace=self.shell.workspace))
        if not isinstance(reply, Data):
            return ""
        return "   ".join(f"{each['owner']}>>{each['signature']}" for each in reply.data)

    def _prompt(self) -> str:
        return "> " if self.shell.frame is None else f"frame {self.shell.frame}> "

    async def _edit(self, text: str) -> str | None:
        with loud_keys():
            return await asyncio.to_thread(edit_in_editor, text)

    def _heard(self, event: Event) -> None:
        """An event that answers nothing. It is said before the next prompt, not into what is being typed."""
        if isinstance(event, Goodbye):
            self.notes.append(f"The kernel has stopped: {event.reason}.")

    def _status(self) -> str:
        if self.shell.link.away:
            return "no kernel is there just now"
        return f"{self.shell.link.place}  workspace {self.shell.workspace}  jit {self.shell.policy}  :help"


def _lexer() -> type:
    from ...grammar.highlight import MessageLexer

    return MessageLexer


def blind_output() -> Output:
    """A terminal that is not asked where its cursor is.

    Asked, it answers into what a person types ahead, and the answer is taken for the next prompt's: a screenful of
    empty lines. Without it the status line stands right below the prompt.
    """
    output = create_output()
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False
        # Else prompt_toolkit shows no status line at all before it knows how much room there is.
        output.get_rows_below_cursor_position = lambda: 1  # type: ignore[method-assign]
    return output


_saved: list[Any] = []


@contextlib.contextmanager
def quiet_keys() -> Iterator[None]:
    """While an evaluation runs, what is typed is not echoed into its output; the next prompt gets it whole.

    Ctrl-C keeps its meaning. Without a terminal on stdin there is nothing to do.
    """
    if not sys.stdin.isatty():
        yield
        return
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    quiet = termios.tcgetattr(fd)
    quiet[0] &= ~termios.ICRNL  # Enter typed ahead stays Enter
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(fd, termios.TCSANOW, quiet)
    _saved.append(before)
    try:
        yield
    finally:
        _saved.pop()
        termios.tcsetattr(fd, termios.TCSANOW, before)


@contextlib.contextmanager
def loud_keys() -> Iterator[None]:
    """Inside ``quiet_keys``: the terminal as it was, for a question to the person (and for their editor)."""
    if not _saved:
        yield
        return
    import termios

    fd = sys.stdin.fileno()
    quiet = termios.tcgetattr(fd)
    termios.tcsetattr(fd, termios.TCSANOW, _saved[-1])
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, quiet)
