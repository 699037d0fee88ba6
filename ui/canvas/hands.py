"""What a person's hands do on the world: press, drag, resize, pan, zoom, choose; with the pointer and with keys.

Nothing is changed here: a press, a drop, a new size leave as events, the image decides, and what it says comes back
as a change of the tree. Until then a dropped morph stays where it was let go.
"""

from __future__ import annotations

import time
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.uix.behaviors import FocusBehavior
from kivy.uix.widget import Widget

from .halo import Halo
from .looks import Problem
from .tree import Tree, number

FAR = 5  # pixels that a pointer moves before a press becomes a drag
PATIENCE = 3.0  # seconds that a dropped morph stays where it is while the image says nothing
STEP = 8  # units of the world that an arrow key moves


class Hands(FocusBehavior, Widget):
    """The events: on_send(handle, source), on_halo(handle, what), on_broken, on_drawn, on_chosen, on_allow(text),
    on_moved(frames, seconds)."""

    __events__ = ("on_send", "on_halo", "on_broken", "on_drawn", "on_chosen", "on_allow", "on_moved")
    tree: Tree
    shown: dict[str, Any]

    def __init__(self, **more: Any) -> None:
        self.chosen: str | None = None
        self.carried = (0.0, 0.0)  # how far the hand has carried what it took, y upwards
        self.taken_at = (0.0, 0.0)  # the upper left corner of that within the world, when it was taken
        self._gesture: dict[str, Any] | None = None
        self.halo = Halo()
        super().__init__(**more)
        self.halo.bind(
            on_what=lambda _, what: self.chosen and self.dispatch("on_halo", self.chosen, what),
            on_resize=lambda _, width, height, done: self._resize(width, height, done),
        )
        self.frozen = False  # the past is shown: look, don't touch
        self.fbind("focus", lambda *_: self.raise_halo())

    # -- choosing -----------------------------------------------------------------------------------------------------

    def choose(self, handle: str | None) -> None:
        """Put the halo around a morph; None takes it away."""
        if handle is not None and handle not in self.tree.nodes:
            handle = None
        self.chosen = handle
        if handle is None:
            if self.halo.parent:
                self.halo.parent.remove_widget(self.halo)
        else:
            self.raise_halo()
        self.follow()
        self.dispatch("on_chosen", handle)

    def raise_halo(self) -> None:
        """Below the cards, unless the keyboard is in the world: then it lies above everything. The overlay's own
        coordinates are the window's."""
        if self.chosen is None:
            return
        overlay = App.get_running_app().overlay
        if self.halo.parent:
            overlay.remove_widget(self.halo)
        overlay.add_widget(self.halo, index=0 if self.focus else len(overlay.children))

    def follow(self) -> None:
        """Keep the halo around its morph."""
        if self.chosen is None:
            return
        if self.chosen not in self.tree.nodes:
            self.choose(None)
            return
        self.halo.around(self.window_box(self.chosen), self.tree.title(self.chosen), (*self.pos, *self.size))

    # -- the pointer --------------------------------------------------------------------------------------------------

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        found = self.tree.at(*self.world_at(*touch.pos))
        button = getattr(touch, "button", "left")
        if self._parts_take(found, touch):
            return True
        if button in ("scrolldown", "scrollup", "scrollleft", "scrollright"):
            self._wheel(touch, button)
            return True
        FocusBehavior.ignored_touch.append(touch)
        self.focus = True
        if button == "right":
            self.choose(self.tree.further_in(found, self.chosen))
            return True
        if button not in ("left", "middle"):
            return False
        view = self.shown.get(found) if found else None
        asks = getattr(getattr(view, "problem", None), "asks", "")
        if asks:
            self.dispatch("on_allow", asks)
            return True
        self._say_problem(found)
        pressed = None if self.frozen else self.tree.pressed(found)
        dragged = None if button == "middle" or self.frozen else self.tree.dragged(found)
        if self.chosen is not None and found is None:
            self.choose(None)
        if pressed in self.shown:
            self.shown[pressed].down = True
        self._gesture = {
            "touch": touch.uid,
            "from": touch.pos,
            "pressed": pressed,
            "dragged": dragged,
            "moving": False,
            "began": (time.perf_counter(), App.get_running_app().frames.drawn),
        }
        touch.grab(self)
        return True

    def _say_problem(self, handle: str | None) -> None:
        """Of a morph that cannot be drawn the reason is said, which may not fit into its box."""
        problem = getattr(self.shown.get(handle) if handle else None, "problem", None)
        if handle and isinstance(problem, Problem):
            App.get_running_app().say(f"{self.tree.title(handle)}: {problem.message}", "bad")

    def _parts_take(self, found: str | None, touch: Any) -> bool:
        """Does an editor, a list, a slider of the morph's own rule want it?"""
        view = self.shown.get(found) if found else None
        if view is None or self.frozen:
            return False
        touch.push()
        touch.apply_transform_2d(self.to_local)
        try:
            return any(part.dispatch("on_touch_down", touch) for part in view.parts())
        finally:
            touch.pop()

    def _wheel(self, touch: Any, button: str) -> None:
        from kivy.core.window import Window

        if "ctrl" in Window.modifiers:
            self.zoom_to(self.zoom * (1.15 if button == "scrolldown" else 1 / 1.15), *touch.pos)
            return
        step = 60
        if "shift" in Window.modifiers:
            button = {"scrolldown": "scrollright", "scrollup": "scrollleft"}.get(button, button)
        dx, dy = {
            "scrolldown": (0, -step),
            "scrollup": (0, step),
            "scrollright": (step, 0),
            "scrollleft": (-step, 0),
        }[button]
        self.pan(dx, dy)

    def on_touch_move(self, touch: Any) -> bool:
        gesture = self._gesture
        if touch.grab_current is not self or gesture is None or gesture["touch"] != touch.uid:
            return False
        dx, dy = touch.x - gesture["from"][0], touch.y - gesture["from"][1]
        if not gesture["moving"] and max(abs(dx), abs(dy)) < FAR:
            return True
        if not gesture["moving"]:
            gesture["moving"] = True
            self._release(gesture)
            if gesture["dragged"]:
                self.lift(gesture["dragged"])
        if gesture["dragged"]:
            self.carried = dx / self.scale, dy / self.scale
            self._air()
        else:
            self.pan(touch.dx, touch.dy)
        return True

    def on_touch_up(self, touch: Any) -> bool:
        gesture = self._gesture
        if touch.grab_current is not self or gesture is None or gesture["touch"] != touch.uid:
            return False
        touch.ungrab(self)
        self._gesture = None
        self._release(gesture)
        if not gesture["moving"]:
            if gesture["pressed"] and gesture["pressed"] in self.shown:
                self.press(gesture["pressed"])
            elif gesture["dragged"]:
                self.dispatch("on_send", gesture["dragged"], "self bringToFront")
            return True
        since, frames = gesture["began"]
        self.dispatch("on_moved", App.get_running_app().frames.drawn - frames, time.perf_counter() - since)
        handle = gesture["dragged"]
        if handle in self.tree.nodes:
            # Where the hand lets go, whatever its place or its owner has become meanwhile.
            left, upper = self.tree.corner(self.tree.within(handle) or self.tree.top)
            x, y = self.taken_at[0] + self.carried[0] - left, self.taken_at[1] - self.carried[1] - upper
            self.dispatch("on_send", handle, f"self droppedAt: {place(x)} @ {place(y)}")
            Clock.schedule_once(lambda _: self._still_carried(handle), PATIENCE)
        else:
            self.settle_down()
        return True

    def _release(self, gesture: dict[str, Any]) -> None:
        if gesture["pressed"] in self.shown:
            self.shown[gesture["pressed"]].down = False

    def _still_carried(self, handle: str) -> None:
        """The image has not said anything of the drop: back to where the morph was."""
        if self._lifted == handle and self._gesture is None:
            self.settle_down()

    def press(self, handle: str) -> None:
        """As a click does."""
        self.dispatch("on_send", handle, "self press")

    def _resize(self, width: float, height: float, done: bool) -> None:
        """The halo's grip was dragged by so many pixels."""
        if self.chosen is None or self.frozen or self.chosen not in self.shown:
            return
        (x, y), (wide, high) = self.tree.corner(self.chosen), self.tree.size(self.chosen)
        wide, high = max(wide + width / self.scale, 4), max(high + height / self.scale, 4)
        if done:
            self.dispatch("on_send", self.chosen, f"self resizedTo: {place(wide)} @ {place(high)}")
        else:
            self.shown[self.chosen].place(x, y, wide, high)

    # -- keys ---------------------------------------------------------------------------------------------------------

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        key = keycode[1]
        arrow = {"left": (-1, 0), "right": (1, 0), "up": (0, 1), "down": (0, -1)}.get(key)
        if "alt" in modifiers:
            return False
        if arrow and ("ctrl" in modifiers or self.chosen is None):
            self.pan(-arrow[0] * 60, -arrow[1] * 60)
        elif arrow and not self.frozen and self.chosen:
            self._nudge(arrow, "shift" in modifiers)
        elif "ctrl" in modifiers:
            return False
        elif key == "tab":
            return self._next(-1 if "shift" in modifiers else 1) or bool(
                super().keyboard_on_key_down(window, keycode, text, modifiers)
            )
        elif key in ("+", "=", "numpadadd"):
            self.zoom_to(self.zoom * 1.15)
        elif key in ("-", "numpadsubstract"):
            self.zoom_to(self.zoom / 1.15)
        elif key == "0":
            self.zoom_to(1.0)
        elif key == "a":
            self.show_all()
        elif self.chosen and key in ("enter", "numpadenter", "spacebar") and not self.frozen:
            self._activate()
        elif self.chosen and key == "delete":
            self.dispatch("on_halo", self.chosen, "delete")
        elif self.chosen and key in Halo.keys:
            self.dispatch("on_halo", self.chosen, Halo.keys[key])
        elif key == "escape" and self.chosen:
            self.choose(None)
        else:
            return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))
        return True

    def keyboard_on_key_up(self, window: Any, keycode: tuple[int, str]) -> bool:
        """Kivy takes the focus away when Escape is let go; here it took the halo away, or came out of a text."""
        return True

    def _next(self, step: int) -> bool:
        """Choose the next morph; False behind the last, where Tab goes on to the next field."""
        order = [each for each in self.tree.below(self.tree.top) if each != self.tree.top]
        index = order.index(self.chosen) + step if self.chosen in order else (0 if step > 0 else len(order) - 1)
        if not 0 <= index < len(order):
            self.choose(None)
            return False
        self.choose(order[index])
        self._reveal(order[index])
        return True

    def _reveal(self, handle: str) -> None:
        """Bring a morph where no card covers it."""
        left, right = App.get_running_app().desk.free_strip()
        x, y, width, height = self.window_box(handle)
        if x < left or width + 80 > right - left:
            self.pan(left - x + 40, 0)
        elif x + width > right:
            self.pan(right - x - width - 40, 0)
        if y < self.y:
            self.pan(0, self.y - y + 40)
        elif y + height > self.top:
            self.pan(0, self.top - y - height - 40)

    def _nudge(self, arrow: tuple[int, int], resize: bool) -> None:
        assert self.chosen is not None
        node = self.tree.nodes[self.chosen]
        if resize:
            width, height = self.tree.size(self.chosen)
            wanted = f"{place(width + arrow[0] * STEP)} @ {place(height - arrow[1] * STEP)}"
            self.dispatch("on_send", self.chosen, f"self resizedTo: {wanted}")
        else:
            x, y = number(node.get("x")) + arrow[0] * STEP, number(node.get("y")) - arrow[1] * STEP
            self.dispatch("on_send", self.chosen, f"self position: {place(x)} @ {place(y)}")

    def _activate(self) -> None:
        """Enter: press what can be pressed, type into what can be typed into."""
        assert self.chosen is not None
        view = self.shown.get(self.chosen)
        asks = getattr(getattr(view, "problem", None), "asks", "")
        if asks:
            self.dispatch("on_allow", asks)
            return
        self._say_problem(self.chosen)
        editors = [part for part in (view.parts() if view else []) if isinstance(part, FocusBehavior)]
        if editors:
            editors[0].focus = True
        elif self.tree.nodes[self.chosen].get("pressable") is True:
            self.press(self.chosen)

    def on_send(self, handle: str, source: str) -> None:
        """A morph is to be sent this, as self."""

    def on_halo(self, handle: str, what: str) -> None:
        """Something of the halo was chosen."""

    def on_broken(self, handle: str, message: str) -> None:
        """A morph cannot be drawn."""

    def on_drawn(self) -> None:
        """All widgets are there."""

    def on_chosen(self, handle: str | None) -> None:
        """Another morph has the halo, or none."""

    def on_moved(self, frames: int, seconds: float) -> None:
        """A drag of a morph or of the world has ended; it took so long, and so many frames were drawn."""

    def on_allow(self, text: str) -> None:
        """The person wants to see a text that does not run unasked."""


def place(value: float) -> str:
    """A coordinate as the language writes it: whole where nothing is lost."""
    rounded = round(value)
    return f"({rounded})" if rounded < 0 else str(rounded)
