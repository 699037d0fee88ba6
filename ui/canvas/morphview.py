"""One morph in the window: a widget whose look is its prototype's rule, and the box that stands where a rule failed."""

from __future__ import annotations

from typing import Any

from kivy.app import App
from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.widget import Widget

from .looks import Problem
from .tree import Node


class MorphView(Widget):
    """The base of every morph's class; slots are properties of the classes that looks.py makes.

    Coordinates are the board's: x as in the image, y negated, since Kivy's grows upwards.
    """

    handle = StringProperty("")
    down = BooleanProperty(False)  # a pointer holds it down
    opacity: float
    _seen: float | None = None  # how opaque it is when it is shown again

    def send(self, selector: str, *arguments: Any) -> None:
        """Send the morph a message; for handlers of rules. It happens in the image, some time soon."""
        app = App.get_running_app()
        if app is not None:
            app.morphs.send_to(self.handle, selector, *arguments)

    def take(self, node: Node) -> None:
        """Show other slots; only what is different causes work."""
        for name in self.slots_of(type(self)):
            if name in node and getattr(self, name) != node[name]:
                setattr(self, name, node[name])
        if (node.get("visible") is False) != (self._seen is not None):
            self._seen, self.opacity = (self.opacity, 0) if self._seen is None else (None, self._seen)

    @classmethod
    def slots_of(cls, kind: type) -> frozenset[str]:
        """The names of the slots that are properties of a class of morphs."""
        known = kind.__dict__.get("_slot_names")
        if known is None:
            known = frozenset(name for name in dir(kind) if name not in BASE and not name.startswith("_"))
            known = frozenset(name for name in known if _is_property(kind, name))
            kind._slot_names = known  # type: ignore[attr-defined]
        return known  # type: ignore[no-any-return]

    def place(self, x: float, y: float, width: float, height: float) -> None:
        """Be at a place of the world, y downwards."""
        self.size = width, height
        self.pos = x, -(y + height)

    def submorph_views(self) -> list[MorphView]:
        """Those in front last."""
        return [each for each in reversed(self.children) if isinstance(each, MorphView)]

    def parts(self) -> list[Widget]:
        """The widgets of its rule, those in front first."""
        return [each for each in self.children if not isinstance(each, MorphView)]


def _is_property(kind: type, name: str) -> bool:
    from kivy.properties import Property

    return any(isinstance(base.__dict__.get(name), Property) for base in kind.__mro__)


class BrokenView(MorphView):
    """Stands where a morph cannot be drawn, and says why."""

    words = StringProperty("")

    def __init__(self, problem: Problem, **more: Any) -> None:
        super().__init__(**more)
        self.problem = problem
        self.words = problem.message + ("\nclick to read it and decide" if problem.asks else "")


BASE = frozenset(dir(MorphView))
