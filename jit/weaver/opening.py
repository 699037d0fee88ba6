"""From settings to a CognitiveWeaver: which servers there are, which folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapter import FOLDER
from ..errors import EngineDown, ServingProblem
from ..http_client import HttpClient, Place, place_of
from ..serving.places import servers_folder
from ..serving.servers import Server, find_server, read_server
from .cognitive import CognitiveWeaver
from .library import Library
from .link import Link

if TYPE_CHECKING:
    from ..embedded import EmbeddedEngine
    from ..settings import Settings

EMBEDDED = "embedded"
OVER = ("stopped", "failed")


def open_weaver(settings: Settings, embedded: Callable[[], EmbeddedEngine]) -> CognitiveWeaver:
    """Nothing is connected or loaded before the first question. `embedded` answers the model of this process, which
    serves the facets where no server does; it is whoever's it was."""
    return CognitiveWeaver(library_of(settings), Servers(settings, embedded), settings.patience)


def library_of(settings: Settings) -> Library:
    return Library([settings.adapters, FOLDER])


class Servers:
    """Which servers there are now, one link for each as long as it is there."""

    def __init__(self, settings: Settings, embedded: Callable[[], EmbeddedEngine]) -> None:
        self._settings = settings
        self._embedded = embedded
        self._links: dict[str, Link] = {}

    def __call__(self, http: HttpClient) -> Sequence[Link]:
        """Raises ServingProblem, EngineMissing."""
        found = {}
        for entry, server in chosen(self._settings):
            key = entry if server is None else f"{server.name} {server.model} {server.max_loras}"
            found[key] = self._links.get(key) or self._open(entry, server, http)
        self._links = found
        return list(found.values())

    def _open(self, entry: str, server: Server | None, http: HttpClient) -> Link:
        settings = self._settings
        if server is None:
            from .llama import LlamaLink

            return LlamaLink(self._embedded(), settings.room)
        from .vllm import VllmLink

        model = Path(server.model) if server.model else settings.weaver_base
        room = settings.room if server.phase == "elsewhere" else server.max_loras
        where = partial(_place, settings, entry)
        return VllmLink(http, where, room, server.name, model=model, max_rank=server.max_rank)


def chosen(settings: Settings) -> list[tuple[str, Server | None]]:
    """Who serves the facets, with the entry that says so; None is the embedded model. What BATOS_WEAVER says, else the
    servers that run here, else the model's server (BATOS_MODEL_URL), else the embedded model. Raises ServingProblem."""
    entries = settings.weaver or running() or ((settings.url,) if settings.url else (EMBEDDED,))
    return [(entry, None if entry == EMBEDDED else find_server(entry)) for entry in entries]


def running() -> tuple[str, ...]:
    """The names of the servers that `batos serve-model` runs here; one that cannot be read about is none."""
    names = []
    for folder in sorted(servers_folder().glob("*")):
        with suppress(ServingProblem):
            server = read_server(folder)
            if server is not None and server.phase not in OVER:
                names.append(folder.name)
    return tuple(names)


def _place(settings: Settings, entry: str) -> Place:
    """Where that server is now, and its key. Raises EngineDown, ServingProblem."""
    server = find_server(entry)
    if server.phase in OVER:
        why = f": {server.error}" if server.error else ""
        raise EngineDown(f"the server {server.name} is {server.phase}{why}; `batos serve-model` starts it")
    return place_of(server.url, server.key() or settings.key, settings.timeout)
