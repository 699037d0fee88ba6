"""Where a kernel may listen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batos.bridge.endpoint import LONGEST_PATH, EndpointProblem, default_endpoint, is_listening, prepare, runtime_folder

from .toy import Running


def test_the_default_is_short_private_and_the_same_every_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    first = default_endpoint("/a/very/long/path/" * 20 + "live_image.fs")
    assert first == default_endpoint("/a/very/long/path/" * 20 + "live_image.fs")
    assert first != default_endpoint("/another.fs")
    path = first.removeprefix("ipc://")
    assert len(path) <= LONGEST_PATH
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700


def test_a_long_runtime_folder_is_left_aside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = folder / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    assert len(default_endpoint("/i.fs").removeprefix("ipc://")) <= LONGEST_PATH


def test_a_folder_that_others_may_enter_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    runtime_folder().chmod(0o755)
    with pytest.raises(EndpointProblem, match="others may enter"):
        runtime_folder()


def test_a_link_in_place_of_the_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    (folder / "elsewhere").mkdir(0o700)
    (folder / f"batos-{os.getuid()}").symlink_to(folder / "elsewhere")
    with pytest.raises(EndpointProblem, match="not a folder of this user"):
        runtime_folder()


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.168.1.5:1", "tcp://eth0:1", "tcp://[::]:9",
        "udp://127.0.0.1:1", "ipc://", "ipc://x.sock", "", "nonsense",
    ],
)  # fmt: skip
def test_endpoints_that_are_refused(endpoint: str) -> None:
    with pytest.raises(EndpointProblem):
        prepare(endpoint)


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "tcp://127.0.0.2:0", "tcp://localhost:1", "tcp://[::1]:5"])
def test_loopback_is_allowed(endpoint: str) -> None:
    prepare(endpoint)


def test_keys_open_other_addresses() -> None:
    prepare("tcp://0.0.0.0:5555", secured=True)


def test_a_path_too_long_is_told(folder: Path) -> None:
    with pytest.raises(EndpointProblem, match="107 bytes"):
        prepare(f"ipc://{folder}/{'x' * 120}")


def test_a_plain_file_is_not_replaced(folder: Path) -> None:
    (folder / "precious").write_text("data")
    with pytest.raises(EndpointProblem, match="no socket"):
        prepare(f"ipc://{folder}/precious")
    assert (folder / "precious").read_text() == "data"


def test_a_second_server_is_told_that_there_is_a_first(running: Running) -> None:
    assert is_listening(running.endpoint)
    with pytest.raises(EndpointProblem, match="another server"):
        prepare(running.endpoint)


def test_a_socket_left_by_a_dead_server_is_taken_over(folder: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{folder}/s")
    assert (folder / "s").exists()
    running = Running(folder)
    assert is_listening(running.endpoint)
    running.close()
    assert not (folder / "s").exists()


def test_tcp_on_loopback_works(folder: Path) -> None:
    from batos.bridge.client import Client

    running = Running(folder, "tcp://127.0.0.1:*")
    with Client(running.endpoint) as client:
        assert client.evaluate("echo tcp").outcomes[0].printed == "tcp"
    running.close()
