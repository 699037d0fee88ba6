"""The process that watches one server: starts it, notices when it is ready, starts it again when it dies, and ends it
when nobody holds it any more. `python -m batos.jit.serving.supervisor FOLDER`; `start.py` runs it.

**Who holds a server.** FOLDER/lifeline is a FIFO. A kernel, or a person's `batos serve-model`, holds the server by
holding the FIFO open for writing; when the last of them ends, be it by kill -9, the system closes it, and we see the
end. So a server outlives no kernel, and several kernels share one.

**What dies with whom.** vLLM is several processes: killed, its first leaves the engine behind, with gigabytes. All of
them are one process group, which is swept whenever the first one has ended. Should *we* be killed, the system sends the
first one SIGTERM (PR_SET_PDEATHSIG), which ends its engine with it; whatever is left all the same is found by its
environment and swept at the next start.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .servers import Server, read_key, write_server

MARK = "BATOS_SERVER_FOLDER"
TICK = 0.25
ANSWER = 5.0
"""Seconds that an answer to "are you well?" may take."""
SECONDS = {"pause": 1.0, "look": 5.0, "deaf": 180.0, "patience": 15.0}
"""Before the first restart, doubled for each that fails; between looks at a server that is ready; without an answer
after which it counts as dead (a busy machine may keep it from answering); to end by itself.
A plan may say otherwise."""
START_LIMIT = 1800.0
"""Seconds a start may take. A large model is read from a slow disk, or fetched."""
TRIES = 5
"""Starts in a row that may fail before it is given up."""
WELL = 60.0
"""Seconds of running after which earlier failures are forgotten."""
UNHELD = 30.0
"""Seconds that the first holder may take to come."""
ERROR = re.compile(r"Error\b|\berror:|Exception\b|Killed|out of memory", re.IGNORECASE)
LOG_LIMIT = 20_000_000
MOST_PAUSE = 60.0


class Supervisor:
    """One server's life. `run` returns when it is over: 0 stopped, 1 given up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan: dict[str, Any] = json.loads((folder / "plan.json").read_text("utf-8"))
        self.server = Server(**self.plan["server"])
        self.seconds: dict[str, float] = SECONDS | self.plan.get("seconds", {})
        self.process: subprocess.Popen[bytes] | None = None
        self.lifeline = _open_lifeline(folder)
        self.stopping = False
        self.begun = time.monotonic()
        self.ever_held = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        failures = 0
        sweep_marked(self.folder)
        try:
            while not self.stopping:
                why, well = self._one_life()
                if self.stopping:
                    break
                failures = 0 if well else failures + 1
                if failures >= TRIES:
                    self._tell(phase="failed", server_pid=0, error=f"{why}; {failures} starts in a row failed")
                    return 1
                pause = min(self.seconds["pause"] * 2**failures, MOST_PAUSE)
                self._tell(phase="restarting", server_pid=0, restarts=self.server.restarts + 1, error=why)
                self._wait(pause)
            self._tell(phase="stopped", server_pid=0, error="")
            return 0
        finally:
            self._end()

    def _one_life(self) -> tuple[str, bool]:
        """Start it, watch it until it is gone; why it went, and whether it had been well for some time."""
        self._keep_port()
        log = self.folder / "server.log"
        with log.open("ab") as out:
            begin = out.tell()
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=self.folder,
                start_new_session=True,  # a group of its own, to be swept together
                preexec_fn=_dying_with(os.getpid()),
            )
        started = time.monotonic()
        self._tell(phase="starting", server_pid=self.process.pid, since=time.time())
        ready_at = 0.0
        heard = looked = started
        while not self.stopping:
            self._wait(TICK)
            now = time.monotonic()
            if has_ended(self.process):
                sweep_group(self.process.pid)
                status = self.process.wait()
                well = bool(ready_at) and now - ready_at > WELL
                words = last_words(log, begin, only_errors=status < 0)
                return f"the server {_ended(status)}" + (f": {words}" if words else ""), well
            _bound(log)
            if not ready_at:
                if self._says_ready(log, begin) and self._answers():
                    ready_at = heard = now
                    self._tell(phase="ready", error="")
                elif now - started > START_LIMIT:
                    self._end()
                    return f"the server was not ready after {START_LIMIT:.0f} s", False
            elif now - looked > self.seconds["look"]:
                looked = now
                if self._answers():
                    heard = time.monotonic()
                elif now - heard > self.seconds["deaf"]:
                    self._end()
                    return f"the server gave no answer for {now - heard:.0f} s", now - ready_at > WELL
        self._end()
        return "", True

    # --- what it asks of the world

    def _command(self) -> list[str]:
        port = self.server.url.rpartition(":")[2]
        return [str(part).replace("{port}", port) for part in self.plan["command"]]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        key = read_key(Path(self.server.key_file))
        return {**kept, **self.plan["environment"], MARK: str(self.folder), "BATOS_SERVER_KEY": key}

    def _keep_port(self) -> None:
        """The port it had, if it is free; else another one, told before anybody may ask there."""
        port = int(self.server.url.rpartition(":")[2])
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                trial.close()
                with socket.socket() as other:
                    other.bind(("127.0.0.1", 0))
                    port = other.getsockname()[1]
        self.server = replace(self.server, url=f"http://127.0.0.1:{port}")

    def _says_ready(self, log: Path, begin: int) -> bool:
        """Whether its own log says that it serves. Somebody else at its port might say so too, and be sent the key."""
        mark = str(self.plan.get("ready_mark", ""))
        if not mark:
            return True
        with log.open("rb") as file:
            file.seek(begin if begin <= log.stat().st_size else 0)
            return mark.encode() in file.read()

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.server.url}/health", timeout=min(ANSWER, self.seconds["deaf"])) as reply:
                return bool(reply.status == 200)
        except (OSError, ValueError):
            return False

    # --- how it waits and ends

    def _wait(self, seconds: float) -> None:
        """Wait, but not longer than the last holder lives, nor than until a signal."""
        until = time.monotonic() + seconds
        while not self.stopping:
            left = until - time.monotonic()
            if self.server.held:
                poll = select.poll()
                poll.register(self.lifeline, select.POLLIN)
                events = dict(poll.poll(max(0.0, min(left, TICK)) * 1000))
                held = not events.get(self.lifeline, 0) & select.POLLHUP
                if events.get(self.lifeline, 0) & select.POLLIN:
                    self.ever_held = True
                    os.read(self.lifeline, 4096)
                elif not held or (not self.ever_held and time.monotonic() - self.begun > UNHELD):
                    self.stopping = True
            elif left > 0:
                time.sleep(min(left, TICK))
            if left <= 0:
                return

    def _stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _end(self) -> None:
        """End it and everything it has started."""
        process, self.process = self.process, None
        if process is None:
            return
        until = time.monotonic() + self.seconds["patience"]
        if process.returncode is None:
            process.terminate()
            while not has_ended(process) and time.monotonic() < until:
                time.sleep(0.02)
            sweep_group(process.pid)
            process.wait()

    def _tell(self, **changes: Any) -> None:
        self.server = replace(self.server, pid=os.getpid(), **changes)
        with contextlib.suppress(OSError):  # a full disk must not end a server that runs
            write_server(self.folder, self.server)


def _open_lifeline(folder: Path) -> int:
    path = folder / "lifeline"
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def _dying_with(parent: int) -> Callable[[], None] | None:
    """Have the system send the child SIGTERM when we are gone. It comes when the *thread* that started it ends: here
    there is one only."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)

    def in_child() -> None:
        library.prctl(1, signal.SIGTERM)
        if os.getppid() != parent:  # gone already
            os._exit(1)

    return in_child


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has, and is not reaped yet: until then nobody else can have its number."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def sweep_group(leader: int) -> None:
    """Kill what is left of a process group whose leader we have started, and not yet reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def sweep_marked(folder: Path) -> None:
    """Kill servers of this folder that outlived their watcher; known by a variable nobody else has (Linux only)."""
    mark = f"{MARK}={folder}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


def last_words(log: Path, begin: int = 0, only_errors: bool = False) -> str:
    """What a server's log says last of an error, or else at all; "" for nothing."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(begin if begin <= size else 0, size - 20_000))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return ""
    errors = [line for line in lines if ERROR.search(line) and " INFO " not in line and " WARNING " not in line]
    telling = errors if errors or only_errors else lines
    return telling[-1][-300:] if telling else ""


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"died of {signal.Signals(-status).name}"
    return f"died of signal {-status}"


def _bound(log: Path) -> None:
    """Keep a log from growing for ever: its older half goes to server.log.1. Who writes, appends, so it can be cut."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)


def main(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(20):  # who only looks holds it for microseconds
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            time.sleep(0.05)
    else:
        return 3  # somebody watches it already
    return Supervisor(folder).run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
