"""The Weaver as an engine (`engine.Engine`): what answers misses where servers of facets are set, with the adapter
that an alias means in the image at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

from ..adapter import read_adapter
from ..engine import Completion, Message, OnText, Options
from ..errors import AdapterUnknown, JitProblem
from ..prompt import Style
from .cognitive import CognitiveWeaver

if TYPE_CHECKING:
    from ...interp import Worker, World


class FacetEngine:
    """See `engine.Engine`. `adapter` is used for every question that names none."""

    name = "weaver"

    def __init__(self, weaver: CognitiveWeaver, adapter: str | None) -> None:
        self.weaver = weaver
        self.adapter = adapter

    @classmethod
    def of_alias(cls, weaver: CognitiveWeaver, worker: Worker, alias: str) -> FacetEngine:
        """With what the alias means in the worker's image; where the image does not say, the one adapter of that facet;
        where there is none, the base model. No transaction is open."""
        name = worker.transact(lambda world: meaning(world, alias))
        try:
            return cls(weaver, weaver.library.resolve(name or alias))
        except AdapterUnknown:
            if name:
                raise
            return cls(weaver, None)

    @property
    def style(self) -> Style:
        """How it wants to be asked: as its card says, or as an untuned small model needs it."""
        if self.adapter is None:
            return "small"
        try:
            return read_adapter(self.weaver.library.gguf(self.adapter)).style
        except JitProblem:
            return "tuned"

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Completion:
        asked = options if options.adapter else replace(options, adapter=self.adapter)
        return self.weaver.complete(asked.adapter, messages, asked, on_text, cancelled)

    def describe(self) -> str:
        return f"the CognitiveWeaver, adapter {self.adapter or 'none'}"

    def close(self) -> None:
        """The Weaver is its owner's."""


def meaning(world: World, alias: str) -> str | None:
    """What an alias means in the image."""
    weaver: Any = world.lookup("CognitiveWeaver")
    if weaver is None:  # an image from before there was one
        return None
    found = world.send(weaver, "named:", alias)
    return str(found) if found is not None and str(found) != alias else None
