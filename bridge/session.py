"""What the server remembers of one client, and of one command of his.

A session is a ROUTER identity: a client that sets its own identity finds its session again after a lost connection,
with its queue, its subscriptions, what could not be delivered, and the answers to its last commands, so that it may
safely resend.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from .codes import ROLES, Code
from .covenant import Approval, Approve, Command, ErrorReply, Event, Reply
from .wire import WireProblem, pack

if TYPE_CHECKING:
    from .server import Server

REMEMBERED = 64  # answers kept for resends
REMEMBERED_BYTES = 4 * 1024 * 1024
OUTBOX = 1024  # messages kept for a client that does not take them
SLOW_CLIENT = 5.0  # seconds that a streaming request waits for its client before it drops what it streams
OUTBOX_BYTES = 16 * 1024 * 1024


class Withdrawn(Exception):
    """What a handler waited for will not come: the request was interrupted, or the server stops."""


class Session:
    """One client. Touched by the server's loop alone."""

    def __init__(self, identity: bytes, key: str = "", roles: frozenset[str] = frozenset(ROLES)) -> None:
        self.identity = identity
        self.route: tuple[bytes, ...] = (identity,)  # what stands before a frame to it: the broker's identity, if any
        self.lease = 0  # which of the kernels that had this session is the last: the highest
        self.key = key  # the public key that the client has shown; "" for the owner, on a unix socket
        self.name = ""
        self.roles = roles
        self.greeted = False
        self.left = False  # its client has said that it comes no more
        self.observer = False  # no kernel stays for it
        self.queue: deque[Request] = deque()
        self.running: Request | None = None
        self.topics: set[str] = set()
        self.heard = monotonic()
        self.handled = 0
        self.lost = 0
        self._answers: OrderedDict[int, bytes] = OrderedDict()
        self._answers_bytes = 0
        self.outbox: deque[tuple[bytes, bool]] = deque()
        self._outbox_bytes = 0

    def find(self, id: int) -> Request | None:
        """The request of that id, if it runs or waits."""
        if self.running is not None and self.running.id == id:
            return self.running
        return next((request for request in self.queue if request.id == id), None)

    def remember(self, id: int, answer: bytes) -> None:
        self._answers[id] = answer
        self._answers_bytes += len(answer)
        while len(self._answers) > REMEMBERED or (self._answers_bytes > REMEMBERED_BYTES and len(self._answers) > 1):
            self._answers_bytes -= len(self._answers.popitem(last=False)[1])

    @property
    def remembers(self) -> int:
        """Bytes of answers kept for resends."""
        return self._answers_bytes

    def forget_answers(self) -> None:
        """All but the last."""
        while len(self._answers) > 1:
            self._answers_bytes -= len(self._answers.popitem(last=False)[1])

    def answer_to(self, id: int) -> bytes | None:
        return self._answers.get(id)

    def keep(self, frame: bytes, final: bool) -> bool:
        """Puts aside what could not be sent. Answers are kept whatever happens (the queue bounds their number); events
        and streamed outcomes are dropped when the client is too far behind, and False says so."""
        if not final and (len(self.outbox) >= OUTBOX or self._outbox_bytes + len(frame) > OUTBOX_BYTES):
            return False
        self.outbox.append((frame, final))
        self._outbox_bytes += len(frame)
        return True

    def sent(self) -> None:
        """The first message of the outbox went out."""
        self._outbox_bytes -= len(self.outbox.popleft()[0])


class Request:
    """One command on its way. `command`, `session_name` and `id` may be read, and the methods called, from any
    thread."""

    def __init__(self, server: Server, session: Session, command: Command) -> None:
        self.command = command
        self.id = command.id
        self.session_name = session.name
        self.session = session
        self.lease = session.lease
        self.began = 0.0  # when it was handed to a worker (time.monotonic)
        self.interrupted = False
        self.lost = 0  # streamed messages dropped because the client was too slow
        self.posted = 0
        self.delivered = 0
        self._server = server
        self._lock = threading.Lock()
        self._stop: Callable[[], bool] | None = None
        self._aside = 0
        self._finished = False

    def send(self, event: Event) -> None:
        """Sends an event of this request (outcome, progress) ahead of its answer.

        Waits a while for a client that does not keep up, so that a long script does not fill the memory.
        """
        self.send_map(event)

    def send_map(self, event: Event | dict[str, Any]) -> None:
        """As `send`, of an event that is a map of its fields."""
        if isinstance(event, dict):
            event["id"] = self.id
        else:
            event.id = self.id
        patience = monotonic() + SLOW_CLIENT
        while self.posted - self.delivered + len(self.session.outbox) > OUTBOX // 2 and monotonic() < patience:
            sleep(0.005)
        self.posted += 1
        try:
            self._server.post(self, pack(event), False)
        except WireProblem:
            self.lost += 1

    def finish(self, reply: Reply) -> None:
        """Answers. A second answer is ignored; a reply that cannot be sent becomes an error that can."""
        reply.id = self.id
        self._finish(reply)

    def finish_map(self, reply: dict[str, Any]) -> None:
        """As `finish`, of a reply that is a map of its fields."""
        reply["id"] = self.id
        self._finish(reply)

    def _finish(self, reply: Reply | dict[str, Any]) -> None:
        with self._lock:
            if self._finished:
                return
            self._finished = True
        try:
            frame = pack(reply)
            if len(frame) > self._server.max_frame:
                raise WireProblem(
                    Code.UNSENDABLE, f"the reply has {len(frame)} bytes; at most {self._server.max_frame}"
                )
        except WireProblem as problem:
            frame = pack(ErrorReply(id=self.id, code=problem.code, message=str(problem)))
        self._server.post(self, frame, True)

    def fail(self, code: Code, message: str) -> None:
        """Answers with an error."""
        self.finish(ErrorReply(code=code, message=message))

    def interruptible(self, stop: Callable[[], bool]) -> Interruptible:
        """While the body runs, an interrupt calls `stop`, on the server's thread: again and again until it answers True
        (it hit), and never later than the body's end: it cannot hit the next request of the same worker."""
        return Interruptible(self, stop)

    def interrupt_with(self, stop: Callable[[], bool] | None) -> None:
        with self._lock:
            self._stop = stop

    def interrupt(self) -> bool:
        """Asks the handler to stop. False: it was at a point where it cannot be stopped; ask again in a moment."""
        self.interrupted = True
        self._server.withdraw(self)
        with self._lock:
            return self._finished or (self._stop is not None and self._stop())

    @contextmanager
    def stepping_aside(self) -> Iterator[None]:
        """While the body waits for something slow (a person, a model), this request takes up no place among the running
        ones: another begins in its stead. May be nested; one thread at a time."""
        self._aside += 1
        if self._aside == 1:
            self._server.change_capacity(+1)
        try:
            yield
        finally:
            self._aside -= 1
            if self._aside == 0:
                self._server.change_capacity(-1)

    def ask(self, approval: Approval, timeout: float | None = None) -> Approve:
        """Sends `approval` and waits for the answer, blocking the calling thread alone.

        Raises Withdrawn if the request is interrupted or the server stops, TimeoutError after `timeout` seconds.
        """
        answers: queue.SimpleQueue[Approve | None] = queue.SimpleQueue()
        approval.approval = secrets.token_hex(8)
        approval.id = self.id
        self._server.expect(approval, self, answers)
        try:
            with self.stepping_aside():
                if self.interrupted:
                    raise Withdrawn("interrupted")
                self.send(approval)
                try:
                    answer = answers.get(timeout=timeout)
                except queue.Empty:
                    raise TimeoutError(f"nobody answered within {timeout:g} s") from None
        finally:
            self._server.forget(approval.approval)
        if answer is None:
            raise Withdrawn("interrupted" if self.interrupted else "the kernel stops")
        return answer


class Interruptible:
    """What Request.interruptible answers. A class, as a generator would cost as much as the rest of a short message's
    way through here."""

    __slots__ = ("request", "stop")

    def __init__(self, request: Request, stop: Callable[[], bool]) -> None:
        self.request = request
        self.stop = stop

    def __enter__(self) -> None:
        self.request.interrupt_with(self.stop)

    def __exit__(self, *_: object) -> None:
        self.request.interrupt_with(None)
