"""What rules of morphs are made of: words, an editor, a list of items, a picture, a plot. Widgets in world coordinates.

They take whatever a slot may hold: a program may put a number where a text belongs, and the window shows something.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from weakref import WeakSet

from kivy.app import App
from kivy.clock import Clock
from kivy.core.image import Image as CoreImage
from kivy.core.text import Label as CoreLabel
from kivy.graphics import Color, Line, Rectangle
from kivy.graphics.texture import Texture
from kivy.lang import global_idmap
from kivy.properties import (
    BooleanProperty,
    ColorProperty,
    ListProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
)
from kivy.uix.button import Button
from kivy.uix.label import Label
from kivy.uix.textinput import TextInput
from kivy.uix.togglebutton import ToggleButton
from kivy.uix.widget import Widget

from .panes import Typed
from .portrait import print_data
from .text import clean, font_for
from .theme import Theme, paint
from .tree import number

LONGEST_LABEL = 4000  # characters that a label draws
LONGEST_EDITED = 20_000  # characters that can be edited on a morph; a longer text is only shown
LARGEST_TEXTURE = 2048  # pixels of a side


def said(value: Any) -> str:
    """A slot as text for a person."""
    if value is None:
        return ""
    return value if isinstance(value, str) else print_data(value)


# Who is drawn anew for another zoom, and for another theme. Kivy's own weak bindings look through all of them at each
# new one, which is too slow for a thousand; its strong ones would keep what is gone.
SHARP: WeakSet[Any] = WeakSet()
THEMED: WeakSet[Any] = WeakSet()


def draw_again(which: WeakSet[Any]) -> None:
    for each in list(which):
        each.again()


global_idmap["paint"] = paint
global_idmap["said"] = said


class Words(Widget):
    """A text in a box: cut to it with three dots, drawn at the zoom's own size so that it is always sharp."""

    text = StringProperty("")
    color = ColorProperty([1, 1, 1, 1])
    font_size = NumericProperty(15)
    bold = BooleanProperty(False)
    halign = StringProperty("left")

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        with self.canvas:
            self._ink = Color(*self.color)
            self._box = Rectangle(size=(0, 0))
        self._redraw = Clock.create_trigger(lambda _: self.draw(), -1)
        for name in ("text", "font_size", "bold", "halign", "size"):
            self.fbind(name, self._redraw)
        self.fbind("pos", self._place)
        self.fbind("color", self._colour)
        SHARP.add(self)
        self._redraw()

    def again(self) -> None:
        self._redraw()

    def _colour(self, *_: Any) -> None:
        self._ink.rgba = self.color

    def draw(self) -> None:
        scale = getattr(App.get_running_app(), "sharpness", 1.0)
        width, height = self.width * scale, self.height * scale
        size = number(self.font_size, 15) * scale
        if not self.text or size < 2 or width < 2:
            self._box.size = (0, 0)
            return
        text = clean(self.text[:LONGEST_LABEL])
        several = "\n" in text
        label = CoreLabel(
            text=text,
            font_size=min(size, 400),
            font_name=font_for(text, "Roboto"),
            bold=bool(self.bold),
            text_size=(min(width, LARGEST_TEXTURE), min(height, LARGEST_TEXTURE) if several else None),
            halign=self.halign if self.halign in ("left", "center", "right") else "left",
            valign="middle",
            shorten=not several,
            shorten_from="right",
            split_str="",
            padding=[5 * scale, 0, 5 * scale, 0],
        )
        label.refresh()
        texture = label.texture
        self._box.texture = texture
        self._box.size = (texture.width / scale, texture.height / scale)
        self._place()

    def _place(self, *_: Any) -> None:
        self._box.pos = (round(self.x), round(self.y + (self.height - self._box.size[1]) / 2))


class Short:
    """Kivy's own widgets with a text, which would draw all of it, and take seconds for a million characters."""

    def _create_label(self) -> None:
        super()._create_label()  # type: ignore[misc]
        self._label.text = self._label.text[:LONGEST_LABEL]  # type: ignore[attr-defined]

    def _trigger_texture_update(self, name: str | None = None, source: Any = None, value: Any = None) -> None:
        if name == "text":
            value = value[:LONGEST_LABEL]
        super()._trigger_texture_update(name, source, value)  # type: ignore[misc]


class ShortLabel(Short, Label):
    """What a rule's Label is."""


class ShortButton(Short, Button):
    """What a rule's Button is."""


class ShortToggleButton(Short, ToggleButton):
    """What a rule's ToggleButton is."""


class Editor(Typed, TextInput):
    """A text to edit. ``said`` is what the image says; on_accept when the person has left it changed. Of a text too
    long to be edited here the beginning is shown."""

    __events__ = ("on_accept",)
    text: str
    focus: bool
    said = StringProperty("")

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.background_normal = self.background_active = ""
        self.background_color = (0, 0, 0, 0)
        self.write_tab = False
        self._said()
        self.bind(said=lambda *_: self._said(), focus=lambda *_: self._left())
        app = App.get_running_app()
        self.cursor_color = app.theme.accent if app else (1, 1, 1, 1)

    def _said(self) -> None:
        if len(self.said) > LONGEST_EDITED:
            self.readonly = True
            self.text = f"{self.said[:LONGEST_LABEL]} ...\n\n(too long to be edited here)"
            self.cursor = (0, 0)
        elif self.readonly or not self.focus or not self.text:
            self.readonly = False
            self.text = self.said

    def _left(self) -> None:
        if not self.focus and not self.readonly and self.text != self.said:
            self.dispatch("on_accept")

    def on_text_validate(self) -> None:
        self.focus = False

    def on_accept(self) -> None:
        """The text was changed by the person."""


class Items(Widget):
    """Rows to choose from. Only what is in sight is drawn."""

    __events__ = ("on_choose",)
    items = ObjectProperty(None, allownone=True)
    selection = ObjectProperty(0, allownone=True)
    font_size = NumericProperty(15)
    first = NumericProperty(0)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._redraw = Clock.create_trigger(lambda _: self.draw(), -1)
        for name in ("items", "selection", "font_size", "size", "pos", "first"):
            self.fbind(name, self._redraw)
        THEMED.add(self)
        self._redraw()

    def again(self) -> None:
        self._redraw()

    @property
    def rows(self) -> Sequence[Any]:
        return self.items if isinstance(self.items, list | tuple) else []

    @property
    def row_height(self) -> float:
        return number(self.font_size, 15) * 1.7

    def draw(self) -> None:
        app = App.get_running_app()
        theme = app.theme
        self.canvas.clear()
        high = self.row_height
        room = max(int(self.height // high), 1)
        self.first = min(max(int(self.first), 0), max(len(self.rows) - room, 0))
        with self.canvas:
            for index in range(self.first, min(self.first + room, len(self.rows))):
                y = self.top - (index - self.first + 1) * high
                if index + 1 == self.selection:
                    Color(*theme.chosen)
                    Rectangle(pos=(self.x + 2, y), size=(self.width - 4, high))
                text = clean(said(self.rows[index])[:300]).split("\n")[0]
                label = CoreLabel(
                    text=text,
                    font_size=number(self.font_size, 15),
                    font_name=font_for(text, "Roboto"),
                    text_size=(max(self.width - 16, 8), None),
                    shorten=True,
                    shorten_from="right",
                    split_str="",
                )
                label.refresh()
                Color(*theme.ink)
                size = label.texture.size
                Rectangle(texture=label.texture, pos=(round(self.x + 8), round(y + (high - size[1]) / 2)), size=size)
            if len(self.rows) > room:
                Color(*theme.line)
                share = room / len(self.rows)
                long = max(self.height * share, 12)
                top = self.top - (self.height - long) * self.first / max(len(self.rows) - room, 1)
                Rectangle(pos=(self.right - 5, top - long), size=(3, long))

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        if touch.button in ("scrolldown", "scrollup"):
            self.first = self.first + (-3 if touch.button == "scrolldown" else 3)
            return True
        index = int((self.top - touch.y) // self.row_height) + self.first
        if touch.button == "left" and 0 <= index < len(self.rows):
            self.dispatch("on_choose", index + 1)
            return True
        return False

    def on_choose(self, index: int) -> None:
        """An item was chosen, counted from 1."""


class Picture(Widget):
    """The bytes of a picture's file, or plain pixels."""

    png = ObjectProperty(None, allownone=True)
    pixels = ObjectProperty(None, allownone=True)
    columns = ObjectProperty(0, allownone=True)
    rows = ObjectProperty(0, allownone=True)
    problem = StringProperty("")

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._texture: Any = None
        self._reload = Clock.create_trigger(lambda _: self.load(), -1)
        for name in ("png", "pixels", "columns", "rows"):
            self.fbind(name, self._reload)
        for name in ("pos", "size"):
            self.fbind(name, lambda *_: self.draw())
        THEMED.add(self)
        self._reload()

    def again(self) -> None:
        self.draw()

    def load(self) -> None:
        self._texture = None
        self.problem = ""
        try:
            if isinstance(self.png, str) and self.png:
                self.problem = "a text, where the bytes of a picture belong"
            elif isinstance(self.png, bytes) and self.png:
                self._texture = CoreImage(BytesIO(self.png), ext=_kind_of(self.png)).texture
            elif isinstance(self.pixels, bytes):
                across, down = int(number(self.columns)), int(number(self.rows))
                if 0 < across <= LARGEST_TEXTURE and 0 < down <= LARGEST_TEXTURE:
                    data = self.pixels[: across * down * 3].ljust(across * down * 3, b"\0")
                    self._texture = Texture.create(size=(across, down), colorfmt="rgb")
                    self._texture.blit_buffer(data, colorfmt="rgb", bufferfmt="ubyte")
                    self._texture.flip_vertical()
                    self._texture.mag_filter = "nearest"
                elif across or down:
                    self.problem = f"{across:,} by {down:,} pixels: from 1 to {LARGEST_TEXTURE:,} can be shown"
        except Exception as problem:  # any loader's own; the morph shows no picture, and lives
            self.problem = str(problem) or type(problem).__name__
        if self.problem:
            self.problem = f"no picture: {self.problem}"[:200]
        self.draw()

    def draw(self) -> None:
        self.canvas.clear()
        if self._texture is None:
            self._say_why()
            return
        across, down = self._texture.size
        scale = min(self.width / across, self.height / down)
        size = across * scale, down * scale
        with self.canvas:
            Color(1, 1, 1, 1)
            Rectangle(texture=self._texture, size=size, pos=(self.center_x - size[0] / 2, self.center_y - size[1] / 2))


    def _say_why(self) -> None:
        """What is wrong, where the picture would be."""
        if not self.problem:
            return
        room = min(max(self.width - 8, 8), LARGEST_TEXTURE), min(max(self.height - 4, 8), LARGEST_TEXTURE)
        label = CoreLabel(text=clean(self.problem), font_size=12, text_size=room, valign="middle", halign="center")
        label.refresh()
        with self.canvas:
            Color(*App.get_running_app().theme.bad)
            Rectangle(texture=label.texture, pos=(round(self.x + 4), round(self.y + 2)), size=label.texture.size)


def _kind_of(data: bytes) -> str:
    for start, kind in ((b"\x89PNG", "png"), (b"\xff\xd8", "jpg"), (b"GIF8", "gif"), (b"BM", "bmp")):
        if data.startswith(start):
            return kind
    raise ValueError("these bytes are no PNG, JPEG, GIF or BMP")


class Plot(Widget):
    """Numbers as a line between their least and their greatest."""

    values = ObjectProperty(None, allownone=True)
    title = StringProperty("")
    ink = ColorProperty([1, 1, 1, 1])
    font_size = NumericProperty(15)
    points = ListProperty([])

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._redraw = Clock.create_trigger(lambda _: self.draw(), -1)
        for name in ("values", "title", "ink", "pos", "size"):
            self.fbind(name, self._redraw)
        THEMED.add(self)
        self._redraw()

    def again(self) -> None:
        self._redraw()

    def draw(self) -> None:
        theme: Theme = App.get_running_app().theme
        self.canvas.clear()
        found = self.values if isinstance(self.values, list | tuple) else []
        values = [number(each) for each in found if isinstance(each, int | float) and not isinstance(each, bool)]
        small = number(self.font_size, 15) * 0.75
        left, low, right, high = self.x + small * 3.6, self.y + 10, self.right - 10, self.top - small * 2.2
        with self.canvas:
            self._write(self.title, self.x + 8, self.top - small * 1.9, theme.ink, small * 1.15)
            Color(*theme.line)
            for step in range(3):
                y = round(low + (high - low) * step / 2)
                Line(points=[left, y, right, y], width=1)
            if not values:
                return
            least, most = min(values), max(values)
            span = (most - least) or 1.0
            self._write(f"{most:.4g}", self.x + 4, high - small * 0.7, theme.faint, small)
            self._write(f"{least:.4g}", self.x + 4, low - small * 0.7, theme.faint, small)
            Color(*self.ink)
            across = (right - left) / max(len(values) - 1, 1)
            every = max(len(values) // 2000, 1)
            points = []
            for index in range(0, len(values), every):
                points += [left + index * across, low + (values[index] - least) / span * (high - low)]
            self.points = points
            if len(points) > 2:
                Line(points=points, width=1.4, joint="round")
            elif points:
                Rectangle(pos=(points[0] - 2, points[1] - 2), size=(4, 4))

    def _write(self, text: str, x: float, y: float, colour: Any, size: float) -> None:
        if text:
            label = CoreLabel(text=text, font_size=size, font_name=font_for(text, "Roboto"))
            label.refresh()
            Color(*colour)
            Rectangle(texture=label.texture, pos=(round(x), round(y)), size=label.texture.size)
