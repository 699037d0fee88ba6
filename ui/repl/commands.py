"""The `:` commands: thin names for messages and for commands of the covenant.

Each is a function from (shell, the words after its name) to nothing; its docstring's first line is its help.
"""

from __future__ import annotations

import json
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
from . import show
from .languages import lexer_for
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
        complain(shell, unsendable(problem))
    failed, shell.failed = shell.failed, shell.failed or before
    return not failed


def complain(shell: Shell, text: str) -> None:
    shell.screen.say(text, "bad")
    shell.failed = True


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
    """leave; the kernel and the image stay"""
    raise Quit


async def undo(shell: Shell, rest: str) -> None:
    """take back the last transaction, or the one named (`:history` shows them)"""
    reply = await ask(shell, Undo(transaction=rest or None), Data)
    if reply:
        undone = reply.data if isinstance(reply.data, list) else [reply.data]
        for row in undone:
            shell.screen.line(f"undone: {summary(row)}", "note")


async def history(shell: Shell, rest: str) -> None:
    """the last transactions, newest first: `:history 50`"""
    if rest and not rest.isdecimal():
        return complain(shell, f":history takes a number, not {rest!r}")
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
    status = dict(reply.data)
    sessions = status.pop("sessions", [])
    for line in outline(status):
        shell.screen.line(line)
    rows = [("session", "messages", "waiting", "now")]
    rows += [
        (
            visible(s.get("name") or "?"),
            str(s.get("handled", 0)),
            str(s.get("queued", 0)),
            "busy" if s.get("running") else "idle",
        )
        for s in sessions
    ]
    shell.screen.line()
    for line in show.table(rows):
        shell.screen.line(line)


async def jit(shell: Shell, rest: str) -> None:
    """what happens to a message nobody understands: `:jit off`, `:jit ask`, `:jit auto`"""
    if rest in get_args(Policy):
        shell.policy = rest  # type: ignore[assignment]
    elif rest:
        return complain(shell, f":jit is off, ask or auto, not {rest!r}")
    meaning = {
        "off": "a message nobody understands is an error",
        "ask": "the model writes what is missing, you decide",
        "auto": "the model writes what is missing, what passes every gate is installed",
    }
    shell.screen.line(f"jit {shell.policy}: {meaning[shell.policy]}", "note")


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


async def stack(shell: Shell, rest: str) -> None:
    """the stack of the last error, frame by frame: `:frame 2` goes to one of them"""
    found = await shell.get_stack(quietly=shell.last_error is not None)
    if found is None:
        for each in shell.last_error.stack if shell.last_error else ():
            shell.screen.line(each)
        return
    for line in show.stack(shell.screen, found, shell.frame):
        shell.screen.raw(line)


async def frame(shell: Shell, rest: str) -> None:
    """go to a frame of the stack: `:frame 2`; what you type is then sent there, with its self and its variables"""
    found = await shell.get_stack()
    if found is None:
        return
    if rest and not rest.isdecimal():
        return complain(shell, f":frame takes a number, not {rest!r}")
    number = int(rest) if rest else shell.frame or 0
    if number >= len(found.frames):
        return complain(shell, f"there is no frame {number}; the last one is {len(found.frames) - 1}")
    shell.frame = number
    for line in show.frame(shell.screen, found.frames[number], number):
        shell.screen.raw(line)


async def up(shell: Shell, rest: str) -> None:
    """one frame up, to whoever sent the message"""
    await frame(shell, str(0 if shell.frame is None else shell.frame + 1))


async def down(shell: Shell, rest: str) -> None:
    """one frame down, to what it sent"""
    if shell.frame == 0:
        return complain(shell, "this is the innermost frame")
    await frame(shell, str(0 if shell.frame is None else shell.frame - 1))


async def vars_(shell: Shell, rest: str) -> None:
    """self, its slots and the variables of the frame, as they were when the message failed"""
    await frame(shell, "")


async def leave(shell: Shell, rest: str) -> None:
    """leave the stack: what you type goes to the workspace again"""
    shell.frame = None


async def proceed(shell: Shell, rest: str) -> None:
    """run the message that failed again, from its start: after you wrote what was missing"""
    found = await shell.get_stack()
    if found is not None:
        shell.frame = None
        await shell.evaluate(found.statement)


async def define(shell: Shell, rest: str) -> None:
    """write the method that was missing, in your editor; then `:proceed`"""
    found = await shell.get_stack()
    if found is None:
        return
    if not found.missing or not found.missing.get("prototype"):
        return complain(shell, "no method was missing")
    if shell.edit is None:
        return complain(shell, "there is no editor here")
    selector, names = str(found.missing["selector"]), [str(each) for each in found.missing["parameters"]]
    parts = selector.replace(":", ": ").split()
    head = " ".join(f"{part} {name}" for part, name in zip(parts, names, strict=False)) or selector
    statement = " ".join(found.statement.split()).replace('"', "'")
    written = await shell.edit(f'{found.missing["prototype"]} >> {head} [\n    "{statement}"\n    ^self\n]\n')
    if written is None:
        return shell.screen.say("nothing was written")
    shell.frame = None
    kept = shell.stack
    if await shell.evaluate(written):
        shell.stack = kept
        shell.screen.say(":proceed runs the message again")


async def again(shell: Shell, rest: str) -> None:
    """run all of the input in which something failed once more"""
    if not shell.failed_source:
        return complain(shell, "nothing has failed")
    shell.frame = None
    await shell.evaluate(shell.failed_source)


async def keys(shell: Shell, rest: str) -> None:
    """edit with the keys of emacs or of vi: `:keys vi`"""
    if shell.use_vi is None:
        return complain(shell, "there are no keys here")
    if rest not in ("vi", "emacs"):
        return complain(shell, f":keys is vi or emacs, not {rest!r}")
    shell.use_vi(rest == "vi")


async def python(shell: Shell, rest: str) -> None:
    """the Python traceback under the last error"""
    if shell.last_error is None:
        return complain(shell, "there was no error")
    shell.screen.line(shell.last_error.python.rstrip() or "no Python code was running")


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
        complain(shell, f"{visible(last.printed or 'nothing')} is a value and has no slots of its own")
    return last.handle if last and not last.error else None


async def inspect(shell: Shell, rest: str) -> None:
    """the slots of what an expression answers: `:inspect savings`"""
    target = await handle_of(shell, rest) if rest else shell.last_handle
    if target:
        await shell.inspect(target)
    elif not rest:
        complain(shell, "the last result is no object with slots; :inspect EXPRESSION")


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
        return complain(shell, ":senders SELECTOR")
    await list_methods(shell, Senders(selector=rest))


async def implementors(shell: Shell, rest: str) -> None:
    """the objects that have a method for a selector: `:implementors deposit:`"""
    if not rest:
        return complain(shell, ":implementors SELECTOR")
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
    try:
        source = Path(rest).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        return complain(shell, f"{rest or ':load FILE'}: {getattr(problem, 'strerror', None) or problem}")
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


def summary(row: Any) -> str:
    """A map as one line: what it tells of itself, or its values with the names of those that need one."""
    if not isinstance(row, dict):
        return visible(compact(row))
    if "told" in row:
        return visible("  ".join(str(row[key]) for key in ("transaction", "told", "user") if row.get(key)))
    words = [str(row[key]) for key in PLAIN if row.get(key)]
    words += [f"{key} {compact(value)}" for key, value in row.items() if key not in PLAIN and value not in (None, "")]
    return visible("  ".join(words).replace("\n", " "))


PLAIN = ("id", "name", "when", "who", "what", "note")  # values that say themselves what they are


def compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def outline(data: Any, indent: str = "") -> list[str]:
    """Nested data as indented lines."""
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, dict | list) and value:
                lines += [f"{indent}{visible(str(key))}:", *outline(value, indent + "  ")]
            else:
                lines.append(f"{indent}{visible(str(key))}: {visible(compact(value))}")
    elif isinstance(data, list):
        for value in data:
            flat = isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values())
            lines += [indent + summary(value)] if flat or not isinstance(value, dict | list) else outline(value, indent)
    else:
        lines.append(indent + visible(compact(data)))
    return lines
