"""The kernel's status, asked for every second while the card is open; settings; the page of keys; what may run."""

from __future__ import annotations

from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, StringProperty

from ...bridge.covenant import Data, Status
from .cards import Tool
from .rows import Cell

EVERY = 1.0  # seconds


class StatusPanel(Tool):
    kind = "status"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "Kernel"
        self._asking = False
        self._timer = Clock.schedule_interval(lambda _: self.start(), EVERY)

    def start(self) -> None:
        if not self._asking:
            self._asking = True
            self.app.spawn(self._fetch())

    async def _fetch(self) -> None:
        try:
            reply = await self.app.look.ask(Status())
        finally:
            self._asking = False
        if isinstance(reply, Data) and isinstance(reply.data, dict):
            rows = list(told(reply.data))
            self.ids.list.show(rows)
            self.app.trace("status", {"names": [row.name for row in rows]})

    def closed(self) -> None:
        self._timer.cancel()


def told(data: dict[str, Any], depth: int = 0) -> list[Cell]:
    """Nested facts as rows: plain ones first, then each group under its heading."""
    rows = []
    for name, value in data.items():
        if not isinstance(value, dict | list):
            rows.append(Cell(str(name), plain(str(name), value)))
    for name, value in data.items():
        if isinstance(value, dict):
            rows += [Cell(str(name), kind="heading"), *told(value, depth + 1)]
        elif isinstance(value, list):
            rows.append(Cell(f"{name} ({len(value)})", kind="heading"))
            for each in value[:100]:
                rows += told(each, depth + 1) if isinstance(each, dict) else [Cell("", str(each))]
    return rows


def plain(name: str, value: Any) -> str:
    """A fact as a person reads it: sizes in megabytes, truth as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("bytes") and isinstance(value, int | float):
        return f"{value / 1e6:,.1f} MB"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int) and name != "pid":
        return f"{value:,}"
    return "none" if value is None or value == "" else str(value)


class SettingsPage(Tool):
    """What a person may set in the window: each a row of buttons, the present one marked."""

    kind = "settings"
    name = StringProperty("")
    contrast = StringProperty("")
    size_told = StringProperty("")
    greets = BooleanProperty(True)

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "Settings"
        app.bind(theme=self.tell, text_size=self.tell)  # weakly: a closed card is not held
        self.tell()

    def tell(self, *_: Any) -> None:
        self.name, self.contrast = self.app.theme.name, self.app.theme.contrast
        self.size_told = f"{self.app.text_size:g}"
        self.greets = self.app.greets

    def greet(self, greets: bool) -> None:
        self.app.greet_from_now_on(greets)
        self.tell()


class KeysPage(Tool):
    kind = "keys"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "Keys"
        from .keys import KEYS

        rows = []
        for heading, keys in KEYS:
            rows.append(Cell(heading, kind="heading"))
            rows += [Cell(key, does) for key, does in keys]
        self.ids.list.show(rows)


class AllowPage(Tool):
    """A text out of the image that does not run unless a person says so."""

    kind = "allow"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "May this run in your window?"

    def ask(self, text: str) -> None:
        self.text = text
        self.ids.source.show(text, "python" if "class View" in text else "message")

    def allow(self) -> None:
        self.app.morphs.allow(self.text)
        self.app.close_tool("allow")
