"""A flag that C reads: raised when the event it follows is set, and never by one that is over."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from batos.jit.cflag import CFlag


def reading(flag: CFlag) -> Callable[[], bool]:
    read = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)(flag.reader)
    return lambda: bool(read(flag.place))


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not holds() and time.monotonic() < end:
        time.sleep(0.001)
    return holds()


def test_it_follows_an_event() -> None:
    flag, event = CFlag(), threading.Event()
    read = reading(flag)
    assert not read()
    over = flag.follow(event)
    assert not read()
    event.set()
    assert until(read)
    over.set()
    flag.follow(threading.Event()).set()
    assert not read(), "lowered for the next"
    flag.follow(event).set()
    assert read(), "an event that is set already"


def test_an_event_that_is_over_raises_nothing() -> None:
    flag = CFlag()
    read = reading(flag)
    old = [threading.Event() for _ in range(20)]
    for event in old:
        flag.follow(event).set()
    over = flag.follow(threading.Event())
    for event in old:
        event.set()
    assert until(lambda: sum(thread.name == "batos-flag" for thread in threading.enumerate()) == 1)
    assert not read()
    over.set()
