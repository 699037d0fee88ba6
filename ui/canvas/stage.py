"""Where the world of morphs is drawn: a camera over a board of widgets that follows the tree of morphs.

**The board is drawn into a texture** somewhat larger than the window. As long as nothing on it changes, panning moves
that texture and nothing else, so that a thousand morphs cost what one rectangle does; only at its edge, or when a
morph has changed, the board is drawn again. A morph that is dragged is lifted onto a layer of its own above the
texture.

**Widgets are made a few at a time**, SLICE seconds of each frame, so that a world of thousands appears while the window
goes on answering.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.graphics import ClearBuffers, ClearColor, Color, Fbo, PopMatrix, PushMatrix, Rectangle, Scale, Translate
from kivy.lang import Builder
from kivy.properties import NumericProperty
from kivy.uix.widget import Widget

from . import parts
from .cached import Cached, exact
from .hands import Hands
from .looks import Looks, Problem, brief
from .morphview import BrokenView, MorphView
from .tree import Changes, Tree
from .watchdog import Endless

SLICE = 0.012  # seconds of a frame for making widgets
HANG = 0.25  # seconds between two times that new widgets are hung on the board, which draws all of it
MARGIN = 192  # pixels of the texture beyond each side of the window
SMALLEST, LARGEST = 0.1, 6.0  # zoom
FEW = 200  # morphs of the world from which on those that are out of sight are left out of the drawing
SHARP = 600  # morphs up to which texts are drawn anew for another zoom
USUAL_TEXT = 15  # the text size at which a morph's unit is a pixel


class Layer(Widget):
    """Holds morphs; draws nothing itself."""


class Stage(Hands):
    """Shows a `Tree`. What a person does to morphs leaves as the events of `Hands`."""

    canvas: Any
    zoom = NumericProperty(1.0)
    left = NumericProperty(-20.0)  # the world's x at the left side of the window
    upper = NumericProperty(-20.0)  # the world's y at the upper side

    def __init__(self, **more: Any) -> None:
        self.tree = Tree()
        self.looks = Looks(MorphView)
        self.shown: dict[str, MorphView] = {}
        self._todo: dict[str, None] = {}
        self._unsettled: set[str] = set()
        self._lifted: str | None = None
        self._aim = (0.0, 0.0, 0.0)
        self._hung = 0.0
        super().__init__(**more)
        with self.canvas:
            self._fbo = Fbo(size=(16, 16))
            Color(1, 1, 1, 1)
            self._picture = Rectangle(texture=self._fbo.texture)
        with self._fbo.before:
            self._ground = ClearColor(0, 0, 0, 1)
            ClearBuffers()
            PushMatrix()
            self._move = Translate()
            self._scale = Scale()
        with self._fbo.after:
            PopMatrix()
        self.board = Layer()
        own, self.canvas = self.canvas, self._fbo
        self.add_widget(self.board)
        self.canvas = own
        self.air = Layer()
        with self.air.canvas.before:
            PushMatrix()
            self._air_move = Translate()
            self._air_scale = Scale()
        with self.air.canvas.after:
            PopMatrix()
        self.add_widget(self.air)
        self._look = Clock.create_trigger(lambda _: self.aim(), -1)
        self._work = Clock.create_trigger(lambda _: self.work(), 0)
        self._sharpen = Clock.create_trigger(lambda _: self.sharpen(), 0.2)
        for name in ("pos", "size", "zoom", "left", "upper"):
            self.fbind(name, self._look)
        self.fbind("zoom", self._sharpen)
        app = App.get_running_app()
        app.fbind("theme", lambda *_: self.recolour())
        app.fbind("sharpness", lambda *_: parts.draw_again(parts.SHARP))
        app.fbind("unit", lambda *_: (self._look(), self._sharpen()))
        self.recolour()

    # -- the camera ---------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels of the window for a unit of the world."""
        return self.zoom * App.get_running_app().text_size / USUAL_TEXT

    def to_local(self, x: float, y: float, relative: bool = False) -> tuple[float, float]:
        """From the window to the board."""
        return (x - self.x) / self.scale + self.left, (y - self.top) / self.scale - self.upper

    def to_parent(self, x: float, y: float, relative: bool = False) -> tuple[float, float]:
        """From the board to the window."""
        return (x - self.left) * self.scale + self.x, (y + self.upper) * self.scale + self.top

    def world_at(self, x: float, y: float) -> tuple[float, float]:
        """The place of the world (y downwards) at a place of the window."""
        bx, by = self.to_local(x, y)
        return bx, -by

    def window_box(self, handle: str) -> tuple[float, float, float, float]:
        """Where a morph is in the window: x, y, width, height."""
        (x, y), (width, height) = self.tree.corner(handle), self.tree.size(handle)
        wx, wy = self.to_parent(x, -(y + height))
        return wx, wy, width * self.scale, height * self.scale

    def recolour(self) -> None:
        self._ground.rgba = App.get_running_app().theme.ground
        parts.draw_again(parts.THEMED)
        self._fbo.ask_update()

    def aim(self) -> None:
        """Point the camera: move the texture, and draw it anew where it does not reach."""
        scale = self.scale
        size = (round(self.width) + 2 * MARGIN, round(self.height) + 2 * MARGIN)
        if self.width < 2 or self.height < 2:
            return
        left, upper, drawn = self._aim
        far = max(abs(self.left - left), abs(self.upper - upper)) * scale
        if drawn != scale or far > MARGIN or tuple(self._fbo.size) != size:
            if tuple(self._fbo.size) != size:
                self._fbo.size = size
                self._picture.texture = exact(self._fbo.texture)
            left, upper = self.left, self.upper
            self._aim = left, upper, scale
            self._move.xy = round(MARGIN - left * scale), round(size[1] - MARGIN + upper * scale)
            self._scale.xyz = scale, scale, 1
            if len(self.tree.holds(self.tree.top)) > FEW and not self._todo:
                self._settle(self.tree.top)
        self._picture.size = self._fbo.size
        self._picture.pos = (
            round(self.x - MARGIN + (left - self.left) * scale),
            round(self.y - MARGIN + (self.upper - upper) * scale),
        )
        self._air()
        self.follow()

    def _air(self) -> None:
        dx, dy = self.carried
        scale = self.scale
        self._air_move.xy = self.x - (self.left - dx) * scale, self.top + (self.upper - dy) * scale
        self._air_scale.xyz = scale, scale, 1

    def pan(self, dx: float, dy: float) -> None:
        """Move the world by pixels of the window, y upwards."""
        self.left -= dx / self.scale
        self.upper += dy / self.scale

    def zoom_to(self, zoom: float, x: float | None = None, y: float | None = None) -> None:
        """Another zoom, with the place of the world at (x, y) of the window staying there."""
        x, y = self.center_x if x is None else x, self.center_y if y is None else y
        wx, wy = self.world_at(x, y)
        self.zoom = min(max(zoom, SMALLEST), LARGEST)
        now_x, now_y = self.world_at(x, y)
        self.left += wx - now_x
        self.upper += wy - now_y

    def show_all(self, room: float | None = None) -> None:
        """Move and zoom so that every morph is in sight, within so many pixels from the left where that is said."""
        width = self.width if room is None else max(room, 200)
        bounds = self.tree.bounds()
        if bounds is None:
            self.zoom, self.left, self.upper = 1.0, -20.0, -20.0
            return
        x, y, right, bottom = bounds
        unit = self.scale / self.zoom
        self.zoom = min(max(min(width / (right - x + 40), self.height / (bottom - y + 40)) / unit, SMALLEST), 1.0)
        self.left = x - (width / self.scale - (right - x)) / 2
        self.upper = y - (self.height / self.scale - (bottom - y)) / 2

    def sharpen(self) -> None:
        """Texts at the size they are seen at, when the zoom has come to rest and there are not too many."""
        if len(self.shown) <= SHARP:
            App.get_running_app().sharpness = min(max(self.scale, 0.5), 4.0)

    # -- following the tree -------------------------------------------------------------------------------------------

    def show(self, changes: Changes) -> None:
        """The tree has changed by that."""
        for holder in changes.views:
            if holder not in self.tree.views:
                continue  # changed and then gone, in pages that came together
            before = self.looks.views.get(holder)
            self.looks.change(holder, self.tree.views[holder])
            if before is not None and before != self.tree.views[holder]:
                self._rebuild(holder)
            elif before is None:
                self._rebuild_broken()
        if changes.whole:
            self._clear()
        for handle in changes.removed:
            self._remove(handle)
        for handle in changes.changed:
            if handle == self.tree.top:
                self._unsettled.add(handle)
                for each in self.tree.holds(handle):
                    if each not in self.shown:
                        self._todo[each] = None
            else:
                self._todo[handle] = None
        if self._todo or self._unsettled:
            self.work()

    def _clear(self) -> None:
        self.settle_down()
        self.board.clear_widgets()
        self.air.clear_widgets()
        self.shown.clear()
        self._todo.clear()
        self._unsettled.clear()

    def _rebuild(self, holder: str) -> None:
        self._todo.update((h, None) for h, node in self.tree.nodes.items() if holder in node.get("views", ()))

    def _rebuild_broken(self) -> None:
        self._todo.update((handle, None) for handle, view in self.shown.items() if isinstance(view, BrokenView))

    def work(self) -> None:
        """Make and change widgets for as long as a frame's share of time lasts."""
        end = time.perf_counter() + SLICE
        while self._todo:
            handle = next(iter(self._todo))
            del self._todo[handle]
            self._bring_up_to_date(handle)
            if time.perf_counter() > end:
                break
        if not self._todo or time.perf_counter() - self._hung > HANG:
            for owner in list(self._unsettled):
                self._settle(owner)
            self._unsettled.clear()
            self._hung = time.perf_counter()
        if self._todo:
            self._work()
        else:
            self.dispatch("on_drawn")
        self.follow()

    def _bring_up_to_date(self, handle: str) -> None:
        node = self.tree.nodes.get(handle)
        if node is None or handle == self.tree.top:
            return
        view = self.shown.get(handle)
        try:
            made = self._class_of(node)
            if view is None or type(view) is not made:
                slots = {name: node[name] for name in made.slots_of(made) if name in node}
                fresh = made(handle=handle, size_hint=(None, None), **slots)
                fresh.take(node)
                self._replace(handle, fresh)
            else:
                view.take(node)
        except Problem as told:
            self._replace(handle, BrokenView(told, handle=handle, size_hint=(None, None)))
        except (Exception, Endless) as error:
            Builder.rulectx.clear()  # Kivy leaves what it was about there, and would fail at the next widget
            problem = Problem(next(iter(node.get("views") or [""])), brief(error))
            self._replace(handle, BrokenView(problem, handle=handle, size_hint=(None, None)))
        self._place(handle)
        if view is not self.shown.get(handle):
            self._unsettled.add(self.tree.within(handle) or self.tree.top)
        if node.get("holds") or view is not None:
            self._unsettled.add(handle)

    def _class_of(self, node: dict[str, Any]) -> type[MorphView]:
        chain = tuple(each for each in node.get("views") or () if isinstance(each, str))
        return self.looks.class_for(chain)

    def _replace(self, handle: str, fresh: MorphView) -> None:
        before = self.shown.get(handle)
        if before is not None:
            for inner in before.submorph_views():
                before.remove_widget(inner)
            if before.parent:
                before.parent.remove_widget(before)
        self.shown[handle] = fresh
        if isinstance(fresh, BrokenView):
            self.dispatch("on_broken", handle, fresh.problem.message)

    def _remove(self, handle: str) -> None:
        self._todo.pop(handle, None)
        if handle == self.chosen:
            self.choose(None)
        view = self.shown.pop(handle, None)
        if view is not None and view.parent:
            view.parent.remove_widget(view)

    def _place(self, handle: str) -> None:
        """Put the morph and all in it where they belong: what is in a hand, where the hand took it."""
        lifted = self._lifted if self._lifted in self.tree.nodes else None
        held = set(self.tree.below(lifted)) if lifted else ()
        for each in self.tree.below(handle):
            view = self.shown.get(each)
            if view is not None:
                x, y = self.tree.corner(each)
                if each in held and lifted:
                    now = self.tree.corner(lifted)
                    x, y = x + self.taken_at[0] - now[0], y + self.taken_at[1] - now[1]
                view.place(x, y, *self.tree.size(each))

    def _settle(self, owner: str) -> None:
        """Let the widgets in a morph be those of its submorphs, in their order."""
        parent = self.board if owner == self.tree.top else self.shown.get(owner)
        if parent is None:
            return
        wanted = [self.shown[each] for each in self.tree.holds(owner) if each in self.shown and each != self._lifted]
        if owner == self.tree.top and len(wanted) > FEW:
            wanted = [each for each in wanted if self._reaches(each)]
        present = [each for each in reversed(parent.children) if isinstance(each, MorphView)]
        same = 0
        while same < min(len(wanted), len(present)) and wanted[same] is present[same]:
            same += 1
        for each in present[same:]:
            parent.remove_widget(each)
        for each in wanted[same:]:
            if each.parent is not None:
                each.parent.remove_widget(each)
            parent.add_widget(each)

    def _reaches(self, view: MorphView) -> bool:
        """Is the morph on the texture, as far as its own bounds tell? What it holds may lie outside, if it is large."""
        left, upper, scale = self._aim
        if not scale:
            return True
        margin = MARGIN / scale + 40
        return bool(
            view.right > left - margin
            and view.x < left + self.width / scale + margin
            and view.y < -upper + margin
            and view.top > -upper - self.height / scale - margin
        ) or bool(view.submorph_views())

    # -- what cannot be drawn -----------------------------------------------------------------------------------------

    def box(self, handle: str, message: str) -> None:
        """Put a box where this morph was, until it changes."""
        problem = Problem(next(iter(self.tree.nodes[handle].get("views") or [""])), message)
        self._replace(handle, BrokenView(problem, handle=handle, size_hint=(None, None)))
        self._place(handle)
        self._unsettled |= {handle, self.tree.within(handle) or self.tree.top}
        self._work()

    def recover(self, problem: BaseException) -> bool:
        """Drawing has failed in the middle: let go of the textures, and put a box where the morph was that cannot be
        drawn. Was there one?"""
        cards: list[Any] = [each for each in App.get_running_app().desk.walk() if isinstance(each, Cached)]
        for each in (self, *cards):
            with suppress(Exception):  # it was not the one
                each._fbo.release()
        found = False
        probe = Fbo(size=(4, 4))
        for handle in reversed(list(self.tree.below(self.tree.top))):  # what is in a morph before the morph
            view = self.shown.get(handle)
            if view is None:
                continue
            probe.bind()
            try:
                view.canvas.draw()
            except Exception as told:
                found = True
                self.box(handle, f"it cannot be drawn: {brief(told)}")
            finally:
                probe.release()
        self._fbo.ask_update()
        self._work()
        return found

    # -- lifting a morph off the board --------------------------------------------------------------------------------

    def lift(self, handle: str) -> None:
        """Draw a morph above the texture, so that moving it draws nothing else."""
        view = self.shown.get(handle)
        if view is None or self._lifted is not None:
            return
        if view.parent is not None:
            view.parent.remove_widget(view)
        self._lifted = handle
        self.taken_at = self.tree.corner(handle)
        self.air.add_widget(view)
        self._air()

    def settle_down(self) -> None:
        """Put the lifted morph back among its siblings."""
        handle, self._lifted = self._lifted, None
        self.carried = 0.0, 0.0
        if handle is not None and handle in self.shown:
            view = self.shown[handle]
            if view.parent is self.air:
                self.air.remove_widget(view)
            self._place(handle)
            self._settle(self.tree.within(handle) or self.tree.top)
        self._air()

    def redraw(self, handles: Iterable[str] | None = None) -> None:
        """Make widgets anew, all or these."""
        self._todo.update((handle, None) for handle in (self.tree.nodes if handles is None else handles))
        self.work()
