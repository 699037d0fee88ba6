"""Has the embedded model put into this Python environment, in the background, and says how far it is.

    python -m batos.jit.model_setup            how far is it?
    python -m batos.jit.model_setup start      begin in the background, return at once
    python -m batos.jit.model_setup build      do it here, with progress on the terminal
    python -m batos.jit.model_setup wait       wait for whoever does it, with progress on the terminal

Compiling takes four to nine minutes, and nobody waits that long for a prompt: so it runs beside the REPL, and a miss
meanwhile says how far it is. `model_build` has the steps, `model_status` the state and the lock: one builder at a time.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from .model_build import SetupFailed, build
from .model_status import BuildRunning, ModelStatus, State, clock, folder, model_status, read_state


def start() -> ModelStatus:
    """Begin in the background unless it is there or somebody builds already; answer how far it is."""
    status = model_status()
    if status.ready or status.running:
        return status
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / "builder.out", "w", encoding="utf-8") as out:
        builder = subprocess.Popen(
            ["nice", "-n", "10", sys.executable, "-m", __spec__.name, "build"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # ^C at the REPL is not meant for it
            cwd=folder(),
        )
    deadline = time.monotonic() + 20
    while builder.poll() is None and read_state().get("pid") != builder.pid and time.monotonic() < deadline:
        time.sleep(0.02)  # until it says something, or ends because another one is at it
    return model_status()


def wait(show: Callable[[str], None]) -> ModelStatus:
    """Wait until nobody builds any more, telling `show` now and then; answer how it ended."""
    said, said_at = "", 0.0
    while (status := model_status()).running:
        doing = f"{status.phase} {status.percent // 10 * 10} %" if status.percent is not None else status.phase
        if doing != said or time.monotonic() - said_at > 60:
            show(f"{clock(status.seconds)} {status.phase}" + ("" if status.percent is None else f" {status.percent} %"))
            said, said_at = doing, time.monotonic()
        time.sleep(0.2)
    return status


class _Teller:
    """Prints a builder's steps, and every tenth percent."""

    def __init__(self) -> None:
        self.said: set[tuple[str, int]] = set()

    def __call__(self, state: State) -> None:
        step = (state.phase, (state.percent or 0) // 10)
        if step not in self.said:
            self.said.add(step)
            print(f"  model: {state.phase}" + (f" {state.percent} %" if state.percent else ""), flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """The command line. 0: the model is there or on its way; 1: it is not."""
    parser = argparse.ArgumentParser(prog="python -m batos.jit.model_setup", description="The embedded model's set-up.")
    parser.add_argument("command", nargs="?", default="status", choices=["status", "start", "build", "wait"])
    command = parser.parse_args(arguments).command
    try:
        if command == "start":
            status = start()
        elif command == "wait":
            status = wait(lambda line: print(f"  model: {line}", flush=True))
        else:
            if command == "build":
                signal.signal(signal.SIGTERM, _stop)
                build(_Teller())
            status = model_status()
    except (SetupFailed, BuildRunning) as problem:
        print(f"  model: {problem}", flush=True)
        return 1
    except OSError as problem:
        print(f"  model: {folder()} cannot be used ({problem}); is this environment yours to write to?", flush=True)
        return 1
    print(status, flush=True)
    return 0 if status.ready or (status.running and command != "wait") else 1


if __name__ == "__main__":
    sys.exit(main())
