"""The CognitiveWeaver as the rest of the house calls it, from any thread: an answer by a facet, loading, unloading,
what is there. It knows full names only; what an alias means is the image's to say (`calls.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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

MakeLinks = Callable[[HttpClient], Sequence[Link]]


class CognitiveWeaver:
    """`make_links` is called once, at the first question, with the client whose loop they live on."""

    def __init__(self, library: Library, make_links: MakeLinks, patience: float = 10.0) -> None:
        self.library = library
        self.figures = Figures()
        self._make_links = make_links
        self._patience = patience
        self._http = HttpClient("batos-weaver")
        self._route: Route | None = None

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
            said, took = await self._there().complete(
                adapter, messages, options, tell if on_text is not None else None
            )
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

    def status(self, ask: bool = True) -> dict[str, Any]:
        """The servers and what they hold, and all figures, as plain data. Unless `ask`, as far as it is known, at
        once."""
        if ask:
            self._call(lambda route: route.look())
        servers = self._route.told()["servers"] if self._route is not None else []
        return {"servers": servers, "figures": self.figures.told()}

    def close(self) -> None:
        route, self._route = self._route, None
        if route is not None:
            self._http.call(route.close())
        self._http.close()

    def _call(self, work: Callable[[Route], Any], cancelled: Event | None = None) -> Any:
        async def run() -> Any:
            return await work(self._there())

        return self._http.call(run(), cancelled)

    def _there(self) -> Route:
        """The servers. On the loop only."""
        if self._route is None:
            links = self._make_links(self._http)
            if not links:
                raise EngineDown("no model is configured for the Weaver; see `batos weaver --help`")
            counted = [Host(link, self._path_of, self.figures.server(link.name), self._patience) for link in links]
            self._route = Route(counted, self.figures)
        return self._route

    async def _path_of(self, name: str, link: Link) -> Path:
        """Where an adapter lies, checked. Reads files: not on the loop."""
        return await asyncio.to_thread(link.find, self.library, name)
