"""Saving what can be read of a damaged image, into a new one.

After ZODB's fsrecover: copy every transaction that reads as one, skip to the next where one does not. It is not that
program itself, because its search for the next transaction can stand still near the end of a file, and it prints. A
transaction is copied whole or not at all: half a message is worse than none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from persistent.TimeStamp import TimeStamp
from ZODB.FileStorage.FileStorage import TempFormatter, TransactionRecord

from .check import CheckReport, check
from .errors import ImageForbidden, ImageMissing, ImageProblem, NotAnImage
from .imagefile import ImageFile
from .location import path_of, spoken
from .log import walk


@dataclass(slots=True)
class RecoverReport:
    """What was saved of ``source`` into ``output``. ``check`` tells whether the new image is whole."""

    source: str
    output: str
    copied: int = 0
    skipped: list[str] = field(default_factory=list)
    """A line for each place where something could not be read."""
    check: CheckReport | None = None

    def render(self) -> str:
        lines = [f"{self.copied:,} transactions were copied from {self.source} to {self.output}."]
        lines += [f"  lost: {line}" for line in self.skipped]
        if self.check is not None:
            lines.append(self.check.render())
            if not self.check.ok:
                lines.append("What was lost is missing elsewhere: compare with a backup before you go on with it.")
        return "\n".join(lines)


def recover(
    location: str | os.PathLike[str],
    output: str | os.PathLike[str],
    progress: Callable[[str, int, int], None] | None = None,
) -> RecoverReport:
    """Copy what can be read of the image at ``location`` into a new one at ``output``, and check that.

    ``location`` is only read; ``output`` must not exist. Raises ImageMissing, NotAnImage, ImageForbidden.
    """
    source, target = path_of(location), path_of(output)
    if source is None or target is None:
        text = "Only an image in a file can be recovered, into a file."
        if source is None:
            text += " A server's tables, or the file it serves, are recovered by its own tools or from its backups."
        raise NotAnImage(text, spoken(location))
    if not source.is_file():
        raise ImageMissing(f"There is no image at {source}.", str(source))
    if target.exists():
        raise ImageForbidden(f"{target} is there already; recover into a file that is not.", str(target))
    report = RecoverReport(str(source), str(target))
    draft = target.with_name(target.name + ".part")
    storage = ImageFile(str(draft))
    try:
        _copy(source, storage, report, progress)
        if not report.copied:
            raise NotAnImage(f"{source} holds nothing that reads as part of an image.", str(source))
    except BaseException:
        storage.close()
        _remove(draft)
        raise
    storage.close()
    os.replace(draft, target)
    _remove(draft)
    report.check = check(target, progress)
    return report


def _copy(
    source: Path, storage: ImageFile, report: RecoverReport, progress: Callable[[str, int, int], None] | None
) -> None:
    size = source.stat().st_size
    last = b""
    with source.open("rb") as file:
        for step, (pos, flaw) in enumerate(walk(file.fileno(), size)):
            if progress and step % 1000 == 0:
                progress("recovering", pos, size)
            file.seek(pos)
            tid = file.read(8)
            # A wrong order of times is harmless: ours are drawn later if they must be.
            if flaw and "older" not in flaw:
                report.skipped.append(f"the transaction at byte {pos:,}: {flaw}")
                continue
            try:
                record = _transaction(file, pos)
                if tid <= last:
                    tid = TimeStamp(tid).laterThan(TimeStamp(last)).raw()
                storage.tpc_begin(record, tid, record.status)
                try:
                    for item in record:
                        storage.restore(item.oid, tid, item.data, "", item.data_txn, record)
                    storage.tpc_vote(record)
                except BaseException:
                    storage.tpc_abort(record)
                    raise
                storage.tpc_finish(record)
            except (ImageProblem, OSError):  # of the new image
                raise
            except Exception as error:  # whatever wrong numbers in the old one make of themselves
                report.skipped.append(f"the transaction at byte {pos:,}: {error or type(error).__name__}")
                continue
            last = tid
            report.copied += 1


def _transaction(file: object, pos: int) -> TransactionRecord:
    header = TempFormatter(file)._read_txn_header(pos)
    return TransactionRecord(
        header.tid,
        header.status,
        header.user,
        header.descr,
        header.ext,
        pos + header.headerlen(),
        pos + header.tlen,
        file,
        pos,
    )


def _remove(draft: Path) -> None:
    for name in draft.parent.glob(draft.name + "*"):
        name.unlink(missing_ok=True)
