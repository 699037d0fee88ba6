"""How results, errors and proposals look. Every function answers text; the screen writes it.

Results are bounded, because an answer may be a million characters: what was left out is said, and `:more` shows it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from ...bridge.covenant import Entry, StackFrame, StackReply
from ..errors import around, shorten_stack
from .screen import Screen, cells, visible

MOST_LINES = 24
MOST_CHARACTERS = 2000


def bounded(text: str, lines: int = MOST_LINES, characters: int = MOST_CHARACTERS) -> tuple[str, str]:
    """The beginning of the text, and a note on what was left out ("" if nothing was)."""
    if len(text) <= characters and text.count("\n") < lines:
        return text, ""
    kept = "\n".join(text[:characters].split("\n")[:lines])
    left = len(text) - len(kept)
    return kept, f"… {left:,} more characters, :more shows them"


def result(screen: Screen, printed: str) -> list[str]:
    """``=> 70``, with the lines of a long answer under each other."""
    text, left_out = bounded(printed)
    first, *rest = visible(text).split("\n")
    lines = [screen.ink("=> ", "arrow") + screen.ink(first, "result")]
    lines += ["   " + screen.ink(line, "result") for line in rest]
    if left_out:
        lines.append("   " + screen.ink(left_out, "faint"))
    return lines


def error(
    screen: Screen,
    message: str,
    *,
    origin: str = "",
    line: int | None = None,
    column: int | None = None,
    length: int | None = None,
    source_line: str = "",
    stack: Sequence[str] = (),
    code: str = "",
) -> list[str]:
    """One line that says what was wrong, the source line with a caret, the stack in message terms."""
    first, *rest = visible(message).split("\n")
    label = screen.ink(f"  [{code}]", "faint") if code else ""
    lines = [screen.ink(first, "error") + label]
    lines += [screen.ink(more, "error") for more in rest]
    if source_line.strip():
        shown, start, width = around(source_line, column or 1, length or 1, screen.width - 10)
        number = str(line or 1)
        lines.append(f"{screen.ink(number.rjust(4) + ' | ', 'faint')}{visible(shown)}")
        lines.append(_carets(screen, shown, start, width))
    lines += [screen.ink(visible(each), "faint") for each in shorten_stack(stack)]
    return lines


def stack(screen: Screen, found: StackReply, here: int | None) -> list[str]:
    """The frames, innermost first, with a mark at the one where the person stands."""
    rows = [
        (
            ("▶ " if number == here else "  ") + str(number),
            visible(frame.label),
            f"line {frame.line + frame.first_line - 1}, column {frame.column}",
        )
        for number, frame in enumerate(found.frames)
    ]
    lines = [screen.ink(line, "name" if number == here else "faint") for number, line in enumerate(table(rows))]
    return [*lines, screen.ink(f"of {visible(' '.join(found.statement.split()))[:200]}", "faint")]


def frame(screen: Screen, found: StackFrame, number: int) -> list[str]:
    """One frame: its source round the place of the error, self and its slots, the variables."""
    body = list(around_place(screen, found))
    room = max(screen.width - 24, 20)

    def row(indent: str, entry: Entry) -> tuple[str, str]:
        return indent + visible(entry.name), visible(entry.printed.replace("\n", " "))[:room]

    rows = [row("", found.receiver), *(row("  ", each) for each in found.slots)]
    rows += [row("", each) for each in found.variables]
    return framed(screen, f"frame {number}  {visible(found.label)}", [*body, "", *table(rows)])


def around_place(screen: Screen, found: StackFrame) -> Iterable[str]:
    """Up to five lines of the frame's source, with a caret under the place."""
    lines = found.source.split("\n")
    first = max(found.line - 4, 0)
    for number in range(first, min(found.line + 1, len(lines))):
        if not lines[number].strip():
            continue
        shown, start, width = around(lines[number], found.column, found.length, screen.width - 12)
        yield screen.ink(str(number + found.first_line).rjust(4) + " | ", "faint") + visible(shown)
        if number == found.line - 1:
            yield _carets(screen, shown, start, width)


def _carets(screen: Screen, shown: str, start: int, count: int) -> str:
    """The line below one with a number, carets under `count` characters of it."""
    marked = cells(visible(shown[start : start + count])) or 1
    return screen.ink(" | ".rjust(7), "faint") + " " * cells(visible(shown[:start])) + screen.ink("^" * marked, "caret")


def diff(screen: Screen, before: str, after: str, name: str) -> list[str]:
    """What a new version of a method changes, as a unified diff."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} (now)", f"{name} (proposed)", lineterm=""
    )
    return [_diff_line(screen, visible(line)) for line in lines]


def _diff_line(screen: Screen, line: str) -> str:
    if line.startswith(("+++", "---", "@@")):
        return screen.ink(line, "faint")
    if line.startswith("+"):
        return screen.ink(line, "added")
    return screen.ink(line, "removed") if line.startswith("-") else line


def framed(screen: Screen, title: str, body: Iterable[str]) -> list[str]:
    """Lines with a rule above that carries the title and a bar at their left."""
    bar = screen.ink("│ ", "faint")
    return [
        screen.ink("╭─ ", "faint") + screen.ink(title, "title"),
        *(bar + line for line in body),
        screen.ink("╰─", "faint"),
    ]


def table(rows: Sequence[Sequence[str]], gap: str = "  ") -> list[str]:
    """Rows with their columns under each other; the last column is as long as it is."""
    if not rows:
        return []
    widths = [max(cells(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]

    def padded(row: Sequence[str]) -> list[str]:
        return [text + " " * (width - cells(text)) for text, width in zip(row, widths, strict=False)]

    return [gap.join([*padded(row), row[-1]]).rstrip() for row in rows]
