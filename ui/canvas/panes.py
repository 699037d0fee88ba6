"""The widgets of the canvas: slots, pages of text, the message line. They know Kivy and nothing of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.core.clipboard import Clipboard
from kivy.core.window import Window
from kivy.effects.scroll import ScrollEffect
from kivy.properties import BooleanProperty, ColorProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import FocusBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.button import Button
from kivy.uix.codeinput import CodeInput
from kivy.uix.label import Label
from kivy.uix.recycleview import RecycleView
from kivy.uix.recycleview.views import RecycleDataViewBehavior
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

from .text import clean, escape, font_for, wrap


class Press(FocusBehavior, Button):
    """A button that the keyboard reaches: Tab focuses it, Enter or Space presses it."""

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        if super().keyboard_on_key_down(window, keycode, text, modifiers):
            return True
        if keycode[1] in ("enter", "numpadenter", "spacebar") and not self.disabled:
            self.dispatch("on_release")
            return True
        return False


class NoControlText:
    """Ctrl-plus is a shortcut and no plus sign, although the window system sends the sign as well."""

    def keyboard_on_textinput(self, window: Any, text: str) -> None:
        if "ctrl" not in Window.modifiers or "alt" in Window.modifiers:  # both: AltGr on some keyboards
            super().keyboard_on_textinput(window, text)  # type: ignore[misc]


class Field(NoControlText, TextInput):
    """A line of text."""


class SlotRow(RecycleDataViewBehavior, BoxLayout):
    """One slot: its name and its value, or a heading over a group of them."""

    name = StringProperty("")
    text = StringProperty("")
    name_font = StringProperty("RobotoMono-Regular")
    text_font = StringProperty("RobotoMono-Regular")
    kind = StringProperty("data")
    walkable = BooleanProperty(False)
    chosen = BooleanProperty(False)
    index = NumericProperty(-1)

    def refresh_view_attrs(self, view: SlotList, index: int, data: dict[str, Any]) -> None:
        self.index = index
        super().refresh_view_attrs(view, index, data)

    def on_touch_down(self, touch: Any) -> bool:
        if self.collide_point(*touch.pos) and touch.button == "left":
            slots = self.parent.recycleview
            slots.focus = True
            slots.choose(int(self.index))
            if touch.is_double_tap:
                slots.dispatch("on_open", slots.data[int(self.index)])
            return True
        return bool(super().on_touch_down(touch))


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

    def reveal(self, index: int) -> None:
        """Scroll as little as needed to bring the row in sight."""
        hidden = len(self.data) * self.row_height - self.height
        if hidden <= 0:
            return
        top = (1 - self.scroll_y) * hidden
        wanted = index * self.row_height
        if wanted < top:
            self.scroll_y = 1 - wanted / hidden
        elif wanted + self.row_height > top + self.height:
            self.scroll_y = max(1 - (wanted + self.row_height - self.height) / hidden, 0)


class SlotList(Rows):
    """The slots of the shown object. Arrows move, Enter opens, Backspace goes back."""

    __events__ = ("on_chosen", "on_open", "on_leave_back")
    at = NumericProperty(-1)

    def show(self, rows: Sequence[dict[str, Any]]) -> None:
        """Replace what is shown; the chosen row stays the one of the same name, and the place in the list stays."""
        chosen = self.data[self.at]["name"] if 0 <= self.at < len(self.data) else None
        for row in rows:
            row["chosen"] = False
        self.data = list(rows)
        self.at = next((i for i, row in enumerate(rows) if row["name"] == chosen and row["kind"] != "heading"), -1)
        if self.at >= 0:
            self._mark(self.at, True)

    def choose(self, index: int) -> None:
        if not 0 <= index < len(self.data) or self.data[index]["kind"] == "heading":
            return
        if self.at >= 0:
            self._mark(self.at, False)
        self.at = index
        self._mark(index, True)
        self.reveal(index)
        self.dispatch("on_chosen", self.data[index])

    def _mark(self, index: int, chosen: bool) -> None:
        if index < len(self.data):
            self.data[index]["chosen"] = chosen
            self.refresh_from_data()

    def move(self, step: int) -> None:
        """Choose the row ``step`` further, passing over headings."""
        direction = 1 if step > 0 else -1
        index = min(max(self.at + step, 0), len(self.data) - 1)
        while 0 <= index < len(self.data) and self.data[index]["kind"] == "heading":
            index += direction
        self.choose(index)

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        steps = {"down": 1, "up": -1, "pagedown": self.page, "pageup": -self.page}
        key = keycode[1]
        if key in steps:
            self.move(steps[key])
        elif key == "home":
            self.move(-len(self.data))
        elif key == "end":
            self.move(len(self.data))
        elif key in ("enter", "numpadenter", "right") and 0 <= self.at < len(self.data):
            self.dispatch("on_open", self.data[self.at])
        elif key in ("backspace", "left"):
            self.dispatch("on_leave_back")
        else:
            return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))
        return True

    def on_chosen(self, row: dict[str, Any]) -> None:
        """A row was chosen."""

    def on_open(self, row: dict[str, Any]) -> None:
        """A row was opened: walk into its object."""

    def on_leave_back(self) -> None:
        """The person wants the object before this one."""


LONGEST_CELL = 300  # characters of a value in the list; the whole of it is in the detail


def slot_row(name: str, text: str, kind: str, handle: Any = None, walkable: bool = False) -> dict[str, Any]:
    """What a SlotList shows for one slot."""
    if len(text) > LONGEST_CELL:
        text = text[:LONGEST_CELL] + "…"
    name, text = clean(name), clean(text).replace("\n", " ")
    return {
        "name": name,
        "text": text,
        "kind": kind,
        "handle": handle,
        "walkable": walkable,
        "name_font": font_for(name) if kind != "heading" else "Roboto",
        "text_font": font_for(text) if kind != "heading" else "Roboto",
        "chosen": False,
    }


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
        self.bind(width=lambda *_: self.lay_out(), row_height=lambda *_: self.lay_out())
        self.bind(height=self._keep_end, viewport_size=self._keep_end)

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
            self.scroll_y = 0

    def on_scroll_stop(self, touch: Any, check_children: bool = True) -> bool:
        stopped = super().on_scroll_stop(touch, check_children)
        self.at_end = self.scroll_y <= 0.001
        return bool(stopped)

    def _rows(self, number: int, entry: tuple[Callable[[int], Sequence[str]], str, str]) -> list[dict[str, Any]]:
        lines, _, ink = entry
        colour = getattr(App.get_running_app().theme, ink)
        return [
            {"text": line, "font_name": font_for(line), "entry": number, "color": colour}
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


class MessageLine(NoControlText, CodeInput):
    """Where messages are typed. Enter sends a complete statement; arrows at the edge walk through what was sent."""

    text: str
    __events__ = ("on_send",)
    most_lines = 8

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.sent: list[str] = []
        self.place = 0
        self.draft = ""
        self.is_complete: Callable[[str], bool] = lambda source: True

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        key = keycode[1]
        if key in ("enter", "numpadenter"):
            if "shift" in modifiers or ("ctrl" not in modifiers and not self.is_complete(self.text)):
                self.insert_text("\n")
            elif self.text.strip():
                self.dispatch("on_send", self.text)
            return True
        if key == "escape":
            return True  # Kivy would take the focus away; the draft and the place in it stay
        if key == "up" and self.cursor_row == 0 and not modifiers:
            return self.walk(-1)
        if key == "down" and self.cursor_row == len(self._lines) - 1 and not modifiers:
            return self.walk(1)
        return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))

    def remember(self, source: str) -> None:
        """What was sent comes back with the up arrow."""
        if not self.sent or self.sent[-1] != source:
            self.sent.append(source)
        self.place = len(self.sent)
        self.draft = ""

    def walk(self, step: int) -> bool:
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


class Lamp(Widget):
    """A dot in the colour of the connection."""

    colour = ColorProperty([1, 1, 1, 1])


class Proposal(BoxLayout):
    """A method that the model proposes, waiting for a person. Hidden while there is none."""

    __events__ = ("on_answer",)
    text = StringProperty("")
    heading = StringProperty("")

    def on_answer(self, answer: str) -> None:
        """``yes`` or ``no``."""


class Desk(BoxLayout):
    """The whole window."""

    __events__ = ("on_back", "on_home", "on_press")
    title = StringProperty("")
    place = StringProperty("")
    connection = StringProperty("connecting")
    lamp = StringProperty("warn")
    detail_title = StringProperty("")
    busy = BooleanProperty(False)
    activity = StringProperty("")
    can_go_back = BooleanProperty(False)

    def on_back(self) -> None:
        """Show the object before this one."""

    def on_home(self) -> None:
        """Show the genesis object."""

    def on_press(self) -> None:
        """Send or stop."""
