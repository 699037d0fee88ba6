"""Where source is typed: Kivy's CodeInput with the grammar's own highlighting, and completion by Ctrl-Space.

Kivy lexes each line by itself, which takes the second line of a comment for code. Here the whole text is lexed and
each line looked up in what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kivy.app import App
from kivy.properties import NumericProperty
from kivy.uix.codeinput import CodeInput

from .panes import Typed
from .text import coloured, escape

LONGEST_LEXED = 100_000  # characters; longer texts have one colour


def lexer_for(language: str) -> Any:
    """The Pygments lexer of a method's language."""
    if language == "python":
        from pygments.lexers.python import PythonLexer

        return PythonLexer(stripnl=False, ensurenl=False)
    from ...grammar.highlight import MessageLexer

    return MessageLexer()


class SourceInput(Typed, CodeInput):
    """Source with colours. ``on_complete(position)`` is Ctrl-Space; ``keys`` are more keys, asked first."""

    text: str
    __events__ = ("on_complete",)

    def __init__(self, **more: Any) -> None:
        self._marked: dict[str, str] = {}
        self._hint = False
        self.keys: Callable[[str, list[str]], bool] = lambda key, modifiers: False
        super().__init__(**more)
        self.fbind("text", lambda *_: self._lex())
        App.get_running_app().bind(theme=self._again)  # weakly: a closed card is not held
        self.dress()

    def _again(self, *_: Any) -> None:
        self.dress()

    def dress(self, language: str | None = None) -> None:
        """Take the theme's colours, and a language's."""
        theme = App.get_running_app().theme
        if language is not None or not hasattr(self, "_language"):
            self._language = language or "message"
            self.lexer = lexer_for(self._language)
        self.style = theme.source
        self._lex()
        self.background_color = theme.raised
        self.cursor_color = theme.accent
        self.foreground_color = theme.ink
        self._refresh_text(self.text)

    def _lex(self) -> None:
        self._marked = {}
        if len(self.text) <= LONGEST_LEXED:
            text = self.text.replace("\t", " " * self.tab_width)
            marked = coloured(text + "\n.", self.lexer, self.style, 1 << 30)
            self._marked = dict(zip(text.split("\n"), marked, strict=False))

    def _create_line_label(self, text: str, hint: bool = False) -> Any:
        self._hint = hint
        return super()._create_line_label(text, hint)

    def _get_bbcode(self, ntext: str) -> str:
        if not ntext:
            return ""
        if self._hint:
            return escape(ntext)  # white, which the hint's own colour tints
        marked = self._marked.get(ntext)
        if marked is None:
            marked = next(coloured(ntext, self.lexer, self.style, 1 << 30), escape(ntext))
        return f"[color={self.text_color}]{marked}[/color]"

    def _get_line_options(self) -> dict[str, Any]:
        options = super()._get_line_options()
        options["codeinput"] = f"{getattr(self, '_language', '')} {getattr(self.style, '__name__', '')}"
        return options  # type: ignore[no-any-return]

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        if self.keys(keycode[1], modifiers):
            return True
        if keycode[1] == "spacebar" and "ctrl" in modifiers:
            self.dispatch("on_complete", self.cursor_index())
            return True
        if keycode[1] == "escape":
            return True  # Kivy would take the focus away; the draft and the place in it stay
        return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))

    def show(self, text: str, language: str | None = None) -> None:
        """Another text, from its beginning."""
        if language is not None:
            self.dress(language)
        self.text = text
        self.cursor = (0, 0)
        self.scroll_x = self.scroll_y = 0

    def replace(self, start: int, text: str) -> None:
        """Put a completion where its beginning stands."""
        end = self.cursor_index()
        self.text = self.text[:start] + text + self.text[end:]
        self.cursor = self.get_cursor_from_index(start + len(text))

    @property
    def wanted(self) -> str:
        """What doIt is for: the selection, else the line of the cursor."""
        if self.selection_text.strip():
            return str(self.selection_text)
        lines = self.text.split("\n")
        return lines[min(self.cursor_row, len(lines) - 1)] if lines else ""

    def on_complete(self, position: int) -> None:
        """The person wants to know what may stand here."""


class MessageLine(SourceInput):
    """Where messages are typed. Enter sends a complete statement; arrows at the edge walk through what was sent."""

    __events__ = ("on_send",)
    most_lines = NumericProperty(8)

    def __init__(self, **more: Any) -> None:
        self.sent: list[str] = []
        self.place = 0
        self.draft = ""
        self.is_complete: Callable[[str], bool] = lambda source: True
        super().__init__(**more)

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        key = keycode[1]
        if self.keys(key, modifiers):
            return True
        if key in ("enter", "numpadenter"):
            if "shift" in modifiers or ("ctrl" not in modifiers and not self.is_complete(self.text)):
                self.insert_text("\n")
            elif self.text.strip():
                self.dispatch("on_send", self.text)
            return True
        if key == "up" and self.cursor_row == 0 and not modifiers:
            return self.recall(-1)
        if key == "down" and self.cursor_row == len(self._lines) - 1 and not modifiers:
            return self.recall(1)
        return super().keyboard_on_key_down(window, keycode, text, modifiers)

    def remember(self, source: str) -> None:
        """What was sent comes back with the up arrow."""
        if not self.sent or self.sent[-1] != source:
            self.sent.append(source)
        self.place = len(self.sent)
        self.draft = ""

    def recall(self, step: int) -> bool:
        """Show what was sent before, or after. (A name of its own: `walk` is how Kivy finds the next field for Tab.)"""
        place = self.place + step
        if not 0 <= place <= len(self.sent):
            return True
        if self.place == len(self.sent):
            self.draft = self.text
        self.place = place
        self.text = self.draft if place == len(self.sent) else self.sent[place]
        self.cursor = self.get_cursor_from_index(len(self.text))
        return True

    def on_send(self, source: str) -> None:
        """The person wants this evaluated."""
