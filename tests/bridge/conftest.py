from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batos.bridge.client import Client

from .toy import Running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: a unix socket's holds 107 bytes, and pytest's own folders are long."""
    with tempfile.TemporaryDirectory(prefix="bt") as name:
        yield Path(name)


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    server = Running(folder)
    yield server
    server.close()


@pytest.fixture
def connect(running: Running) -> Iterator[Callable[..., Client]]:
    """Makes connected clients and closes them."""
    made: list[Client] = []

    def make(name: str = "test", endpoint: str = "") -> Client:
        client = Client(endpoint or running.endpoint, name)
        made.append(client)
        client.connect()
        return client

    yield make
    for client in made:
        client.close()
