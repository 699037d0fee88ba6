"""One line that says that something goes on and for how long, and vanishes when it is over.

It begins only after a moment, so that a quick answer shows no flicker. Without a terminal, or on a dumb one: nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType

from .screen import Screen, visible

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
BEGIN_AFTER = 0.4  # seconds
EVERY = 0.1  # seconds


class Spinner:
    """``async with Spinner(screen):`` around what takes time. ``label`` and ``tail`` may change meanwhile."""

    def __init__(self, screen: Screen, label: str = "evaluating", hint: str = "Ctrl-C interrupts") -> None:
        self.screen = screen
        self.label = label
        self.hint = hint
        self.tail = ""
        self.since = time.monotonic()
        self.shown = False
        self.held = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Spinner:
        if self.screen.terminal and self.screen.colour:
            self._task = asyncio.create_task(self._spin())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.clear()

    def clear(self) -> None:
        """Take the line away, so that something else can be written; it comes back by itself."""
        if self.shown:
            self.screen.out.write("\r\x1b[K\x1b[?25h")
            self.screen.out.flush()
            self.shown = False

    def hold(self) -> None:
        """Show nothing until ``release``: a person is being asked something."""
        self.held += 1
        self.clear()

    def release(self) -> None:
        self.held -= 1

    def text(self, now: float) -> str:
        """What the line says, without colours, no longer than the terminal is wide."""
        elapsed = now - self.since
        frame = FRAMES[int(elapsed / EVERY) % len(FRAMES)]
        head = f"{frame} {self.label} {elapsed:.1f} s ({self.hint})"
        room = self.screen.width - len(head) - 4
        tail = visible(self.tail.replace("\n", "⏎"))[-room:] if room > 8 and self.tail else ""
        return f"{head}  {tail}"[: self.screen.width - 1].rstrip()

    async def _spin(self) -> None:
        await asyncio.sleep(BEGIN_AFTER)
        while True:
            if not self.held and not self.screen.column:
                self.screen.out.write("\r\x1b[?25l" + self.screen.ink(self.text(time.monotonic()), "faint") + "\x1b[K")
                self.screen.out.flush()
                self.shown = True
            await asyncio.sleep(EVERY)
