"""Objects that only the connection's cache still holds are let go.

ZODB's cache keeps what was loaded, up to a hundred thousand objects, used or not. What a message replaced, a block in a
slot or a method that was redefined, would stay for hours: memory would grow with everything that was ever said. But
nobody who is loaded refers to it any more, and Python knows that: its reference count is the cache's own one. So now
and then the cache is looked through, and such objects become ghosts. One that is wanted again is loaded again, and
whoever wants it has just been loaded himself.

Objects that the transaction has changed are never touched, nor what the program itself holds.

A type is always part of a cycle, so types that were retired stay until Python looks through all of its memory, which
it does too seldom for a kernel whose methods are redefined all day: it did not once in ten minutes. That is done here,
too, where many were retired. It takes some tens of milliseconds, less than learning the behaviour anew has taken.
And what is free by then goes back to the system, as far as the C library can: with a heap for each thread it keeps
a tenth of a kernel's memory otherwise.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from sys import getrefcount
from time import monotonic
from typing import Any

from persistent import Persistent
from persistent.interfaces import UPTODATE

from .method import Method

MORE = 1024  # objects loaded since the last look that make another worth its while
SHARE = 0.25  # of those that were left by it
TYPES = 16  # as many objects' room is taken by the types of a family that nobody uses any longer
MANY = 16  # times that types were retired, after which it is worth while to look through all memory
SELDOM = 10.0  # seconds between two such looks, in all workers of the process

_collected = 0.0

_state = Persistent._p_state.__get__  # type: ignore[attr-defined]


class Resting:
    """The loaded objects of one connection. To be called between two messages, by the thread whose connection it is."""

    def __init__(self, connection: Any, stale: Callable[[type], bool]) -> None:
        self._cache = connection._cache
        self._stale = stale  # does an object's type say that it has not been used for long?
        self._due = self._cache.cache_non_ghost_count + MORE
        self._retired = 0

    def look(self) -> int:
        """Lets go what nobody uses, if much was loaded since the last time; how many objects that were."""
        if self._cache.cache_non_ghost_count < self._due:
            return 0
        before = self._cache.cache_non_ghost_count
        things = [thing for _, thing in self._cache.lru_items() if _state(thing) == UPTODATE]
        replaced: list[Any] = []  # methods that were redefined: only who asks for the history sees them again
        while things:
            thing = things.pop()
            # Referred to by the cache, by `thing`, and by the call.
            if getrefcount(thing) <= 3 or self._stale(type(thing)):
                thing._p_deactivate()
            elif getattr(type(thing), "_p_ghost", type(thing)) is Method:
                replaced += vars(thing).get("before*", ())
        for thing in replaced:
            thing._p_deactivate()
        left = self._cache.cache_non_ghost_count
        self._due = left + max(MORE, int(left * SHARE))
        if self._retired >= MANY:
            self._retired = 0
            _collect()
        return int(before - left)

    def types_retired(self) -> None:
        """Behaviour changed: objects keep types that are not used any longer until they are used themselves."""
        self._due -= TYPES
        self._retired += 1


def _collect() -> None:
    global _collected
    if monotonic() - _collected >= SELDOM:
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(ctypes.c_size_t(0))
        _collected = monotonic()
