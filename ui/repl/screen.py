"""Writing to the person: colours where a terminal has them, plain text everywhere else.

Nothing here reads; nothing here imports prompt_toolkit. What comes out of the image may be hostile or just binary,
so control characters are shown as pictures on a terminal and pass unchanged into a pipe or a file.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# What a piece of text means -> the "select graphic rendition" parameters of ECMA-48.
INKS = {
    "result": "36",
    "arrow": "2;36",
    "error": "1;31",
    "caret": "31",
    "faint": "2",
    "note": "33",
    "good": "32",
    "bad": "31",
    "name": "1",
    "title": "1;34",
    "removed": "31",
    "added": "32",
}


def has_colour(stream: TextIO, environ: dict[str, str] | None = None) -> bool:
    """Whether to colour: a terminal that is not dumb, and nobody set NO_COLOR (no-color.org)."""
    env = os.environ if environ is None else environ
    return stream.isatty() and env.get("TERM", "dumb") != "dumb" and not env.get("NO_COLOR")


def visible(text: str) -> str:
    """The text with control characters as pictures: an escape sequence in a String must not drive the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else _picture(c) for c in text)


def cells(text: str) -> int:
    """How many columns of a terminal the text takes: an ideograph or an emoji has two, a combining accent none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _picture(character: str) -> str:
    code = ord(character)
    if code < 32:
        return chr(0x2400 + code)
    return "\u2421" if code == 127 else f"\\u{{{code:x}}}"


class Screen:
    """Where output goes. ``terminal``: a person looks at it, ``colour``: in colours."""

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        *,
        terminal: bool | None = None,
        colour: bool | None = None,
    ) -> None:
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.terminal = self.out.isatty() if terminal is None else terminal
        self.colour = has_colour(self.out) if colour is None else colour
        self.column = 0
        self.deserted = False  # whoever read our output has gone

    @property
    def width(self) -> int:
        """Columns of the terminal, 80 where nobody knows."""
        return max(shutil.get_terminal_size((80, 24)).columns, 20)

    def ink(self, text: str, ink: str) -> str:
        """The text, coloured if colours are on."""
        return f"\x1b[{INKS[ink]}m{text}\x1b[0m" if self.colour and text else text

    def write(self, text: str, ink: str = "") -> None:
        """Write text as it is; no newline is added."""
        shown = visible(text) if self.terminal else text
        self._put(self.ink(shown, ink) if ink else shown)
        if shown:
            self.column = 0 if shown.endswith("\n") else 1

    def line(self, text: str = "", ink: str = "") -> None:
        """Write a line of its own: where output left the cursor inside a line, that line ends first."""
        self.raw((self.ink(visible(text), ink) if ink else visible(text)) if self.terminal else text)

    def raw(self, text: str) -> None:
        """Write a line that already holds colours of ours."""
        self._put(f"\n{text}\n" if self.column else f"{text}\n")
        self.column = 0

    def _put(self, text: str) -> None:
        if not self.deserted:
            try:
                self.out.write(text)
                self.out.flush()
            except BrokenPipeError:
                self.deserted = True

    def say(self, text: str, ink: str = "note") -> None:
        """Something about the conversation, not of it: on a terminal beside the output, in a pipe on stderr."""
        if self.terminal:
            self.line(text, ink)
        else:
            self.err.write(text + "\n")
            self.err.flush()

    def code(self, source: str, lexer: Lexer | None) -> str:
        """Source in the colours of the lexer's tokens, or as it is."""
        source = visible(source)
        if not self.colour or lexer is None:
            return source
        from pygments import highlight
        from pygments.formatters import Terminal256Formatter

        from .colours import TerminalStyle

        return str(highlight(source, lexer, Terminal256Formatter(style=TerminalStyle))).rstrip("\n")
