"""When the next frame is, and what was told with it.

Kivy's clock looks sixty times a second whether there is something to do; what comes just after a look waits for the
next. Here the clock sleeps on the asyncio loop, and news wakes it: a message of the kernel, a key, something that was
scheduled. After news it looks sixty times a second for a moment, since one thing leads to another; then it rests until
something is due. News that comes faster than a screen has use for is taken together: a drawing may have at most about
half of the time, and is not made more often than every FRAME.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kivy.clock import Clock
from kivy.core.window import Window

from . import watchdog
from .doors import doors

LOOK = 1 / 60  # seconds between two looks for keys and the pointer
LEAST = 0.002  # seconds between two looks, however many things are new
FRAME = 1 / 30  # seconds between two drawings of what comes all the time
LONGEST = 0.1  # seconds that news waits at most, however slow the drawing is
AWAKE = 0.25  # seconds of looking after news, before the clock rests
REST = 0.5  # seconds of rest at most: a library may have taken in a key without our seeing it come


class Frames:
    """One for the window. ``news`` asks for a look at once, ``when_due(work)`` runs work when drawing has its turn,
    ``shown(tell)`` runs tell when the frame that is being made can be seen. ``on_look(seconds)`` is called with each
    look (0 after a rest), ``on_rest`` when all that news brought is done."""

    def __init__(
        self, on_look: Callable[[float], None] = lambda passed: None, on_rest: Callable[[], None] = lambda: None
    ) -> None:
        self.on_look = on_look
        self.on_rest = on_rest
        self._woken = asyncio.Event()
        self._tell: list[Callable[[], None]] = []
        self._began = self._cost = 0.0
        self._due = 0.0
        self._awake = 0.0  # until then it looks sixty times a second
        self._resting = self._rested = False
        self._at_the_door = False
        self.drawn = self._noted = 0  # frames that were drawn, and how many of them `_idle` knows of
        self._doors: list[int] | None = []
        Window.bind(on_flip=self._flipped)

    def take_the_clock(self) -> None:
        """From now on Kivy's clock sleeps here."""
        watchdog.start()
        self._doors = doors()
        Clock.async_idle = self._idle
        Clock.on_schedule = self._scheduled
        # Kivy looks five times a second, and for each field that ever had the focus, whether a telephone's keyboard
        # was put away.
        Window._check_keyboard_shown = lambda _: False
        self.news()

    async def _idle(self) -> float:
        began = Clock.time()
        due = Clock.get_min_timeout()  # when the next thing is; 0: with the next frame
        drawn, self._noted = self.drawn > self._noted, self.drawn
        if self._doors and due > began and began >= self._awake and not drawn and not Window.canvas.needs_redraw:
            await self._rest(min(due - began, REST))
        else:
            self._resting = False
            left = 0.0 if self._at_the_door else LOOK - (began - Clock.get_time())
            self._at_the_door = False
            await self._wait(left)
        self._woken.clear()
        watchdog.wind_up()
        now = Clock.time()
        self.on_look(0.0 if self._resting else now - Clock._last_tick)
        self._resting = False
        Clock._dt, Clock._last_tick = now - Clock._last_tick, now
        return float(now)

    async def _wait(self, seconds: float) -> None:
        if seconds <= LEAST:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _rest(self, seconds: float) -> None:
        """Nothing is new: sleep until something is due, somebody knocks or schedules something."""
        if not self._rested:
            self._rested = True
            self.on_rest()
        self._resting = True
        loop = asyncio.get_running_loop()
        for door in self._doors or ():
            loop.add_reader(door, self._knocked)
        try:
            await self._wait(seconds)
        finally:
            for door in self._doors or ():
                loop.remove_reader(door)

    def _knocked(self) -> None:
        """A key, or the pointer: this look takes it in, and another one, at once, shows what it did."""
        self._at_the_door = True
        self.news()

    def _scheduled(self, _: Any) -> None:
        if self._resting:
            self._woken.set()

    def stirred(self) -> None:
        """Something was shown: when it rests again, that is to be told again."""
        self._rested = False

    def news(self) -> None:
        """There is something to show: do not sleep until the next look."""
        self._awake = Clock.time() + AWAKE
        self._rested = False
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
        self.drawn += 1
        if self._began or self._tell:
            asyncio.get_running_loop().call_soon(self._told)

    def _told(self) -> None:
        if self._began:
            cost, self._began = Clock.time() - self._began, 0.0
            self._due = max(self._due, Clock.time() + min(cost, LONGEST))
        tell, self._tell = self._tell, []
        for each in tell:
            each()
