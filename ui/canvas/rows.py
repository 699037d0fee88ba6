"""Rows that the keyboard moves in, of which only those in sight are drawn: a hundred thousand cost what thirty do.

What the rows are is asked of a source, which may not have all of them yet: a row that is None is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kivy.app import App
from kivy.clock import Clock
from kivy.core.text import Label as CoreLabel
from kivy.graphics import Color, Line, Rectangle
from kivy.properties import NumericProperty, ObjectProperty
from kivy.uix.behaviors import FocusBehavior
from kivy.uix.widget import Widget

from .text import MONO, clean, font_for

LONGEST_CELL = 300  # characters of a cell that are drawn
SPLIT = 0.4  # the share of the first column
TEXTURES = 2000  # drawn texts that a list keeps


@dataclass(slots=True)
class Cell:
    """One row: a name, a text, and what a click on it means. ``kind`` is heading, parent, data, method or plain."""

    name: str
    text: str = ""
    kind: str = "data"
    handle: str | None = None
    ink: str = ""
    extra: Any = None


class Source(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Cell | None: ...


class RowList(FocusBehavior, Widget):
    """Arrows choose, Enter opens, Backspace goes back. Tab leaves, as everywhere."""

    __events__ = ("on_chosen", "on_open", "on_leave_back", "on_edit")
    source = ObjectProperty([])
    at = NumericProperty(-1)
    first = NumericProperty(0)
    split = NumericProperty(SPLIT)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._textures: dict[tuple[Any, ...], Any] = {}
        self._awaited = -1  # a row that was gone to before it came
        self.redraw = Clock.create_trigger(lambda _: self.draw(), -1)
        for name in ("source", "at", "first", "pos", "size", "focus", "split"):
            self.fbind(name, self.redraw)
        App.get_running_app().bind(theme=self._again, unit=self._again)  # weakly: a closed card is not held

    def _again(self, *_: Any) -> None:
        self.redraw()

    @property
    def row_height(self) -> float:
        return round(App.get_running_app().unit * 1.6)

    @property
    def page(self) -> int:
        """How many whole rows are in sight."""
        return max(int((self.height - 6) // self.row_height), 1)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(self, source: Source | Sequence[Cell], keep: bool = True) -> None:
        """Show other rows; the chosen one stays the one of the same name, and the place in the list stays."""
        if keep and source is self.source:
            self.redraw()
            return
        before = self.chosen
        self.source = source
        self.at = -1
        if keep and before is not None and len(source) <= 5000:
            wanted = (before.name, before.kind)
            for index in range(len(source)):
                row = source[index]
                if row is not None and (row.name, row.kind) == wanted:
                    self.at = index
                    break
        if not keep:
            self.first = 0
        self.first = min(int(self.first), max(len(source) - self.page, 0))
        self.redraw()

    @property
    def chosen(self) -> Cell | None:
        at = int(self.at)
        return self.source[at] if 0 <= at < len(self.source) else None

    def draw(self) -> None:
        app = App.get_running_app()
        theme, unit = app.theme, app.unit
        self.canvas.clear()
        if len(self._textures) > TEXTURES:
            self._textures.clear()
        high, wide = self.row_height, self.width
        left = round(unit * 0.6)
        total = len(self.source)
        self.first = min(max(int(self.first), 0), max(total - self.page, 0))
        with self.canvas:
            Color(*theme.panel)
            Rectangle(pos=self.pos, size=self.size)
            for index in range(self.first, min(self.first + self.page, total)):
                row = self.source[index] or Cell("…", kind="plain", ink="faint")
                y = round(self.top - 3 - (index - self.first + 1) * high)
                if index == self.at:
                    Color(*theme.chosen)
                    Rectangle(pos=(self.x + 2, y), size=(wide - 4, high))
                heading = row.kind == "heading"
                ink = row.ink or ("faint" if heading else "accent" if row.kind == "method" else "ink")
                across = wide if row.kind == "plain" or not row.text else wide * self.split
                self._cell(row.name, left, y, across - left - 6, ink, heading, theme, unit)
                if row.kind != "plain":
                    ink = "accent" if row.handle else "faint" if row.kind in ("heading", "method") else "ink"
                    start = wide * self.split
                    self._cell(row.text, start, y, wide - start - 14, ink, False, theme, unit)
            if total > self.page:
                share = self.page / total
                long = max(self.height * share, unit)
                top = self.top - (self.height - long) * self.first / max(total - self.page, 1)
                Color(*(theme.accent if self.focus else theme.line))
                Rectangle(pos=(self.right - 7, top - long), size=(4, long))
            Color(*(theme.accent if self.focus else theme.line))
            Line(rectangle=(self.x + 1, self.y + 1, wide - 2, self.height - 2), width=1.4 if self.focus else 1)

    def _cell(self, text: str, x: float, y: float, room: float, ink: str, bold: bool, theme: Any, unit: float) -> None:
        if not text or room < 8:
            return
        key = (text[:LONGEST_CELL], round(room), bold, unit)
        texture = self._textures.get(key)
        if texture is None:
            shown = clean(text[:LONGEST_CELL]).replace("\n", " ")
            label = CoreLabel(
                text=shown,
                font_size=unit * (0.9 if bold else 0.97),
                font_name=font_for(shown, "Roboto" if bold else MONO),
                bold=bold,
                text_size=(room, None),
                shorten=True,
                shorten_from="right",
                split_str="",
            )
            label.refresh()
            texture = self._textures[key] = label.texture
        Color(*getattr(theme, ink))
        height = texture.size[1]
        Rectangle(
            texture=texture, pos=(round(self.x + x), round(y + (self.row_height - height) / 2)), size=texture.size
        )

    # -- choosing -----------------------------------------------------------------------------------------------------

    def choose(self, index: int) -> None:
        row = self.source[index] if 0 <= index < len(self.source) else None
        if row is None or row.kind == "heading":
            return
        self.at = index
        self.reveal(index)
        self.dispatch("on_chosen", row)

    def reveal(self, index: int) -> None:
        """Scroll as little as needed to bring the row in sight."""
        if index < self.first:
            self.first = index
        elif index >= self.first + self.page:
            self.first = index - self.page + 1

    def move(self, step: int) -> None:
        """Choose the row ``step`` further, passing over headings."""
        if not len(self.source):
            return
        direction = 1 if step > 0 else -1
        index = min(max(int(self.at) + step, 0), len(self.source) - 1)
        while 0 <= index < len(self.source):
            row = self.source[index]
            if row is None or row.kind != "heading":
                break
            index += direction
        if 0 <= index < len(self.source) and self.source[index] is None:
            self.at = self._awaited = index
            self.reveal(index)
        else:
            self.choose(index)

    def arrived(self) -> None:
        """Rows that were on their way are there: the one that was gone to is chosen now."""
        self.redraw()
        awaited, self._awaited = self._awaited, -1
        if awaited >= 0 and awaited == self.at and self.chosen is not None:
            self.choose(awaited)
        elif awaited == self.at:
            self._awaited = awaited

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        steps = {"down": 1, "up": -1, "pagedown": self.page, "pageup": -self.page}
        key, row = keycode[1], self.chosen
        if "ctrl" in modifiers or "alt" in modifiers:
            return False
        if key in steps:
            self.move(steps[key])
        elif key == "home":
            self.move(-len(self.source))
        elif key == "end":
            self.move(len(self.source))
        elif key in ("enter", "numpadenter", "right") and row is not None:
            self.dispatch("on_open", row)
        elif key in ("backspace", "left"):
            self.dispatch("on_leave_back")
        elif key == "f2" and row is not None:
            self.dispatch("on_edit", row)
        else:
            return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))
        return True

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        button = getattr(touch, "button", "left")
        if button in ("scrolldown", "scrollup"):
            self.first = int(self.first) + (-3 if button == "scrolldown" else 3)
            return True
        if button != "left":
            return False
        FocusBehavior.ignored_touch.append(touch)
        self.focus = True
        if touch.x > self.right - 14 and len(self.source) > self.page:
            touch.grab(self)
            self._scroll_to(touch)
            return True
        index = int((self.top - 3 - touch.y) // self.row_height) + int(self.first)
        self.choose(index)
        if touch.is_double_tap and self.chosen is not None and int(self.at) == index:
            self.dispatch("on_open", self.chosen)
        return True

    def on_touch_move(self, touch: Any) -> bool:
        if touch.grab_current is self:
            self._scroll_to(touch)
            return True
        return False

    def on_touch_up(self, touch: Any) -> bool:
        if touch.grab_current is self:
            touch.ungrab(self)
            return True
        return False

    def _scroll_to(self, touch: Any) -> None:
        self.first = int((self.top - touch.y) / max(self.height, 1) * len(self.source) - self.page / 2)

    def on_chosen(self, row: Cell) -> None:
        """A row was chosen."""

    def on_open(self, row: Cell) -> None:
        """A row was opened: walk into its object."""

    def on_leave_back(self) -> None:
        """The person wants what was shown before."""

    def on_edit(self, row: Cell) -> None:
        """The person wants to write another value there."""
