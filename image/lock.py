"""Who has an image open: the lock file beside it, and the note a kernel leaves there.

``live_image.fs.lock`` is held (flock) by the process that may write, as ZODB's FileStorage does it; its lines are pid,
host, when, and what the process was started as. The system drops the lock when the process ends, however it ends, so a
lock is never stale: what stands in the file matters only while the lock is held. ``live_image.fs.kernel`` is written by
a kernel that holds the image, and tells where it answers; it counts only while the process named in it holds the lock,
so that one left behind by ``kill -9`` misleads nobody.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

from .location import path_of


class Holder(NamedTuple):
    """A process that has the image open for writing. ``pid`` is 0, the rest empty, where it cannot be told."""

    pid: int
    host: str = ""
    program: str = ""
    since: float = 0.0
    """When it took the image, in seconds since the epoch; 0.0 if unknown."""
    endpoint: str = ""
    """Where its kernel answers, if it is a kernel."""

    def describe(self) -> str:
        """``process 4711 (batos kernel) on host, since 2026-11-21 20:41:03; its kernel answers at ipc://...``"""
        if not self.pid:
            return "another process"
        words = f"process {self.pid}"
        if self.pid == os.getpid():
            words = f"this process ({self.pid})"
        elif self.program:
            words += f" ({self.program})"
        if self.host and self.host != _host():
            words += f" on {self.host}"
        if self.since:
            words += time.strftime(", since %Y-%m-%d %H:%M:%S", time.localtime(self.since))
        if self.endpoint:
            words += f"; its kernel answers at {self.endpoint}"
        return words


def lock_path(path: Path) -> Path:
    return Path(f"{path}.lock")  # with_name would fail for /


def kernel_path(path: Path) -> Path:
    return Path(f"{path}.kernel")


def holder(location: str | os.PathLike[str]) -> Holder | None:
    """Who has this image open for writing, or None. A location that is no file (``zeo://``) has no holder: None.

    Asking takes the lock for an instant if it is free; ``open_image`` knows that and tries again.
    """
    path = path_of(location)
    if path is None or not _is_locked(lock_path(path)):
        return None
    found = _read(lock_path(path))
    note = _read_json(kernel_path(path))
    if note is not None and note.get("pid") == found.pid:
        return Holder(found.pid, found.host, found.program, found.since, str(note.get("endpoint", "")))
    return found


def announce(location: str | os.PathLike[str], endpoint: str) -> None:
    """Say, beside the image, that this process serves it at ``endpoint``. Call it while the image is open.

    The file is whole or absent at every moment, and only its owner can read it. Does nothing for a location that is no
    file: many kernels may share a server.
    """
    path = path_of(location)
    if path is None:
        return
    import json

    note = Holder(os.getpid(), _host(), program(), time.time(), endpoint)._asdict()
    target = kernel_path(path)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(note, file)
    os.replace(draft, target)


def withdraw(location: str | os.PathLike[str]) -> None:
    """Take back what this process announced. Call it before the image is closed; another's note stays."""
    path = path_of(location)
    if path is None:
        return
    note = _read_json(kernel_path(path))
    if note is not None and note.get("pid") == os.getpid():
        kernel_path(path).unlink(missing_ok=True)


def program() -> str:
    """What this process was started as: ``batos kernel``."""
    words = [os.path.basename(sys.argv[0]) or "python", *sys.argv[1:2]] if sys.argv else ["python"]
    return " ".join(word for word in words if not word.startswith("-"))[:80] or "python"  # `python -c` is just "-c"


def identity() -> str:
    """The lines that the holder writes into the lock file; plain ZODB writes only the first."""
    return f" {os.getpid()}\n{_host()}\n{time.time():.3f}\n{program()}\n"


def _host() -> str:
    return os.uname().nodename


def _is_locked(path: Path) -> bool:
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False


def _read(path: Path) -> Holder:
    """What the lock file says. While its holder is still writing it, that may be nothing yet: Holder(0)."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return Holder(0)
    try:
        found = Holder(pid, host=lines[1], since=float(lines[2]), program=lines[3])
    except (ValueError, IndexError):  # a lock that plain ZODB took
        found = Holder(pid)
    return found if found.host not in ("", _host()) or _is_alive(pid) else Holder(0)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # someone else's process: it is there
        return True
    except (OSError, OverflowError):
        return False
    return True


def _read_json(path: Path) -> dict[str, object] | None:
    import json

    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None
