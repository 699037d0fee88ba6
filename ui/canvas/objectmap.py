"""The object map: an object, what it delegates to and what it refers to, as a graph to walk in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from kivy.core.text import Label as CoreLabel
from kivy.graphics import Color, Line, Rectangle, RoundedRectangle
from kivy.uix.behaviors import FocusBehavior
from kivy.uix.widget import Widget

from ...bridge.covenant import MAX_PAGE, Inspect, Page
from .cards import Tool
from .text import clean, font_for

MOST = 40  # objects of one map
FAN = 12  # references of one object that are followed
DEPTH = 2


@dataclass(slots=True)
class Spot:
    handle: str
    title: str
    depth: int = 0
    x: float = 0.0
    y: float = 0.0
    box: tuple[float, float, float, float] = (0, 0, 0, 0)


@dataclass(slots=True)
class Graph:
    """Objects, and the slots by which they hold each other: (from, to, slot's name)."""

    spots: dict[str, Spot] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)

    def lay_out(self) -> None:
        """Parents above, the object in the middle, what it holds in rings below and beside it; from -1 to 1."""
        root = next(iter(self.spots), None)
        if root is None:
            return
        above: list[str] = []
        each: str | None = root
        while each is not None:
            each = next((to for start, to, slot in self.edges if start == each and slot == "parent*"), None)
            if each is None or each in above or each == root:
                break
            above.append(each)
        middle = max(0.4 - 0.16 * len(above), -0.2)
        for number, handle in enumerate(above):
            self.spots[handle].x, self.spots[handle].y = 0.0, middle + (0.95 - middle) * (number + 1) / len(above)
        rest = [h for h in self.spots if h != root and h not in above]
        near = [h for h in rest if any(s == root and t == h for s, t, _ in self.edges)]
        far = [h for h in rest if h not in near]
        for ring, radius in ((near, (middle + 1.0) * 0.55), (far, middle + 0.95)):
            for number, handle in enumerate(ring):
                angle = math.pi * (1.08 + 0.84 * (number + 0.5) / max(len(ring), 1))
                lift = 0.0 if number % 2 == 0 or len(ring) < 7 else 0.14
                self.spots[handle].x = math.cos(angle) * (0.6 if ring is near else 1.0)
                self.spots[handle].y = middle + math.sin(angle) * (radius - lift)
        self.spots[root].x, self.spots[root].y = 0.0, middle


class MapView(FocusBehavior, Widget):
    """Draws a graph. A click chooses, a second one walks there; arrows and Enter do the same."""

    __events__ = ("on_walk", "on_open")

    def __init__(self, **more: Any) -> None:
        self.graph = Graph()
        self.at = ""
        super().__init__(**more)
        self.bind(pos=lambda *_: self.draw(), size=lambda *_: self.draw(), focus=lambda *_: self.draw())

    def show(self, graph: Graph) -> None:
        self.graph = graph
        self.at = next(iter(graph.spots), "")
        self.draw()

    def draw(self) -> None:
        from kivy.app import App

        app = App.get_running_app()
        theme, unit = app.theme, app.unit
        self.canvas.clear()
        labels = {}
        for handle, spot in self.graph.spots.items():
            text = clean(spot.title)[:28]
            label = CoreLabel(text=text, font_size=unit * 0.85, font_name=font_for(text, "Roboto"))
            label.refresh()
            width, height = label.texture.width + unit, label.texture.height + unit * 0.5
            x = self.center_x + spot.x * (self.width - unit * 9) / 2
            y = self.center_y + spot.y * (self.height - unit * 4) / 2 - unit
            spot.box = (round(x - width / 2), round(y - height / 2), width, height)
            labels[handle] = label.texture
        with self.canvas:
            Color(*theme.panel)
            Rectangle(pos=self.pos, size=self.size)
            for start, to, slot in self.graph.edges:
                self._edge(self.graph.spots[start], self.graph.spots[to], slot, theme, unit)
            for handle, spot in self.graph.spots.items():
                x, y, width, height = spot.box
                Color(*(theme.chosen if handle == self.at else theme.raised))
                RoundedRectangle(pos=(x, y), size=(width, height), radius=[8])
                Color(*(theme.accent if handle == self.at else theme.line))
                Line(rounded_rectangle=(x, y, width, height, 8), width=1.2)
                Color(*theme.ink)
                size = labels[handle].size
                Rectangle(
                    texture=labels[handle],
                    pos=(round(x + (width - size[0]) / 2), round(y + (height - size[1]) / 2)),
                    size=size,
                )
            Color(*(theme.accent if self.focus else theme.line))
            Line(rectangle=(self.x + 1, self.y + 1, self.width - 2, self.height - 2), width=1.4 if self.focus else 1)

    def _edge(self, start: Spot, to: Spot, slot: str, theme: Any, unit: float) -> None:
        ax, ay = start.box[0] + start.box[2] / 2, start.box[1] + start.box[3] / 2
        bx, by = to.box[0] + to.box[2] / 2, to.box[1] + to.box[3] / 2
        parent = slot == "parent*"
        Color(*(theme.accent if parent else theme.faint))
        Line(points=[ax, ay, bx, by], width=1.4 if parent else 1)
        length = math.hypot(bx - ax, by - ay) or 1
        ux, uy = (bx - ax) / length, (by - ay) / length
        half = min(
            to.box[2] / 2 / abs(ux) if abs(ux) > 1e-6 else 1e9, to.box[3] / 2 / abs(uy) if abs(uy) > 1e-6 else 1e9
        )
        tx, ty, size = bx - ux * half, by - uy * half, unit * 0.45
        wing = size * 0.55
        Line(
            points=[tx - ux * size - uy * wing, ty - uy * size + ux * wing, tx, ty]
            + [tx - ux * size + uy * wing, ty - uy * size - ux * wing],
            width=1.2,
        )
        text = clean(slot)[:24]
        label = CoreLabel(text=text, font_size=unit * 0.68, font_name=font_for(text, "Roboto"))
        label.refresh()
        width, height = label.texture.size
        own = min(
            start.box[2] / 2 / abs(ux) if abs(ux) > 1e-6 else 1e9, start.box[3] / 2 / abs(uy) if abs(uy) > 1e-6 else 1e9
        )
        if length - half - own < abs(ux) * width + abs(uy) * height + size:
            return  # there is no room for a word between the two
        ax, ay = ax + ux * own, ay + uy * own
        mx, my = ax + (tx - ax) * 0.45, ay + (ty - ay) * 0.45
        Color(*theme.panel)
        Rectangle(pos=(round(mx - width / 2 - 2), round(my - height / 2)), size=(width + 4, height))
        Color(*(theme.accent if parent else theme.faint))
        Rectangle(texture=label.texture, pos=(round(mx - width / 2), round(my - height / 2)), size=(width, height))

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        FocusBehavior.ignored_touch.append(touch)
        self.focus = True
        for handle, spot in self.graph.spots.items():
            x, y, width, height = spot.box
            if x <= touch.x <= x + width and y <= touch.y <= y + height:
                self.at = handle
                self.draw()
                if touch.is_double_tap:
                    self.dispatch("on_walk", handle)
                break
        return True

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        order = list(self.graph.spots)
        key = keycode[1]
        if key in ("left", "up", "right", "down") and self.at in order and not modifiers:
            step = -1 if key in ("left", "up") else 1
            self.at = order[(order.index(self.at) + step) % len(order)]
            self.draw()
        elif key in ("enter", "numpadenter") and self.at:
            self.dispatch("on_walk", self.at)
        elif key == "i" and self.at:
            self.dispatch("on_open", self.at)
        else:
            return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))
        return True

    def on_walk(self, handle: str) -> None:
        """This object is to be in the middle."""

    def on_open(self, handle: str) -> None:
        """This object is to be inspected."""


class ObjectMap(Tool):
    kind = "map"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        self.root: str | None = None
        self.root_title = "Object"
        self.places: list[tuple[str | None, str]] = []
        super().__init__(app, facts, **more)
        self.title = "Object map"
        self.ids.map.bind(on_walk=lambda _, handle: self.walk_to(handle), on_open=lambda _, handle: self.open(handle))

    def take(self, facts: dict[str, Any]) -> None:
        root, title = facts.get("root"), facts.get("title")
        if isinstance(root, str) and isinstance(title, str):
            self.root, self.root_title = root, title

    def facts(self) -> dict[str, Any]:
        return {"root": self.root, "title": self.root_title}

    def start(self) -> None:
        if self.root is None and self.app.morphs.tree.top:
            self.root, self.root_title = self.app.morphs.tree.top, "World"
        self.app.spawn(self._fetch())

    def focus_first(self) -> None:
        self.ids.map.focus = True

    def show_object(self, root: str | None, title: str) -> None:
        self.places.append((self.root, self.root_title))
        self.root, self.root_title = root, title
        self.start()

    def walk_to(self, handle: str) -> None:
        spot = self.ids.map.graph.spots.get(handle)
        if spot is not None:
            self.show_object(handle, spot.title)

    def go_back(self) -> None:
        if self.places:
            self.root, self.root_title = self.places.pop()
            self.start()

    def open(self, handle: str | None = None) -> None:
        handle = handle or self.ids.map.at
        spot = self.ids.map.graph.spots.get(handle)
        if spot is not None:
            self.app.inspect(handle, spot.title)

    async def _fetch(self) -> None:
        """Breadth first from the root, as far as the map has room."""
        graph = Graph()
        pending: list[tuple[str | None, str, int]] = [(self.root, self.root_title, 0)]
        while pending:
            target, title, depth = pending.pop(0)
            reply = await self.app.look.ask(Inspect(target=target, count=MAX_PAGE))
            if not isinstance(reply, Page):
                continue
            handle = reply.target.zfill(16)
            graph.spots.setdefault(handle, Spot(handle, title, depth))
            for slot, to, printed in _references(reply):
                if to not in graph.spots:
                    if len(graph.spots) >= MOST:
                        continue
                    graph.spots[to] = Spot(to, printed or "an object", depth + 1)
                    if depth + 1 < DEPTH or slot == "parent*":
                        pending.append((to, graph.spots[to].title, depth + 1))
                if (handle, to, slot) not in graph.edges:
                    graph.edges.append((handle, to, slot))
        graph.lay_out()
        self.ids.map.show(graph)
        self.title = f"Object map  {self.root_title}"
        self.app.trace(
            "map",
            {
                "objects": [spot.title for spot in graph.spots.values()],
                "edges": [slot for _, _, slot in graph.edges],
            },
        )


def _references(page: Page) -> list[tuple[str, str, str]]:
    """Slots and elements that are objects, as (name, handle, printed): parents first, so many of the others."""
    held = [each for each in page.entries if each.handle and not each.method]
    held.sort(key=lambda each: each.name != "parent*")
    return [(each.name, str(each.handle).zfill(16), each.printed) for each in held[:FAN]]
