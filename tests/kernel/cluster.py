"""A storage server, kernels and a broker for the tests, each a real process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds for what takes one on an idle machine


def until(what: Callable[[], Any], why: str) -> Any:
    """Waits for a condition; its value."""
    give_up = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < give_up, f"waited in vain: {why}"
        time.sleep(0.01)
    return found


class Cluster:
    """Processes on one image, ended with it."""

    def __init__(self, location: str, folder: Path) -> None:
        self.location = location
        self.folder = folder
        self.kernels: list[subprocess.Popen[str]] = []
        self.endpoints: list[str] = []
        self.broker = ""
        self._others: list[subprocess.Popen[str]] = []

    def start(self, count: int, *options: str) -> None:
        """Kernels; answers when all of them are ready."""
        fresh = []
        for _ in range(count):
            command = [sys.executable, "-m", "batos.kernel", self.location, *options]
            fresh.append(self._spawn(command))
        for process in fresh:
            self.endpoints.append(self._ready(process))
            self.kernels.append(process)

    def serve(self, *options: str) -> str:
        """A broker in front of them; its endpoint."""
        process = self._spawn([sys.executable, "-m", "batos.cli", "-i", self.location, "broker", *options])
        self._others.append(process)
        self.broker = self._ready(process)
        return self.broker

    def _spawn(self, command: list[str]) -> subprocess.Popen[str]:
        log = open(self.folder / "log", "a", encoding="utf-8")
        with log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def _ready(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready "), f"{line!r}, and its log: {self.log()}"
        return line.split()[1]

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def close(self) -> None:
        for process in [*self._others, *self.kernels]:
            process.kill()
        for process in [*self._others, *self.kernels]:
            process.communicate(timeout=PATIENCE)


def zeo_server(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A ZEO server in a process of its own, as a person starts it; its location and the process."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ZEO.runzeo", "-a", f"127.0.0.1:{port}", "-f", str(folder / "served.fs")]
    environment = {**os.environ, "INSTANCE_HOME": str(folder)}
    log = open(folder / "zeo.log", "wb")
    with log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)

    def answers() -> bool:
        assert process.poll() is None, (folder / "zeo.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(answers, "the ZEO server")
    return f"zeo://127.0.0.1:{port}", process
