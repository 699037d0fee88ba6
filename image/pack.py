"""Packing: giving back the room of versions that are older than anybody wants to go back to, and of what nothing
refers to any more.

What is kept stays undoable; what is older is the image's state at that time and no longer its history. Others may go on
working meanwhile. Whoever has the file open only to be read must open it again afterwards.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .errors import CannotUndo, ImageDamaged, ImageForbidden, ImageFull
from .imagefile import NO_ROOM
from .storage import Image


class PackReport(NamedTuple):
    """Bytes and objects before and after."""

    size_before: int
    size_after: int
    objects_before: int
    objects_after: int

    def render(self) -> str:
        # A server may only estimate both, and give the room back when it likes.
        freed = max(0, self.size_before - self.size_after)
        gone = max(0, self.objects_before - self.objects_after)
        return f"{freed:,} of {self.size_before:,} bytes were freed; {gone:,} objects nothing referred to are gone."


def pack(image: Image, keep_days: float = 7.0, progress: Callable[[str, int, int], None] | None = None) -> PackReport:
    """Keep what is needed to go back ``keep_days``; drop what is older. 0 keeps only the present.

    The image as it was stays beside it as ``.old`` until this has succeeded. Raises ImageForbidden for one opened only
    to be read, ImageFull before anything is begun if a second copy may not fit, CannotUndo while another pack runs.
    """
    if keep_days < 0:
        raise ValueError(f"days to keep cannot be negative: {keep_days}")
    if image.read_only:
        raise ImageForbidden(f"{image.location} was opened only to be read.", image.location)
    storage = image.db.storage
    before = storage.getSize(), len(storage)
    if image.path is not None:
        free = shutil.disk_usage(image.path.parent).free
        if free < before[0]:
            raise ImageFull(
                f"Packing {image.location} needs {before[0]:,} bytes for a second copy; only {free:,} are free.",
                image.location,
            )
    try:
        with _watching(image, before[0], progress):
            image.db.pack(days=keep_days)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise ImageFull(
                f"There was no room to pack {image.location}; it was not changed.", image.location
            ) from error
        raise
    except KeyError as error:
        raise ImageDamaged(image.location, f"packing met a reference that leads nowhere ({error})") from error
    except Exception as error:
        if "lready packing" in str(error):
            raise CannotUndo(f"{image.location} is being packed already.", image.location) from error
        raise
    if image.path is not None:
        image.path.with_name(image.path.name + ".old").unlink(missing_ok=True)
    return PackReport(before[0], storage.getSize(), before[1], len(storage))


@contextmanager
def _watching(image: Image, total: int, progress: Callable[[str, int, int], None] | None) -> Iterator[None]:
    """ZODB's packer tells nobody how far it is; the file that it writes does."""
    if progress is None or image.path is None:
        yield
        return
    draft = f"{image.path}.pack"
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            try:
                progress("packing", os.path.getsize(draft), total)
            except OSError:
                continue

    watcher = threading.Thread(target=watch, name="pack-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    progress("packing", total, total)
