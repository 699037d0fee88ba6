"""A real terminal for tests: tmux on a server of its own. Every wait is for a condition on what the terminal shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

MISSING = None if shutil.which("tmux") else "tmux is not installed: apt-get install tmux"


class Terminal:
    """One program in one tmux window. ``env`` is the program's whole environment."""

    def __init__(
        self, folder: Path, command: list[str], env: Mapping[str, str], *, columns: int = 100, lines: int = 40
    ) -> None:
        self.socket = f"batos-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.exit_file = folder / f"exit-{uuid.uuid4().hex[:8]}"
        script = f"trap : INT; {shlex.join(command)}; echo $? > {shlex.quote(str(self.exit_file))}; exec cat"
        settings = [f"{key}={value}" for key, value in env.items()]
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", str(columns), "-y", str(lines),
            shlex.join(["env", "-i", *settings, "sh", "-c", script]),
        )  # fmt: skip

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True, timeout=20)
        if done.returncode:
            raise AssertionError(f"tmux {words[:2]}: {done.stderr}")
        return done.stdout

    def type(self, text: str) -> None:
        """Type these characters."""
        self._tmux("send-keys", "-t", "t", "-l", text)

    def key(self, *names: str) -> None:
        """Press these keys, by tmux's names (Enter, C-c, F5, Up)."""
        self._tmux("send-keys", "-t", "t", *names)

    def enter(self, text: str) -> None:
        self.type(text)
        self.key("Enter")

    def paste(self, text: str) -> None:
        """Paste as a terminal does, in brackets where the program asked for them."""
        self._tmux("set-buffer", "-b", "p", text)
        self._tmux("paste-buffer", "-p", "-b", "p", "-t", "t")

    def screen(self, colours: bool = False) -> str:
        """What is to be seen, with what has scrolled away above it."""
        return self._tmux("capture-pane", "-p", "-t", "t", "-S", "-2000", "-J", *(["-e"] if colours else []))

    def until(self, pattern: str, seconds: float = 15.0, colours: bool = False) -> str:
        """Wait until the screen shows the pattern; answer the screen."""
        end = time.monotonic() + seconds
        while True:
            shown = self.screen(colours)
            if re.search(pattern, shown, re.MULTILINE):
                return shown
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds:g} s for {pattern!r}; the terminal shows\n{shown.rstrip()}")
            time.sleep(0.03)

    def exit_status(self, seconds: float = 15.0) -> int:
        """Wait for the program's end; answer its exit status."""
        end = time.monotonic() + seconds
        while not (self.exit_file.exists() and self.exit_file.read_text().strip()):
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds:g} s; the terminal shows\n{self.screen()}")
            time.sleep(0.03)
        return int(self.exit_file.read_text())

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, timeout=20)
