"""When the next frame is, and what was told with it.

Kivy's clock looks sixty times a second whether there is something to do; what comes just after a look waits for the
next. Here the clock sleeps on the asyncio loop, and news wakes it. News that comes faster than a screen has use for is
taken together: a drawing may have at most about half of the time, and is not made more often than every FRAME.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kivy.clock import Clock
from kivy.core.window import Window

from . import watchdog

LOOK = 1 / 60  # seconds between two looks for keys and the pointer
LEAST = 0.002  # seconds between two looks, however many things are new
FRAME = 1 / 30  # seconds between two drawings of what comes all the time
LONGEST = 0.1  # seconds that news waits at most, however slow the drawing is


class Frames:
    """One for the window. ``news`` asks for a look at once, ``when_due(work)`` runs work when drawing has its turn,
    ``shown(tell)`` runs tell when the frame that is being made can be seen."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._tell: list[Callable[[], None]] = []
        self._began = self._cost = 0.0
        self._due = 0.0
        Window.bind(on_flip=self._flipped)

    def take_the_clock(self) -> None:
        """From now on Kivy's clock sleeps here."""
        watchdog.start()
        Clock.async_idle = self._idle

    async def _idle(self) -> float:
        left = LOOK - (Clock.time() - Clock.get_time())
        if left > LEAST:
            try:
                async with asyncio.timeout(left):
                    await self._woken.wait()
            except TimeoutError:
                pass
        else:
            await asyncio.sleep(0)
        self._woken.clear()
        watchdog.wind_up()
        now = Clock.time()
        Clock._dt, Clock._last_tick = now - Clock._last_tick, now
        return float(now)

    def news(self) -> None:
        """There is something to show: do not sleep until the next look."""
        self._woken.set()

    def when_due(self, work: Callable[[Any], None]) -> None:
        """Run ``work(_)`` with the next frame that drawing may have."""
        left = self._due - Clock.time()
        if left <= 0:
            Clock.schedule_once(work, 0)
            self.news()
        else:
            Clock.schedule_once(work, left)

    def begin(self) -> None:
        """Work of `when_due` has begun; the frame that shows it ends with the next flip."""
        self._began = Clock.time()
        self._due = self._began + FRAME

    def shown(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` when the next frame can be seen, or, if nothing had to be drawn, when the next one begins."""
        if not self._tell:
            Clock.schedule_once(lambda _: self._told(), 0)
        self._tell.append(tell)

    def _flipped(self, *_: Any) -> None:
        """The picture goes to the screen now: what is called soon comes after that."""
        if self._began or self._tell:
            asyncio.get_running_loop().call_soon(self._told)

    def _told(self) -> None:
        if self._began:
            cost, self._began = Clock.time() - self._began, 0.0
            self._due = max(self._due, Clock.time() + min(cost, LONGEST))
        tell, self._tell = self._tell, []
        for each in tell:
            each()
