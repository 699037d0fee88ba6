"""Reading statements from a person at a terminal, with prompt_toolkit.

Enter ends a statement when the grammar says it is whole, and makes a new line when it is not. Only this module
(and what it is asked by) imports prompt_toolkit, and it is imported only where there is a terminal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, has_completions, has_selection
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style, merge_styles, style_from_pygments_cls

from ..wish import MARK

PROMPT, MORE = "> ", "| "
PAUSE = 0.15  # seconds between two looks at what the message that is being typed wants
REFRESH = 1.0  # seconds between looks at the status below the prompt

# What a key asks for with what is typed (or selected): to run it, to print its result, to look at its result.
DO_IT, PRINT_IT, INSPECT_IT = "do", "print", "inspect"

Candidates = Callable[[str, int], Awaitable[Sequence[Any]]]


class Typed(str):
    """What a person typed; ``wish`` says which key sent it."""

    wish: str = PRINT_IT

    @classmethod
    def of(cls, text: str, wish: str) -> Typed:
        typed = cls(text)
        typed.wish = wish
        return typed


class KernelCompleter(Completer):
    """Completion by the kernel, which knows the receiver; never waits longer than a person would.

    ``candidates(source, cursor)`` answers objects with ``text``, ``start`` (where in the source the completed word
    begins) and ``detail``. Words after a colon at the line's start are completed from ``commands``.
    """

    def __init__(self, candidates: Candidates, commands: Iterable[str], patience: float = 0.8) -> None:
        self.candidates = candidates
        self.commands = sorted(commands)
        self.patience = patience

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        return []

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        before = document.text_before_cursor
        if before.startswith(MARK):
            return  # words, not messages
        if before.startswith(":"):
            for name in self.commands:
                if name.startswith(before):
                    yield Completion(name, start_position=-len(before))
            return
        try:
            found = await asyncio.wait_for(self.candidates(document.text, document.cursor_position), self.patience)
        except (TimeoutError, ConnectionError):
            return
        for each in found:
            yield Completion(
                each.text,
                start_position=each.start - document.cursor_position,
                display_meta=each.detail,
            )


def history_in(path: Path | None) -> History:
    """The history file, or a history of this session where the file cannot be kept."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


class Reader:
    """The prompt. ``read`` answers what was typed, raises EOFError on Ctrl-D and KeyboardInterrupt on Ctrl-C."""

    def __init__(
        self,
        *,
        is_complete: Callable[[str], bool],
        lexer: type | None,
        candidates: Candidates,
        commands: Iterable[str],
        history: Path | None,
        status: Callable[[], str],
        prompt: Callable[[], str] = lambda: PROMPT,
        signatures: Callable[[str, int], Awaitable[str]] | None = None,
        colour: bool,
        vi: bool = False,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.is_complete = is_complete
        self.status = status
        self.signatures = signatures
        self._hint = ""
        self._hinting: asyncio.Task[None] | None = None
        self.session: PromptSession[str] = PromptSession(
            message=prompt,
            prompt_continuation=self._continuation,
            multiline=True,
            lexer=PygmentsLexer(lexer) if lexer and colour else None,
            include_default_pygments_style=False,
            style=_style() if colour else Style([]),
            history=history_in(history),
            auto_suggest=AutoSuggestFromHistory() if colour else None,
            completer=KernelCompleter(candidates, commands),
            complete_while_typing=False,
            enable_open_in_editor=True,
            tempfile_suffix=".st",
            editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
            input_processors=[HighlightMatchingBracketProcessor(chars="[](){}")],
            key_bindings=self._keys(),
            bottom_toolbar=self._toolbar if colour else None,
            refresh_interval=REFRESH if colour else 0,
            input=input,
            output=output,
        )
        if signatures is not None and colour:
            self.session.default_buffer.on_cursor_position_changed += lambda _: self._look_up()

    async def read(self, default: str = "") -> Typed:
        """What the person typed, without the newline that ended it."""
        self.wish = PRINT_IT
        self._hint = ""
        text = await self.session.prompt_async(default=default)
        return Typed.of(text, self.wish)

    def use_vi(self, vi: bool) -> None:
        self.session.editing_mode = EditingMode.VI if vi else EditingMode.EMACS

    def _continuation(self, width: int, line: int, soft: int) -> StyleAndTextTuples:
        return [("class:more", MORE)]

    def _toolbar(self) -> StyleAndTextTuples:
        if self._hint:
            return [("class:hint", " " + self._hint)]
        return [("class:bar", " " + self.status())]

    def _look_up(self) -> None:
        """Asks what the message at the cursor wants, once the person pauses; one question at a time."""
        if self._hinting is None or self._hinting.done():
            self._hinting = asyncio.ensure_future(self._show_hint())

    async def _show_hint(self) -> None:
        assert self.signatures is not None
        asked: tuple[str, int] | None = None
        while True:
            await asyncio.sleep(PAUSE)
            buffer = self.session.default_buffer
            now = (buffer.text, buffer.cursor_position)
            if now == asked:
                return
            asked = now
            try:
                hint = await asyncio.wait_for(self.signatures(*now), 1.0) if now[0].strip() else ""
            except (TimeoutError, ConnectionError):
                hint = ""
            if hint != self._hint:
                self._hint = hint
                self.session.app.invalidate()

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        def send(event: KeyPressEvent, wish: str) -> None:
            buffer = event.current_buffer
            if buffer.selection_state:
                data = buffer.copy_selection()
                buffer.reset(Document(data.text, len(data.text)), append_to_history=False)
            self.wish = wish
            if buffer.text.strip():
                buffer.validate_and_handle()

        @Condition
        def typing() -> bool:
            return not get_app().layout.is_searching

        @keys.add("enter", filter=typing & ~has_selection)
        def _enter(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            if buffer.complete_state and buffer.complete_state.current_completion:
                buffer.complete_state = None
            elif self._whole(buffer.text) or _two_blank_lines(buffer.document):
                buffer.validate_and_handle()
            else:
                buffer.newline(copy_margin=True)

        @keys.add("escape", "enter", filter=typing)
        def _new_line(event: KeyPressEvent) -> None:
            event.current_buffer.newline(copy_margin=True)

        @keys.add("f5", filter=typing)
        def _do_it(event: KeyPressEvent) -> None:
            send(event, DO_IT)

        @keys.add("f6", filter=typing)
        def _print_it(event: KeyPressEvent) -> None:
            send(event, PRINT_IT)

        @keys.add("f7", filter=typing)
        def _inspect_it(event: KeyPressEvent) -> None:
            send(event, INSPECT_IT)

        @keys.add("tab", filter=typing & ~has_completions & Condition(_at_margin))
        def _indent(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("    ")

        return keys

    def _whole(self, text: str) -> bool:
        return not text.strip() or text.startswith((":", MARK)) or self.is_complete(text)


def _at_margin() -> bool:
    """Whether only blanks stand before the cursor, so that Tab indents and does not complete."""
    document = get_app().current_buffer.document
    return bool(document.text.strip()) and not document.current_line_before_cursor.strip()


def _two_blank_lines(document: Document) -> bool:
    """Two empty lines at the end send what there is: nobody is caught in an unclosed bracket."""
    return document.is_cursor_at_the_end and document.text.endswith("\n\n")


def _style() -> Any:
    from .colours import TerminalStyle

    return merge_styles(
        [
            style_from_pygments_cls(TerminalStyle),
            Style.from_dict(
                {
                    "prompt": "bold",
                    "more": "#888888",
                    "bar": "",
                    "hint": "ansicyan",
                    "bottom-toolbar": "noreverse #888888",
                    "bottom-toolbar.text": "noreverse #888888",
                    "matching-bracket.cursor": "bold underline",
                    "matching-bracket.other": "bold underline",
                }
            ),
        ]
    )
