"""The First Conversation: an answer to `display_yourself` that is on file, for as long as no model can give one.

It has the form a model's answer has (`explanation` and `code`) and goes the same way: gates, trial on a copy of the
world, swap. Its provenance says that it is recorded, and by whom; it never passes for a live answer. Any other question
is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from importlib import resources
from threading import Event
from typing import TYPE_CHECKING, Any

from ..interp import Asked
from .engine import Completion, Message, OnText, Options, Source, prompt_hash
from .errors import Cancelled, EngineRefused
from .weave import Weaver

if TYPE_CHECKING:
    from ..interp import Miss, Resolution, Worker
    from .proposal import Approve

FILE = "first_conversation.json"
SELECTOR = "display_yourself"


def on_file() -> dict[str, Any]:
    """The answer: `selector`, `explanation`, `code`, and `recorded`: when and by whom it was made."""
    text = resources.files(__package__).joinpath(FILE).read_text("utf-8")
    return dict(json.loads(text))


class FirstAnswer:
    """See `engine.Engine`."""

    name = "recorded"
    style = "small"

    def __init__(self) -> None:
        self._answer = on_file()

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Completion:
        if cancelled is not None and cancelled.is_set():
            raise Cancelled("cancelled before the answer was looked up")
        asked = messages[-1].content + options.prefill
        if self._answer["selector"] not in asked:
            raise EngineRefused(f"only {self._answer['selector']} has an answer on file")
        text = json.dumps({part: self._answer[part] for part in ("explanation", "code")})
        if on_text is not None:
            on_text(text)
        source = Source(
            engine="recorded",
            model="first-conversation",
            digest="sha256:" + sha256(text.encode()).hexdigest(),
            adapter=None,
            seed=0,
            temperature=0.0,
            prompt_hash=prompt_hash(messages, options),
            recorded=self._answer["recorded"],
        )
        return Completion(text, 0, 0, 0.0, "stop", source)

    def describe(self) -> str:
        return f"recorded: one answer, to {self._answer['selector']} ({self._answer['recorded']})"

    def close(self) -> None:
        """Nothing is held."""


class FirstWeaver(Weaver):
    """A Weaver that has `display_yourself` answered from the file, and everything else by its engine.

    BATOS_FIRST=model leaves that one to the engine, too.
    """

    _file: Weaver | None = None

    def resolve(self, miss: Miss | Asked, worker: Worker, approve: Approve | None) -> Resolution:
        if isinstance(miss, Asked) or miss.selector != SELECTOR or os.environ.get("BATOS_FIRST") == "model":
            return super().resolve(miss, worker, approve)
        if self._file is None:
            self._file = Weaver(self.settings, self.on_progress, FirstAnswer())
        return self._file.resolve(miss, worker, approve)

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
        super().close()
