"""The kernel's side of a trial: `Sandbox(db).run(job)`."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .records import Closed, Frames, Server
from .zygote import JOB

START_SECONDS = 30.0
GRACE = 5.0
"""Seconds past a trial's own limit after which the zygote itself is taken for stuck and replaced."""
MAX_RESULT = 4 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """seconds: wall clock of one trial, ample since other work takes its part of it; cpu_seconds and memory_bytes: what
    the machine's kernel enforces."""

    seconds: float = 5.0
    cpu_seconds: int = 2
    memory_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """How a trial went. `result` is what the child told, or None when it told nothing; `death` says why, in words."""

    result: dict[str, Any] | None
    death: str
    seconds: float
    cpu: float = 0.0
    memory: int = 0


@dataclass
class Sandbox:
    """Runs trials on one image, one at a time; a second caller waits. Start it early: `start` does not wait."""

    db: Any
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._records = Server(self.db)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._closed = False
        self._line = b""

    def start(self) -> None:
        """Start the zygote, and come back at once: it takes about a second to get warm, beside everything else."""
        with self._lock:
            self._start()

    def run(self, job: dict[str, Any]) -> Ran:
        """Run one trial. Never raises for what the candidate does; OSError when this machine cannot start processes."""
        with self._lock:
            started = time.monotonic()
            death = "the sandbox is closed"
            for _ in range(2):
                if self._closed:
                    break
                self._start()
                try:
                    return self._run(job)
                except (Closed, OSError, TimeoutError) as problem:
                    self._stop()  # the zygote is gone or stuck: a new one, and once more
                    death = f"the sandbox itself failed: {problem or type(problem).__name__}"
            return Ran(None, death, time.monotonic() - started)

    def aim(self, db: Any) -> None:
        """From now on trials run on this image: the process that they are forked from stays as it is."""
        with self._lock:
            self.db = db
            self._records.aim(db)

    def close(self) -> None:
        """End the zygote, for good. Idempotent; a trial that runs is ended with it."""
        self._closed = True
        self._kill()
        with self._lock:
            self._stop()
            self._records.close()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-I", "-m", __package__ + ".zygote", str(theirs.fileno())]
            # An empty environment: a trial has no business with this machine's names and secrets.
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._control, self._ready, self._line = ours, False, b""

    def _stop(self) -> None:
        self._kill()
        if self._process is not None:
            self._process.wait()
        if self._control is not None:
            self._control.close()
        self._process = self._control = None

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def _run(self, job: dict[str, Any]) -> Ran:
        assert self._control is not None
        if not self._ready:
            self._status(START_SECONDS)
            self._ready = True
        started = time.monotonic()
        last, ahead = self._records.begin()
        limits = self.limits
        told = {**job, "last": last.hex(), "cpu_seconds": limits.cpu_seconds, "memory_bytes": limits.memory_bytes}
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                socket.send_fds(self._control, [JOB.pack(int(limits.seconds * 1000))], [theirs.fileno()])
            ours.settimeout(None)
            result = self._serve(Frames(ours.fileno()), ahead, told, started + limits.seconds + GRACE)
        ended = self._status(limits.seconds + GRACE)
        seconds = time.monotonic() - started
        death = "" if result is not None else _death(ended, limits)
        return Ran(result, death, seconds, ended["cpu"], ended["memory"])

    def _serve(self, frames: Frames, ahead: bytes, job: dict[str, Any], deadline: float) -> dict[str, Any] | None:
        """Answer the child's questions until it tells its result or is gone."""
        try:
            frames.send(b"P", ahead)
            frames.send(b"S", json.dumps(job).encode())
            while True:
                if not select.select([frames.descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    raise TimeoutError("a trial did not end in time")
                kind, body = frames.receive(MAX_RESULT)
                if kind == b"R":
                    result = json.loads(body)
                    return result if isinstance(result, dict) else None
                frames.send(*self._records.answer(body))
        except (Closed, ValueError):
            return None

    def _status(self, seconds: float) -> dict[str, Any]:
        """The zygote's next line."""
        assert self._control is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._line:
            if not select.select([self._control], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the process that starts trials does not answer")
            part = self._control.recv(65_536)
            if not part:
                raise Closed("the process that starts trials ended")
            self._line += part
        line, _, self._line = self._line.partition(b"\n")
        return dict(json.loads(line))


def _death(ended: dict[str, Any], limits: Limits) -> str:
    if ended["late"]:
        return f"it ran longer than {limits.seconds:g} s"
    if ended["signal"] == 24 or ended["signal"] == 9:
        return f"it used more than {limits.cpu_seconds} s of processor time"
    if ended["signal"]:
        return f"the process died of signal {ended['signal']}"
    return f"the process ended without an answer (status {ended['code']})"
