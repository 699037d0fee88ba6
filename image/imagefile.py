"""ZODB's FileStorage, made safe to leave alone with a person's only image.

FileStorage is a log: each commit appends one transaction, whose first status byte is ``c`` until it is whole. What is
added here, and why:

- **Looking before cutting.** On opening, FileStorage cuts the file off where a transaction does not end within it.
  That is right for a commit that a crash interrupted and wrong for a damaged length in the middle, after which
  everything would be cut off. So the rest of the file is searched first: if a whole transaction follows, the file is
  damaged and stays as it is; if none does, the torn end is put aside in ``.trN`` and the file goes on without it. So is
  a last transaction damaged whose length stands at its end, where nothing is written before the beginning is.
- **A full disk.** FileStorage's own way out of a failed write flushes the same buffer again, fails again, and leaves
  it to be written later. Here the buffer is dropped with the file object that holds it, and the file cut back. (Tried
  and given up: reserving the room first with posix_fallocate. Readers then buffer the zeros.)
- **The index.** Without its index file a big image takes long to open, and FileStorage saves it only on closing. Here
  it is also saved as the image grows, whole or not at all, with a checksum: a wrong index is worse than none.
- **Forks.** A child of a fork shares the lock and the file position with its parent, and could release the one and
  move the other. In a child every descriptor of the image is turned away to /dev/null.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import pickle
import re
import struct
import tempfile
import threading
import weakref
import zlib
from collections.abc import Iterator
from typing import Any, Final

from zc.lockfile import LockError
from ZODB.FileStorage import FileStorage
from ZODB.FileStorage.FileStorage import TempFormatter
from ZODB.FileStorage.format import DATA_HDR, DATA_HDR_LEN, CorruptedDataError
from ZODB.fsIndex import fsIndex
from ZODB.POSException import POSKeyError

from .errors import CommitUncertain, ImageDamaged, ImageFull, ImageProblem
from .lock import identity
from .log import any_transaction, was_finished, whole_transaction

INDEX_EVERY: Final = 50_000
"""The index is saved after this many new records (or a twentieth of the image, if that is more)."""

COMMIT_IN_MEMORY: Final = 16 << 20
"""A commit up to this many bytes is collected in memory, a larger one in a nameless file beside the image."""

FIRST_COMMIT: Final = 4096
"""More than this cannot be the torn first commit of a new image, which writes an empty root and no more."""

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_TRAILER: Final = struct.Struct(">4sI")
_TRAILER_NAME: Final = b"crc1"
_open_files: weakref.WeakSet[ImageFile] = weakref.WeakSet()


class ImageFile(FileStorage):
    """A FileStorage that tells, in ``notes``, what it had to do to open the file.

    Raises ImageDamaged, zc.lockfile.LockError or OSError; whatever it raises, the file is as it was.
    """

    _file: Any
    _tfile: Any

    def __init__(self, path: str, read_only: bool = False) -> None:
        self.notes: list[str] = []
        self._saved_at = -1
        self._unsaved = 0
        self._is_closed = False
        self._spools = False
        try:
            with self._hear_the_log():
                super().__init__(path, read_only=read_only)
        except BaseException as error:
            self._let_go()
            # Wrong numbers in the file come out as any of a dozen errors, down to a seek to nowhere (EINVAL).
            ours = not isinstance(error, Exception) or isinstance(error, LockError | ImageProblem | MemoryError)
            if ours or (isinstance(error, OSError) and error.errno != errno.EINVAL):
                raise
            raise ImageDamaged(path, str(error) or type(error).__name__, _last_number(str(error))) from error
        if not read_only:
            self._tfile.close()
            with contextlib.suppress(OSError):
                os.unlink(path + ".tmp")
            self._renew_temp()
            self._sign_lock()
        _open_files.add(self)

    # -- opening

    def _restore_index(self) -> tuple[fsIndex, int, bytes] | None:
        """Called by FileStorage when it has the lock and the file, before it reads (and perhaps cuts) anything."""
        found = self._load_index()
        self._mend_the_end(found[1] if found else 4, found[2] if found else b"")
        return found

    def _load_index(self) -> tuple[fsIndex, int, bytes] | None:
        name = self.__name__ + ".index"
        try:
            self._check_index(name)
            loaded = fsIndex.load(name)
            index, pos = loaded["index"], int(loaded["pos"])
            if pos < 100:  # an image without objects; ZODB takes no such index
                return None
            # Its own check of the last records against the file: an index of another file does not pass.
            last = self._check_sanity(index, pos) if isinstance(index, fsIndex) else None
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever a broken pickle makes of itself
            self.notes.append(f"The index file was unreadable ({error or type(error).__name__}); it was made anew.")
            return None
        if not last:
            self.notes.append("The index file did not fit the image; it was made anew.")
            return None
        self._saved_at = pos
        return index, pos, last

    @staticmethod
    def _check_index(name: str) -> None:
        """Raises ValueError if the checksum is wrong. An index that plain ZODB wrote has none."""
        with open(name, "rb") as file:
            data = file.read()
        if len(data) > _TRAILER.size:
            mark, checksum = _TRAILER.unpack(data[-_TRAILER.size :])
            if mark == _TRAILER_NAME and zlib.crc32(data[: -_TRAILER.size]) != checksum:
                raise ValueError("its checksum is wrong")
            if mark != _TRAILER_NAME and data[-2:] != b"N.":  # the pickled None that ends an index
                raise ValueError("its end is missing")

    def _mend_the_end(self, pos: int, last: bytes) -> None:
        """Walk the transactions from ``pos``; at one that is not whole, decide between torn and damaged."""
        handle = self._file.fileno()
        end = os.fstat(handle).st_size
        while pos < end:
            length = whole_transaction(handle, pos, end)
            if length is not None:
                last = os.pread(handle, 8, pos)
                pos += length
                continue
            after = any_transaction(handle, pos + 1, end, last)
            if after is None and pos == 4 and end - pos > FIRST_COMMIT:
                raise ImageDamaged(self._file_name, "nothing in it reads as a transaction", pos)
            if after is None and was_finished(handle, pos, end):
                raise ImageDamaged(self._file_name, "its last transaction ends as one and does not begin as one", pos)
            if after is None:
                if self._is_read_only:
                    self.notes.append(
                        f"The last {end - pos:,} bytes are a message that is being written now, or that was cut off."
                    )
                else:
                    self._put_end_aside(pos, end)
                return
            # A reader beside a writer may have seen a commit half written that is whole by now.
            if self._is_read_only and whole_transaction(handle, pos, end) is not None:
                continue
            raise ImageDamaged(
                self._file_name,
                f"a transaction does not read as one, and others that do follow it at byte {after:,}",
                pos,
            )

    def _put_end_aside(self, pos: int, end: int) -> None:
        number = 0
        while os.path.exists(f"{self._file_name}.tr{number}"):
            number += 1
        aside = f"{self._file_name}.tr{number}"
        with open(aside, "xb") as file:
            os.fchmod(file.fileno(), 0o600)
            offset = pos
            while piece := os.pread(self._file.fileno(), 1 << 20, offset):
                file.write(piece)
                offset += len(piece)
            file.flush()
            os.fsync(file.fileno())
        os.ftruncate(self._file.fileno(), pos)
        os.fsync(self._file.fileno())
        self.notes.append(
            f"The last {end - pos:,} bytes were a message that had not been finished when its process ended; "
            f"they were put aside in {aside}. Everything before them is whole."
        )

    @contextlib.contextmanager
    def _hear_the_log(self) -> Iterator[None]:
        """What FileStorage logs on this thread while it opens the file becomes a note instead of noise."""
        thread = threading.get_ident()
        notes = self.notes

        def listen(record: logging.LogRecord) -> bool:
            if record.thread != thread:
                return True
            notes.append(record.getMessage())
            return False

        log = logging.getLogger("ZODB.FileStorage")
        log.addFilter(listen)
        try:
            yield
        finally:
            log.removeFilter(listen)

    def _sign_lock(self) -> None:
        """Say in the lock file who we are, for the message that another process shows. ZODB writes only the pid."""
        handle = self._lock_file._fp.fileno()
        with contextlib.suppress(OSError):  # a full disk is no reason not to open
            os.ftruncate(handle, 0)
            os.pwrite(handle, identity().encode(), 0)

    def _let_go(self) -> None:
        """Close what a failed ``__init__`` had opened."""
        self._is_closed = True
        for name in ("_file", "_tfile", "_files", "_lock_file"):
            held = getattr(self, name, None)
            if held is not None:
                held.close()
        if not getattr(self, "_is_read_only", False) and getattr(self, "_lock_file", None) is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.__name__ + ".tmp")

    # -- committing

    def store(self, oid: bytes, oldserial: bytes, data: bytes, version: str, transaction: Any) -> None:
        try:
            super().store(oid, oldserial, data, version, transaction)
        except OSError as error:
            raise self._explained(error) from error

    def tpc_vote(self, transaction: Any) -> Any:
        try:
            return super().tpc_vote(transaction)
        except OSError as error:
            size = self._thl + self._tfile.tell() + 8
            self._forget_what_was_written()
            raise self._explained(error, size) from error

    def _forget_what_was_written(self) -> None:
        """Back to the last commit: what could not be written must not be written later, nor be read."""
        with self._lock:
            os.ftruncate(self._file.fileno(), self._pos)
            self._file.raw.close()
            self._file = open(self._file_name, "r+b")
            self._files.flush()
            self._nextpos = 0

    def tpc_finish(self, transaction: Any, f: Any = None) -> bytes:
        count = len(self._tindex)
        try:
            tid: bytes = super().tpc_finish(transaction, f)
        except OSError as error:
            raise CommitUncertain(
                f"The disk failed while a message was being committed to {self._file_name}: {error.strerror}. "
                f"The image was closed; open it again to see whether the message was kept.",
                self._file_name,
            ) from error
        with self._lock:
            self._unsaved += count + 1
            if self._unsaved >= INDEX_EVERY and self._unsaved * 20 >= len(self._index):
                self._save_index()
        return tid

    def _clear_temp(self) -> None:
        self._tindex.clear()
        if self._spools:
            if self._tfile._rolled:
                self._renew_temp()  # a file gives its room back, and one that could not be written goes
            else:
                self._tfile.seek(0)
                self._tfile.truncate()
        elif self._tfile is not None:
            self._tfile.seek(0)

    def _renew_temp(self) -> None:
        old = self._tfile
        self._tfile = tempfile.SpooledTemporaryFile(COMMIT_IN_MEMORY, dir=os.path.dirname(self._file_name))
        self._tfmt = TempFormatter(self._tfile)
        self._spools = True
        with contextlib.suppress(OSError):
            old.close()

    def _explained(self, error: OSError, size: int = 0) -> Exception:
        if error.errno not in NO_ROOM:
            return error
        need = f" for the {size:,} bytes of this message" if size else " for this message"
        return ImageFull(
            f"There is no room{need} on the disk of {self._file_name} ({error.strerror}). "
            f"Nothing of the message was kept, everything before it was. Make room and send it again.",
            self._file_name,
        )

    # -- the index

    def _save_index(self) -> None:
        """Write the index beside the image: whole or not at all. Failing is no error, only a slower start."""
        if self._is_read_only or self._pos == self._saved_at:
            return
        name = self.__name__ + ".index"
        draft = name + ".new"
        try:
            self._index.save(self._pos, draft)
            with open(draft, "r+b") as file:
                checksum = zlib.crc32(file.read())
                file.write(_TRAILER.pack(_TRAILER_NAME, checksum))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, name)
        except (OSError, pickle.PicklingError):
            with contextlib.suppress(OSError):
                os.unlink(draft)
            return
        self._saved_at = self._pos
        self._unsaved = 0

    # -- reading everything

    def records(self) -> Iterator[tuple[bytes, bytes | Exception]]:
        """Every object's current record, by oid, or the error that reading it raised. For a storage that stands still.

        As ``record_iternext``, three times as fast: it asks the index once and reads a record with one call.
        """
        handle = os.open(self._file_name, os.O_RDONLY)
        try:
            for oid, pos in self._index.items():
                piece = os.pread(handle, 4096, pos)
                try:
                    found, _, _, _, _, size = struct.unpack_from(DATA_HDR, piece)
                    if found != oid:
                        raise CorruptedDataError(oid, piece[:DATA_HDR_LEN], pos)
                    if not size:  # the state is that of an earlier record (undo), or there is none any more
                        yield oid, self.load(oid)[0]
                    elif size <= len(piece) - DATA_HDR_LEN:
                        yield oid, piece[DATA_HDR_LEN : DATA_HDR_LEN + size]
                    else:
                        yield oid, os.pread(handle, size, pos + DATA_HDR_LEN)
                except POSKeyError:  # its creation was undone: it is not there, and that is as it should be
                    continue
                except Exception as error:  # whatever wrong numbers make of themselves
                    yield oid, error
        finally:
            os.close(handle)

    def pack(self, t: float, referencesf: Any, gc: bool | None = None) -> None:
        """The old index fits no packed file. Without it, a crash in the middle costs only a slow start."""
        with self._lock:
            self._clear_index()
            self._saved_at = -1
        super().pack(t, referencesf, gc)
        with self._lock:
            self._save_index()  # packing that found nothing to do has not

    # -- closing

    def close(self) -> None:
        """Give the file up. The index is saved if reading on from the old one would take longer than saving."""
        if self._is_closed:
            return
        self._is_closed = True
        _open_files.discard(self)
        try:
            # Before the lock is released: after it the file may be another's.
            if self._saved_at < 0 or self._unsaved * 50 >= len(self._index):
                self._save_index()
        finally:
            self._saved_at = self._pos
            super().close()

    def _turn_away(self) -> None:
        """In a forked child: none of the parent's descriptors may be used, released or flushed from here."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        files = [self._file, *self._files._files, *self._files._out]
        lock = getattr(self, "_lock_file", None)
        if lock is not None and lock._fp is not None:
            files.append(lock._fp)
        for file in files:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, file.fileno(), inheritable=False)
        os.close(nowhere)
        self._is_closed = True


def _turn_all_away() -> None:
    for storage in list(_open_files):
        storage._turn_away()
    _open_files.clear()


os.register_at_fork(after_in_child=_turn_all_away)


def _last_number(text: str) -> int | None:
    numbers = re.findall(r"\d+", text)
    return int(numbers[-1]) if numbers else None
