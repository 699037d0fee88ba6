"""Where a kernel listens.

By default a unix socket that only its owner may open: 0600 in a 0700 folder that we refuse to use if anybody else could
have made it. Its name is a digest, because a unix socket's path holds 107 bytes and an image's path may be longer.
TCP is for loopback; any other address asks for CURVE keys, since whoever reaches the socket may run code in the
image.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

LONGEST_PATH = 107  # bytes: sockaddr_un.sun_path less its closing zero


class EndpointProblem(Exception):
    """An endpoint that cannot or must not be used."""


def default_endpoint(location: str, one_of_many: bool = False) -> str:
    """The endpoint of the kernel that serves the image at `location` (a path or a zodburi), for this user. Where an
    image may have many kernels that is their broker's, and each has one of its own (`one_of_many`)."""
    name = hashlib.sha256(location.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"ipc://{runtime_folder() / name}{f'-{os.getpid()}' if one_of_many else ''}.sock"


def kernels_of(location: str) -> list[str]:
    """The endpoints of this user's kernels of an image that may have many. One that was killed is forgotten here."""
    found = []
    for path in Path(default_endpoint(location).removeprefix("ipc://")).parent.glob(
        Path(default_endpoint(location)).stem + "-*.sock"
    ):
        pid = path.stem.rpartition("-")[2]
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
            continue
        except (ValueError, OSError):
            pass
        found.append(f"ipc://{path}")
    return sorted(found)


def runtime_folder() -> Path:
    """The user's own folder for sockets; made if need be. EndpointProblem if it is not safely ours."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / (f"batos-{os.getuid()}")
    if len(os.fsencode(folder)) + 40 > LONGEST_PATH:
        folder = Path("/tmp") / f"batos-{os.getuid()}"
    _own_folder(folder)
    return folder


def prepare(endpoint: str, secured: bool = False) -> None:
    """Checks that a server may bind `endpoint`; for ipc, makes its folder and clears a dead socket away.

    Raises EndpointProblem for a path too long, a folder that others can write, a socket that someone still listens
    on, TCP that is not loopback while `secured` (CURVE) is false, and for any other transport.
    """
    scheme, _, address = endpoint.partition("://")
    if scheme == "ipc":
        path = Path(address)
        if not address or not path.is_absolute():
            raise EndpointProblem(f"{endpoint}: an ipc endpoint is ipc:// and an absolute path")
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise EndpointProblem(f"{endpoint}: the path of a unix socket is at most {LONGEST_PATH} bytes long")
        if not path.parent.exists():
            _own_folder(path.parent)
        elif os.stat(path.parent).st_mode & stat.S_IWOTH and not os.stat(path.parent).st_mode & stat.S_ISVTX:
            raise EndpointProblem(f"{path.parent}: anybody may write this folder; a socket there could be replaced")
        if path.exists() and not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise EndpointProblem(f"{path}: there is a file of that name which is no socket")
        if is_listening(endpoint):
            raise EndpointProblem(f"{endpoint}: another server listens there")
    elif scheme == "tcp":
        if not secured and not _is_loopback(address.rpartition(":")[0]):
            raise EndpointProblem(
                f"{endpoint}: without CURVE keys only loopback (127.0.0.1, ::1) is allowed; "
                "`batos keys allow NAME KEY` lets a client's key in"
            )
    else:
        raise EndpointProblem(f"{endpoint}: neither ipc:// nor tcp://")


def protect(endpoint: str) -> None:
    """After binding: only the owner may connect."""
    scheme, _, address = endpoint.partition("://")
    if scheme == "ipc":
        os.chmod(address, 0o600)


def clear(endpoint: str) -> None:
    """Before closing: takes the unix socket's name away, which libzmq leaves."""
    scheme, _, address = endpoint.partition("://")
    if scheme == "ipc":
        with suppress(OSError):
            os.unlink(address)


def is_listening(endpoint: str) -> bool | None:
    """For ipc: does a process accept connections there? None where it cannot be told (tcp)."""
    import socket

    scheme, _, address = endpoint.partition("://")
    if scheme != "ipc":
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except OSError:
            return os.path.exists(address)
    return True


def _own_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(folder)
    except OSError as problem:
        raise EndpointProblem(f"{folder}: {problem.strerror or problem}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EndpointProblem(f"{folder}: not a folder of this user, so no socket is put there")
    if found.st_mode & 0o077:
        raise EndpointProblem(f"{folder}: others may enter it (mode {found.st_mode & 0o777:o}); chmod 700 it")


def _is_loopback(host: str) -> bool:
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
