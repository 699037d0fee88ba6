"""The same for llama.cpp in this process: adapters are switched in milliseconds, one answer at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine import Message, OnText, Options
from ..errors import JitProblem
from .link import Said

if TYPE_CHECKING:
    from ..embedded import EmbeddedEngine
    from .library import Library


class LlamaLink:
    """See `link.Link`. The engine may be in use by others as well; it is not closed here."""

    name = "embedded"
    def __init__(self, engine: EmbeddedEngine, room: int = 4) -> None:
        self.engine = engine
        self.room = room

    def find(self, library: Library, name: str) -> Path:
        return library.gguf(name)

    async def names(self) -> list[str]:
        return self.engine.loaded_adapters()

    async def load(self, name: str, path: Path) -> None:
        await asyncio.wrap_future(self.engine.load_adapter(name, path))

    async def unload(self, name: str) -> None:
        await asyncio.wrap_future(self.engine.unload_adapter(name))

    async def ask(
        self,
        adapter: str | None,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None = None,
        until: Callable[[str], bool] | None = None,
    ) -> Said:
        stop = threading.Event()
        asked = replace(options, adapter=adapter, until=until)
        work = asyncio.wrap_future(self.engine.begin(messages, asked, on_text, stop))
        try:
            completion = await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])  # the adapter is in use until the engine has stopped
            with suppress(JitProblem):
                work.result()
            raise
        return Said(
            completion.text, completion.finish, completion.tokens, completion.prompt_tokens, completion.source.model
        )

    def describe(self) -> str:
        return self.engine.describe()

    async def close(self) -> None:
        """The engine is its owner's."""
