"""The people's side of the connection: ask, hear, notice that the kernel went away, find it again.

The bridge's client does the work; this puts it into the two words that a screen has to know. A question is either
answered (an ErrorReply is an answer: the kernel said why not), or LinkLost says that nobody is there. A link may be
without a kernel for as long as it likes, and `reconnect` brings it back, also to a kernel started anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from ..bridge.async_client import AsyncClient
from ..bridge.core import BridgeProblem, KernelGone, NoAnswer
from ..bridge.covenant import Command, ErrorReply, Event, Ping, Reply

LOOK_EVERY = 0.25  # seconds between looks at whether the kernel is there
PING_EVERY = 2.0  # seconds between pings to a kernel from which nothing is expected
PING_PATIENCE = 10.0  # seconds without an answer after which a connected kernel counts as gone


class LinkLost(ConnectionError):
    """No kernel is there (any more). What was asked may or may not have been done."""


class Link:
    """A connection to the kernel at ``endpoint``, opened by ``reconnect``, closed by ``async with``.

    ``on_event`` is called with every event that belongs to no question, ``on_answer`` whenever a question has its
    answer, before the one who asked goes on.
    """

    def __init__(self, endpoint: str, client: str = "ui") -> None:
        self.endpoint = endpoint
        self.name = client
        self.on_event: Callable[[Event], None] = lambda event: None
        self.on_answer: Callable[[], None] = lambda: None
        self._client: AsyncClient | None = None

    async def __aenter__(self) -> Link:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._drop()

    async def reconnect(self, patience: float) -> None:
        """Be connected: look for a kernel for up to ``patience`` seconds. LinkLost if none answers."""
        end = time.monotonic() + patience
        if self._client is not None and await self._answers(min(patience, PING_EVERY)):
            return
        while True:
            await self._drop()
            client = AsyncClient(self.endpoint, name=self.name)
            client.on_event = lambda event: self.on_event(event)
            try:
                await client.connect(min(max(end - time.monotonic(), 0.1), 5.0))
            except BridgeProblem as problem:
                await client.close()
                if time.monotonic() >= end:
                    raise LinkLost(str(problem)) from None
            except BaseException:
                await client.close()
                raise
            else:
                self._client = client
                return
            await asyncio.sleep(min(LOOK_EVERY, max(end - time.monotonic(), 0)))

    async def ask(
        self, command: Command, on_event: Callable[[Event], None] | None = None, patience: float | None = None
    ) -> Reply:
        """The kernel's answer; its events on the way go to ``on_event``. Cancelled: the command is interrupted.

        LinkLost if the kernel goes away, or if ``patience`` seconds are given and pass.
        """
        if self._client is None:
            raise LinkLost(f"not connected to {self.endpoint}")
        try:
            return await self._client.call(command, patience, on_event)
        except (KernelGone, NoAnswer) as gone:
            raise LinkLost(str(gone)) from None
        except BridgeProblem as refusal:
            return ErrorReply(id=command.id, code=refusal.code, message=str(refusal))
        finally:
            self.on_answer()

    async def lost(self) -> None:
        """Wait until the kernel is gone: disconnected, silent, or another one than before."""
        client = self._client
        if client is None:
            return
        met = self.kernel
        since = pinged = time.monotonic()
        while client is self._client and self.kernel == met:
            now = time.monotonic()
            if not client.away:
                since = now
            elif now - since > LOOK_EVERY * 2:
                return
            if now - pinged > PING_EVERY:
                if not await self._answers(PING_PATIENCE):
                    return
                pinged = time.monotonic()
            await asyncio.sleep(LOOK_EVERY)

    @property
    def kernel(self) -> str:
        """Which kernel this is; another one after it was started anew. "" if none was met."""
        welcome = self._client.welcome if self._client else None
        return welcome.kernel if welcome else ""

    @property
    def place(self) -> str:
        """Where the person is: the image's name, or the endpoint while nobody has told it."""
        welcome = self._client.welcome if self._client else None
        image = welcome.image if welcome else ""
        return (image if "://" in image else Path(image).name) or self.endpoint

    @property
    def away(self) -> bool:
        """Is nobody there just now?"""
        return self._client is None or self._client.away

    async def _answers(self, patience: float) -> bool:
        if self._client is None or self._client.away:
            return False
        try:
            await self._client.call(Ping(), patience)
        except BridgeProblem:
            return False
        return True

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
