"""The inspector: an object's slots and methods, edited in place, its parents and what it holds a key away, and a line
whose messages have the object as self."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, StringProperty

from ...bridge.covenant import (
    MAX_PAGE,
    Browse,
    CreateMethodCommand,
    GetFullStateCommand,
    Inspect,
    MethodReply,
    Methods,
    Page,
    UvmStateUpdateEvent,
)
from ...grammar import is_complete
from .cards import Tool
from .portrait import Portrait, Trail, is_method, print_data
from .rows import Cell


class Paged:
    """The rows of an object too large to be here whole: pages come when they are looked at."""

    def __init__(self, total: int, fetch: Any) -> None:
        self.total = total
        self.fetch = fetch
        self.pages: dict[int, list[Cell] | None] = {}

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, index: int) -> Cell | None:
        number, place = divmod(index, MAX_PAGE)
        if number not in self.pages:
            self.pages[number] = None
            self.fetch(number * MAX_PAGE)
        page = self.pages[number]
        return page[place] if page is not None and place < len(page) else None

    def take(self, page: Page) -> None:
        self.pages[page.start // MAX_PAGE] = [cell_of(entry) for entry in page.entries]


def cell_of(entry: Any) -> Cell:
    kind = "method" if entry.method else "parent" if entry.name.endswith("*") else "data"
    return Cell(entry.name, "" if entry.method else entry.printed, kind, None if entry.method else entry.handle)


class Inspector(Tool):
    """Shows one object at a time; ``trail`` is the way there."""

    kind = "inspector"
    detail_title = StringProperty("")
    can_go_back = BooleanProperty(False)
    result = StringProperty("")

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        self.trail = Trail()
        self.portrait = Portrait(None, "Object")
        self.oid = ""  # the handle of what is shown, also of the genesis object
        self.chosen: Cell | None = None
        self.large: Paged | None = None
        self.found: Paged | None = None
        self.stale = False
        self.fetching: asyncio.Task[None] | None = None
        super().__init__(app, facts, **more)
        ids = self.ids
        ids.slots.bind(
            on_chosen=lambda _, row: self.choose(row),
            on_open=lambda _, row: self.open(row),
            on_edit=lambda _, row: self.edit(row),
            on_leave_back=lambda *_: self.go_back(),
        )
        self.redraw = Clock.create_trigger(self._redraw, 0)
        self.look_for = Clock.create_trigger(lambda _: self.find(), 0.15)
        ids.filter.bind(text=lambda *_: self.look_for())
        ids.detail.keys = self._detail_key
        ids.line.is_complete = is_complete
        ids.line.most_lines = 3
        ids.line.bind(
            on_send=lambda _, source: self.evaluate("print"),
            on_complete=lambda _, position: app.complete(ids.line, position, self.place),
        )
        ids.line.keys = lambda key, modifiers: bool(app.completing.key(key, ids.line))

    def take(self, facts: dict[str, Any]) -> None:
        target, title = facts.get("target"), facts.get("title")
        if isinstance(title, str) and (target is None or isinstance(target, str)):
            self.trail.places = [(None, "Object")] if target is None else [(None, "Object"), (target, title)]
        self._titles()

    def facts(self) -> dict[str, Any]:
        target, title = self.trail.here
        return {"target": target, "title": title}

    def topics(self) -> set[str]:
        return {self.trail.here[0] or "state"}

    @property
    def place(self) -> str:
        """The workspace whose self is the shown object."""
        return f"@{self.oid.lstrip('0') or '0'}" if self.oid else self.app.workspace

    def start(self) -> None:
        self.app.spawn(self._show(*self.trail.here))

    def refresh(self) -> None:
        self.start()

    def focus_first(self) -> None:
        self.ids.slots.focus = True

    # -- the shown object ---------------------------------------------------------------------------------------------

    async def _show(self, target: str | None, title: str) -> None:
        """Fetch an object and show it; from then on hear of its changes."""
        since = time.perf_counter()
        reply = await self.app.look.ask(GetFullStateCommand(target=target))
        if not isinstance(reply, UvmStateUpdateEvent):
            self.app.refused(reply)
            if self.trail.back():
                self._titles()
            return
        portrait = Portrait(target, title)
        portrait.apply(reply)
        self.portrait, self.oid, self.chosen = portrait, reply.target, None
        self.large = self.found = None
        self._titles()
        if portrait.truncated:
            self.large = await self._paged("")
        self.find()  # what stands in the field may have been typed while this was on its way
        self.ids.slots.first = 0
        self.ids.detail.text = self.detail_title = ""
        self.app.trace(
            "object",
            {
                "title": title,
                "target": target,
                "slots": {name: print_data(v) for name, v in portrait.slots.items() if not is_method(v)},
                "rows": len(self.ids.slots.source),
                "ms": round((time.perf_counter() - since) * 1000, 1),
            },
        )
        self.app.watch()
        if not portrait.truncated:  # the pages of a large object say what is a method
            await self._fetch_methods(portrait)

    async def _paged(self, find: str) -> Paged | None:
        target = self.portrait.target
        reply = await self.app.look.ask(Inspect(target=target, find=find, count=MAX_PAGE))
        if not isinstance(reply, Page):
            self.app.refused(reply)
            return None
        paged: Paged = Paged(reply.total, lambda start: self.app.spawn(self._page(paged, find, start)))
        paged.take(reply)
        return paged

    async def _page(self, paged: Paged, find: str, start: int) -> None:
        reply = await self.app.look.ask(Inspect(target=self.portrait.target, find=find, start=start, count=MAX_PAGE))
        if isinstance(reply, Page):
            paged.take(reply)
            if self.ids.slots.source is paged:
                self.ids.slots.arrived()

    async def _fetch_methods(self, portrait: Portrait) -> None:
        reply = await self.app.look.ask(Browse(target=portrait.target))
        if isinstance(reply, Methods):
            portrait.languages = {entry.selector: entry.language for entry in reply.methods}
            if portrait is self.portrait:
                self.redraw()
                self.app.trace("methods", {"names": sorted(portrait.languages)})

    def _refetch_methods(self) -> None:
        """Fetch them again, one question at a time however fast changes come."""
        if self.large is not None:
            return
        self.stale = True
        if self.fetching is None or self.fetching.done():
            self.fetching = self.app.spawn(self._keep_methods_fresh())

    async def _keep_methods_fresh(self) -> None:
        while self.stale:
            self.stale = False
            await self._fetch_methods(self.portrait)

    def heard(self, event: UvmStateUpdateEvent) -> None:
        mine = event.target.lstrip("0") == self.oid.lstrip("0") if event.target else self.trail.here[0] is None
        if not self.oid or not mine:
            return
        methods = {name for name, value in self.portrait.slots.items() if is_method(value)}
        changed = self.portrait.apply(event)
        if changed:
            if self.large is not None:
                self.large.pages.clear()
            self.redraw()
            if methods != {name for name, value in self.portrait.slots.items() if is_method(value)}:
                self._refetch_methods()
            shown = {name: print_data(self.portrait.slots.get(name)) for name in changed}
            self.app.trace("changed", {"slots": shown, "removed": event.removed})
            if self.chosen and self.chosen.name in changed and not self.ids.detail.focus:
                self.choose(self.chosen)

    def find(self) -> None:
        """Show only slots and methods whose name contains what is typed; in a large object the kernel looks for it."""
        self.found = None
        if self.portrait.truncated and self.ids.filter.text:
            self.app.spawn(self._find(self.portrait, self.ids.filter.text))
        else:
            self._redraw()

    async def _find(self, portrait: Portrait, text: str) -> None:
        found = await self._paged(text)
        if found is not None and (portrait, text) == (self.portrait, self.ids.filter.text):
            self.found = found
            self._redraw()

    def _redraw(self, *_: Any) -> None:
        wanted = self.ids.filter.text
        rows: Any = self.found or (self.large if not wanted else None)
        if rows is None:
            rows = [Cell(row.name, row.text, row.kind, row.handle) for row in self.portrait.rows(wanted)]
        if wanted and not len(rows):
            rows = [Cell(f"no slot or method of its own has {wanted!r} in its name", kind="heading")]
        self.ids.slots.show(rows)
        if wanted:
            names = [
                row.name for row in (rows[i] for i in range(min(len(rows), 1000))) if row and row.kind != "heading"
            ]
            self.app.trace("found", {"names": names})

    def _titles(self) -> None:
        self.title = self.trail.here[1]
        self.can_go_back = len(self.trail.places) > 1

    # -- walking ------------------------------------------------------------------------------------------------------

    def show_object(self, target: str | None, title: str) -> None:
        self.trail.go(target, title)
        self.ids.filter.text = ""
        self.start()

    def open(self, row: Cell) -> None:
        """Walk into the object that a slot holds; what is no object is edited."""
        if row.handle is not None:
            self.show_object(row.handle, f"{row.name}: {row.text}")
        else:
            self.edit(row)

    def go_back(self) -> None:
        if self.trail.back():
            self.start()

    def go_home(self) -> None:
        self.trail.home()
        self.start()

    # -- a slot, all of it --------------------------------------------------------------------------------------------

    def choose(self, row: Cell) -> None:
        """Show the whole of a slot's value, or a method's source."""
        self.chosen = row
        self.detail_title = row.name
        if row.kind == "method":
            self.app.spawn(self._show_method(self.portrait, row.name))
            return
        value = self.portrait.slots.get(row.name, self)
        text = row.text if value is self or (isinstance(value, dict) and value.get("handle")) else print_data(value)
        self.ids.detail.show(text, "message")
        shown = value if isinstance(value, str) else text
        self.app.trace("detail", {"name": row.name, "text": shown})

    async def _show_method(self, portrait: Portrait, selector: str) -> None:
        reply = await self.app.look.ask(Browse(target=portrait.target, selector=selector))
        if not isinstance(reply, MethodReply):
            self.app.refused(reply)
            return
        facts = ", ".join(part for part in (reply.language, reply.author, reply.intent) if part)
        self.detail_title = f"{selector}   {facts}"
        self.ids.detail.show(reply.source, reply.language)
        self.app.trace("detail", {"name": selector, "text": reply.source})

    def edit(self, row: Cell) -> None:
        """To the text below, where its value can be written anew."""
        self.ids.detail.focus = True

    def _detail_key(self, key: str, modifiers: list[str]) -> bool:
        if key == "s" and "ctrl" in modifiers:
            self.accept()
            return True
        return False

    def accept(self) -> None:
        """What stands below becomes the slot's value (it is evaluated, with the object as self), or the method."""
        if self.chosen is not None and self.ids.detail.text.strip():
            self.app.spawn(self._accept(self.chosen, self.ids.detail.text))

    async def _accept(self, row: Cell, text: str) -> None:
        if row.kind == "method":
            reply = await self.app.act.ask(
                CreateMethodCommand(method_name=row.name, method_code=text, target=self.portrait.target)
            )
            if not isinstance(reply, MethodReply):
                self.app.refused(reply)
                return
            said = f"{row.name} is written"
        else:
            name = row.name.replace("'", "''")
            outcome = await self.app.run(f"self setSlot: '{name}' value: (\n{text}\n)", self.place)
            if outcome is None:
                return
            said = f"{row.name} is {outcome.printed}"
        self.result = said.split("\n")[0][:200]
        self.app.trace("accepted", {"name": row.name, "text": self.result})

    # -- messages to the object ---------------------------------------------------------------------------------------

    def evaluate(self, wish: str) -> None:
        source = self.ids.line.text
        if source.strip():
            self.app.spawn(self._evaluate(source, wish))

    async def _evaluate(self, source: str, wish: str) -> None:
        self.ids.line.remember(source)
        outcome = await self.app.run(source, self.place)
        if outcome is None:
            return
        self.ids.line.text = ""
        if wish == "inspect" and outcome.handle:
            self.app.inspect(outcome.handle, (outcome.printed or "").split("\n")[0][:80])
        if wish != "do":
            self.result = f"{source.strip()}  =>  {outcome.printed}".replace("\n", " ")[:300]
            self.app.trace("evaluated", {"text": outcome.printed, "of": self.trail.here[1]})
