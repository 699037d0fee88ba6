"""A proposal of the model, shown so that a person can decide: why, what changes, what the gates said.

The answer is one key: y installs it, n does not, e opens it in $EDITOR and sends what comes back through the same
gates, r sends it back to the model with a hint.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from ...bridge.covenant import Approval
from ..gates import read_gate
from . import show
from .languages import lexer_for
from .screen import Screen, visible

Choice = Literal["yes", "no", "edit", "retry"]
KEYS: Mapping[str, Choice] = {"y": "yes", "n": "no", "e": "edit", "r": "retry"}
QUESTION = "install? [y]es [n]o [e]dit [r]etry with a hint: "
RUN_QUESTION = "run it? [y]es [n]o [e]dit [r]etry with a hint: "


@dataclass(frozen=True, slots=True)
class Decision:
    choice: Choice
    code: str | None = None
    hint: str = ""


class Asker(Protocol):
    """Asks a person at a terminal. Both raise KeyboardInterrupt on Ctrl-C and EOFError on Ctrl-D."""

    async def key(self, question: str, keys: str) -> str:
        """One of these keys."""

    async def line(self, question: str) -> str:
        """A line of text."""


def describe(screen: Screen, proposal: Approval) -> list[str]:
    """The proposal as lines: explanation, code (as a diff where it replaces something), gates."""
    name = f"{proposal.prototype}>>{proposal.selector}" if proposal.prototype else proposal.selector
    width = max(screen.width - 4, 20)
    body = [part for line in proposal.explanation.strip().splitlines() for part in textwrap.wrap(visible(line), width)]
    if body:
        body.append("")
    if proposal.replaces:
        body += show.diff(screen, proposal.replaces, proposal.code, name)
    else:
        body += screen.code(proposal.code.strip("\n"), lexer_for(proposal.code)).split("\n")
    if proposal.gates:
        body.append("")
    body += [gate_line(screen, gate) for gate in proposal.gates]
    if proposal.note:
        body += ["", screen.ink(visible(proposal.note), "note")]
    title = visible(proposal.title) if proposal.title else f"the model proposes {visible(name)}"
    return show.framed(screen, title, body)


def gate_line(screen: Screen, said: Mapping[str, Any]) -> str:
    """``✓ parse``, ``✗ policy: imports os``."""
    gate = read_gate(said)
    mark = screen.ink("✓", "good") if gate.passed else screen.ink("✗", "bad")
    return f"{mark} {visible(gate.name)}" + (screen.ink(f": {visible(gate.reason)}", "faint") if gate.reason else "")


async def decide(screen: Screen, proposal: Approval, asker: Asker, edit: Callable[[str], str | None]) -> Decision:
    """Show the proposal and ask until there is an answer. Ctrl-C and Ctrl-D mean no."""
    for line in describe(screen, proposal):
        screen.raw(line)
    while True:
        try:
            choice = KEYS[await asker.key(RUN_QUESTION if proposal.title else QUESTION, "".join(KEYS))]
            if choice == "retry":
                return Decision("retry", hint=(await asker.line("hint: ")).strip())
            if choice != "edit":
                return Decision(choice)
            code = await asyncio.to_thread(edit, proposal.code)
        except (KeyboardInterrupt, EOFError):
            return Decision("no")
        except OSError as problem:
            screen.say(f"the editor did not start: {problem}", "bad")
            continue
        if code is not None:
            return Decision("edit", code=code)
        screen.say("nothing was changed")


def edit_in_editor(code: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The code as the person's $VISUAL or $EDITOR (or vi) leaves it; None if that is as before or empty, or it failed.

    OSError if the editor cannot be started.
    """
    editor = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi")
    suffix = ".py" if code.lstrip().startswith("def ") else ".st"
    with tempfile.TemporaryDirectory(prefix="batos-") as folder:
        path = Path(folder) / f"proposal{suffix}"
        path.write_text(code, "utf-8")
        if subprocess.run([*editor, str(path)], check=False).returncode:
            return None
        edited = path.read_text("utf-8")
    return edited if edited.strip() and edited.strip() != code.strip() else None
