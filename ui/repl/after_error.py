"""Commands for after an error: its stack, the missing method, and the message once more."""

from __future__ import annotations

from . import show
from .shell import Shell


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
        return shell.complain(f":frame takes a number, not {rest!r}")
    number = int(rest) if rest else shell.frame or 0
    if number >= len(found.frames):
        return shell.complain(f"there is no frame {number}; the last one is {len(found.frames) - 1}")
    shell.frame = number
    for line in show.frame(shell.screen, found.frames[number], number):
        shell.screen.raw(line)


async def up(shell: Shell, rest: str) -> None:
    """one frame up, to whoever sent the message"""
    await frame(shell, str(0 if shell.frame is None else shell.frame + 1))


async def down(shell: Shell, rest: str) -> None:
    """one frame down, to what it sent"""
    if shell.frame == 0:
        return shell.complain("this is the innermost frame")
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
        return shell.complain("no method was missing")
    if shell.edit is None:
        return shell.complain("there is no editor here")
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
        return shell.complain("nothing has failed")
    shell.frame = None
    await shell.evaluate(shell.failed_source)


async def python(shell: Shell, rest: str) -> None:
    """the Python traceback under the last error"""
    if shell.last_error is None:
        return shell.complain("there was no error")
    shell.screen.line(shell.last_error.python.rstrip() or "no Python code was running")
