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

from pydantic_core import from_json

from .forker import Forker
from .records import Closed, Frames, Server

START_SECONDS = 30.0
OPENING_SECONDS = 15.0
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
        self._zygote: Forker | None = None
        self._opened: Forker | None = None  # a process with an opened world: trials are forked from it if it can be
        self._epoch = b""  # oid of what changes when behaviour does: what is open is then of no use
        self._opening: threading.Thread | None = None
        self._closed = False

    def start(self) -> None:
        """Start the zygote, and open a world in it if that is not done; comes back at once: it takes a while, beside
        everything else."""
        with self._lock:
            if not self._closed:
                self._start()
        self._open_later()

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
                    ran = self._run(job)
                    break
                except (Closed, OSError, TimeoutError) as problem:
                    self._stop()  # the zygote is gone or stuck: a new one, and once more
                    death = f"the sandbox itself failed: {problem or type(problem).__name__}"
            else:
                ran = Ran(None, death, time.monotonic() - started)
            if self._closed:
                ran = Ran(None, "the sandbox is closed", time.monotonic() - started)
            wanting = self._opened is None
        if wanting:
            self._open_later()
        return ran

    def aim(self, db: Any) -> None:
        """From now on trials run on this image: the process that they are forked from stays as it is."""
        with self._lock:
            self.db = db
            self._records.aim(db)
            self._forget_opened()

    def close(self) -> None:
        """End the zygote, for good. Idempotent; a trial that runs is ended with it."""
        self._closed = True
        self._kill()
        with self._lock:
            self._stop()
            self._records.close()
            opening = self._opening
        if opening is not None:
            opening.join()

    # --- the processes

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        self._zygote = Forker()
        theirs = self._zygote.theirs
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
        theirs.close()

    def _stop(self) -> None:
        self._kill()
        if self._process is not None:
            self._process.wait()
        if self._zygote is not None:
            self._zygote.close()
        self._forget_opened()
        self._process = self._zygote = None

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def _forget_opened(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _open_later(self) -> None:
        """Open a world on a thread of its own, for the trials to come."""
        with self._lock:
            if self._closed or self._opening is not None or self._zygote is None:
                return
            self._opening = threading.Thread(target=self._open, name="sandbox", daemon=True)
            self._opening.start()

    def _open(self) -> None:
        with self._lock:
            try:
                if self._zygote is not None and not self._closed:
                    self._zygote.get_ready(START_SECONDS)
                    last = self._records.begin()
                    if self._opened is None or self._changed() is None:
                        self._open_at(last)
            except (Closed, OSError, TimeoutError, ValueError):
                self._forget_opened()  # then trials open theirs themselves
            finally:
                self._opening = None

    def _open_at(self, last: bytes) -> None:
        assert self._zygote is not None
        self._forget_opened()
        forker = Forker()
        ours, theirs = socket.socketpair()
        try:
            with ours:
                with theirs:
                    self._zygote.fork(b"W", 0, theirs.fileno(), forker.theirs.fileno())
                forker.theirs.close()
                frames = Frames(ours.fileno())
                frames.send(b"S", last)
                frames.send(b"P", self._records.ahead())
                self._serve(frames, time.monotonic() + OPENING_SECONDS)
            told = forker.get_ready(OPENING_SECONDS)
            self._epoch, forker.process = bytes.fromhex(told["epoch"]), told["process"]
            self._records.opened()
            self._opened = forker
        finally:
            if self._opened is not forker:
                forker.close()

    def _changed(self) -> list[bytes] | None:
        """What has changed since a world was opened; None: it is of no use any longer."""
        changed = self._records.changed()
        return None if changed is None or self._epoch in changed else changed

    # --- one trial

    def _run(self, job: dict[str, Any]) -> Ran:
        assert self._zygote is not None
        self._zygote.get_ready(START_SECONDS)
        started = time.monotonic()
        last = self._records.begin()
        changed = self._changed()
        if changed is None:
            self._forget_opened()
        forker = self._opened or self._zygote
        since = changed if self._opened is not None else None
        limits = self.limits
        told = {**job, "last": last.hex(), "cpu_seconds": limits.cpu_seconds, "memory_bytes": limits.memory_bytes}
        told["changed"] = [oid.hex() for oid in since or ()]
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                forker.fork(b"T", int(limits.seconds * 1000), theirs.fileno())
            ours.settimeout(None)
            frames = Frames(ours.fileno())
            result = None
            with contextlib.suppress(Closed, ValueError):
                frames.send(b"P", self._records.ahead(since))
                frames.send(b"S", json.dumps(told).encode())
                result = self._serve(frames, started + limits.seconds + GRACE)
        ended = forker.says(limits.seconds + GRACE)
        seconds = time.monotonic() - started
        death = "" if result is not None else _death(ended, limits)
        return Ran(result, death, seconds, ended["cpu"], ended["memory"])

    def _serve(self, frames: Frames, deadline: float) -> dict[str, Any] | None:
        """Answer a process's questions until it tells its result or is gone."""
        try:
            while True:
                if not select.select([frames.descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    raise TimeoutError("a trial did not end in time")
                kind, body = frames.receive(MAX_RESULT)
                if kind == b"R":
                    result = from_json(body)
                    return result if isinstance(result, dict) else None
                frames.send(*self._records.answer(body))
        except (Closed, ValueError):
            return None


def _death(ended: dict[str, Any], limits: Limits) -> str:
    if ended["late"]:
        return f"it ran longer than {limits.seconds:g} s"
    if ended["signal"] == 24 or ended["signal"] == 9:
        return f"it used more than {limits.cpu_seconds} s of processor time"
    if ended["signal"]:
        return f"the process died of signal {ended['signal']}"
    return f"the process ended without an answer (status {ended['code']})"
