"""A real X window for tests: a private Xvfb, a real canvas process, real key and mouse events by xdotool.

The canvas writes what it shows as JSON lines (its trace file); tests wait for such a line, never for a time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

NEEDED = {"Xvfb": "xvfb", "xdotool": "xdotool", "import": "imagemagick", "compare": "imagemagick"}
MISSING = ", ".join(sorted({package for tool, package in NEEDED.items() if not shutil.which(tool)}))


class Display:
    """An X server of our own without a screen; ``name`` is its DISPLAY."""

    def __init__(self, folder: Path) -> None:
        read, write = os.pipe()
        self.log = (folder / "xvfb.log").open("w")
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24", "-nolisten", "tcp", "-noreset"]
        self.process = subprocess.Popen(command, pass_fds=[write], stdout=self.log, stderr=self.log)
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise AssertionError(f"Xvfb did not start: {(folder / 'xvfb.log').read_text()}")
        self.name = f":{number}"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Canvas:
    """A canvas process and its window."""

    def __init__(self, folder: Path, display: Display, command: list[str], env: Mapping[str, str]) -> None:
        self.folder = folder
        self.trace = folder / "trace.jsonl"
        self.env = dict(env, DISPLAY=display.name, SDL_VIDEODRIVER="x11", HOME=str(folder), LIBGL_ALWAYS_SOFTWARE="1")
        self.log = (folder / "canvas.log").open("w")
        self._read = 0
        self._lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [*command, "trace", str(self.trace)], env=self.env, stdout=self.log, stderr=self.log, cwd=folder
        )
        try:
            self.until(lambda line: line["event"] == "frame", 40)
            self.window = self.x("search", "--sync", "--onlyvisible", "--pid", str(self.process.pid)).split()[-1]
            self.x("windowfocus", "--sync", self.window)
        except BaseException:
            self.close()
            raise

    def x(self, *words: object) -> str:
        done = subprocess.run(["xdotool", *map(str, words)], env=self.env, capture_output=True, text=True, timeout=20)
        if done.returncode:
            raise AssertionError(f"xdotool {words}: {done.stderr} (canvas ended with {self.process.poll()})")
        return done.stdout

    def lines(self) -> list[dict[str, Any]]:
        """What the canvas has said. Each line is read once: a test that waits takes no time from what it waits for."""
        if self.trace.exists():
            with self.trace.open("rb") as trace:
                trace.seek(self._read)
                fresh = trace.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read += len(whole)
            self._lines += [json.loads(line) for line in whole.splitlines()]
        return self._lines

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 30.0, after: int = 0) -> dict[str, Any]:
        """Wait until the canvas has said a line like this (after the first ``after`` lines)."""
        end = time.monotonic() + seconds
        while True:
            for line in self.lines()[after:]:
                if wanted(line):
                    return line
            if self.process.poll() is not None or time.monotonic() > end:
                lines = [line for line in self.lines() if line["event"] != "pulse"]
                said = "\n".join(map(json.dumps, lines[-12:]))
                log = (self.folder / "canvas.log").read_text()[-3000:]
                raise AssertionError(f"not said within {seconds:g} s (ended: {self.process.poll()}):\n{said}\n{log}")
            time.sleep(0.02)

    def errors(self) -> str:
        """What the canvas wrote to its stdout and stderr: nothing, if all is well."""
        return (self.folder / "canvas.log").read_text()

    def said(self) -> int:
        """How many lines the canvas has said until now."""
        return len(self.lines())

    def type(self, text: str) -> None:
        self.x("type", "--clearmodifiers", "--delay", "8", text)

    def key(self, *names: str) -> None:
        self.x("key", "--clearmodifiers", "--delay", "40", *names)

    def click(self, x: int, y: int, times: int = 1) -> None:
        self.x("mousemove", "--window", self.window, x, y)
        self.x("click", "--repeat", times, "--delay", "60", 1)

    def still(self, seconds: float = 20.0) -> int:
        """Wait until the window has nothing more to do; how many lines it has said then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told = [number for number, line in enumerate(self.lines()) if line["event"] != "pulse"]
            if told and self.lines()[told[-1]]["event"] == "still":
                return told[-1]
            time.sleep(0.02)
        raise AssertionError(f"the window has not come to rest within {seconds:g} s: {self.lines()[-6:]}")

    def picture(self, path: Path, seconds: float = 20.0) -> Path:
        """A picture of the window at rest: it says so, and two in a row differ by no more than a cursor."""
        before = path.with_stem(path.stem + "-before")
        end = time.monotonic() + seconds
        since, apart = -1, -1
        while time.monotonic() < end:
            said = self.still(seconds)
            if path.exists():
                path.replace(before)
            self._take(path)
            apart = pixels(before, path) if said == since else -1
            if 0 <= apart <= CURSOR and said == self.still(seconds):
                return path
            since = said
            time.sleep(0.1)
        raise AssertionError(f"the window has not come to rest within {seconds:g} s ({apart} pixels still change)")

    def _take(self, path: Path) -> None:
        subprocess.run(["import", "-window", self.window, str(path)], env=self.env, check=True, timeout=30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.log.close()


CURSOR = 150  # pixels of a cursor that blinks, at the largest text of the tests


def pixels(one: Path, other: Path) -> int:
    """How many pixels are not the same in two pictures of one size."""
    command = ["compare", "-metric", "AE", str(one), str(other), "null:"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
    found = re.match(r"[0-9.e+]+", said)
    if not found:
        raise AssertionError(f"compare: {said}")
    return round(float(found.group()))


def difference(one: Path, other: Path) -> float:
    """How far two pictures are apart, root mean square, from 0 to 1; 1 if they have not the same size."""
    command = ["compare", "-metric", "RMSE", str(one), str(other), "null:"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
    found = re.search(r"\(([0-9.e-]+)\)", said)
    return float(found.group(1)) if found and "differ in size" not in said else 1.0
