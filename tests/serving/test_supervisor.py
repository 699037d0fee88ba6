"""A server is started again when it dies, given up when it cannot start, and ends with the last who holds it.
Nothing of it is left behind, whoever is killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest

from batos.jit.errors import ServingProblem
from batos.jit.serving import start as starting
from batos.jit.serving.environment import CPU, Environment, someone_has
from batos.jit.serving.servers import Server, find_server, read_server

SERVER = Path(__file__).with_name("stand_in.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BATOS_SERVING", str(tmp_path))
    folder = tmp_path / "servers" / "local"
    folder.mkdir(parents=True)
    yield folder
    starting.stop("local")


def launch(folder: Path, *arguments: str, held: bool = True, **seconds: float) -> Server:
    url = f"http://127.0.0.1:{starting.free_port()}"
    server = Server("local", url, str(folder / "key"), log=str(folder / "server.log"), held=held)
    return starting.launch(
        folder,
        {
            "server": asdict(server),
            "command": [sys.executable, str(SERVER), "{port}", *arguments],
            "environment": {},
            "ready_mark": starting.READY,
            "seconds": {"pause": 0.05, **seconds},
        },
    )


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def ready(folder: Path) -> Server:
    return starting.wait_until_ready(folder, lambda text: None, 60)


def child_of(folder: Path) -> int:
    words = (folder / "server.log").read_text().rpartition("child ")[2].split()
    return int(words[0])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def phase(folder: Path) -> str:
    server = read_server(folder)
    return server.phase if server is not None else ""


def test_it_starts_and_stops_with_its_last_holder(folder: Path) -> None:
    launch(folder)
    with ExitStack() as others:
        others.enter_context(starting.hold(folder))
        with starting.hold(folder):
            server = ready(folder)
            assert alive(server.server_pid) and alive(child := child_of(folder))
            assert find_server("local").phase == "ready"
        assert phase(folder) == "ready"
        assert alive(server.server_pid)  # one holds it still
    until(lambda: not someone_has(folder / "lock"))
    assert phase(folder) == "stopped"
    assert not alive(server.server_pid) and not alive(child)
    with pytest.raises(ServingProblem, match="is gone"), starting.hold(folder):
        pass


def test_its_key_is_for_its_owner_and_new_after_each_start(folder: Path) -> None:
    launch(folder, held=False)
    server = ready(folder)
    key = server.key()
    assert len(key) > 30 and f"key {key}" in (folder / "server.log").read_text()
    for name in ("key", "server.json", "plan.json", "lifeline"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    command_line = Path(f"/proc/{server.server_pid}/cmdline").read_bytes()
    assert key.encode() not in command_line  # which everybody may read
    assert starting.stop() and not starting.stop()
    launch(folder, held=False)
    assert ready(folder).key() != key
    (folder / "key").chmod(0o644)
    with pytest.raises(ServingProblem, match="can be read by others"):
        server.key()


def test_who_is_killed_takes_his_hold_with_him(folder: Path) -> None:
    launch(folder)
    program = "import sys, time; from batos.jit.serving.start import hold; from pathlib import Path\n"
    program += "with hold(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        server = ready(folder)
        holder.kill()
    until(lambda: not someone_has(folder / "lock"))
    assert not alive(server.server_pid) and not alive(child_of(folder))


def holders(folder: Path) -> int:
    """How many processes have the lifeline open, the watcher not counted."""
    found = set()
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) == str(folder / "lifeline"):
                found.add(descriptor.parts[2])
        except OSError:
            continue
    return len(found) - 1


def test_a_killed_kernel_takes_its_server_with_it(folder: Path, fresh_image: Path) -> None:
    launch(folder)
    with starting.hold(folder):  # until the kernel holds it
        server = ready(folder)
        kernel = subprocess.Popen(
            [sys.executable, "-m", "batos.cli", "-i", str(fresh_image), "kernel", "--serve-model"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: holders(folder) == 2)
    with kernel:
        assert kernel.stdout is not None and kernel.stdout.readline().startswith(b"ready")
        assert phase(folder) == "ready" and alive(server.server_pid)
        kernel.kill()
    until(lambda: not someone_has(folder / "lock"))
    assert not alive(server.server_pid)


def test_it_is_started_again_when_it_dies(folder: Path) -> None:
    launch(folder)
    with starting.hold(folder):
        first = ready(folder)
        child = child_of(folder)
        os.kill(first.server_pid, signal.SIGKILL)
        until(lambda: phase(folder) != "ready")
        again = ready(folder)
        assert again.server_pid != first.server_pid and again.restarts == 1 and again.url == first.url
        assert not alive(child)  # vLLM's engine outlives the process that was killed, with all its memory
        assert alive(child_of(folder))


def test_one_that_cannot_start_is_given_up_with_its_last_words(folder: Path) -> None:
    launch(folder, "dies-at-once")
    with starting.hold(folder), pytest.raises(ServingProblem, match=r"no room for the model.*5 starts in a row"):
        ready(folder)
    until(lambda: not someone_has(folder / "lock"))
    assert (folder / "server.log").read_text().count("begins") == 5
    assert phase(folder) == "failed"


def test_one_that_gives_no_answer_any_more_is_killed_and_started_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch(folder, "deaf", str(tmp_path / "deaf"), "stubborn", deaf=1.0, look=0.1, patience=0.2)
    with starting.hold(folder):
        first = ready(folder)
        (tmp_path / "deaf").touch()
        until(lambda: phase(folder) == "restarting" or (read_server(folder) or first).restarts, 120)
        (tmp_path / "deaf").unlink()
        again = ready(folder)
        assert again.server_pid != first.server_pid and not alive(first.server_pid)


def test_the_watcher_killed_takes_the_server_with_it(folder: Path) -> None:
    server = launch(folder)
    with starting.hold(folder):
        running = ready(folder)
        child = child_of(folder)
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not alive(running.server_pid) and not alive(child))
        assert phase(folder) == "stopped"


def test_what_outlived_its_watcher_is_swept_at_the_next_start(folder: Path) -> None:
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"],
        env={**os.environ, "BATOS_SERVER_FOLDER": str(folder)},
    )
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"],
        env={**os.environ, "BATOS_SERVER_FOLDER": f"{folder}-2"},
    )
    try:
        launch(folder)
        with starting.hold(folder):
            ready(folder)
            assert orphan.wait(30) == -signal.SIGKILL and bystander.poll() is None
    finally:
        for process in (orphan, bystander):
            process.kill()
            process.wait()


def test_another_watcher_for_the_same_folder_leaves_at_once(folder: Path) -> None:
    launch(folder)
    with starting.hold(folder):
        ready(folder)
        second = subprocess.run([sys.executable, "-m", "batos.jit.serving.supervisor", str(folder)], timeout=60)
        assert second.returncode == 3 and phase(folder) == "ready"


def test_who_can_reach_it_is_not_for_an_option_to_say(folder: Path) -> None:
    environment = Environment(CPU)
    for option in ("--host", "--host=0.0.0.0", "--api_key", "--middle"):
        with pytest.raises(ServingProblem, match="decides who can reach the server"):
            starting.plan(folder, starting.Wishes(more=(option,)), environment, "/base", "", True)
    plan = starting.plan(folder, starting.Wishes(more=("--seed", "3")), environment, "/base", "", True)
    assert plan["command"][-2:] == ["--seed", "3"]
    assert plan["command"][plan["command"].index("--host") + 1] == "127.0.0.1"


def test_a_port_that_is_taken_is_left_for_another(folder: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = Server("local", f"http://127.0.0.1:{port}", str(folder / "key"))
        command = [sys.executable, str(SERVER), "{port}"]
        starting.launch(
            folder, {"server": asdict(server), "command": command, "environment": {}, "ready_mark": starting.READY}
        )
        with starting.hold(folder):
            assert not ready(folder).url.endswith(f":{port}")
