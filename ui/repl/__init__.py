"""The REPL: a conversation with the living image, at a terminal or in a pipe."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...bridge.covenant import Policy


def state_folder() -> Path:
    """Where histories are kept: ``$XDG_STATE_HOME/batos``, by default ``~/.local/state/batos``."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "batos"


def main(
    endpoint: str,
    *,
    workspace: str = "default",
    policy: Policy = "ask",
    vi: bool | None = None,
    history: Path | None = None,
    greeting: str = "",
    patience: float = 15.0,
    revive: Callable[[], str] | None = None,
) -> int:
    """Talk with the kernel at ``endpoint`` until the person leaves or stdin ends. Answers the exit status.

    0: left, or everything ran; 1: a statement of a piped program failed, or the kernel is gone. ``patience`` is how
    many seconds to wait for the kernel at the start. ``revive`` starts a kernel where none is left and answers its
    endpoint; the person is offered it when the kernel has died. ``vi``: vi keys (default: where $EDITOR is a vi).
    """
    from ..link import Link, LinkLost
    from .screen import Screen
    from .shell import Shell

    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    screen = Screen(terminal=terminal, colour=None if terminal else False)
    if vi is None:
        vi = "vi" in Path((os.environ.get("EDITOR") or "").split(" ")[0]).name

    async def converse() -> int:
        async with Link(endpoint, client="repl") as link:
            try:
                await link.reconnect(patience)
            except LinkLost as lost:
                screen.say(f"no kernel answers at {endpoint}: {lost}", "bad")
                return 1
            shell = Shell(link, screen, workspace=workspace, policy=policy)
            if not terminal:
                from .piped import run

                try:
                    return await run(shell, sys.stdin)
                except LinkLost as lost:
                    screen.say(f"the kernel is gone: {lost}", "bad")
                    return 1
            from .terminal import TerminalRepl

            screen.line(greeting or f"BAT OS, {link.place}. :help says what there is, Ctrl-D leaves.", "faint")
            loop = TerminalRepl(shell, history=history or state_folder() / "history", vi=vi, revive=revive)
            return await loop.run()

    try:
        return asyncio.run(converse())
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our results has gone; say nothing more, and let nothing more be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
