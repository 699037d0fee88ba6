"""A flag that C reads without Python.

llama.cpp asks a thousand times a token whether it is to stop. A callback in Python would each time want Python's one
lock, for which it waits while a message runs; and the model's thread, which has a low priority, would be sent to sleep
with the lock in its hands, and all messages would wait for it. So C is given a function of C: `strlen` of a text that
is empty as long as nothing is to stop.
"""

from __future__ import annotations

import ctypes
import threading

LOOK = 0.05  # seconds between two looks at an event that the flag follows


class CFlag:
    """`reader` and `place` are what C calls and what it calls it with: the answer is 0, or 1 once the flag is set."""

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        self._lock = threading.Lock()
        self.reader = int(ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value or 0)
        self.place = ctypes.cast(self._text, ctypes.c_void_p)

    def follow(self, event: threading.Event) -> threading.Event:
        """Lower the flag; from now on it is raised when the event is set. Until the answer is set, which says that
        nobody looks any more; one event at a time."""
        over = threading.Event()
        with self._lock:
            self._text.value = b"x" if event.is_set() else b""
        threading.Thread(target=self._watch, args=(event, over), name="batos-flag", daemon=True).start()
        return over

    def _watch(self, event: threading.Event, over: threading.Event) -> None:
        while not over.is_set():
            if event.wait(LOOK):
                with self._lock:
                    if not over.is_set():
                        self._text.value = b"x"
                return
