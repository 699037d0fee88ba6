"""Tools as cards above the world: moved by their title, resized by their corner, brought to front, closed.

A card is a person's view and no object of the image: opening one is no message, and undo does not close it. Where the
cards were is kept for the next window (settings.py).
"""

from __future__ import annotations

from typing import Any

from kivy.properties import BooleanProperty, ListProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from ...bridge.covenant import UvmStateUpdateEvent
from .cached import Cached  # noqa: F401  (of the rule)

SMALLEST = 14  # text heights: a card's least width and height


class Tool(BoxLayout):
    """What a card shows. ``start`` is called whenever a kernel was found, ``facts`` is what to keep for next time."""

    kind = "tool"
    title = StringProperty("")

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        self.app = app
        super().__init__(orientation="vertical", **more)
        self.take(facts or {})

    def take(self, facts: dict[str, Any]) -> None:
        """Be as these facts say; they may come from an older version, or be wrong."""

    def facts(self) -> dict[str, Any]:
        return {}

    def start(self) -> None:
        """There is a kernel (again): ask what is to be asked."""

    def heard(self, event: UvmStateUpdateEvent) -> None:
        """An object that some tool watches has changed."""

    def topics(self) -> set[str]:
        """The objects whose changes this tool wants to hear of."""
        return set()

    def closed(self) -> None:
        """The card is gone."""

    def focus_first(self) -> None:
        """Give the keyboard to where a person wants it."""
        for each in self.walk(restrict=True):
            if getattr(each, "is_focusable", False) and not getattr(each, "disabled", False) and hasattr(each, "focus"):
                each.focus = True
                return


class Card(FloatLayout):
    """A frame around a tool. ``share`` is its place as shares of the room: x, y (from below), width, height."""

    __events__ = ("on_close", "on_moved")
    title = StringProperty("")
    active = BooleanProperty(False)
    share = ListProperty([0.1, 0.1, 0.5, 0.5])
    tool = ObjectProperty(None)
    top: float

    def __init__(self, tool: Tool, share: list[float], **more: Any) -> None:
        self._held: tuple[str, Any, Any] | None = None
        super().__init__(size_hint=(None, None), share=share, **more)
        self.tool = tool
        self.ids.inside.add_widget(tool)
        self.title = tool.title
        tool.bind(title=lambda _, title: setattr(self, "title", title))

    def fit(self, room: Widget, unit: float) -> None:
        """Take the place that the shares say, whatever the window's size is now."""
        x, y, width, height = self.share
        least = SMALLEST * unit
        self.size = (
            min(max(round(width * room.width), least), room.width),
            min(max(round(height * room.height), least * 0.6), room.height),
        )
        self.pos = (
            room.x + min(max(round(x * room.width), 0), max(room.width - self.width, 0)),
            room.y + min(max(round(y * room.height), 0), max(room.height - self.height, 0)),
        )

    def remember(self) -> None:
        room = self.parent
        if room is not None and room.width > 1 and room.height > 1:
            self.share = [
                (self.x - room.x) / room.width,
                (self.y - room.y) / room.height,
                self.width / room.width,
                self.height / room.height,
            ]
            self.dispatch("on_moved")

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        if getattr(touch, "button", "left") == "left":
            self.dispatch("on_moved")
            corner = 16
            if touch.x > self.right - corner and touch.y < self.y + corner:
                self._held = ("size", touch.pos, (*self.size, self.y))
            elif touch.y > self.top - self.ids.bar.height and not self.ids.close.collide_point(*touch.pos):
                self._held = ("pos", touch.pos, tuple(self.pos))
            if self._held:
                touch.grab(self)
                return True
        super().on_touch_down(touch)
        return True  # what is under a card does not see the pointer

    def on_touch_move(self, touch: Any) -> bool:
        if touch.grab_current is not self or self._held is None:
            return bool(super().on_touch_move(touch))
        what, start, before = self._held
        dx, dy = touch.x - start[0], touch.y - start[1]
        if what == "pos":
            self.pos = before[0] + dx, before[1] + dy
        else:
            least = SMALLEST * self.tool.app.unit
            height = max(before[1] - dy, least * 0.6)
            top = before[2] + before[1]
            self.size = max(before[0] + dx, least), height
            self.y = top - height
        return True

    def on_touch_up(self, touch: Any) -> bool:
        if touch.grab_current is not self or self._held is None:
            return bool(super().on_touch_up(touch))
        touch.ungrab(self)
        self._held = None
        self.remember()
        self.fit(self.parent, self.tool.app.unit)
        return True

    def nudge(self, dx: float, dy: float, resize: bool) -> None:
        """By the keyboard: move, or make larger and smaller."""
        if resize:
            top = self.top
            self.size = max(self.width + dx, SMALLEST * self.tool.app.unit), max(self.height - dy, 80)
            self.top = top
        else:
            self.pos = self.x + dx, self.y + dy
        self.remember()
        self.fit(self.parent, self.tool.app.unit)

    def on_close(self) -> None:
        """The person wants it gone."""

    def on_moved(self) -> None:
        """It has another place, or was touched."""
