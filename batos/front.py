"""Finding the kernel of an image, or starting one for as long as somebody looks at it."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

PATIENCE = 10.0  # seconds for a kernel that ends


class KernelFailed(Exception):
    """The kernel ended before it was ready; the text is what it said."""

    code = "kernel-failed"


def serving(location: str) -> str:
    """Where the kernel of an image answers, or, where it may have many, their broker; "" if nobody does."""
    from .image import holder
    from .image.location import path_of, scheme_of

    if path_of(location) is not None:
        held = holder(location)
        return held.endpoint if held is not None else ""
    if scheme_of(location) in ("memory", "demo"):
        return ""
    from .bridge.endpoint import default_endpoint, is_listening

    endpoint = default_endpoint(location)
    return endpoint if is_listening(endpoint) else ""


class Front:
    """The kernels that were started for one image by one person's REPL or canvas; ``start`` finds or makes one."""

    def __init__(self, location: str, policy: str, at: str | None = None) -> None:
        self.location = location
        self.at = at  # the endpoint of the only kernel that is wanted
        self.policy = policy
        self._started: list[subprocess.Popen[str]] = []

    def start(self) -> str:
        """The endpoint of the kernel that serves the image, started now if there is none. Raises KernelFailed."""
        if self.at is not None:
            return self.at
        found = serving(self.location)
        if found:
            return found
        process = subprocess.Popen(
            [sys.executable, "-m", "batos.cli", "-i", self.location, "--jit", self.policy, "kernel", "--lifeline"],
            stdin=subprocess.PIPE,  # its lifeline: should we be killed, it ends
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the REPL
        )
        self._started.append(process)
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        endpoint = next((word for word in line.split() if word.startswith(("ipc://", "tcp://"))), "")
        if not endpoint:
            process.wait()
            raise KernelFailed((line + process.stderr.read()).strip() or "the kernel did not start")
        return endpoint

    def stop(self) -> None:
        """Let go of what was started here: it ends, unless others are connected to it; then it stays for them, and that
        is said."""
        for process in self._started:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            process.stdin.close()
            heard, _, _ = select.select([process.stdout], [], [], PATIENCE)  # its last word, or its end
            if heard and process.stdout.readline().startswith("stays"):
                print("The kernel stays for those who are connected, until the last of them leaves.", file=sys.stderr)
            else:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
                if process.poll() is None:
                    process.kill()
            process.stdout.close()
            process.stderr.close()


@contextmanager
def with_kernel(location: str, policy: str, at: str | None = None) -> Iterator[tuple[str, Callable[[], str]]]:
    """The endpoint of a kernel for the image, and how to get another should it die; or just the one that is `at` some
    endpoint."""
    front = Front(location, policy, at)
    try:
        yield front.start(), front.start
    finally:
        front.stop()
