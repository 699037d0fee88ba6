"""The kernel's end of the control socket of a process that forks trials: the zygote, or one with an opened world."""

from __future__ import annotations

import json
import select
import socket
import time
from typing import Any

from .records import Closed
from .zygote import JOB


class Forker:
    """`fork` asks it for something, `says` is its next answer. Closed, that process ends."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._line = b""
        self.ready = False
        self.process = 0  # its number, of one with an opened world

    def fork(self, kind: bytes, milliseconds: int, *descriptors: int) -> None:
        socket.send_fds(self._ours, [JOB.pack(kind, milliseconds)], list(descriptors))

    def says(self, seconds: float) -> dict[str, Any]:
        """Its next line."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._line:
            if not select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the process that starts trials does not answer")
            part = self._ours.recv(65_536)
            if not part:
                raise Closed("the process that starts trials ended")
            self._line += part
        line, _, self._line = self._line.partition(b"\n")
        return dict(json.loads(line))

    def get_ready(self, seconds: float) -> dict[str, Any]:
        """Waits for its first line, if that has not come yet."""
        told = {} if self.ready else self.says(seconds)
        self.ready = True
        return told

    def close(self) -> None:
        self._ours.close()
        self.theirs.close()
