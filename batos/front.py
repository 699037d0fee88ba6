"""Finding the kernel of an image, or starting one for as long as somebody looks at it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class KernelFailed(Exception):
    """The kernel ended before it was ready; the text is what it said."""

    code = "kernel-failed"


@contextmanager
def with_kernel(location: str, policy: str) -> Iterator[str]:
    """The endpoint of the kernel that serves the image. One that was started here is stopped at the end."""
    from .image import holder

    held = holder(location)
    if held is not None and held.endpoint:
        yield held.endpoint
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "batos.cli", "-i", location, "--jit", policy, "kernel"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the REPL
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        endpoint = next((word for word in line.split() if word.startswith(("ipc://", "tcp://"))), "")
        if not endpoint:
            process.wait()
            raise KernelFailed((line + process.stderr.read()).strip() or "the kernel did not start")
        yield endpoint
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
