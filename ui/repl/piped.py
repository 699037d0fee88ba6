"""The REPL without a terminal: a program comes in on stdin, results go to stdout, complaints to stderr.

No prompt, no colours, and an exit status: 0, or 1 if a statement failed (the rest runs all the same, as by batos run).
All of stdin is read before anything runs, because only then is it known where a statement over several lines ends.
Lines that begin with a command's name (`:jit off`) are obeyed where they stand, and so are wishes (`? make a button`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from ...grammar import is_complete
from ..wish import is_wish
from .commands import COMMANDS, Quit, obey
from .shell import Shell


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in order as (lines before it, piece): stretches of statements, and single lines that are commands.

    A command's name counts only where a statement may begin: in `[\\n:quit | ...]` it names a block's argument.
    """
    held: list[str] = []
    begun = 0
    for number, line in enumerate(text.split("\n")):
        if (line.split(" ")[0].rstrip() in COMMANDS or is_wish(line)) and is_complete("\n".join(held)):
            if any(each.strip() for each in held):
                yield begun, "\n".join(held)
            yield number, line
            held, begun = [], number + 1
        else:
            held.append(line)
    if any(each.strip() for each in held):
        yield begun, "\n".join(held)


async def run(shell: Shell, stdin: TextIO) -> int:
    """Run what stdin holds. The exit status. BrokenPipeError if whoever read the results has gone."""
    try:
        text = stdin.read()
    except UnicodeDecodeError as problem:
        shell.screen.say(f"<stdin>: not UTF-8 text: {problem.reason} at byte {problem.start}")
        return 1
    status = 0
    for before, piece in pieces(text):
        if piece.startswith(":"):
            try:
                ok = await obey(shell, piece)
            except Quit:
                break
        elif is_wish(piece):
            ok = await shell.wish(piece, "<stdin>")
        else:
            # Empty lines in front keep the line numbers of errors true.
            ok = await shell.evaluate("\n" * before + piece, origin="<stdin>")
        status = status if ok else 1
        if shell.screen.deserted:
            raise BrokenPipeError
    return status
