"""The errors of the image: one tree, and one stable code each.

::

    ImageProblem                     image
    ├── ImageMistake                 image-mistake       a person, or what surrounds the image, can put it right
    │   ├── BadLocation              bad-location        no path, and no URI we can open
    │   ├── ImageMissing             image-missing       nothing is there, and we were not to make it
    │   ├── NotAnImage               not-an-image        a folder, a picture, anything but an image
    │   ├── ImageNewer               image-newer         written by a later version
    │   ├── ImageForbidden           image-forbidden     no permission, or the file system is read-only
    │   ├── ImageLocked              image-locked        another process has it open
    │   ├── ImageUnreachable         image-unreachable   the storage server does not answer
    │   ├── ImageFull                image-full          no room left on the disk
    │   ├── CannotPersist            cannot-persist      a value that cannot outlive its process
    │   ├── CannotUndo               cannot-undo         later changes stand on it, or the storage keeps no past
    │   ├── NoSuchMoment             no-such-moment      that object or transaction is not in the history
    │   ├── BackupRefused            backup-refused      the folder holds no backup, or one of another image
    │   ├── SessionMoved             session-moved       another kernel has this session now (receipts.py)
    │   └── BadExport                bad-export          not an export file, or a broken one
    └── ImageFault                   image-fault         we, or the machine, failed
        ├── ImageDamaged             image-damaged       the file does not read as it was written
        ├── ImageClosed              image-closed        used after close, or in a forked child
        └── CommitUncertain          commit-uncertain    the disk failed while the commit was being made final

Catch ``ImageProblem`` for all of them. ``str()`` is one or two sentences a person can act on; ``.code`` is what goes
over the wire and never changes; ``.location`` is the image it is about, where there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .lock import Holder


class ImageProblem(Exception):
    """Anything that went wrong with an image."""

    code: ClassVar[str] = "image"

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location

    @property
    def message(self) -> str:
        return str(self.args[0])


class ImageMistake(ImageProblem):
    """A person, or what surrounds the image (disk, permissions, another process), can put it right."""

    code = "image-mistake"


class ImageFault(ImageProblem):
    """We, or the machine, failed."""

    code = "image-fault"


class BadLocation(ImageMistake):
    """Neither a path nor a URI that can be opened here."""

    code = "bad-location"


class ImageMissing(ImageMistake):
    """There is no image there, and it was not to be made."""

    code = "image-missing"


class NotAnImage(ImageMistake):
    """Something is there, and it never was an image."""

    code = "not-an-image"


class ImageNewer(ImageMistake):
    """The image's format is later than this program knows. ``found`` and ``known`` are the format numbers."""

    code = "image-newer"

    def __init__(self, location: str, found: int, known: int) -> None:
        super().__init__(
            f"{location} was written by a newer version of this program (format {found}; this one reads up to "
            f"{known}). Update the program; the image was not touched.",
            location,
        )
        self.found = found
        self.known = known


class ImageForbidden(ImageMistake):
    """No permission, or a read-only file system."""

    code = "image-forbidden"


class ImageLocked(ImageMistake):
    """Another process has the image open. ``holder`` says who, as far as it can be told."""

    code = "image-locked"

    def __init__(self, location: str, holder: Holder) -> None:
        super().__init__(f"{location} is in use by {holder.describe()}.", location)
        self.holder = holder


class ImageUnreachable(ImageMistake):
    """The server that stores the image does not answer, or refuses us."""

    code = "image-unreachable"


class ImageFull(ImageMistake):
    """There was no room for the message's changes: none of them was kept, everything before it was."""

    code = "image-full"


class CannotPersist(ImageMistake):
    """``owner``'s slot ``slot`` was given a value of a kind that cannot outlive its process."""

    code = "cannot-persist"

    def __init__(self, owner: str, slot: str, kind: str, advice: str = "") -> None:
        super().__init__(
            f"{owner} cannot keep {kind} in its slot {slot!r}: {advice or 'it lives only as long as its process'}."
        )
        self.owner = owner
        self.slot = slot
        self.kind = kind


class CannotUndo(ImageMistake):
    """Undoing would take back more than was asked for, or the storage keeps no past."""

    code = "cannot-undo"


class NoSuchMoment(ImageMistake):
    """That object, or that transaction, is not in the image's history (it may have been packed away)."""

    code = "no-such-moment"


class BackupRefused(ImageMistake):
    """The folder holds no backup, a backup of another image, or one that does not reach that moment."""

    code = "backup-refused"


class BadExport(ImageMistake):
    """The file is no export, or a broken one. Nothing was imported."""

    code = "bad-export"


class ImageDamaged(ImageFault):
    """The file does not read as it was written. It was not changed. ``offset`` is in bytes, None if unknown."""

    code = "image-damaged"

    def __init__(self, location: str, what: str, offset: int | None = None, advice: str = "") -> None:
        where = "" if offset is None else f" at byte {offset:,}"
        super().__init__(f"{location} is damaged{where}: {what}. {advice or self._advice(location)}", location)
        self.offset = offset
        self.what = what

    @staticmethod
    def _advice(location: str) -> str:
        return (
            f"The file was left as it is. Restore a backup, or save what can be read with: "
            f"batos -i {location} image recover NEW_FILE"
        )


class ImageClosed(ImageFault):
    """The image was used after it was closed, or in a forked child that must open it anew."""

    code = "image-closed"


class CommitUncertain(ImageFault):
    """The disk failed while a commit was being made final. It may or may not be there when the image is next opened."""

    code = "commit-uncertain"
