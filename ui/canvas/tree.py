"""The morphs of a world as the window last heard of them: nodes by handle, who holds whom, and where. No Kivy here.

Positions are those of the image: y grows downwards, each within its owner; `corner` adds them up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...bridge.covenant import UvmStateUpdateEvent

Node = dict[str, Any]
VIEW = "view:"
LARGEST = 1_000_000.0  # a place or a size beyond this is none


def number(value: Any, default: float = 0.0) -> float:
    """A slot as a number of pixels: whatever a program has put there, the window can draw it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    if isinstance(value, int):
        return float(min(max(value, -int(LARGEST)), int(LARGEST)))
    return min(max(value, -LARGEST), LARGEST) if value == value else default


@dataclass(slots=True)
class Changes:
    """What an event changed: handles of morphs and of views. ``whole``: forget what was before."""

    whole: bool = False
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """``nodes`` are the morphs, ``views`` how prototypes want to be drawn, ``top`` the world's handle."""

    nodes: dict[str, Node] = field(default_factory=dict)
    views: dict[str, Node] = field(default_factory=dict)
    top: str = ""
    truncated: bool = False

    def apply(self, event: UvmStateUpdateEvent) -> Changes:
        changes = Changes(event.whole)
        self.top = event.target.removeprefix("scene:") or self.top
        self.truncated = event.truncated
        if event.whole:
            self.nodes.clear()
            self.views.clear()
        for name, node in event.state.items():
            if not isinstance(node, dict):
                continue
            if name.startswith(VIEW):
                self.views[name[len(VIEW) :]] = node
                changes.views.append(name[len(VIEW) :])
            else:
                self.nodes[name] = node
                changes.changed.append(name)
        for name in event.removed:
            if name.startswith(VIEW):
                self.views.pop(name[len(VIEW) :], None)
            elif self.nodes.pop(name, None) is not None:
                changes.removed.append(name)
        return changes

    def holds(self, handle: str) -> list[str]:
        """The submorphs that are here (a page may still be on its way), the foremost last."""
        node = self.nodes.get(handle)
        return [each for each in node.get("holds") or () if each in self.nodes] if node else []

    def within(self, handle: str) -> str | None:
        owner = self.nodes.get(handle, {}).get("within")
        return owner if isinstance(owner, str) else None

    def owners(self, handle: str) -> Iterator[str]:
        """The morph itself, its owner, and so on, without the world."""
        seen: set[str] = set()
        each: str | None = handle
        while each and each != self.top and each in self.nodes and each not in seen:
            seen.add(each)
            yield each
            each = self.within(each)

    def below(self, handle: str) -> Iterator[str]:
        """The morph and all in it, owners before what they hold."""
        pending = [handle]
        seen: set[str] = set()
        while pending:
            each = pending.pop()
            if each in seen or each not in self.nodes:
                continue
            seen.add(each)
            yield each
            pending.extend(reversed(self.holds(each)))

    def size(self, handle: str) -> tuple[float, float]:
        node = self.nodes[handle]
        return max(number(node.get("width"), 40), 1), max(number(node.get("height"), 20), 1)

    def corner(self, handle: str) -> tuple[float, float]:
        """The upper left corner within the world."""
        x = y = 0.0
        for each in self.owners(handle):
            node = self.nodes[each]
            x += number(node.get("x"))
            y += number(node.get("y"))
        return x, y

    def at(self, x: float, y: float, skip: str | None = None) -> str | None:
        """The innermost, foremost morph at a place of the world; None where there is only the world."""
        seen = {self.top}
        for each in reversed(self.holds(self.top)):
            found = self._at(each, x, y, skip, seen)
            if found:
                return found
        return None

    def _at(self, handle: str, x: float, y: float, skip: str | None, seen: set[str]) -> str | None:
        node = self.nodes[handle]
        if handle == skip or handle in seen or node.get("visible") is False:
            return None
        seen.add(handle)
        x, y = x - number(node.get("x")), y - number(node.get("y"))
        for each in reversed(self.holds(handle)):
            found = self._at(each, x, y, skip, seen)
            if found:
                return found
        width, height = self.size(handle)
        return handle if 0 <= x < width and 0 <= y < height else None

    def pressed(self, handle: str | None) -> str | None:
        """Whom a click on this morph is for: it, or the nearest owner that can be pressed."""
        for each in self.owners(handle) if handle else ():
            if self.nodes[each].get("pressable") is True:
                return each
        return None

    def dragged(self, handle: str | None) -> str | None:
        """Whom a drag of this morph moves: it, unless a layout arranges it; then the layout."""
        for each in self.owners(handle) if handle else ():
            owner = self.nodes.get(self.within(each) or "", {})
            if self.nodes[each].get("draggable") is not False and "padding" not in owner:
                return each
        return None

    def further_in(self, handle: str | None, chosen: str | None) -> str | None:
        """Whom the next click for a halo is for: the outermost morph there, then the one in it, and so on, around."""
        chain = list(self.owners(handle))[::-1] if handle else []
        if not chain:
            return None
        return chain[(chain.index(chosen) + 1) % len(chain)] if chosen in chain else chain[0]

    def bounds(self) -> tuple[float, float, float, float] | None:
        """Left, top, right, bottom of all that the world holds; None of an empty one."""
        boxes = []
        for each in self.holds(self.top):
            (x, y), (width, height) = self.corner(each), self.size(each)
            boxes.append((x, y, x + width, y + height))
        if not boxes:
            return None
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def title(self, handle: str) -> str:
        """What to call a morph: its kind, and the text it shows."""
        node = self.nodes.get(handle, {})
        kind = str(node.get("kind") or "Morph")
        text = node.get("label") or node.get("text")
        return f"{kind}  {text}" if isinstance(text, str) and text.strip() else kind
