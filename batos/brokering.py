"""`batos broker`: several kernels of one image behind one endpoint."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from typing import Any

import click

AGAIN = 1.0  # seconds before a kernel that ended is started anew


@click.command()
@click.option(
    "--endpoint",
    default=None,
    help="Where to listen: ipc:///path or tcp://127.0.0.1:port. Default: where this image's REPL and programs look.",
)
@click.option(
    "--kernel", "kernels", multiple=True, metavar="ENDPOINT", help="A kernel that is not found by itself. Repeatable."
)
@click.option("--start", default=0, show_default=True, metavar="N", help="Start N kernels too, and anew when one ends.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Of each kernel that is started."
)
@click.option("--jit", "policy", type=click.Choice(["off", "ask", "auto"]), default=None, help="As for batos kernel.")
@click.pass_context
def broker(
    context: click.Context,
    endpoint: str | None,
    kernels: tuple[str, ...],
    start: int,
    workers: int,
    policy: str | None,
) -> None:
    """Spread sessions over several kernels of one image.

    The image lies on a server (ZEO, PostgreSQL), which lets many kernels have it. Each session stays with one kernel;
    when that dies, its sessions go on at another, and no acknowledged message is lost or carried out twice.

    \b
    batos -i zeo://localhost:9991 broker --start 4
    batos -i zeo://localhost:9991 repl                 goes through the broker

    \b
    Or each by itself, in terminals of their own:
    batos -i postgresql://me@/bank kernel              as often as you like
    batos -i postgresql://me@/bank broker              finds them

    Kernels of this user on this machine are found by the image's name; name others with --kernel. docs/scaling.md says
    how to set up the server, and what is promised.
    """
    from .bridge.endpoint import EndpointProblem, default_endpoint, kernels_of
    from .broker import Broker
    from .image.location import path_of, spoken

    location = context.obj["image"]
    if path_of(location) is not None and not kernels:
        raise click.ClickException(
            f"{location} is a file, which one kernel has to itself: there is nothing to spread. Several kernels need a "
            "server: -i zeo://... or -i postgresql://..."
        )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    family = Family(location, start, workers, policy or context.obj["policy"] or "ask")
    try:
        made = Broker(endpoint or default_endpoint(location), lambda: [*kernels, *kernels_of(location)], family.kill)
    except EndpointProblem as problem:
        raise click.ClickException(str(problem)) from problem
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: made.stop())
    click.echo(f"ready {made.endpoint}  image {spoken(location)}")
    sys.stdout.flush()
    try:
        made.run(family.tend)
    finally:
        family.end()


class Family:
    """The kernels that a broker started: as many as it was told, a new one for one that ended."""

    def __init__(self, location: str, count: int, workers: int, policy: str) -> None:
        self.command = [sys.executable, "-m", "batos.cli", "-i", location, "--jit", policy]
        self.command += ["kernel", "--lifeline", "--workers", str(workers)]
        self.count = count
        self._running: list[subprocess.Popen[Any]] = []
        self._started: float | None = None

    def tend(self) -> None:
        """Starts what is missing, at most once a second, so that hopeless ones make no storm."""
        for process in [process for process in self._running if process.poll() is not None]:
            self._running.remove(process)
            logging.getLogger("batos.broker").warning("kernel %s ended (%s)", process.pid, process.returncode)
        if len(self._running) == self.count or (self._started and time.monotonic() - self._started < AGAIN):
            return
        self._started = time.monotonic()
        while len(self._running) < self.count:
            self._running.append(
                subprocess.Popen(
                    self.command,
                    stdin=subprocess.PIPE,  # its lifeline: should we be killed, it ends
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for us, and we stop them
                )
            )

    def kill(self, pid: int) -> None:
        """Ends one that hangs, if it is ours: in the middle of a commit it would hold up all others."""
        for process in self._running:
            if process.pid == pid:
                process.kill()

    def end(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdin is not None
            process.stdin.close()
