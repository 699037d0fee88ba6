"""What is told beside the window: errors of handlers to the person, and what the window shows to a file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kivy.base import ExceptionHandler, ExceptionManager

from .watchdog import Endless

if TYPE_CHECKING:
    from .app import CanvasApp


class Mishap(ExceptionHandler):
    """An error in a handler, most likely of a morph's own rule, is told, and the window lives."""

    def __init__(self, app: CanvasApp) -> None:
        self.app = app

    def handle_exception(self, exception: BaseException) -> int:
        if not isinstance(exception, Exception | Endless):
            return ExceptionManager.RAISE  # type: ignore[no-any-return]
        self.app.morphs.mishap(exception)
        return ExceptionManager.PASS  # type: ignore[no-any-return]


def tracer(path: Path | None) -> Callable[[str, dict[str, Any]], None]:
    """Writes what the window shows as JSON lines, for tests and for programs that look on."""
    if path is None:
        return lambda event, facts: None
    out = path.open("a", encoding="utf-8", buffering=1)

    def trace(event: str, facts: dict[str, Any]) -> None:
        out.write(json.dumps({"event": event, "at": time.time(), **facts}, default=str) + "\n")

    return trace
