"""History: the image's messages as a list and a slider. While it is scrubbed, the world is shown as it was."""

from __future__ import annotations

import time
from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from ...bridge.covenant import Data, ErrorReply, GetScene, History, Undo, UvmStateUpdateEvent
from .cards import Tool
from .rows import Cell

MOST = 500  # messages of the list


class Past(Tool):
    kind = "history"
    count = NumericProperty(1)
    place = NumericProperty(0)  # on the slider: 0 the oldest, count - 1 now
    looking_back = BooleanProperty(False)
    told = StringProperty("")

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        self.moments: list[dict[str, Any]] = []
        super().__init__(app, facts, **more)
        self.title = "History"
        self.ids.list.bind(on_chosen=lambda _, row: self.go_to(row.extra))
        self._show = Clock.create_trigger(lambda _: app.spawn(self._fetch_scene()), 0.05)
        self._again = Clock.create_trigger(lambda _: app.spawn(self._fetch()), 0.3)

    def start(self) -> None:
        self.app.spawn(self._fetch())

    def changed(self) -> None:
        """Something was committed."""
        if not self.looking_back:
            self._again()

    async def _fetch(self) -> None:
        reply = await self.app.look.ask(History(count=MOST))
        if not isinstance(reply, Data):
            self.app.refused(reply)
            return
        self.moments = reply.data
        self.count = max(len(self.moments), 1)
        rows = []
        for number, moment in enumerate(self.moments):
            when = time.strftime("%H:%M:%S", time.localtime(float(moment.get("time") or 0)))
            what = " ".join(str(moment.get("what") or "a change").split())
            rows.append(Cell(f"{when}  {moment.get('user') or ''}".rstrip(), what, "data", extra=number))
        self.ids.list.show(rows, keep=False)
        if not self.looking_back:
            self.place = self.count - 1
            self.told = f"now: {rows[0].text}" if rows else "no messages yet"
        self.app.trace("history", {"what": [row.text for row in rows[:20]]})

    def scrub(self, place: float) -> None:
        """The slider is here."""
        number = self.count - 1 - round(place)
        if 0 <= number < len(self.moments) and round(place) != round(self.place):
            self.go_to(number)

    def go_to(self, number: int) -> None:
        """Show the world as that message left it; 0 is now."""
        if not 0 <= number < len(self.moments):
            return
        self.place = self.count - 1 - number
        self.ids.list.at = number
        self.ids.list.reveal(number)
        self.looking_back = number > 0
        what = " ".join(str(self.moments[number].get("what") or "").split())
        self.told = f"as it was after: {what}" if number else f"now: {what}"
        if number:
            self._show()
        else:
            self.app.morphs.back_to_now()

    async def _fetch_scene(self) -> None:
        if not self.looking_back:
            return
        number = self.count - 1 - round(self.place)
        moment = self.moments[number]["transaction"]
        start = 0
        while True:
            reply = await self.app.look.ask(GetScene(moment=moment, start=start))
            if not isinstance(reply, UvmStateUpdateEvent):
                self.app.refused(reply)
                return
            if not self.looking_back or self.count - 1 - round(self.place) != number:
                return  # the slider has gone on
            self.app.morphs.show_past(reply)
            start += len(reply.state)
            if not reply.truncated or not reply.state:
                break
        self.app.trace("past", {"what": self.moments[number].get("what"), "morphs": start})

    def step(self, by: int) -> None:
        self.go_to(self.count - 1 - round(self.place) - by)

    def undo_chosen(self) -> None:
        """Take back the chosen message, whatever came after it."""
        number = self.count - 1 - round(self.place)
        if 0 <= number < len(self.moments):
            self.app.spawn(self._undo(self.moments[number]["transaction"]))

    async def _undo(self, transaction: str) -> None:
        reply = await self.app.act.ask(Undo(transaction=transaction))
        if isinstance(reply, ErrorReply):
            self.app.refused(reply)
        else:
            self.app.trace("undone", {})
        self.go_to(0)
        await self._fetch()

    def closed(self) -> None:
        self.looking_back = False
        self.app.morphs.back_to_now()
