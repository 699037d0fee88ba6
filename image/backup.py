"""Backups: a folder to which each run adds what is new, and from which any moment of them can be restored.

ZODB's repozo does the work (a full copy first, then what was appended since; a packed image is copied in full again),
on a running kernel's image too, since a log that only grows can be copied up to its last whole transaction. Added are
words for what goes wrong, a check of every byte after writing, and a restore that never overwrites anything.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from .check import CheckReport, check
from .errors import BackupRefused, ImageForbidden, ImageFull, ImageMissing, ImageProblem
from .imagefile import NO_ROOM
from .location import path_of, scheme_of, spoken
from .storage import open_image


class Backup(NamedTuple):
    """One file of a backup folder."""

    path: Path
    time: float
    """When it was written, in seconds since the epoch."""
    size: int
    full: bool
    """Whether it stands alone, or continues the one before it."""


def backup(location: str | os.PathLike[str], folder: str | os.PathLike[str], full: bool = False) -> Backup | None:
    """Add what is new in the image to the folder (made if need be), verify the folder, and answer the new file.

    None if nothing is new. ``full`` copies everything again. Raises ImageMissing and its like for the image,
    BackupRefused for a folder whose backups are damaged, ImageFull, ImageForbidden. A folder may hold backups of
    several images, of which the last one is restored: better give each its own.
    """
    source = path_of(location)
    if source is None:
        raise BackupRefused(f"Only an image in a file is backed up here. {instead(location)}", spoken(location))
    open_image(source, create=False, read_only=True).close()  # says in words what repozo would not
    place = Path(folder)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = backups(place)
        size, free = source.stat().st_size - sum(each.size for each in before), shutil.disk_usage(place).free
        if size > free:
            raise ImageFull(f"The backup needs some {size:,} bytes; the disk of {place} has {free:,}.", str(source))
        _repozo("do_backup", file=str(source), repository=str(place), full=full, quick=True, test_now=_stamp(before))
        _forget_paths(place)
    except OSError as error:
        raise _explained(error, place) from error
    verify(place)
    added = [each for each in backups(place) if each not in before]
    return added[-1] if added else None


def instead(location: str | os.PathLike[str]) -> str:
    """What keeps an image safe that a server stores."""
    if scheme_of(location) == "zeo":
        return "Of this one, back up the file that the ZEO server serves, where that runs; it may go on meanwhile."
    if scheme_of(location) in ("postgresql", "postgres"):
        return "Of this one, the database server's own tools make backups: pg_dump, or base backups with its log."
    return "Of this one, use the backups of the server that stores it."


def backups(folder: str | os.PathLike[str]) -> list[Backup]:
    """What is in a backup folder, oldest first."""
    from ZODB.scripts.repozo import is_data_file

    found = []
    place = Path(folder)
    for name in sorted(os.listdir(place)) if place.is_dir() else ():
        if is_data_file(name):
            path = place / name
            moment = time.strptime(path.stem, "%Y-%m-%d-%H-%M-%S")
            found.append(Backup(path, _utc(moment), path.stat().st_size, path.suffix in (".fs", ".fsz")))
    return found


def verify(folder: str | os.PathLike[str]) -> None:
    """Read every byte of the newest full backup and what continues it. Raises BackupRefused if one is wrong."""
    if not backups(folder):
        raise BackupRefused(f"There is no backup in {folder}.")
    _repozo("do_verify", repository=str(folder))


def restore(folder: str | os.PathLike[str], output: str | os.PathLike[str], moment: float | None = None) -> CheckReport:
    """Write the image as backed up last (or last before ``moment``, seconds since the epoch) to ``output``; check it.

    ``output`` must not exist. Raises BackupRefused (nothing there, or damaged), ImageForbidden, ImageFull.
    """
    target = path_of(output)
    if target is None:
        raise BackupRefused("A backup is restored into a file.", str(output))
    if target.exists():
        raise ImageForbidden(f"{target} is there already; restore into a file that is not.", str(target))
    date = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime(moment)) if moment is not None else "9999"
    found = backups(folder)
    if not any(each.full and (moment is None or each.time <= moment) for each in found):
        when = "" if moment is None else time.strftime(" from before %Y-%m-%d %H:%M:%S", time.localtime(moment))
        raise BackupRefused(f"There is no backup{when} in {folder}.")
    try:
        _repozo("do_recover", repository=str(folder), output=str(target), date=date, withverify=True)
    except OSError as error:
        raise _explained(error, target) from error
    finally:
        target.with_name(target.name + ".part").unlink(missing_ok=True)
    return check(target)


def _repozo(what: str, **options: Any) -> None:
    """Call one of repozo's functions. Its options are the attributes of an object, with these defaults."""
    from types import SimpleNamespace

    from ZODB.scripts import repozo

    defaults = {
        "file": None,
        "repository": None,
        "full": False,
        "date": "9999",  # not now: two backups within a second are named a second apart
        "output": None,
        "quick": False,
        "gzip": False,
        "killold": False,
        "withverify": False,
    }
    try:
        getattr(repozo, what)(SimpleNamespace(**{**defaults, **options}))
    except repozo.RepozoError as error:
        raise BackupRefused(f"The backup in {options['repository']} is damaged: {error}") from error
    except (KeyError, ValueError) as error:  # a file without its line in the .dat file, or a broken line
        raise BackupRefused(f"The backup in {options['repository']} is damaged: its .dat file is broken") from error
    except FileNotFoundError as error:
        raise BackupRefused(f"The backup in {options['repository']} is damaged: {error}") from error


def _stamp(found: list[Backup]) -> tuple[int, ...]:
    """The time that names the next file, in whole seconds: later than all there are."""
    now = int(time.time())
    if found:
        now = max(now, int(found[-1].time) + 1)
    return tuple(time.gmtime(now)[:6])


def _forget_paths(folder: Path) -> None:
    """repozo notes whole paths, which break at a space, and uses only the names."""
    for dat in folder.glob("*.dat"):
        lines = [line.rsplit(None, 3) for line in dat.read_text().splitlines()]
        text = "".join(f"{os.path.basename(name)} {' '.join(rest)}\n" for name, *rest in lines)
        if text != dat.read_text():
            draft = dat.with_name(dat.name + ".new")
            draft.write_text(text)
            os.replace(draft, dat)


def _utc(moment: time.struct_time) -> float:
    import calendar

    return float(calendar.timegm(moment))


def _explained(error: OSError, path: Path) -> ImageProblem:
    if error.errno in NO_ROOM:
        return ImageFull(f"There is no room for the backup on the disk of {path} ({error.strerror}).", str(path))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ImageForbidden(f"{path} cannot be written to: {error.strerror}.", str(path))
    return ImageMissing(f"{path}: {error.strerror}.", str(path))
