"""Who answers misses and calls, made at the first of them: who only adds two numbers shall not wait for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..interp import Worker
    from ..interp.outside import Answer, Called
    from .weave import Weaver


class Later:
    """What a Worker takes as `outside` where the JIT is off."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._lock = threading.Lock()
        self._made: Weaver | None = None

    def answer(self, called: Called, worker: Worker, approve: Any, policy: str) -> Answer:
        return self.handler().answer(called, worker, approve, policy)

    def handler(self) -> Weaver:
        """Raises SettingsProblem."""
        from . import miss_handler

        with self._lock:
            if self._made is None:
                self._made = miss_handler(self._location)
            return self._made

    def cancel(self) -> int:
        return self._made.cancel() if self._made is not None else 0

    def weaver_figures(self) -> dict[str, Any]:
        return self._made.weaver_figures() if self._made is not None else {}

    def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            made.close()
