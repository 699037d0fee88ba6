"""A real vLLM for tests: one for a whole run, also where several processes test; it ends with the last of them.

Tests that use it are marked `vllm` and take `real_server`, which is theirs alone while they last. Where vLLM's
environment has not been made (`make test-vllm` does it: 4 GB, some minutes), they are skipped, and say so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batos.jit.serving import start as starting
from batos.jit.serving.environment import CPU, Environment, alone
from batos.jit.serving.servers import Server, read_server

SERVING = "BATOS_SERVING"
HOW = "`make test-vllm` installs vLLM (4 GB, some minutes) and runs these"


@contextmanager
def the_persons_folder() -> Iterator[None]:
    """Where `batos serve-model` installs things; tests look elsewhere, so as not to meet a server that runs."""
    ours = os.environ.pop(SERVING)
    try:
        yield
    finally:
        os.environ[SERVING] = ours


@pytest.fixture(scope="session")
def vllm_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the run's one server, which runs as long as this lasts."""
    environment = Environment(CPU)
    with the_persons_folder():
        if not environment.ready:
            pytest.skip(f"WITHOUT A REAL vLLM: {environment.status()}. {HOW}")
        model, digest = starting.small_model(environment, lambda progress: None)
        python = environment.python
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"vllm-{run[:8]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "adapters").mkdir(exist_ok=True)
    with alone(folder / "start.lock", lambda: None):
        server = read_server(folder)
        if server is None or server.phase in ("stopped", "failed"):
            wishes = starting.Wishes(folder.name)
            plan = starting.plan(folder, wishes, environment, model, digest, True)
            starting.launch(folder, {**plan, "command": [str(python), *plan["command"][1:]]})
        hold = starting.hold(folder)
        hold.__enter__()
    try:
        yield folder
    finally:
        hold.__exit__(None, None, None)


def started_again(folder: Path, before: Server) -> Server:
    """The server that takes the place of `before`, which was killed, once it is ready."""
    deadline = time.monotonic() + 60
    while (now := read_server(folder)) is None or now.server_pid == before.server_pid:
        assert time.monotonic() < deadline, "nobody noticed that the server is gone"
        time.sleep(0.05)
    return starting.wait_until_ready(folder, lambda text: None, 800)


@pytest.fixture
def real_server(vllm_folder: Path) -> Iterator[Server]:
    """The server, ready, and for this test only: others in other processes wait."""
    with alone(vllm_folder / "test.lock", lambda: None):
        yield starting.wait_until_ready(vllm_folder, lambda text: None, 800)
