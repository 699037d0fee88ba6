"""The browser: prototypes, their methods, source; its versions and what changed between them; who sends, who
implements."""

from __future__ import annotations

from typing import Any

from kivy.properties import StringProperty

from ...bridge.covenant import (
    MAX_PAGE,
    Browse,
    CreateMethodCommand,
    Data,
    Evaluate,
    GetFullStateCommand,
    History,
    Implementors,
    Inspect,
    MethodReply,
    Methods,
    Page,
    Senders,
    UvmStateUpdateEvent,
)
from ...bridge.covenant import Done as DoneReply
from .cards import Tool
from .proposals import differences
from .rows import Cell
from .text import escape, wrap


class Browser(Tool):
    kind = "browser"
    heading = StringProperty("")
    view = StringProperty("source")  # or versions, senders, implementors

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        self.prototypes: list[Cell] = []
        self.methods: list[Cell] = []
        self.versions: list[dict[str, Any]] = []
        self.selector = ""
        self.owner: Cell | None = None
        self.wanted = ("Object", "")
        super().__init__(app, facts, **more)
        self.title = "Browser"
        ids = self.ids
        ids.prototypes.bind(
            on_chosen=lambda _, row: self.choose_prototype(row), on_open=lambda _, row: self.look_at(row)
        )
        ids.methods.bind(
            on_chosen=lambda _, row: self.choose_method(row.name),
            on_open=lambda _, row: setattr(ids.source, "focus", True),
        )
        ids.others.bind(on_chosen=lambda _, row: self.choose_other(row), on_open=lambda _, row: self.go_to(row))
        ids.filter.bind(text=lambda *_: self._list())
        ids.source.keys = self._source_key
        ids.source.bind(on_complete=lambda _, position: app.complete(ids.source, position, app.workspace))

    def take(self, facts: dict[str, Any]) -> None:
        owner, selector = facts.get("owner"), facts.get("selector")
        if isinstance(owner, str) and isinstance(selector, str):
            self.wanted = (owner, selector)

    def facts(self) -> dict[str, Any]:
        return {"owner": self.owner.name if self.owner else "Object", "selector": self.selector}

    def start(self) -> None:
        self.app.spawn(self._fetch())

    async def _fetch(self) -> None:
        """The names of the world that are objects: the slots of Smalltalk."""
        reply = await self.app.look.ask(Evaluate(source="Smalltalk", origin="<canvas>"))
        handle = reply.outcomes[0].handle if isinstance(reply, DoneReply) and reply.outcomes else None
        if handle is None:
            return
        found: list[Cell] = []
        start, total = 0, 1
        while start < total:
            page = await self.app.look.ask(Inspect(target=handle, start=start, count=MAX_PAGE))
            if not isinstance(page, Page):
                self.app.refused(page)
                return
            total = page.total
            found += [Cell(e.name, e.printed, "data", e.handle) for e in page.entries if e.handle and not e.method]
            start += MAX_PAGE
        self.prototypes = sorted((row for row in found if row.name[:1].isupper()), key=lambda row: row.name)
        self._list()
        owner, selector = self.wanted
        row = next((row for row in self.prototypes if row.name == owner), None)
        if row is not None:
            self.ids.prototypes.at = self.ids.prototypes.source.index(row) if row in self.ids.prototypes.source else -1
            self.ids.prototypes.reveal(int(self.ids.prototypes.at))
            await self._choose_prototype(row, selector)
        self.app.trace("prototypes", {"count": len(self.prototypes)})

    def _list(self) -> None:
        text = self.ids.filter.text.lower()
        rows = [Cell(row.name, "", "plain", row.handle) for row in self.prototypes if text in row.name.lower()]
        self.ids.prototypes.show(rows)

    def look_at(self, row: Cell) -> None:
        if row.handle:
            self.app.inspect(row.handle, row.name)

    def choose_prototype(self, row: Cell) -> None:
        self.app.spawn(self._choose_prototype(row, ""))

    async def _choose_prototype(self, row: Cell, selector: str) -> None:
        self.owner = row
        reply = await self.app.look.ask(Browse(target=row.handle))
        if not isinstance(reply, Methods):
            self.app.refused(reply)
            return
        self.methods = [Cell(entry.selector, "", "plain", ink="accent") for entry in reply.methods]
        self.ids.methods.show(self.methods, keep=False)
        self.selector = ""
        count = len(self.methods)
        self.heading = f"{row.name}   {count} method{'' if count == 1 else 's'}"
        self.ids.source.show("" if selector else await self._comment(row), "message")
        self.view = "source"
        self.app.trace("methods", {"names": [cell.name for cell in self.methods], "of": row.name})
        if selector:
            self.ids.methods.choose(next((i for i, m in enumerate(self.methods) if m.name == selector), -1))

    async def _comment(self, row: Cell) -> str:
        """What the prototype says it is, as the language writes a comment: above it a method may be written."""
        state = await self.app.look.ask(GetFullStateCommand(target=row.handle))
        comment = state.state.get("comment") if isinstance(state, UvmStateUpdateEvent) else None
        return '"' + comment.replace('"', "'") + '"\n' if isinstance(comment, str) and comment else ""

    def choose_method(self, selector: str) -> None:
        self.selector = selector
        self.app.spawn(self._choose_method(selector))

    async def _choose_method(self, selector: str) -> None:
        if self.owner is None:
            return
        reply = await self.app.look.ask(Browse(target=self.owner.handle, selector=selector))
        if not isinstance(reply, MethodReply):
            self.app.refused(reply)
            return
        facts = ", ".join(part for part in (reply.language, reply.author, reply.intent) if part)
        self.heading = f"{self.owner.name} >> {selector}   {facts}"
        self.ids.source.show(reply.source, reply.language)
        self.app.trace("detail", {"name": selector, "text": reply.source})
        if self.view == "versions":
            await self._versions()
        elif self.view != "source":
            await self._others()

    def _source_key(self, key: str, modifiers: list[str]) -> bool:
        if key == "s" and "ctrl" in modifiers:
            self.accept()
            return True
        return bool(self.app.completing.key(key, self.ids.source))

    def accept(self) -> None:
        if self.owner is not None and self.ids.source.text.strip():
            self.app.spawn(self._accept(self.ids.source.text))

    async def _accept(self, text: str) -> None:
        """The text becomes a method of the prototype: of the selector that its head says."""
        from ...grammar import SyntaxProblem, parse_method

        assert self.owner is not None
        selector = self.selector
        if self.ids.source._language != "python":
            try:
                selector = parse_method(text).selector
            except SyntaxProblem as problem:
                self.app.say(f"{problem.message} (line {problem.line})", "bad")
                return
        reply = await self.app.act.ask(
            CreateMethodCommand(method_name=selector, method_code=text, target=self.owner.handle)
        )
        if not isinstance(reply, MethodReply):
            self.app.refused(reply)
            return
        self.app.trace("accepted", {"name": selector, "text": f"{self.owner.name}>>{selector}"})
        await self._choose_prototype(self.owner, selector)

    # -- versions, senders, implementors ------------------------------------------------------------------------------

    def show_view(self, view: str) -> None:
        self.view = view
        if view == "versions":
            self.app.spawn(self._versions())
        elif view != "source":
            self.app.spawn(self._others())

    async def _versions(self) -> None:
        if self.owner is None or not self.selector:
            return
        reply = await self.app.look.ask(History(target=self.owner.handle or "1", selector=self.selector, count=100))
        if not isinstance(reply, Data):
            self.app.refused(reply)
            return
        self.versions = reply.data
        rows = []
        for number, version in enumerate(self.versions):
            told = f"{version.get('author') or 'unsigned'}   {version.get('intent') or ''}"
            rows.append(Cell("now" if not number else f"-{number}", told, "data", extra=number))
        self.ids.others.show(rows, keep=False)
        self.ids.others.choose(0)
        self.app.trace("versions", {"count": len(rows)})

    async def _others(self) -> None:
        if not self.selector:
            return
        senders = self.view == "senders"
        command = Senders(selector=self.selector) if senders else Implementors(selector=self.selector)
        reply = await self.app.look.ask(command)
        if not isinstance(reply, Methods):
            self.app.refused(reply)
            return
        rows = [Cell(entry.owner, entry.selector, "data", entry.target, extra=entry) for entry in reply.methods]
        self.ids.others.show(rows or [Cell("nobody", kind="plain", ink="faint")], keep=False)
        self.ids.difference.clear()
        self.app.trace(self.view, {"names": [f"{row.name}>>{row.text}" for row in rows]})

    def choose_other(self, row: Cell) -> None:
        """A version: what it changed. A sender or implementor: its source."""
        pages = self.ids.difference
        if self.view == "versions" and isinstance(row.extra, int):
            new = str(self.versions[row.extra].get("source", ""))
            old = str(self.versions[row.extra + 1].get("source", "")) if row.extra + 1 < len(self.versions) else ""
            pages.clear()
            lines = differences(old, new)
            for ink, line in lines:
                pages.add(line, ink, lines=lambda columns, line=line: [escape(part) for part in wrap(line, columns)])
            pages.scroll_y = 1
            self.app.trace("difference", {"lines": [line for _, line in lines]})
        elif row.extra is not None:
            self.app.spawn(self._source_of(row))

    async def _source_of(self, row: Cell) -> None:
        reply = await self.app.look.ask(Browse(target=row.handle, selector=row.text))
        if isinstance(reply, MethodReply):
            self.ids.difference.show(reply.source)
            self.ids.difference.scroll_y = 1

    def go_to(self, row: Cell) -> None:
        """Browse the sender or implementor itself; bring back a version."""
        if self.view == "versions" and isinstance(row.extra, int):
            self.ids.source.text = str(self.versions[row.extra].get("source", ""))
            self.view = "source"
            self.ids.source.focus = True
        elif row.extra is not None:
            self.wanted = (row.name, row.text)
            self.view = "source"
            self.start()
