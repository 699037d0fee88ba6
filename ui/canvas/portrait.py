"""What the canvas knows of an object: its slots as data, its methods, and how each is to be shown. No Kivy here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...bridge.covenant import Page, UvmStateUpdateEvent

MOST_ITEMS = 12
MOST_DEPTH = 3


def print_data(value: Any, depth: int = 0) -> str:
    """Data as a person of this language would write it: ``nil``, ``'it''s'``, ``(1 2 3)``. Bounded."""
    if value is None:
        return "nil"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bytes):
        return "#[" + " ".join(map(str, value[:64])) + (" …]" if len(value) > 64 else "]")
    if isinstance(value, dict):
        if isinstance(value.get("handle"), str):
            return str(value.get("print") or "an object")
        if isinstance(value.get("literal"), str):
            return str(value["literal"])
        pairs = (f"{print_data(k, depth + 1)}->{print_data(v, depth + 1)}" for k, v in value.items())
        return _bracketed("a Dictionary(", pairs, len(value), depth)
    if isinstance(value, list | tuple):
        return _bracketed("(", (print_data(each, depth + 1) for each in value), len(value), depth)
    return str(value)


def _bracketed(opening: str, items: Iterable[str], total: int, depth: int) -> str:
    if depth >= MOST_DEPTH and total:
        return f"{opening}…)"
    shown = [item for item, _ in zip(items, range(MOST_ITEMS), strict=False)]
    return opening + " ".join(shown) + (f" … {total - MOST_ITEMS} more)" if total > MOST_ITEMS else ")")


def handle_in(value: Any) -> str | None:
    """The handle, if the value is an object that the image has stored."""
    if isinstance(value, dict) and isinstance(value.get("handle"), str):
        return str(value["handle"]) or None
    return None


def is_method(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("method"), str)


def walk_to(value: Any) -> str | None:
    """The object that opening this slot shows: its value, or the first of its values (a sequence of parents)."""
    if isinstance(value, list) and value:
        return handle_in(value[0])
    return handle_in(value)


@dataclass(slots=True)
class Row:
    """One line of the list: a heading, a slot or a method."""

    name: str
    text: str
    kind: str  # heading, parent, data, method
    handle: str | None = None


@dataclass(slots=True)
class Portrait:
    """An object as it was last heard of. ``target`` None is the genesis object."""

    target: str | None
    title: str
    slots: dict[str, Any] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)  # of its methods, by selector
    truncated: bool = False

    def apply(self, event: UvmStateUpdateEvent) -> list[str]:
        """Take in a state event; the names of the slots that are now different."""
        before = dict(self.slots)
        if event.whole:
            self.slots = dict(event.state)
        else:
            self.slots.update(event.state)
            for name in event.removed:
                self.slots.pop(name, None)
        self.truncated = event.truncated
        names = before.keys() | self.slots.keys()
        missing = object()
        return sorted(n for n in names if before.get(n, missing) != self.slots.get(n, missing))

    def rows(self, find: str = "") -> list[Row]:
        """The list to show: parents first, then data, then methods; only names that contain ``find``."""
        wanted = [name for name, value in self.slots.items() if find in name and not is_method(value)]
        parents = [name for name in wanted if name.endswith("*")]
        data = sorted(name for name in wanted if not name.endswith("*"))
        selectors = (value["method"] for value in self.slots.values() if is_method(value))
        methods = sorted(selector for selector in selectors if find in selector)
        rows: list[Row] = []
        if parents or data:
            note = "more than is shown: narrow by find" if self.truncated else ""
            rows.append(Row(f"slots ({len(parents) + len(data)})", note, "heading"))
        rows += [Row(name, print_data(self.slots[name]), "parent", walk_to(self.slots[name])) for name in parents]
        rows += [Row(name, print_data(self.slots[name]), "data", walk_to(self.slots[name])) for name in data]
        if methods:
            rows.append(Row(f"methods ({len(methods)})", "", "heading"))
        rows += [Row(name, self.languages.get(name, ""), "method") for name in methods]
        return rows


def found_rows(page: Page) -> list[Row]:
    """The list to show for what the kernel found in an object too large to be fetched whole."""
    shown = len(page.entries)
    note = "" if shown == page.total else f"the first {shown:,}"
    rows = [Row(f"found ({page.total:,})", note, "heading")]
    for entry in page.entries:
        kind = "method" if entry.method else "parent" if entry.name.endswith("*") else "data"
        rows.append(
            Row(entry.name, "" if entry.method else entry.printed, kind, None if entry.method else entry.handle)
        )
    return rows


@dataclass(slots=True)
class Trail:
    """Where the person has been: the objects walked through, the present one last."""

    places: list[tuple[str | None, str]] = field(default_factory=lambda: [(None, "Object")])

    @property
    def here(self) -> tuple[str | None, str]:
        return self.places[-1]

    def go(self, target: str | None, title: str) -> None:
        if self.here[0] != target:
            self.places.append((target, title))

    def back(self) -> bool:
        """Step back; False at the beginning."""
        if len(self.places) > 1:
            self.places.pop()
            return True
        return False

    def home(self) -> None:
        self.places[1:] = []
