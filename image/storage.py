"""Opening an image, wherever it lies: ``open_image`` and the ``Image`` it answers.

A path needs ZODB and nothing more; zodburi, ZEO and RelStorage are imported when a URI asks for them, since everyone
who types ``batos eval`` waits for what is imported here.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import ZODB
from zc.lockfile import LockError
from ZODB.FileStorage.FileStorage import packed_version
from ZODB.POSException import ConflictError, ReadOnlyError

from .errors import (
    BadLocation,
    ImageClosed,
    ImageDamaged,
    ImageForbidden,
    ImageFull,
    ImageLocked,
    ImageMissing,
    ImageNewer,
    ImageProblem,
    ImageUnreachable,
    NotAnImage,
)
from .imagefile import NO_ROOM, ImageFile
from .location import path_of, scheme_of, spoken
from .lock import Holder, announce, holder, withdraw

__all__ = ["FORMAT", "Image", "announce", "holder", "open_image", "withdraw"]

FORMAT: Final = 1
"""What stands under ``format`` in the root. It moves when older programs could no longer read what newer ones write."""

CACHE_OBJECTS: Final = 100_000
CACHE_BYTES: Final = 64 << 20
POOL: Final = 64


class Image:
    """An open image. Close it, or use it in ``with``.

    ``db`` is the ZODB database: each worker takes a connection of its own from it, with a transaction manager of its
    own. ``location`` is where it was opened, ``path`` the file (None for a server), ``notes`` what had to be done to
    open it, in sentences for a person.
    """

    def __init__(self, db: ZODB.DB, location: str, path: Path | None, read_only: bool, notes: list[str]) -> None:
        self._db: ZODB.DB | None = db
        self._pid = os.getpid()
        self.location = location
        self.path = path
        self.read_only = read_only
        self.notes = notes

    @property
    def db(self) -> ZODB.DB:
        """Raises ImageClosed after ``close``, and in a forked child, which must open the image itself."""
        if self._db is None:
            raise ImageClosed(f"{self.location} is closed.", self.location)
        if self._pid != os.getpid():
            raise ImageClosed(
                f"{self.location} was opened by process {self._pid}; its forked child must open it itself.",
                self.location,
            )
        return self._db

    @property
    def closed(self) -> bool:
        return self._db is None

    def close(self) -> None:
        """Give the image up; what connections had not committed is dropped. Closing twice is closing once."""
        db, self._db = self._db, None
        if db is None or self._pid != os.getpid():
            return
        db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Image {self.location}{' (closed)' if self.closed else ' (read-only)' if self.read_only else ''}>"


def open_image(
    location: str | os.PathLike[str],
    create: bool = True,
    read_only: bool = False,
    *,
    cache_objects: int = CACHE_OBJECTS,
    cache_bytes: int = CACHE_BYTES,
    pool: int = POOL,
    patience: float = 0.0,
    openings: int = 20,
) -> Image:
    """Open the image at a path or URI (``location.py`` says which), making it if it is not there and ``create``.

    ``read_only`` takes no lock: the image is seen as it is now, whoever goes on writing to it. ``cache_objects`` and
    ``cache_bytes`` (of pickles; live objects take a few times that) bound what each connection keeps between
    transactions; ``pool`` is how many connections are kept for reuse. ``patience`` is for how many seconds to wait for
    another process to let go of the image, ``openings`` how often to try where another is just making it.

    Raises BadLocation, ImageMissing, NotAnImage, ImageNewer, ImageForbidden, ImageLocked, ImageUnreachable, ImageFull
    or ImageDamaged. When it raises, an image that was there has not been changed.
    """
    given = {"cache_objects": cache_objects, "cache_bytes": cache_bytes, "pool": pool}
    settings: dict[str, Any] = {
        "cache_size": cache_objects,
        "cache_size_bytes": cache_bytes,
        "pool_size": pool,
        "historical_pool_size": 4,
        "historical_cache_size": 10_000,
        # Above it ZODB advises to use blobs; a long string is a person's own affair, and works.
        "large_record_size": 1 << 40,
    }
    text = os.fspath(location)
    path = path_of(text)
    if path is not None:
        storage = _open_file(path, create and not read_only, read_only, patience)
        name = str(path)
        notes = storage.notes
    else:
        name, notes = spoken(text), []
        storage = _open_uri(text, read_only, settings)
    try:
        db = ZODB.DB(storage, **settings)
        _check_format(db, name, read_only)
    except BaseException as error:
        storage.close()
        if isinstance(error, ReadOnlyError):
            raise ImageMissing(" ".join([f"{name} holds nothing yet that could be read.", *notes]), name) from error
        if isinstance(error, ImageProblem) or not isinstance(error, Exception):
            raise
        if isinstance(error, ConflictError) and openings > 1:
            # Two make a new image on one server at once: the other has made it by now.
            time.sleep(0.05)
            return open_image(location, create, read_only, **given, patience=patience, openings=openings - 1)
        if path is None:
            raise ImageUnreachable(f"{name} cannot be read: {error or type(error).__name__}", name) from error
        raise ImageDamaged(name, f"its first object cannot be read ({error or type(error).__name__})") from error
    return Image(db, str(path) if path is not None else text, path, read_only, notes)


def _open_file(path: Path, create: bool, read_only: bool, patience: float) -> ImageFile:
    _look(path, create, read_only)
    give_up = time.monotonic() + patience
    attempts = 0
    while True:
        try:
            return ImageFile(str(path), read_only=read_only)
        except LockError:
            found = holder(path)
            attempts += 1
            # Nobody: it was let go just now, or someone who only asked had it for an instant.
            if (found is None and attempts < 100) or time.monotonic() < give_up:
                time.sleep(0.01)
                continue
            raise ImageLocked(str(path), found or Holder(0)) from None
        except OSError as error:
            raise _explained(error, path) from error


def _look(path: Path, create: bool, read_only: bool) -> None:
    """Refuse what is no image before anything is written beside it; make an empty image where there is nothing."""
    name = str(path)
    try:
        kind = path.stat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise ImageMissing(f"{name} cannot be made: there is no folder {path.parent}.", name) from None
        if not create:
            raise ImageMissing(f"There is no image at {name}.", name) from None
        _make(path)
        return
    except OSError as error:
        raise _explained(error, path) from error
    if stat.S_ISDIR(kind.st_mode):
        raise NotAnImage(f"{name} is a folder; an image is a file.", name)
    if not stat.S_ISREG(kind.st_mode):
        raise NotAnImage(f"{name} is a device or a pipe; an image is a file.", name)
    try:
        with path.open("rb") as file:
            start = file.read(len(packed_version))
    except OSError as error:
        raise _explained(error, path) from error
    if not start:
        raise ImageDamaged(
            name,
            "the file is empty, and even a new image is not",
            0,
            "Restore a backup; if nothing was ever kept there, delete the file.",
        )
    if start != packed_version:
        raise NotAnImage(f"{name} is not an image: it does not begin as one. It was not touched.", name)
    if not read_only and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise ImageForbidden(
            f"{name} cannot be written to: no permission, or a read-only file system. It can be opened to be read.",
            name,
        )


def _make(path: Path) -> None:
    """An empty image, there at once or not at all: a process killed here leaves no empty file behind."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(draft, "wb") as file:
            file.write(packed_version)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # someone else was faster, and made the same
            os.link(draft, path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _open_uri(location: str, read_only: bool, settings: dict[str, Any]) -> Any:
    scheme, name = scheme_of(location), spoken(location)
    if location.rstrip("/") == "memory:":
        from ZODB.DemoStorage import DemoStorage

        # Not MappingStorage, which resolves no conflicts.
        return DemoStorage(name="memory")
    if scheme == "demo" and not location.startswith("demo:("):
        from ZODB.DemoStorage import DemoStorage

        base = location[len("demo:") :]
        path = path_of(base)
        below = _open_uri(base, True, settings) if path is None else _open_file(path, False, True, 0.0)
        return DemoStorage(name=name, base=below)
    if scheme in ("postgresql", "postgres"):
        from .postgres import open_postgres

        return open_postgres(location, read_only, settings)
    import zodburi

    if read_only and scheme in ("zeo", "mysql", "sqlite", "oracle"):
        location += ("&" if "?" in location else "?") + "read_only=1"
    try:
        factory, asked = zodburi.resolve_uri(location)
    except zodburi.NoResolverForScheme:
        package = "RelStorage" if scheme in ("mysql", "sqlite", "oracle") else ""
        advice = f" Install {package}: pip install 'bat-os[cluster]'." if package else ""
        raise BadLocation(f"Nothing here can open {scheme}:// locations.{advice}", name) from None
    except ImportError as error:
        raise BadLocation(
            f"{scheme}:// needs the package {error.name}: pip install 'bat-os[cluster]'.", name
        ) from error
    except (KeyError, ValueError, TypeError) as error:
        raise BadLocation(f"{name} cannot be read as a location: {error}", name) from error
    # zodburi fills in defaults of its own; only what the URI says overrides ours.
    settings.update({name: value for name, value in asked.items() if name in location})
    try:
        return factory()
    except ImageProblem:
        raise
    except LockError as error:
        raise ImageLocked(name, Holder(0)) from error
    except Exception as error:  # each server's own errors
        raise ImageUnreachable(f"{name} cannot be opened: {error or type(error).__name__}", name) from error


def _check_format(db: ZODB.DB, name: str, read_only: bool) -> None:
    """Refuse a newer image; write our format into a new one."""
    with db.transaction() as connection:
        root = connection.root()
        found = root.get("format", FORMAT)
        if isinstance(found, int) and found > FORMAT:
            raise ImageNewer(name, found, FORMAT)
        if not root and not read_only:
            connection.transaction_manager.get().note("A new image")
            root["format"] = FORMAT


def _explained(error: OSError, path: Path) -> ImageProblem:
    name = str(path)
    if error.errno in NO_ROOM:
        return ImageFull(f"There is no room on the disk of {name} ({error.strerror}).", name)
    if isinstance(error, PermissionError) or error.errno == 30:  # EROFS
        return ImageForbidden(f"{name} cannot be opened: {error.strerror}.", name)
    return ImageMissing(f"{name} cannot be opened: {error.strerror}.", name)
