"""Several servers: a request goes to the one with the least to do, where loading an adapter counts as work; to another
one if that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..engine import Message, OnText, Options
from ..errors import AdapterUnknown, Cancelled, EngineDown, EngineFull, EngineProblem
from .figures import Figures
from .host import Host
from .link import Said

ELSEWHERE = 0.5
"""Seconds that a server which does not answer is waited for while another one is well."""
FIRST_LOOK = 2.0
"""Seconds that a server nobody has asked yet is waited for, before another one is chosen."""


class Route:
    """All servers together. All coroutines belong on the client's loop."""

    def __init__(self, hosts: Sequence[Host], figures: Figures) -> None:
        self.hosts = list(hosts)
        self.figures = figures
        self._looked = False

    async def complete(
        self, adapter: str | None, messages: Sequence[Message], options: Options, on_text: OnText | None = None
    ) -> tuple[Said, float]:
        """An answer, and the seconds it took. Raises EngineProblem of the last server that was tried."""
        counts = self.figures.facet(adapter)
        started = time.monotonic()
        try:
            said = await self._anywhere(adapter, messages, options, on_text)
        except (asyncio.CancelledError, Cancelled):
            counts.cancelled += 1
            raise
        except BaseException:
            counts.errors += 1
            raise
        took = time.monotonic() - started
        counts.answered(took, said.tokens, said.prompt_tokens)
        return said, took

    async def _anywhere(
        self, adapter: str | None, messages: Sequence[Message], options: Options, on_text: OnText | None
    ) -> Said:
        await self._first_look()
        left = list(self.hosts)
        shown = False

        def tell(piece: str) -> None:
            nonlocal shown
            shown = True
            if on_text is not None:
                on_text(piece)

        while True:
            host = self._choose(adapter, left)
            left.remove(host)
            patience = ELSEWHERE if any(not other.health.open for other in left) else None
            try:
                return await host.complete(adapter, messages, options, tell if on_text is not None else None, patience)
            except (EngineDown, EngineFull):
                if not left or shown:
                    raise

    async def load(self, adapter: str) -> str:
        """Have it held somewhere; the server's name. Raises EngineProblem."""
        await self._first_look()
        host = self._choose(adapter, self.hosts)
        await host.load(adapter)
        return host.link.name

    async def unload(self, adapter: str) -> list[str]:
        """Have it let go everywhere; the servers' names. Raises AdapterUnknown, EngineProblem."""
        if not all(host.known for host in self.hosts):
            await self.look(FIRST_LOOK)
        holding = [host for host in self.hosts if adapter in host.shelf.entries]
        if not holding:
            held = sorted({name for host in self.hosts for name in host.shelf.entries})
            raise AdapterUnknown(f"no server holds {adapter}; they hold: {', '.join(held) or 'none'}")
        await asyncio.gather(*(host.unload(adapter) for host in holding))
        return [host.link.name for host in holding]

    async def serve_by(self, hosts: Sequence[Host]) -> None:
        """These are the servers from now on; requests under way at another one end there."""
        gone = [host for host in self.hosts if host not in hosts]
        self._looked = self._looked and not [host for host in hosts if host not in self.hosts]
        self.hosts = list(hosts)
        await asyncio.gather(*(host.retire() for host in gone))

    async def look(self, wait: float) -> None:
        """Ask every server what it holds, for so many seconds; who does not answer is left as it is."""

        async def ask(host: Host) -> None:
            with suppress(EngineProblem):
                await host.look()

        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await asyncio.gather(*map(ask, self.hosts))

    def told(self) -> dict[str, Any]:
        return {"servers": [host.told() for host in self.hosts], "figures": self.figures.told()}

    async def close(self) -> None:
        await asyncio.gather(*(host.close() for host in self.hosts))

    def _choose(self, adapter: str | None, hosts: Sequence[Host]) -> Host:
        well = [host for host in hosts if not host.health.open] or hosts
        return min(well, key=lambda host: host.cost(adapter))

    async def _first_look(self) -> None:
        """Before the first choice among several: what does each of them hold?"""
        if not self._looked and len(self.hosts) > 1:
            await self.look(FIRST_LOOK)
        self._looked = True
