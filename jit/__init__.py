"""From doesNotUnderstand: to a tested method. `miss_handler` is what the front door needs; see README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .proposal import OnProgress
    from .weave import Weaver


def miss_handler(location: str = "", on_progress: OnProgress | None = None, policy: str | None = None) -> Weaver:
    """What a Worker takes as `misses`: settings from the environment, nothing loaded until the first miss.

    Raises SettingsProblem. `location` is the image's, for messages; close the handler when the image is closed.
    """
    from .first import FirstWeaver
    from .settings import read_settings

    return FirstWeaver(read_settings(policy=policy), on_progress)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    homes = {"Weaver": "weave", "Proposal": "proposal", "Progress": "proposal", "read_settings": "settings"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{homes[name]}", __name__), name)
