"""The persistent world: objects, storage, history. What is named here is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Image": "storage",
    "open_image": "storage",
    "Holder": "lock",
    "announce": "lock",
    "holder": "lock",
    "withdraw": "lock",
    "Character": "values",
    "ScaledDecimal": "values",
    "Symbol": "values",
    "ImageProblem": "errors",
}

if TYPE_CHECKING:
    from .errors import ImageProblem as ImageProblem
    from .lock import Holder as Holder
    from .lock import announce as announce
    from .lock import holder as holder
    from .lock import withdraw as withdraw
    from .storage import Image as Image
    from .storage import open_image as open_image
    from .values import Character as Character
    from .values import ScaledDecimal as ScaledDecimal
    from .values import Symbol as Symbol


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
