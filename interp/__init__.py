"""Tree to running sends: compiler, dispatch, exceptions, the library, and the worker. Imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Asked": "misses",
    "Budget": "outcome",
    "Miss": "misses",
    "Outcome": "outcome",
    "Report": "report",
    "Resolution": "outcome",
    "Worker": "worker",
    "World": "world",
    "deep": "depth",
}

if TYPE_CHECKING:
    from .depth import deep as deep
    from .misses import Asked as Asked
    from .misses import Miss as Miss
    from .outcome import Budget as Budget
    from .outcome import Outcome as Outcome
    from .outcome import Resolution as Resolution
    from .report import Report as Report
    from .worker import Worker as Worker
    from .world import World as World


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
