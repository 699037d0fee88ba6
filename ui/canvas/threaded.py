"""The seeds' way: the bridge on a thread, answers brought to Kivy's by `Clock.schedule_once`.

For a caller who runs Kivy himself (`App.run`), and so has no asyncio loop to share with it:

    bridge = ThreadedBridge(endpoint)
    bridge.start()
    bridge.ask(GetFullStateCommand(), lambda reply: setattr(label, "text", str(reply)))
    bridge.subscribe(["state"], lambda event: ...)

A question costs a frame on its way back (measured: 12 ms against 0.1 ms on one loop); the window of `batos canvas` does
not use this.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from kivy.clock import Clock

from ...bridge.covenant import Command, Event, Reply, Subscribe
from ..link import Link, LinkLost

PATIENCE = 5.0  # seconds to look for a kernel


class ThreadedBridge:
    """A link on a thread of its own. Every callback is called on Kivy's thread.

    ``on_event`` hears what answers no question, ``on_lost`` (with the reason) that no kernel answers.
    """

    def __init__(
        self,
        endpoint: str,
        on_event: Callable[[Event], None] = lambda event: None,
        on_lost: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.endpoint = endpoint
        self.on_event = on_event
        self.on_lost = on_lost
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="bridge", daemon=True)

    def start(self) -> None:
        """Begin; comes back when questions can be put, whether there is a kernel or not."""
        self._thread.start()
        self._ready.wait()

    def stop(self, patience: float = 5.0) -> None:
        """End the thread; questions that are open are not answered."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(patience)

    def ask(self, command: Command, then: Callable[[Reply], None]) -> None:
        """Put a question; ``then`` gets the answer (an ErrorReply is one). From any thread, never waits."""
        assert self._loop is not None, "start() comes first"
        asyncio.run_coroutine_threadsafe(self._ask(command, then), self._loop)

    def subscribe(self, topics: Iterable[str]) -> None:
        """Hear of changes, by ``on_event``."""
        self.ask(Subscribe(topics=list(topics)), lambda reply: None)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._link = Link(self.endpoint, client="canvas, threaded")
        self._link.on_event = lambda event: _soon(self.on_event, event)
        async with self._link:
            self._connected = asyncio.ensure_future(self._connect())
            self._ready.set()
            await self._end.wait()
            self._connected.cancel()

    async def _connect(self) -> None:
        try:
            await self._link.reconnect(PATIENCE)
        except LinkLost as lost:
            _soon(self.on_lost, str(lost))

    async def _ask(self, command: Command, then: Callable[[Reply], None]) -> None:
        await asyncio.wait([self._connected])
        try:
            reply = await self._link.ask(command)
        except LinkLost as lost:
            _soon(self.on_lost, str(lost))
        else:
            _soon(then, reply)


def _soon(callback: Callable[[Any], None], argument: Any) -> None:
    """On Kivy's thread, with its next frame."""
    Clock.schedule_once(lambda _: callback(argument), 0)
