"""Reading stored records without bringing the objects to life."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any


class Reference:
    """A reference to another persistent object, as it stands in a record: an oid, and perhaps the class's name.

    ``kept`` is the form it had in the record, ``weak`` and ``elsewhere`` (in another database) say what kind it is.
    """

    __slots__ = ("elsewhere", "kept", "oid", "weak")

    def __init__(self, oid: bytes | None, kept: Any, weak: bool = False, elsewhere: bool = False) -> None:
        self.oid = oid
        self.kept = kept
        self.weak = weak
        self.elsewhere = elsewhere

    @classmethod
    def read(cls, kept: Any) -> Reference:
        """From any of the forms that ZODB.serialize writes."""
        if isinstance(kept, tuple):
            return cls(_oid(kept[0]), kept)
        if isinstance(kept, bytes | str):
            return cls(_oid(kept), kept)
        kind, *rest = kept
        if not rest:  # the old form of a weak reference
            return cls(_oid(kind), kept, weak=True)
        parts = rest[0]
        if kind == "w":
            return cls(_oid(parts[0]), kept, weak=True, elsewhere=len(parts) > 1)
        return cls(_oid(parts[1]), kept, elsewhere=True)

    def __setstate__(self, state: object) -> None:
        raise TypeError("a reference has no state")


def _oid(oid: bytes | str) -> bytes:
    return oid.encode("latin-1") if isinstance(oid, str) else oid


@lru_cache(maxsize=1000)
def class_named(module: str, name: str) -> Any:
    """Raises ImportError or AttributeError."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def name_of_class(kind: Any) -> str:
    """``batos.image.object.UvmObject`` for the class, or for the (module, name) that stands for it."""
    if isinstance(kind, tuple) and len(kind) == 2:
        return ".".join(map(str, kind))
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', kind)}"
