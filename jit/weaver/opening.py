"""From settings to a CognitiveWeaver: which servers, which folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapter import FOLDER
from ..errors import EngineDown
from ..http_client import HttpClient, Place, place_of
from ..serving.servers import find_server
from .cognitive import CognitiveWeaver
from .library import Library
from .link import Link

if TYPE_CHECKING:
    from ..embedded import EmbeddedEngine
    from ..settings import Settings


def open_weaver(settings: Settings, embedded: Callable[[], EmbeddedEngine]) -> CognitiveWeaver:
    """Nothing is connected or loaded before the first question. `embedded` answers the model of this process, which
    serves the facets where no server does; it is whoever's it was."""

    def links(http: HttpClient) -> Sequence[Link]:
        return [_link(settings, where, http, embedded) for where in servers(settings)]

    return CognitiveWeaver(Library([settings.adapters, FOLDER]), links, settings.patience)


def servers(settings: Settings) -> tuple[str, ...]:
    """Who serves the facets: what BATOS_WEAVER says, else the model's server, else the embedded model."""
    return settings.weaver or ((settings.url,) if settings.url else ("embedded",))


def _link(settings: Settings, where: str, http: HttpClient, embedded: Callable[[], EmbeddedEngine]) -> Link:
    if where == "embedded":
        from .llama import LlamaLink

        return LlamaLink(embedded(), settings.room)
    from .vllm import VllmLink

    if "://" in where and "=" not in where:
        place = place_of(where, settings.key, settings.timeout)
        return VllmLink(http, place, settings.room, model=settings.weaver_base)

    def again() -> Place:
        server = find_server(where)
        if server.phase in ("stopped", "failed"):
            why = f": {server.error}" if server.error else ""
            raise EngineDown(f"the server {server.name} is {server.phase}{why}; `batos serve-model` starts it")
        return Place(server.url, server.key(), settings.timeout)

    server = find_server(where)
    room = settings.room if server.phase == "elsewhere" else server.max_loras
    model = Path(server.model) if server.model else settings.weaver_base
    place = Place(server.url, timeout=settings.timeout)
    return VllmLink(http, place, room, server.name, model=model, max_rank=server.max_rank, again=again)
