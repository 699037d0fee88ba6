"""The warden: one thread of the process that ends messages which take too long or too much memory.

A message says what it may use when it begins, which costs two assignments; nothing is started or cancelled for it. The
warden looks every TICK seconds, and only while somebody has a message running that is limited. What a message takes in
its first tick does not count as growth.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

from . import flow

if TYPE_CHECKING:
    from .ending import Ending


class Limits(NamedTuple):
    """Of one running message: when it must be over (time.monotonic), and the bytes the process may grow by. None:
    any."""

    until: float | None
    growth: int | None


TICK = 0.05  # seconds
_endings: WeakSet[Ending] = WeakSet()
_awake = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of memory the process has in use now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def watch(ending: Ending) -> None:
    """Have the warden look after a worker whose message has a limit, from now on."""
    global _thread
    if ending.watched and _awake.is_set():
        return
    with _lock:
        _endings.add(ending)
        ending.watched = True
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_round, name="batos-warden", daemon=True)
            try:
                _thread.start()
            except RuntimeError:
                _thread = None  # no thread may be started (a trial's sandbox): the system's own limits hold there
    _awake.set()


def _round() -> None:
    sizes: dict[Ending, tuple[object, int]] = {}  # the limits last seen of a worker, and the process's size then
    while True:
        _awake.wait()
        # Cleared before looking: whoever begins from here on sets it again.
        _awake.clear()
        now = time.monotonic()
        memory = 0
        with _lock:
            endings = list(_endings)
        for each in endings:
            limits = each.limits
            if each.pending is not None and each.running is not None:
                _awake.set()
                each.remind()
            if limits is None:
                sizes.pop(each, None)
                continue
            _awake.set()
            if limits.until is not None and now >= limits.until:
                each.abandon(flow.OutOfTime)
            elif limits.growth is not None:
                memory = memory or resident()
                seen, before = sizes.get(each, (None, memory))
                if seen is not limits:
                    sizes[each] = limits, memory
                elif memory > before + limits.growth:
                    each.abandon(flow.OutOfMemory)
        del endings
        time.sleep(TICK)


def _forget() -> None:
    """A forked child has no such thread."""
    global _thread, _lock
    for each in list(_endings):
        each.watched = False
    _thread, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)


def hush() -> None:
    """What arrives in a finalizer, where Python drops it, is told again (Ending.remind): nobody need read of it."""
    others = sys.unraisablehook
    if getattr(others, "hushes", False):
        return

    def told(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, flow.Abandoned):
            others(unraisable)

    told.hushes = True  # type: ignore[attr-defined]
    sys.unraisablehook = told
