"""The `:` commands: thin names for messages and for commands of the covenant.

Each is a function from (shell, the words after its name) to nothing; its docstring's first line is its help.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from ...bridge.covenant import (
    Browse,
    Command,
    Data,
    Done,
    Evaluate,
    History,
    Implementors,
    MethodReply,
    Methods,
    Outcome,
    Pending,
    Policy,
    Reply,
    Senders,
    Shutdown,
    Status,
    Undo,
)
from ..errors import unsendable
from ..wish import ASKS_NO_MODEL
from . import show
from .after_error import again, define, down, frame, leave, proceed, python, stack, up, vars_
from .languages import lexer_for
from .rows import kernel_facts, session_rows, summary
from .screen import visible
from .shell import Shell


class Quit(Exception):
    """The person wants to leave."""


Act = Callable[[Shell, str], Awaitable[None]]


async def obey(shell: Shell, line: str) -> bool:
    """Carry out a line that begins with a colon. False if it failed; Quit if it ends the conversation."""
    name, _, rest = line.strip().partition(" ")
    found = [each for each in COMMANDS if each == name] or [each for each in COMMANDS if each.startswith(name)]
    if len(found) != 1 or name == ":":
        hint = f"{', '.join(found)}?" if len(found) > 1 else ":help lists them"
        shell.screen.say(f"no command is called {visible(name)}; {hint}", "bad")
        return False
    before, shell.failed = shell.failed, False
    try:
        await COMMANDS[found[0]](shell, rest.strip())
    except ValidationError as problem:
        shell.complain(unsendable(problem))
    failed, shell.failed = shell.failed, shell.failed or before
    return not failed


async def ask(shell: Shell, command: Command, wanted: type[Reply]) -> Any:
    """The reply if it is of the wanted kind; None, and the person knows why, if not."""
    reply = await shell.link.ask(command)
    if isinstance(reply, wanted):
        return reply
    shell.refused(reply)
    shell.failed = True
    return None


async def help_(shell: Shell, rest: str) -> None:
    """this list"""
    rows = [(name, (act.__doc__ or "").strip().split("\n")[0]) for name, act in COMMANDS.items()]
    for line in show.table(rows):
        shell.screen.line(line)
    if shell.screen.terminal:
        shell.screen.line()
        for line in show.table(KEYS):
            shell.screen.line(line)


KEYS = (
    ("Enter", "send, if the statement is whole; else a new line (two empty lines send anyway)"),
    ("Alt-Enter", "a new line"),
    ("F5 F6 F7", "do it, print it, inspect it (the selection, or all that is typed)"),
    ("Tab", "complete"),
    ("Ctrl-R", "search the history"),
    ("Ctrl-C", "interrupt what runs; at the prompt, start over"),
    ("Ctrl-X Ctrl-E", "write in $EDITOR"),
    ("Ctrl-D", "leave"),
)


async def quit_(shell: Shell, rest: str) -> None:
    """leave; the image stays, and so does the kernel while others use it"""
    raise Quit


async def undo(shell: Shell, rest: str) -> None:
    """take back the last transaction, or the one named (`:history` shows them)"""
    if rest and not re.fullmatch("[0-9a-f]{16}", rest):
        return shell.complain(f":undo takes a transaction as :history names it, not {visible(rest)}")
    reply = await ask(shell, Undo(transaction=rest or None), Data)
    if reply:
        undone = reply.data if isinstance(reply.data, list) else [reply.data]
        for row in undone:
            shell.screen.line(f"undone: {summary(row)}", "note")


async def history(shell: Shell, rest: str) -> None:
    """the last transactions, newest first: `:history 50`"""
    if rest and not rest.isdecimal():
        return shell.complain(f":history takes a number, not {rest!r}")
    count = min(max(int(rest or 20), 1), 1000)
    reply = await ask(shell, History(count=count), Data)
    if reply:
        for row in reply.data or [{"note": "nothing yet"}]:
            shell.screen.line(summary(row))


async def who(shell: Shell, rest: str) -> None:
    """who is connected, and how the kernel is"""
    reply = await ask(shell, Status(), Data)
    if not reply:
        return
    for line in [*show.table(kernel_facts(reply.data)), "", *show.table(session_rows(reply.data["sessions"]))]:
        shell.screen.line(line)


async def jit(shell: Shell, rest: str) -> None:
    """what happens to a message nobody understands: `:jit off`, `:jit ask`, `:jit auto`"""
    if rest in get_args(Policy):
        shell.policy = rest  # type: ignore[assignment]
    elif rest:
        return shell.complain(f":jit is off, ask or auto, not {rest!r}")
    meaning = {
        "off": "a message nobody understands is an error",
        "ask": "the model writes what is missing, you decide",
        "auto": "the model writes what is missing, what passes every gate is installed",
    }
    shell.screen.line(f"jit {shell.policy}: {meaning[shell.policy]}", "note")
    if shell.policy != "off":
        reply = await ask(shell, Status(), Data)
        if reply and reply.data.get("policy") == "off":
            shell.screen.line(ASKS_NO_MODEL, "note")


async def pending(shell: Shell, rest: str) -> None:
    """proposals of the model that wait for somebody's decision"""
    reply = await ask(shell, Pending(), Data)
    if reply:
        for row in reply.data or [{"note": "none"}]:
            text = f"{row['prototype']}>>{row['selector']}" if "selector" in row else summary(row)
            shell.screen.line(visible(text))


async def workspace(shell: Shell, rest: str) -> None:
    """show the workspace, or use another: `:workspace sketch`"""
    if rest:
        shell.workspace = rest
    shell.screen.line(f"workspace {shell.workspace}", "note")


async def more(shell: Shell, rest: str) -> None:
    """the whole last result"""
    shell.screen.line(shell.last_result)


async def keys(shell: Shell, rest: str) -> None:
    """edit with the keys of emacs or of vi: `:keys vi`"""
    if shell.use_vi is None:
        return shell.complain("there are no keys here")
    if rest not in ("vi", "emacs"):
        return shell.complain(f":keys is vi or emacs, not {rest!r}")
    shell.use_vi(rest == "vi")


async def handle_of(shell: Shell, source: str) -> str | None:
    """The handle of what an expression answers. It is evaluated like any other statement."""
    outcomes: list[Outcome] = []
    command = Evaluate(source=source, workspace=shell.workspace, policy="off")
    reply = await shell.link.ask(command, lambda event: outcomes.append(event) if isinstance(event, Outcome) else None)
    if not isinstance(reply, Done):
        shell.refused(reply)
        shell.failed = True
        return None
    outcomes += reply.outcomes
    last = outcomes[-1] if outcomes else None
    if last and last.error:
        shell.error(last.error)
    elif last and last.handle is None:
        shell.complain(f"{visible(last.printed or 'nothing')} is a value and has no slots of its own")
    return last.handle if last and not last.error else None


async def inspect(shell: Shell, rest: str) -> None:
    """the slots of what an expression answers: `:inspect savings`"""
    target = await handle_of(shell, rest) if rest else shell.last_handle
    if target:
        await shell.inspect(target)
    elif not rest:
        shell.complain("the last result is no object with slots; :inspect EXPRESSION")


async def browse(shell: Shell, rest: str) -> None:
    """the methods of an object, or the source of one: `:browse Account`, `:browse Account deposit:`"""
    words = rest.split()
    selector = words.pop() if len(words) > 1 else None
    target = await handle_of(shell, " ".join(words)) if words else None
    if words and target is None:
        return
    if selector is None:
        await list_methods(shell, Browse(target=target))
        return
    reply = await ask(shell, Browse(target=target, selector=selector), MethodReply)
    if reply:
        origin = ", ".join(part for part in (reply.author, reply.intent) if part)
        lines = shell.screen.code(reply.source, lexer_for(reply.source)).split("\n")
        for line in show.framed(shell.screen, visible(f"{selector}  {origin}".strip()), lines):
            shell.screen.raw(line)


async def senders(shell: Shell, rest: str) -> None:
    """the methods that send a selector: `:senders deposit:`"""
    if not rest:
        return shell.complain(":senders SELECTOR")
    await list_methods(shell, Senders(selector=rest))


async def implementors(shell: Shell, rest: str) -> None:
    """the objects that have a method for a selector: `:implementors deposit:`"""
    if not rest:
        return shell.complain(":implementors SELECTOR")
    await list_methods(shell, Implementors(selector=rest))


async def list_methods(shell: Shell, command: Command) -> None:
    reply = await ask(shell, command, Methods)
    if reply:
        for each in reply.methods:
            shell.screen.line(visible(f"{each.owner}>>{each.selector}"))
        if not reply.methods:
            shell.screen.say("none")
        elif reply.truncated:
            shell.screen.say("… and more")


async def load(shell: Shell, rest: str) -> None:
    """evaluate a file: `:load examples/bank.st`"""
    if not rest:
        return shell.complain(":load FILE")
    try:
        source = Path(rest).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        return shell.complain(f"{rest}: {getattr(problem, 'strerror', None) or problem}")
    await shell.evaluate(source, origin=Path(rest).name)


async def shutdown(shell: Shell, rest: str) -> None:
    """stop the kernel, for everybody: what runs is finished first"""
    if await ask(shell, Shutdown(), Done):
        raise Quit


COMMANDS: Mapping[str, Act] = {
    ":help": help_,
    ":quit": quit_,
    ":undo": undo,
    ":history": history,
    ":who": who,
    ":jit": jit,
    ":pending": pending,
    ":workspace": workspace,
    ":inspect": inspect,
    ":browse": browse,
    ":senders": senders,
    ":implementors": implementors,
    ":more": more,
    ":stack": stack,
    ":frame": frame,
    ":up": up,
    ":down": down,
    ":vars": vars_,
    ":leave": leave,
    ":define": define,
    ":proceed": proceed,
    ":python": python,
    ":again": again,
    ":keys": keys,
    ":load": load,
    ":shutdown": shutdown,
}
