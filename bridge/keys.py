"""CURVE keys (CurveZMQ, RFC 26): who a kernel lets in from elsewhere, and what a client shows.

A kernel's side is one file beside its image: the kernel's own pair, and the public keys of its clients, each with a
name and roles. A person's side is a folder, as for ssh: `own.key`, his pair, and `kernels.json`, the public key of each
kernel that he trusts. Secret keys are in files that only their owner may read, and never cross the wire. Keys are
kept in Z85, as libzmq takes them.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .codes import ROLES

IMPLIED: dict[str, frozenset[str]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "approve": frozenset({"read", "approve"}),
    "admin": frozenset(ROLES),
}


class KeyProblem(Exception):
    """A key, a role or a file of keys that cannot be used."""

    code = "bad-key"


@dataclass(frozen=True)
class Pair:
    """A public key and its secret one, in Z85."""

    public: str
    secret: str


@dataclass(frozen=True)
class ClientKeys:
    """What a client needs to be let in: the kernel's public key, and a pair of its own."""

    kernel: str
    own: Pair


@dataclass(frozen=True)
class Allowed:
    """A client that is let in, and what it may do."""

    name: str
    key: str
    roles: tuple[str, ...]
    since: float  # seconds since the epoch


def new_pair() -> Pair:
    import zmq

    public, secret = zmq.curve_keypair()
    return Pair(public.decode(), secret.decode())


def shown(key: str) -> str:
    """A key as people pass it on: 64 hexadecimal digits, which no shell takes for something else."""
    from zmq.utils import z85

    return z85.decode(key.encode("ascii")).hex()


def checked_key(text: str) -> str:
    """The public key, in Z85, that a text means: Z85 itself, or what `shown` writes. KeyProblem if it is neither."""
    from zmq.utils import z85

    with suppress(ValueError, KeyError, OverflowError, UnicodeEncodeError):
        if len(text) == 64:
            return z85.encode(bytes.fromhex(text)).decode()
        if len(text) == 40 and z85.encode(z85.decode(text.encode("ascii"))).decode() == text:
            return text
    raise KeyProblem(f"{text[:70]!r} is no public key: it has 64 hexadecimal digits, as `batos keys new` prints them")


def roles_meant(roles: Iterable[str]) -> frozenset[str]:
    """With all that they imply: who may write may read, an admin may do everything."""
    return frozenset().union(*(IMPLIED[role] for role in roles))


class Keyring:
    """A kernel's keys, in the file `path`; made, with a new pair for the kernel, when first written to.

    What another process changes in the file counts from the next `refresh` on. Any thread may ask.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pair: Pair | None = None
        self.clients: dict[str, Allowed] = {}  # by key
        self.version = 0  # how often it has changed
        self._stamp: tuple[int, int, int] | None = None
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Reads the file if it has changed. KeyProblem if it cannot be read or others may read it."""
        with self._lock:
            stamp = _stamp(self.path)
            if stamp == self._stamp:
                return
            if stamp is None:
                self.pair, self.clients = None, {}
            else:
                data = _read_private(self.path)
                try:
                    pair = Pair(str(data["public"]), str(data["secret"]))
                    found = [
                        Allowed(str(c["name"]), str(c["key"]), tuple(c["roles"]), float(c["since"]))
                        for c in data["clients"]
                    ]
                except (KeyError, TypeError, ValueError) as problem:
                    raise KeyProblem(f"{self.path}: not a file of keys ({problem!r})") from None
                self.pair, self.clients = pair, {each.key: each for each in found}
            self._stamp = stamp
            self.version += 1

    def roles_of(self, key: str) -> frozenset[str] | None:
        """What the holder of a key may do; None: he is not let in."""
        found = self.clients.get(key)
        return roles_meant(role for role in found.roles if role in IMPLIED) if found is not None else None

    def name_of(self, key: str) -> str:
        found = self.clients.get(key)
        return found.name if found is not None else ""

    def own_pair(self) -> Pair:
        """The kernel's pair; made if there is none."""
        self.refresh()
        if self.pair is None:
            self.pair = new_pair()
            self._write()
        return self.pair

    def allow(self, name: str, key: str, roles: Iterable[str]) -> Allowed:
        """Lets a key in, or gives it other roles. KeyProblem for a bad key, and for a name that another key has."""
        key = checked_key(key)
        self.own_pair()
        wanted = tuple(role for role in ROLES if role in set(roles))
        if unknown := set(roles) - set(ROLES):
            raise KeyProblem(f"no role is called {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
        if not wanted:
            raise KeyProblem("a key without a role could do nothing")
        if not name.strip() or len(name) > 128 or not name.isprintable():
            raise KeyProblem(f"{name[:130]!r} is no name for a key")
        other = self._by_name(name)
        if other is not None and other.key != key:
            raise KeyProblem(f"{name} is already the name of another key; `batos keys revoke {name}` takes that away")
        if key == (self.pair and self.pair.public):
            raise KeyProblem("that is this kernel's own key; the client's is wanted")
        allowed = Allowed(name, key, wanted, time.time())
        self.clients[key] = allowed
        self._write()
        return allowed

    def revoke(self, name: str) -> Allowed:
        """Lets a key in no more, by name or by the key itself. KeyProblem if there is none of that name."""
        self.refresh()
        found = self._by_name(name) or self.clients.get(name)
        if found is None:
            raise KeyProblem(f"no key is called {name}; `batos keys list` shows them")
        del self.clients[found.key]
        self._write()
        return found

    def _by_name(self, name: str) -> Allowed | None:
        return next((each for each in self.clients.values() if each.name == name), None)

    def _write(self) -> None:
        assert self.pair is not None
        clients = [asdict(each) for each in self.clients.values()]
        _write_private(self.path, {"public": self.pair.public, "secret": self.pair.secret, "clients": clients})
        self._stamp = _stamp(self.path)


class OwnKeys:
    """A person's keys, in `folder` (default: `$XDG_CONFIG_HOME/batos/keys`)."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            base = os.environ.get("XDG_CONFIG_HOME")
            folder = (Path(base) if base else Path.home() / ".config") / "batos" / "keys"
        self.folder = folder

    def pair(self, make: bool = False) -> Pair | None:
        """His own pair; None if there is none and none is to be made."""
        path = self.folder / "own.key"
        if not path.exists():
            if not make:
                return None
            pair = new_pair()
            _write_private(path, asdict(pair))
            return pair
        data = _read_private(path)
        try:
            return Pair(str(data["public"]), str(data["secret"]))
        except KeyError:
            raise KeyProblem(f"{path}: not a pair of keys") from None

    def trust(self, endpoint: str, key: str) -> None:
        """From now on the kernel at `endpoint` is the one with this public key."""
        known = self.kernels()
        known[endpoint] = checked_key(key)
        _write_private(self.folder / "kernels.json", known)

    def kernels(self) -> dict[str, str]:
        """The public keys of the kernels that are trusted, by endpoint."""
        path = self.folder / "kernels.json"
        return {str(k): str(v) for k, v in _read_private(path).items()} if path.exists() else {}

    def for_endpoint(self, endpoint: str) -> ClientKeys | None:
        """What to show the kernel at `endpoint`; None where it is a unix socket, or not known."""
        if not endpoint.startswith("tcp://") or not (self.folder / "kernels.json").exists():
            return None
        kernel = self.kernels().get(endpoint)
        own = self.pair()
        return ClientKeys(kernel, own) if kernel is not None and own is not None else None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read_private(path: Path) -> dict[str, Any]:
    try:
        if os.stat(path).st_mode & 0o077:
            raise KeyProblem(f"{path}: others may read it; chmod 600 it, and make new keys if they have")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise KeyProblem(f"{path}: {getattr(problem, 'strerror', None) or problem}") from None
    if not isinstance(data, dict):
        raise KeyProblem(f"{path}: not a file of keys")
    return data


def _write_private(path: Path, data: dict[str, Any]) -> None:
    """Whole or not at all, and never readable by others."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as problem:
        raise KeyProblem(f"{path}: {problem.strerror or problem}") from None
