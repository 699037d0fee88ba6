"""What the two clients share: numbering, matching answers to commands, and what to do when the connection breaks.

No sockets here: bytes in, bytes out. A command is kept until its answer comes. When the connection comes back,
`hello` tells whether it is the same kernel: then every unanswered command is sent again (the server recognises their
ids and answers from memory what it has already done); if it is another one, nobody can know what became of them, and
they fail as `gone`.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from collections.abc import Callable
from time import monotonic

from .codes import Code
from .covenant import (
    Accepted,
    Command,
    ErrorReply,
    Event,
    Hello,
    Leave,
    Moved,
    Outcome,
    Ping,
    Reply,
    Subscribe,
    UvmStateUpdateEvent,
    Welcome,
)
from .wire import WireProblem, pack, unpack_reply

SILENCE = 2.0  # seconds without a word from the kernel before it is pinged
DEAF = 15.0  # seconds without a word, in spite of pings, after which it counts as gone
AWAY = 3.0  # seconds that a broken connection has to come back, unless the caller says otherwise


class BridgeProblem(Exception):
    """A command that was not carried out: `.code` is one of codes.Code, `str()` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KernelGone(BridgeProblem):
    """The kernel cannot be reached, or was restarted while it owed an answer."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.GONE, message)


class NoAnswer(BridgeProblem):
    """The answer did not come within the time the caller gave. It may still come, and is then dropped."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.TIMED_OUT, message)


class Pending:
    """A command that waits for its answer."""

    def __init__(self, command: Command, frame: bytes, on_event: Callable[[Event], None] | None) -> None:
        self.command = command
        self.frame = frame
        self.on_event = on_event
        self.sent = False
        self.told = 0  # outcomes that were streamed
        self.skip = 0  # outcomes that will be told a second time
        self.answer: Reply | None = None
        self.problem: BridgeProblem | None = None
        self.settled: Callable[[], None] | None = None

    def resend(self) -> None:
        """It goes to another kernel now, which shall first look whether it was carried out."""
        self.command.resent = True
        self.frame = pack(self.command)
        self.skip = self.told

    def settle(self, answer: Reply | None, problem: BridgeProblem | None) -> None:
        self.answer = answer
        self.problem = problem
        if self.settled is not None:
            self.settled()

    def result(self) -> Reply:
        """The answer; raises BridgeProblem if it is an error."""
        if self.problem is not None:
            raise self.problem
        assert self.answer is not None
        return self.answer


class Core:
    """The state of one client. `send` is given the frames to go out, and answers False if there is no connection."""

    def __init__(
        self,
        endpoint: str,
        name: str,
        send: Callable[[bytes], bool],
        patience: float = AWAY,
        observer: bool = False,
    ) -> None:
        self.patience = patience
        self.observer = observer
        self.endpoint = endpoint
        self.name = name
        self.identity = b"\x01" + secrets.token_bytes(16)  # not zero: libzmq keeps those for itself
        self.pending: dict[int, Pending] = {}
        self.events: deque[Event] = deque(maxlen=100_000)
        self.on_event: Callable[[Event], None] | None = None
        self.topics: set[str] = set()
        self.welcome: Welcome | None = None
        self.refused: BridgeProblem | None = None
        self.unproven = False  # the kernel hung up in the middle of the handshake
        self.heard = monotonic()
        self.away_since: float | None = monotonic()  # None: the kernel has answered hello on this connection
        self._send = send
        self._number = 0
        self._hello = 0  # the number of the last greeting
        self._pinged = 0.0

    def begin(self, command: Command, on_event: Callable[[Event], None] | None = None) -> Pending:
        """Numbers a command and sends it; while the connection is broken it is kept, and sent when it stands again."""
        self._number += 1
        command.id = self._number
        command.owed = next(iter(self.pending), self._number)
        try:
            frame = pack(command)
        except WireProblem as problem:
            raise BridgeProblem(problem.code, str(problem)) from None
        if self.welcome is not None and len(frame) > self.welcome.max_frame:
            raise BridgeProblem(Code.OVERSIZE, f"{len(frame)} bytes; this kernel takes {self.welcome.max_frame}")
        if not self.pending:
            self.heard = monotonic()
        pending = self.pending[self._number] = Pending(command, frame, on_event)
        if isinstance(command, Subscribe):
            self.topics.update(command.topics)
        if self.away_since is None:
            self._transmit(pending)
        return pending

    def _transmit(self, pending: Pending) -> None:
        if self._send(pending.frame):
            pending.sent = True
        else:
            self.disconnected()  # noticed here first; the monitor tells when it stands again

    def abandon(self, pending: Pending) -> None:
        """Nobody waits for this answer any more."""
        assert pending.command.id is not None
        self.pending.pop(pending.command.id, None)

    def receive(self, frame: bytes) -> None:
        """Takes one frame from the kernel."""
        self.heard = monotonic()
        try:
            reply = unpack_reply(frame)
        except WireProblem:
            return  # a newer kernel's event that this client does not know
        if type(reply) is ErrorReply and self.away_since is not None and reply.id in (None, self._hello):
            self._turned_away(BridgeProblem(reply.code, reply.message))
            return
        if not reply.final or reply.id is None or (type(reply) is UvmStateUpdateEvent and reply.id not in self.pending):
            self._event(reply)
            return
        if type(reply) is ErrorReply and reply.code == Code.HELLO_FIRST:
            if self.away_since is None:
                self._greet()  # it has forgotten us, or is another one by now
            return  # or it overtook our hello, whose answer will say what becomes of it
        pending = self.pending.pop(reply.id, None)
        if type(reply) is Welcome:
            self._welcomed(reply)
        if pending is not None:
            if type(reply) is ErrorReply:
                pending.settle(None, BridgeProblem(reply.code, reply.message))
            else:
                pending.settle(reply, None)

    def _event(self, event: Reply) -> None:
        if type(event) is Accepted:
            return
        if type(event) is Moved:
            self._greet()
            return
        pending = self.pending.get(event.id) if event.id is not None else None
        if pending is not None and type(event) is Outcome:
            if pending.skip:  # another kernel has told it already
                pending.skip -= 1
                return
            pending.told += 1
        handler = pending.on_event if pending is not None else self.on_event
        if handler is not None:
            handler(event)  # type: ignore[arg-type]
        elif pending is None:
            self.events.append(event)  # type: ignore[arg-type]

    def _welcomed(self, welcome: Welcome) -> None:
        before, self.welcome = self.welcome, welcome
        self.away_since = self.refused = None
        restarted = before is not None and before.kernel != welcome.kernel
        if restarted and welcome.receipts and before is not None and before.receipts == welcome.receipts:
            for pending in self.pending.values():
                if pending.sent and not pending.command.at_once:
                    pending.resend()
        elif restarted:
            gone = "the kernel was restarted before it answered; whether the message was carried out is not known"
            self._fail([pending for pending in self.pending.values() if pending.sent], KernelGone(gone))
        for pending in list(self.pending.values()):
            self._transmit(pending)
        if before is not None and self.topics:  # events may have been lost on the way: begin again with whole states
            self.begin(Subscribe(topics=sorted(self.topics)))

    # -- the connection -----------------------------------------------------------------------------------------------

    def disconnected(self) -> None:
        if self.away_since is None:
            self.away_since = monotonic()

    def rejected(self, why: str) -> None:
        """The kernel does not let this client in."""
        self.disconnected()
        self._turned_away(BridgeProblem(Code.REFUSED, f"the kernel at {self.endpoint} refused the connection: {why}"))

    def _turned_away(self, problem: BridgeProblem) -> None:
        """The kernel does not take our hello: nobody shall wait for the rest."""
        self.refused = problem
        self._fail(list(self.pending.values()), problem)

    def no_answer(self) -> KernelGone:
        """What to say of a kernel that was never met."""
        if self.unproven:
            return KernelGone(
                f"the kernel at {self.endpoint} hangs up when greeted: it has another key than the one trusted "
                "(`batos keys trust`), or none"
            )
        return KernelGone(f"no kernel answers at {self.endpoint}")

    def connected(self) -> None:
        """The connection stands (again): says hello, whose answer lets the commands through."""
        self._greet()

    def _greet(self) -> None:
        self.disconnected()
        self.heard = monotonic()
        self._number += 1
        self._hello = self._number
        if not self._send(pack(Hello(id=self._number, client=self.name, observer=self.observer))):
            self.disconnected()

    def leave(self) -> None:
        """No more will be asked: lets the kernel forget the session. Nobody waits for the answer."""
        if self.away_since is None:
            self._send(pack(Leave()))

    def tick(self) -> None:
        """Called now and then while answers are owed: notices a kernel that is gone or deaf."""
        now = monotonic()
        if self.away_since is not None and now - self.away_since > self.patience:
            self._fail(list(self.pending.values()), self.refused or self.no_answer())
        elif now - self.heard > DEAF:
            self.fail_all(f"the kernel at {self.endpoint} has not answered for {DEAF:g} s")
        elif now - self.heard > SILENCE and now - self._pinged > SILENCE:
            self._pinged = now
            self.begin(Ping())

    def fail_all(self, why: str) -> None:
        self._fail(list(self.pending.values()), KernelGone(why))

    def _fail(self, owed: list[Pending], problem: BridgeProblem) -> None:
        for pending in owed:
            self.abandon(pending)
            pending.settle(None, problem)


def socket_missing(endpoint: str) -> bool:
    """For ipc: there is no such socket, so that waiting for it is idle."""
    return endpoint.startswith("ipc://") and not os.path.exists(endpoint.removeprefix("ipc://"))
