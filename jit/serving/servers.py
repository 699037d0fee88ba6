"""The model servers there are: those that `batos serve-model` runs here, and those that a person names.

Each of the first has a folder, SERVERS/NAME: `server.json` says what it is and how it does, `key` holds its API key
(for its owner's eyes only), `server.log` is its own log. Whether it is watched is told by a lock, which dies with its
holder; the file only says how far it is.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import ServingProblem
from .environment import someone_has
from .places import servers_folder

LOCAL = "local"
"""The name of a server unless another one is given."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server. `phase`: starting, ready, restarting (it died and comes back), failed, stopped; elsewhere: not ours.

    url: without `/v1`. key_file: "" where it asks for none. served: the base model's name there. model: its folder, ""
    where it is not known (then adapters for it cannot be checked).
    """

    name: str
    url: str
    key_file: str = ""
    phase: str = "elsewhere"
    served: str = ""
    model: str = ""
    base: str = ""
    max_loras: int = 4
    max_rank: int = 16
    log: str = ""
    pid: int = 0
    server_pid: int = 0
    restarts: int = 0
    since: float = 0.0
    error: str = ""
    held: bool = field(default=True)
    """Whether it stops when nobody holds it any more."""

    def key(self) -> str:
        """Its API key, read now: it is another one after each start. Raises ServingProblem."""
        return read_key(Path(self.key_file)) if self.key_file else ""


def read_key(path: Path) -> str:
    """The key in a file that nobody else can read. Raises ServingProblem where it is open to others, or no key."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(10_000)
    except OSError as problem:
        raise ServingProblem(f"the key {path} cannot be read: {problem.strerror}") from None
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ServingProblem(f"the key {path} can be read by others; `chmod 600 {path}`")
    if status.st_uid not in (os.getuid(), 0):
        raise ServingProblem(f"the key {path} is somebody else's file")
    text = data.decode("ascii", "replace").strip()
    if not text or not text.isprintable() or " " in text or "\ufffd" in text:
        raise ServingProblem(f"{path} holds no key")
    return text


def write_privately(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole at every moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
    os.replace(draft, path)


def write_server(folder: Path, server: Server) -> None:
    write_privately(folder / "server.json", json.dumps(asdict(server), indent=1) + "\n")


def read_server(folder: Path) -> Server | None:
    """What is known of the server of that folder; None where there never was one. One whose watcher is gone is told as
    stopped, whatever its file says."""
    try:
        server = Server(**json.loads((folder / "server.json").read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as problem:
        raise ServingProblem(f"{folder}/server.json cannot be read: {problem}") from None
    if server.phase not in ("stopped", "failed") and not someone_has(folder / "lock"):
        return Server(**{**asdict(server), "phase": "stopped", "server_pid": 0})
    return server


def find_server(entry: str) -> Server:
    """The server that an entry of BATOS_WEAVER means: the NAME of one here, started or not yet; a URL; or URL=KEYFILE.
    Raises ServingProblem."""
    if "://" in entry:
        url, _, key = entry.partition("=")
        if not url.startswith(("http://", "https://")):
            raise ServingProblem(f"a server is http:// or https://, not {url!r}")
        url = url.rstrip("/").removesuffix("/v1")
        key_file = str(Path(key).expanduser()) if key else ""
        return Server(url.partition("://")[2], url, key_file)
    folder = server_folder(entry)
    named = "" if entry == LOCAL else f" --name {entry}"
    never = Server(entry, "", str(folder / "key"), phase="stopped", error=f"it was never started (serve-model{named})")
    return read_server(folder) or never


def server_folder(name: str) -> Path:
    """Where the server of that name has its files. Raises ServingProblem for what is no name."""
    if not name.isascii() or not name.replace("-", "a").replace("_", "a").isalnum() or len(name) > 40:
        raise ServingProblem(f"a server's name is letters, digits, - and _, at most 40, not {name[:60]!r}")
    return servers_folder() / name
