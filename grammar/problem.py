"""SyntaxProblem: what is wrong with a text, where, and what was expected there."""

from __future__ import annotations


class SyntaxProblem(Exception):
    """A text is not in the message language.

    ``line`` and ``column`` count from 1, in characters; a tab is one column. ``length`` is how many
    characters of that line are at fault (at least 1). ``expected`` names, in words, what could have stood there.
    ``at_end`` is true when more text could make it right: what an editor asks before it takes Enter as the end.
    ``str()`` is the report: place and message, the line, a caret under the fault.
    """

    def __init__(
        self,
        message: str,
        *,
        origin: str = "<input>",
        source: str = "",
        offset: int = 0,
        length: int = 1,
        expected: tuple[str, ...] = (),
        at_end: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.origin = origin
        self.source = source
        self.offset = offset
        self.expected = expected
        self.at_end = at_end
        self._length = length

    # Worked out when asked for: a hostile text may have a hundred thousand problems on one long line.

    @property
    def line(self) -> int:
        return self.source.count("\n", 0, self.offset) + 1

    @property
    def column(self) -> int:
        return self.offset - self.source.rfind("\n", 0, self.offset)

    @property
    def source_line(self) -> str:
        end = self.source.find("\n", self.offset)
        start = self.source.rfind("\n", 0, self.offset) + 1
        return self.source[start : len(self.source) if end < 0 else end].rstrip("\r")

    @property
    def length(self) -> int:
        return max(1, min(self._length, len(self.source_line) - self.column + 1))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles whole: a problem may cross to another process."""
        keywords = dict(origin=self.origin, source=self.source, offset=self.offset, length=self._length)
        return _revive, (self.message, keywords, self.expected, self.at_end)

    def __str__(self) -> str:
        before, window, length = _window(self.source_line, self.column - 1, self.length)
        # Tabs stay tabs under the line, so that the caret stands right whatever their width.
        pad = "".join("\t" if c == "\t" else " " for c in before)
        shown = "".join(c if c.isprintable() or c == "\t" else " " if c.isspace() else "\ufffd" for c in window)
        return f"{self.origin}:{self.line}:{self.column}: {self.message}\n{shown}\n{pad}{'^' * length}"


def _revive(message: str, keywords: dict, expected: tuple[str, ...], at_end: bool) -> SyntaxProblem:
    return SyntaxProblem(message, expected=expected, at_end=at_end, **keywords)


def _window(line: str, index: int, length: int, width: int = 120) -> tuple[str, str, int]:
    """Of a very long line only the part around the fault: (text before the caret, text to show, caret length)."""
    if len(line) <= width:
        return line[:index], line, length
    start = max(0, min(index - width // 2, len(line) - width))
    window = line[start : start + width]
    return window[: index - start], window, min(length, width - (index - start)) or 1
