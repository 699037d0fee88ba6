"""What became of a command that was sent before, to a kernel that is gone (image/receipts.py tells the idea).

A `Recall` belongs to one request. Before a resent command runs, `take_over` makes sure that no other kernel carries it
out any more, and answers what of it was done. While it runs, `note` puts its answers into the transactions that change
the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .bridge.codes import Code
from .bridge.covenant import Outcome, Reply
from .bridge.wire import pack, unpack_reply
from .image.receipts import Receipt, receipt_of
from .snapshot import Refused

if TYPE_CHECKING:
    from .bridge.session import Request
    from .interp import Worker

MOST = 8192  # bytes of one answer that are remembered


class Recall:
    """For one request of a kernel that keeps receipts."""

    def __init__(self, request: Request) -> None:
        self.id = request.command.id
        self._owed = request.command.owed if request.command.owed is not None else self.id
        self._session = request.session.identity
        self._lease = request.lease

    def take_over(self, worker: Worker) -> list[Reply]:
        """What the command answered where it was carried out, as far as it was. Afterwards no other kernel's attempt
        at it can be committed. Refused if that cannot be told; image.receipts.SessionMoved if it is not ours to do."""
        assert self.id is not None

        def look(world: Any) -> tuple[tuple[bytes, ...] | None, bool]:
            receipt = self._receipt(world.root)
            return receipt.found(self.id), self.id <= receipt.dropped  # type: ignore[arg-type, operator]

        answers, forgotten = worker.transact(look, "a session was taken over")
        if answers is None and forgotten:
            raise unknown("it was carried out, but what it answered is not remembered any more")
        return [unpack_reply(answer) for answer in answers or ()]

    def note(self, root: Any, answers: list[Any]) -> None:
        """In the transaction that changed something for this command: what it has answered so far."""
        if self.id is None:  # it cannot be sent again
            self._receipt(root)
            return
        self._receipt(root).record(self.id, self._owed or 0, tuple(map(_packed, answers)))

    def _receipt(self, root: Any) -> Receipt:
        return receipt_of(root, self._session, self._lease)


def unknown(why: str) -> Refused:
    return Refused(Code.UNKNOWN_OUTCOME, f"this was sent to a kernel that is gone; {why}")


def _packed(answer: Reply | dict[str, Any]) -> bytes:
    """An answer to be kept: a reply, or an outcome as a map of its fields."""
    if not isinstance(answer, dict):
        frame = pack(answer)
        return frame if len(frame) <= MOST else pack(answer.model_copy(update={"source": ""}))
    frame = pack({**answer, "statement": ""})  # who asks again brings it along
    if len(frame) <= MOST:
        return frame
    short = "(it was carried out; what it answered was too long to be remembered)"
    return pack(Outcome(line=answer["line"], printed=short, seconds=answer["seconds"]))
