from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batos.bridge.client import Client


class KernelProcess:
    """A real kernel in a process of its own; `endpoint` once it is ready."""

    def __init__(self, image: Path, *options: str) -> None:
        self.image = image
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "batos.kernel", str(image), "--ready-fd", str(write), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(write,),
            text=True,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            self.endpoint = pipe.readline().strip()
        if not self.endpoint:
            _, said = self.process.communicate(timeout=30)
            raise RuntimeError(f"the kernel did not start: {said}")

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Waits for its end; its exit status."""
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short path, for sockets too; kernels of this test put theirs there."""
    with tempfile.TemporaryDirectory(prefix="bt") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., KernelProcess]]:
    """Starts kernels and ends what is left of them."""
    started: list[KernelProcess] = []

    def make(*options: str, image: str = "world.fs") -> KernelProcess:
        kernel = KernelProcess(folder / image, *options)
        started.append(kernel)
        return kernel

    yield make
    for kernel in started:
        if kernel.process.poll() is None:
            kernel.kill()


@pytest.fixture
def kernel(start: Callable[..., KernelProcess]) -> KernelProcess:
    return start()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Makes connected clients and closes them."""
    made: list[Client] = []

    def make(kernel: KernelProcess, name: str = "test") -> Client:
        client = Client(kernel.endpoint, name)
        made.append(client)
        client.connect(30)
        return client

    yield make
    for client in made:
        client.close()
