"""Widgets that all tools use: buttons, fields, pages of text. They know nothing of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.core.clipboard import Clipboard
from kivy.core.window import Window
from kivy.effects.scroll import ScrollEffect
from kivy.properties import BooleanProperty, ColorProperty, NumericProperty
from kivy.uix.behaviors import FocusBehavior
from kivy.uix.button import Button
from kivy.uix.label import Label
from kivy.uix.recycleview import RecycleView
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

from .text import MONO, clean, escape, whole, wrap


class Press(FocusBehavior, Button):
    """A button that the keyboard reaches: Tab focuses it, Enter or Space presses it. ``flat``: without a frame.
    ``chosen``: it is the one of several that holds."""

    flat = BooleanProperty(False)
    chosen = BooleanProperty(False)

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        if super().keyboard_on_key_down(window, keycode, text, modifiers):
            return True
        if keycode[1] in ("enter", "numpadenter", "spacebar") and not self.disabled:
            self.dispatch("on_release")
            return True
        return False


BLINKS = 10.0  # seconds that a cursor blinks after the last key: each blink is a frame


class Typed:
    """What all fields have. Ctrl-plus is a shortcut and no plus sign, although the window system sends the sign as
    well; and the cursor comes to rest, as in other programs, when nobody types."""

    focus: bool
    cursor_blink: bool

    def __init__(self, **more: Any) -> None:
        self._calm = Clock.create_trigger(lambda _: setattr(self, "cursor_blink", False), BLINKS)
        super().__init__(**more)
        for name in ("focus", "cursor", "text"):
            self.fbind(name, self._blink)  # type: ignore[attr-defined]

    def _blink(self, *_: Any) -> None:
        self._calm.cancel()
        if self.focus:
            self.cursor_blink = True
            self._calm()

    def keyboard_on_textinput(self, window: Any, text: str) -> None:
        if "ctrl" not in Window.modifiers or "alt" in Window.modifiers:  # both: AltGr on some keyboards
            super().keyboard_on_textinput(window, text)  # type: ignore[misc]


class Field(Typed, TextInput):
    """A line of text."""


class Rows(FocusBehavior, RecycleView):
    """Rows of one height that the keyboard scrolls. Tab leaves, as everywhere."""

    data: list[dict[str, Any]]
    scroll_y: float
    row_height = NumericProperty(24)
    effect_cls = ScrollEffect  # no rubber band: it comes to rest between two pixels

    def update_from_scroll(self, *largs: Any) -> None:
        """Onto whole pixels: letters between two of them are blurred."""
        super().update_from_scroll(*largs)
        self.g_translate.xy = tuple(round(part) for part in self.g_translate.xy)

    @property
    def page(self) -> int:
        """How many whole rows are in sight."""
        return max(int(self.height // self.row_height), 1)


class TextRow(Label):
    """One line of a page. Its letters are Kivy markup; a click chooses the entry that it belongs to."""

    entry = NumericProperty(0)

    def on_touch_down(self, touch: Any) -> bool:
        pages = self.parent.recycleview
        if pages.collide_point(*pages.to_widget(*self.to_window(*touch.pos))) and touch.button == "left":
            if self.y <= touch.y < self.top:
                pages.focus = True
                pages.at = self.entry
        return bool(super().on_touch_down(touch))


LONGEST = 5000  # entries that a page keeps; the oldest go first


class Pages(Rows):
    """Text in entries, each of any length: what was sent, what came back, a method's source.

    An entry is a function from a number of columns to lines of markup, kept so that a resized window or a new text
    size can wrap it anew, with the plain text for the clipboard.
    """

    at = NumericProperty(-1)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.entries: list[tuple[Callable[[int], Sequence[str]], str, str]] = []
        self.first = 0
        self.follows = True
        self.at_end = True
        self._keep_end = Clock.create_trigger(self._to_end, -1)
        self._again = Clock.create_trigger(lambda _: self.lay_out(), 0)  # when the rows have taken the theme's colours
        App.get_running_app().bind(theme=self.recolour)
        self.bind(width=lambda *_: self.lay_out(), row_height=lambda *_: self.lay_out())
        self.bind(height=self._keep_end, viewport_size=self._keep_end)

    def recolour(self, *_: Any) -> None:
        self._again()

    @property
    def columns(self) -> int:
        unit = App.get_running_app().unit
        return max(int((self.width - unit * 2) / (unit * 0.602)), 8)

    def lay_out(self) -> None:
        """Wrap everything anew."""
        self.data = [row for number, entry in enumerate(self.entries) for row in self._rows(number + self.first, entry)]

    def _to_end(self, *_: Any) -> None:
        """Keep the end in sight, where it was, when there is more text or less room. (ScrollView forgets it.)"""
        if self.follows and self.at_end:
            self.scroll_y = 0 if len(self.data) * self.row_height > self.height else 1  # little text stands above

    def on_scroll_stop(self, touch: Any, check_children: bool = True) -> bool:
        stopped = super().on_scroll_stop(touch, check_children)
        self.at_end = self.scroll_y <= 0.001
        return bool(stopped)

    def _rows(self, number: int, entry: tuple[Callable[[int], Sequence[str]], str, str]) -> list[dict[str, Any]]:
        lines, _, ink = entry
        colour = getattr(App.get_running_app().theme, ink)
        return [
            {"text": whole(line), "font_name": MONO, "entry": number, "color": colour}
            for line in lines(self.columns)
        ]

    def add(self, text: str, ink: str = "ink", lines: Callable[[int], Sequence[str]] | None = None) -> None:
        """Add an entry at the end and, where the end was in sight, keep it in sight."""
        text = clean(text)
        entry = (lines or (lambda columns: [escape(line) for line in wrap(text, columns)]), text, ink)
        self.entries.append(entry)
        number = self.first + len(self.entries) - 1
        if len(self.entries) > LONGEST:
            drop = len(self.entries) - LONGEST
            del self.entries[:drop]
            self.first += drop
            self.data = [row for row in self.data if row["entry"] >= self.first]
        self.data.extend(self._rows(number, entry))
        self._keep_end()

    def show(self, text: str, lines: Callable[[int], Sequence[str]] | None = None) -> None:
        """Show just this, from its beginning."""
        self.clear()
        self.add(text, lines=lines)
        self.scroll_y = 1

    def clear(self) -> None:
        self.first += len(self.entries)
        self.entries.clear()
        self.data = []
        self.at_end = True
        self.at = -1

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        hidden = max(len(self.data) * self.row_height - self.height, 1)
        step = {"down": 1, "up": -1, "pagedown": self.page, "pageup": -self.page}.get(keycode[1])
        if step is not None:
            self.scroll_y = min(max(self.scroll_y - step * self.row_height / hidden, 0), 1)
        elif keycode[1] == "home":
            self.scroll_y = 1
        elif keycode[1] == "end":
            self.scroll_y = 0
        elif keycode[1] == "c" and "ctrl" in modifiers:
            Clipboard.copy(self.copied())
        else:
            return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))
        self.at_end = self.scroll_y <= 0.001
        return True

    def copied(self) -> str:
        """The entry that was clicked on, or everything."""
        chosen = int(self.at) - self.first
        if 0 <= chosen < len(self.entries):
            return self.entries[chosen][1]
        return "\n".join(entry[1] for entry in self.entries)


class Lamp(Widget):
    """A dot in the colour of the connection."""

    colour = ColorProperty([1, 1, 1, 1])
