"""From settings to a CognitiveWeaver: which servers, which folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..adapter import FOLDER
from ..http_client import HttpClient, place_of
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

    place = place_of(where, settings.key, settings.timeout)
    return VllmLink(http, place, settings.room, model=settings.weaver_base)
