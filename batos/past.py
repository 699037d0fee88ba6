"""The image's past over the wire: its last messages, and taking one back."""

from __future__ import annotations

from typing import Any

from .bridge.codes import Code
from .bridge.covenant import Data, GetScene, History, Redo, Reply, Undo
from .image import Image
from .image.errors import CannotUndo, NoSuchMoment
from .image.history import Moment, as_it_was, redo, transactions, undo, undo_transactions
from .snapshot import Refused, cut


def remember(image: Image, command: History | Undo | Redo, user: str) -> Reply:
    """The reply to a command about the past. It runs outside any worker's transaction: undo makes its own."""
    try:
        match command:
            case History():
                if command.target is not None:
                    raise Refused(Code.NOT_OFFERED, "the history of one object needs a selector")
                found = transactions(image, command.count)
            case Redo():
                found = redo(image, user)
            case Undo(transaction=str() as name):
                found = undo_transactions(image, [bytes.fromhex(name)], user)
            case Undo():
                found = undo(image, command.count, user)
    except CannotUndo as problem:
        raise Refused(Code.CANNOT_UNDO, str(problem)) from None
    except NoSuchMoment as problem:
        raise Refused(Code.NO_SUCH_OBJECT, str(problem)) from None
    return Data(data=[_told(moment) for moment in found])


def scene_then(image: Image, command: GetScene, moment: str) -> Reply:
    """A scene as a transaction left it."""
    from .scene import Then, scene_page

    try:
        with as_it_was(image, bytes.fromhex(moment)) as connection:
            return scene_page(Then(connection), command)
    except NoSuchMoment as problem:
        raise Refused(Code.NO_SUCH_OBJECT, str(problem)) from None


def _told(moment: Moment) -> dict[str, Any]:
    return {
        "transaction": moment.tid.hex(),
        "time": moment.time,
        "user": cut(moment.user, 200),
        "what": cut(moment.description, 1000),
        "bytes": moment.size,
        "undoes": [tid.hex() for tid in moment.undoes[:100]],
        "told": moment.describe(),
    }
