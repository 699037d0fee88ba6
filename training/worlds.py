"""Scratch images in memory: one that was awakened, and any number of copies of it that cost 30 ms each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..interp import Worker


@cache
def _awakened() -> Any:
    import ZODB
    from ZODB.MappingStorage import MappingStorage

    from ..interp import Worker

    storage = MappingStorage()
    Worker(SimpleNamespace(db=ZODB.DB(storage, large_record_size=1 << 40)), name="scratch").close()
    return storage


@contextmanager
def scratch_worker() -> Iterator[Worker]:
    """A worker on a world of its own, which is gone afterwards. Not for two threads at once."""
    import ZODB
    from ZODB.DemoStorage import DemoStorage
    from ZODB.MappingStorage import MappingStorage

    from ..interp import Worker

    layer = DemoStorage(base=_awakened(), changes=MappingStorage(), close_base_on_close=False)
    db = ZODB.DB(layer, large_record_size=1 << 40)
    worker = Worker(SimpleNamespace(db=db), name="scratch")
    try:
        yield worker
    finally:
        worker.close()
        db.close()
