"""Telling whoever waits how far a miss is, and whoever watches all of them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from .proposal import OnProgress, Progress

PROGRESS_EVERY = 0.05


class Teller:
    """Progress of one question. `watcher`: who waits for it (may have `progress(phase, elapsed, tokens, text)`)."""

    def __init__(
        self, watcher: Any, on_progress: OnProgress | None, prototype: str, selector: str, worker: str
    ) -> None:
        self._watcher = watcher
        self._on_progress = on_progress
        self._who = (prototype, selector, worker)
        self.started = time.monotonic()
        self.tokens = 0  # of whole answers; while one is written, _pieces counts along
        self.model_seconds = 0.0
        self._pieces = 0
        self._told_at = 0.0
        self._text = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def on_text(self, piece: str) -> None:
        """A piece of the model's answer: told now and then, with what came since."""
        self._pieces += 1
        self._text += piece
        if time.monotonic() - self._told_at >= PROGRESS_EVERY:
            self.tell("writing")

    def spent(self, tokens: int, seconds: float) -> None:
        self.tokens += tokens
        self.model_seconds += seconds

    def tell(self, phase: str) -> None:
        self._told_at = time.monotonic()
        text, self._text = self._text, ""
        elapsed, tokens = self.seconds, max(self.tokens, self._pieces)
        tell = getattr(self._watcher, "progress", None)
        if tell is not None:
            with suppress(Exception):  # who watches must not be able to break what is watched
                tell(phase, elapsed, tokens, text)
        if self._on_progress is not None:
            with suppress(Exception):
                self._on_progress(Progress(phase, elapsed, tokens, text, *self._who))
