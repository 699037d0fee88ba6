"""Text into rows of one height: wrapping by columns, colours by Pygments, and a font that has the characters.

Every long text of the canvas (a transcript, a method's source, a printString) is shown as rows of one fixed height in
a RecycleView: a hundred thousand lines cost as much as thirty. A single Label would need one texture for it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.style import Style

MONO = "RobotoMono-Regular"
WIDE = "DejaVuSans"  # arrows, mathematics, dingbats: Roboto shows boxes for them
TAB = 4


def font_for(text: str, usual: str = MONO) -> str:
    """The name of a font of Kivy's own that has these characters: the usual one where it can be."""
    if text.isascii():
        return usual
    return usual if all(ord(c) < 0x0530 or 0x2010 <= ord(c) <= 0x2026 for c in text) else WIDE


MISSING = re.compile("[^\\x00-\u052f\u2010-\u2026]+")


def whole(markup: str) -> str:
    """The markup with what the usual font lacks in the one that has it; the rest of the line stays as it is."""
    return markup if markup.isascii() else MISSING.sub(rf"[font={WIDE}]\g<0>[/font]", markup)


def escape(text: str) -> str:
    """Text as Kivy markup that shows just that text."""
    return text.replace("&", "&amp;").replace("[", "&bl;").replace("]", "&br;")


def clean(text: str) -> str:
    """Tabs as spaces and control characters as their pictures, so that a stray byte cannot upset a row."""
    text = text.replace("\r\n", "\n").expandtabs(TAB)
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else _picture(c) for c in text)


def _picture(character: str) -> str:
    code = ord(character)
    if code < 32:
        return chr(0x2400 + code)
    return "\u2421" if code == 127 else "\ufffd"


def wrap(text: str, columns: int) -> list[str]:
    """The lines of the text, none longer than ``columns`` characters; at least one line."""
    columns = max(columns, 8)
    lines: list[str] = []
    for line in text.split("\n"):
        while len(line) > columns:
            cut = line.rfind(" ", columns // 2, columns) + 1 or columns
            lines.append(line[:cut])
            line = line[cut:]
        lines.append(line)
    return lines


def coloured(source: str, lexer: Lexer, style: type[Style], columns: int) -> Iterator[str]:
    """The source's lines as Kivy markup, wrapped to ``columns`` as `wrap` does, in the colours of a Pygments style."""
    source = source.rstrip("\n")
    rows = iter([len(row) for row in wrap(source, columns)])
    room, line = next(rows), ""
    for _, kind, value in lexer.get_tokens_unprocessed(source):
        look = style.style_for_token(kind)
        text = value.replace("\n", "")
        while text:
            while not room:
                yield line
                room, line = next(rows), ""
            part, text = text[:room], text[room:]
            room -= len(part)
            line += _marked(part, look["color"], look["bold"])
    yield line
    yield from ("" for _ in rows)


def _marked(text: str, ink: str | None, bold: bool) -> str:
    text = escape(text)
    text = f"[b]{text}[/b]" if bold else text
    return f"[color={ink}]{text}[/color]" if ink else text
