"""What is drawn into a texture of its own, and only drawn anew when something in it has changed.

Kivy draws the whole window for each frame. A card of rows and editors costs 15 ms of a processor in software GL, its
texture three; so a morph that moves in the world, or a cursor that blinks in another card, does not draw it.
"""

from __future__ import annotations

from typing import Any

from kivy.clock import Clock
from kivy.graphics import (
    Canvas,
    ClearBuffers,
    ClearColor,
    Color,
    Fbo,
    PopMatrix,
    PushMatrix,
    RoundedRectangle,
    Scale,
    Translate,
)
from kivy.properties import ColorProperty, NumericProperty
from kivy.uix.floatlayout import FloatLayout


def exact(texture: Any) -> Any:
    """For a texture shown pixel by pixel: nothing is mixed from neighbours, which costs most of its time."""
    texture.mag_filter = texture.min_filter = "nearest"
    return texture


class Cached(FloatLayout):
    """Its children are drawn into a texture, on ``ground``, which must be opaque; the texture's corners are rounded."""

    ground = ColorProperty([0, 0, 0, 1])
    radius = NumericProperty(0)

    def __init__(self, **more: Any) -> None:
        self.canvas = Canvas()
        with self.canvas:
            self._fbo = Fbo(size=(16, 16), with_stencilbuffer=True)
            Color(1, 1, 1, 1)
            self._picture = RoundedRectangle(radius=[0.01], segments=8, texture=self._fbo.texture)
        with self._fbo.before:
            self._clear = ClearColor(0, 0, 0, 1)
            ClearBuffers(clear_stencil=True)
            PushMatrix()
            self._move = Translate()
            Scale(1, -1, 1)  # Kivy shows a texture upside down on a RoundedRectangle
        with self._fbo.after:
            PopMatrix()
        super().__init__(**more)
        self._fit = Clock.create_trigger(lambda _: self.fit(), -1)
        self.fbind("pos", self._fit)
        self.fbind("size", self._fit)
        self.fbind("radius", self._fit)
        self.fbind("ground", lambda *_: setattr(self._clear, "rgba", self.ground))
        self._clear.rgba = self.ground
        self._fit()

    def fit(self) -> None:
        size = max(round(self.width), 2), max(round(self.height), 2)
        x, y = round(self.x), round(self.y)
        if tuple(self._fbo.size) != size:
            self._fbo.size = size
            self._picture.texture = exact(self._fbo.texture)
        self._move.xy = -x, y + size[1]
        self._picture.size = size
        self._picture.pos = x, y
        self._picture.radius = [self.radius or 0.01]

    def add_widget(self, widget: Any, *args: Any, **more: Any) -> None:
        own, self.canvas = self.canvas, self._fbo
        super().add_widget(widget, *args, **more)
        self.canvas = own

    def remove_widget(self, widget: Any, *args: Any, **more: Any) -> None:
        own, self.canvas = self.canvas, self._fbo
        super().remove_widget(widget, *args, **more)
        self.canvas = own

    def clear_widgets(self, children: Any = None) -> None:
        own, self.canvas = self.canvas, self._fbo
        super().clear_widgets(children)
        self.canvas = own
