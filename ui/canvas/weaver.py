"""The Weaver's panel: servers with what they hold and how they are, facets with what they did, aliases."""

from __future__ import annotations

from typing import Any

from kivy.clock import Clock

from ...bridge.covenant import Data, WeaverCommand
from .cards import Tool
from .rows import Cell

EVERY = 3.0  # seconds; the kernel asks the servers each time
STATES = {"up": "good", "down": "bad"}
NOTHING = "No facet is known yet, and no server: batos weaver --help says how they come."


class WeaverPanel(Tool):
    kind = "weaver"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "Weaver"
        self._asking = False
        self._timer = Clock.schedule_interval(lambda _: self.start(), EVERY)

    def start(self) -> None:
        if not self._asking:
            self._asking = True
            self.app.spawn(self._fetch())

    async def _fetch(self) -> None:
        try:
            reply = await self.app.look.ask(WeaverCommand())
        finally:
            self._asking = False
        if isinstance(reply, Data) and isinstance(reply.data, dict):
            rows = told(reply.data)
            self.ids.list.show(rows)
            names = [f"{row.name}  {row.text}".strip() for row in rows]
            self.app.frames.shown(lambda: self.app.trace("weaver", {"rows": names}))
        else:
            self._timer.cancel()
            self.app.refused(reply)

    def closed(self) -> None:
        self._timer.cancel()


def told(data: dict[str, Any]) -> list[Cell]:
    """The panel's data (jit/weaver/panel.py) as rows."""
    rows: list[Cell] = []
    servers, facets = data.get("servers") or [], data.get("facets") or []
    if not servers and not facets:
        rows.append(Cell(NOTHING, kind="plain", ink="faint"))
    for each in servers:
        rows.append(Cell(f"server {each.get('name', '')}", kind="heading"))
        state = str(each.get("state", ""))
        reason = str(each.get("reason") or "")
        rows.append(Cell("health", f"{state}   {reason}".rstrip(), ink=STATES.get(state, "warn")))
        held = each.get("held") or {}
        room = each.get("room")
        rows.append(Cell("holds", f"{', '.join(sorted(held)) or 'nothing'}" + (f"   of {room}" if room else "")))
        rows.append(Cell("now", f"{each.get('in_flight', 0)} asked, {each.get('waiting', 0)} waiting"))
        did = ", ".join(
            f"{each[key]:,} {key}" for key in ("loads", "evictions", "hits", "waits", "failures") if each.get(key)
        )
        rows.append(Cell("did", did or "nothing yet"))
    if facets:
        rows.append(Cell(f"facets ({len(facets)})", kind="heading"))
    for each in facets:
        rows.append(Cell(str(each.get("name", "")), _facet(each)))
    aliases = data.get("aliases") or {}
    if aliases:
        rows.append(Cell(f"aliases ({len(aliases)})", kind="heading"))
        rows += [Cell(str(alias), str(meant)) for alias, meant in sorted(aliases.items())]
    totals = {name: value for name, value in (data.get("totals") or {}).items() if value}
    rows.append(Cell("in all", kind="heading"))
    rows.append(Cell("rules", str(data.get("rules", 0))))
    rows += [Cell(str(name), f"{value:,}") for name, value in totals.items()]
    return rows


def _facet(each: dict[str, Any]) -> str:
    """``12 answers, 0.8 s each, 3,400 tokens, on gpu-1``"""
    asked = each.get("requests", 0)
    if not asked:
        words = [f"{each.get('bytes', 0) / 1e6:.1f} MB, not asked yet"]
    else:
        words = [f"{asked:,} answers", f"{each.get('seconds', 0.0):.2g} s each", f"{each.get('tokens', 0):,} tokens"]
    if each.get("errors"):
        words.append(f"{each['errors']:,} errors")
    if each.get("servers"):
        words.append("on " + ", ".join(each["servers"]))
    return ", ".join(words)
