"""The CognitiveWeaver as the rest of the house calls it, from any thread: an answer by a facet, loading, unloading,
what is there. It knows full names only; what an alias means is the image's to say (`calls.py`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

from ..engine import Completion, Message, OnText, Options, Source, prompt_hash
from ..errors import EngineDown
from ..http_client import HttpClient
from .figures import Figures
from .host import Host
from .library import Facet, Library
from .link import Link
from .route import Route

Links = Callable[[HttpClient], Sequence[Link]]
FIND_EVERY = 2.0
"""Seconds after which it is asked again which servers there are."""


class CognitiveWeaver:
    """`links` is asked now and then which servers there are, on the loop of the client that it is given; the same
    server is the same object each time."""

    def __init__(self, library: Library, links: Links, patience: float = 10.0) -> None:
        self.library = library
        self.figures = Figures()
        self._links = links
        self._patience = patience
        self._http = HttpClient("batos-weaver")
        self._route: Route | None = None
        self._found_at = 0.0

    def complete(
        self,
        adapter: str | None,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Completion:
        """An answer by an adapter, or by the base model. `on_text` gets pieces as they come, on another thread.

        Raises EngineProblem, and Cancelled once `cancelled` is set.
        """
        left = Event()

        def tell(piece: str) -> None:
            if on_text is not None and not left.is_set():
                on_text(piece)

        async def ask() -> Completion:
            route = await self._there()
            said, took = await route.complete(adapter, messages, options, tell if on_text is not None else None)
            source = Source(
                engine="weaver",
                model=said.model,
                digest="",
                adapter=adapter,
                seed=options.seed,
                temperature=options.temperature,
                prompt_hash=prompt_hash(messages, options),
            )
            return Completion(said.text, said.tokens, said.prompt_tokens, took, said.finish, source)

        try:
            return self._http.call(ask(), cancelled)
        finally:
            left.set()

    def load(self, adapter: str, cancelled: Event | None = None) -> str:
        """Have a server hold it; the server's name."""
        return self._call(lambda route: route.load(adapter), cancelled)

    def unload(self, adapter: str, cancelled: Event | None = None) -> list[str]:
        """Have all servers let it go, once nobody uses it; their names."""
        return self._call(lambda route: route.unload(adapter), cancelled)

    def facets(self) -> list[Facet]:
        return self.library.facets()

    def status(self, wait: float = 60.0) -> dict[str, Any]:
        """The servers and what they hold, and all figures, as plain data. The servers are asked, for at most `wait`
        seconds; 0: what is known of them, at once."""
        if wait:
            with suppress(EngineDown):
                self._call(lambda route: route.look(wait))
        servers = self._route.told()["servers"] if self._route is not None else []
        return {"servers": servers, "figures": self.figures.told()}

    def close(self) -> None:
        route, self._route = self._route, None
        if route is not None:
            self._http.call(route.close())
        self._http.close()

    def _call(self, work: Callable[[Route], Any], cancelled: Event | None = None) -> Any:
        async def run() -> Any:
            return await work(await self._there())

        return self._http.call(run(), cancelled)

    async def _there(self) -> Route:
        """The servers. On the loop only."""
        if self._route is None:
            self._route = Route((), self.figures)
        if time.monotonic() > self._found_at + FIND_EVERY:
            self._found_at = time.monotonic()
            there = {host.link: host for host in self._route.hosts}
            hosts = [there.get(link) or self._host(link) for link in self._links(self._http)]
            if hosts != self._route.hosts:
                await self._route.serve_by(hosts)
        if not self._route.hosts:
            self._found_at = 0.0
            raise EngineDown("no server is there for the Weaver; see `batos weaver --help`")
        return self._route

    def _host(self, link: Link) -> Host:
        return Host(link, self._path_of, self.figures.server(link.name), self._patience)

    async def _path_of(self, name: str, link: Link) -> Path:
        """Where an adapter lies, checked. Reads files: not on the loop."""
        return await asyncio.to_thread(link.find, self.library, name)
