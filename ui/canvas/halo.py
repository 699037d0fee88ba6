"""The halo: what can be done with the morph it surrounds, as buttons along its upper side, and a grip to resize it."""

from __future__ import annotations

from typing import Any

from kivy.properties import ListProperty, NumericProperty, StringProperty
from kivy.uix.floatlayout import FloatLayout

from .panes import Press


class Halo(FloatLayout):
    """Stands around a morph. ``on_what(name)``: a button was pressed; ``on_resize(dx, dy, done)``: the grip moved."""

    __events__ = ("on_what", "on_resize")
    keys = {"i": "inspect", "e": "edit", "c": "clone", "d": "delete", "p": "parent", "f": "front", "o": "owner"}
    names = ("inspect", "edit", "clone", "front", "owner", "parent", "delete")

    title = StringProperty("")
    box = ListProperty([0, 0, 10, 10])  # of the morph, in the window
    bar_x = NumericProperty(0)
    bar_y = NumericProperty(0)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._grip: Any = None
        for name in self.names:
            button = Press(text=name, flat=True)
            button.bind(on_release=lambda _, name=name: self.dispatch("on_what", name))
            self.ids.row.add_widget(button)

    def around(
        self, box: tuple[float, float, float, float], title: str, room: tuple[float, float, float, float]
    ) -> None:
        """Surround this box of the window, with the buttons where there is room for them."""
        self.box = [round(each) for each in box]
        self.title = title
        bar = self.ids.bar
        x, y, width, height = box
        rx, ry, rwidth, rheight = room
        above = y + height + 10
        self.bar_y = above if above + bar.height < ry + rheight else max(y - bar.height - 10, ry + 4)
        self.bar_x = min(max(x + width / 2 - bar.width / 2, rx + 4), max(rx + rwidth - bar.width - 4, rx + 4))

    @property
    def grip_box(self) -> tuple[float, float]:
        """The middle of the grip: the lower right corner."""
        x, y, width, _ = self.box
        return x + width, y

    def on_touch_down(self, touch: Any) -> bool:
        if getattr(touch, "button", "left") != "left":
            return False
        x, y = self.grip_box
        if abs(touch.x - x) < 12 and abs(touch.y - y) < 12:
            self._grip = touch.pos
            touch.grab(self)
            return True
        bar = self.ids.bar
        return bool(bar.collide_point(*touch.pos) and bar.on_touch_down(touch))

    def on_touch_move(self, touch: Any) -> bool:
        if touch.grab_current is self and self._grip:
            self.dispatch("on_resize", touch.x - self._grip[0], self._grip[1] - touch.y, False)
            x, y, width, height = self.box
            return True
        return False

    def on_touch_up(self, touch: Any) -> bool:
        if touch.grab_current is self and self._grip:
            touch.ungrab(self)
            start, self._grip = self._grip, None
            self.dispatch("on_resize", touch.x - start[0], start[1] - touch.y, True)
            return True
        return False

    def on_what(self, what: str) -> None:
        """One of `names`."""

    def on_resize(self, dx: float, dy: float, done: bool) -> None:
        """The grip is so many pixels to the right of and below where it was taken."""
