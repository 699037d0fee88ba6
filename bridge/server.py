"""The server's side of the socket: one asyncio loop, a ROUTER, sessions, and a fair queue.

The loop waits for the socket. It answers at once what asks for no work (ping, interrupt, cancel, subscribe, approve,
...), queues the rest per session, and hands at most `capacity` requests at a time to the handler, whose turn it is.

The handler is called with a Request and must return at once; some thread of its own answers later with
`request.finish`, which sends from that thread. The server knows nothing of what a command means.

One lock goes with the socket and the sessions, and nobody waits for anything while holding it. Sending from the thread
that has the answer spares it and the loop two changes of thread, a quarter of a whole round trip. Order of locks: the
server's, then a request's.

router.py has the socket, sessions.py who is there, turns.py whose turn it is, ending.py how it stops, atonce.py what is
answered right here.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Protocol

import zmq

from .atonce import answer_at_once
from .attending import Attendance
from .codes import ROLES, Code
from .covenant import Accepted as Resent
from .covenant import Approval, Approve, Command, ErrorReply, Event, Hello, Reply
from .ending import last_has_gone, wind_down
from .keys import Keyring
from .router import Router, Sent
from .session import Request, Session
from .sessions import Sessions, TurnedAway
from .turns import Turns
from .wire import MAX_FRAME, WireProblem, pack, unpack_command

log = logging.getLogger("batos.bridge")

QUEUE = 64  # commands a session may have waiting
SESSIONS = 1024
SESSION_SECONDS = 600.0  # an idle session is forgotten after so long a silence
BATCH = 128  # messages taken from the socket before timers and others get their turn
RELAYED = 5  # frames of a message that a broker passes on
OURS = "the kernel failed; its log says how"  # what is said of our own mistakes


class Handler(Protocol):
    def start(self, request: Request) -> None:
        """Takes on a request; called on the loop, returns at once."""

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        """The topics of a session are now these; called on the loop. Raises ValueError for one that cannot be
        watched."""

    def describe(self) -> dict[str, object]:
        """What `welcome` and `status` tell of the handler: image, version, receipts."""

    def figures(self) -> dict[str, object]:
        """What `status` tells beside: counters, sizes."""

    def shutdown(self, now: bool) -> None:
        """A client with the role for it asks for the end."""


class Server:
    """A ROUTER on `endpoint` in front of `handler`. Use: `await server.run()`; `server.stop()` from any thread ends it.

    With a `keyring` that holds keys, TCP asks for them, and what a client may do depends on its key. `tcp` is a second
    endpoint, for clients elsewhere: there, keys are always asked for.

    Raises endpoint.EndpointProblem (from `bind`) if it cannot listen there.
    """

    def __init__(
        self,
        endpoint: str,
        handler: Handler,
        *,
        keyring: Keyring | None = None,
        tcp: str | None = None,
        capacity: int = 4,
        queue_length: int = QUEUE,
        max_frame: int = MAX_FRAME,
        max_sessions: int = SESSIONS,
        session_seconds: float = SESSION_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self.tcp = tcp
        self.keyring = keyring
        self.handler = handler
        self.max_frame = max_frame
        self.session_seconds = session_seconds
        self.kernel = secrets.token_hex(8)  # new with every start
        self.born = time.time_ns()  # later than that of the kernel before: the lease of sessions without a broker
        self.relays: set[bytes] = set()  # brokers, which speak for sessions of others
        self.sessions = Sessions(keyring, max_sessions, self._gone)
        self.counters: Counter[str] = Counter()
        self.approvals: dict[str, tuple[Approval, Request, queue.SimpleQueue[Approve | None]]] = {}
        self.stopping = False
        self.turns = Turns(capacity, queue_length)
        self.lock = threading.RLock()  # around the socket, the sessions and all that is counted here
        self._blocked: set[bytes] = set()  # sessions whose outbox waits for room
        self._early: list[Callable[[], None]] = []  # what was asked of the loop before there was one
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._ending: asyncio.Task[None] | None = None
        self._staying = False  # till the last client has gone
        self.router: Router | None = None
        self.attendance = Attendance(self)

    # -- life ---------------------------------------------------------------------------------------------------------

    def bind(self) -> str:
        """Opens the socket; answers the endpoint with a wildcard port filled in."""
        router = self.router = Router(self.endpoint, self.tcp, self.keyring, self.max_frame)
        self.endpoint, self.tcp = router.endpoint, router.tcp
        return self.endpoint

    def unbind(self) -> None:
        """Closes the socket of a server that was never run."""
        with self.lock:
            router, self.router = self.router, None
            if router is not None:
                router.close(linger=False)

    async def run(self) -> None:
        """Serves until `stop`, then closes the socket. Binds first if `bind` was not called."""
        if self.router is None:
            self.bind()
        assert self.router is not None
        self._ended = asyncio.Event()
        with self.lock:
            self._running_loop = asyncio.get_running_loop()
        for function in self._early:
            self.loop.call_soon(function)
        sweeper = self.loop.create_task(self._sweep())
        try:
            self.attendance.step_forward()
            await self._ended.wait()
        finally:
            sweeper.cancel()
            self.attendance.end()
            with self.lock:
                router, self.router = self.router, None
            router.close()  # nobody waits for what still goes out

    def stop(self, reason: str = "the kernel stops", grace: float = 5.0) -> None:
        """From any thread: begin nothing new, give running requests `grace` seconds, interrupt them, say goodbye,
        end."""
        self.call(lambda: self._stop(reason, grace))

    def stop_when_alone(self, reason: str, grace: float, stays: Callable[[int], None]) -> None:
        """From any thread: `stop`, but not before the last client has gone; `stays` is told how many are there, if
        some are."""

        async def end() -> None:
            await last_has_gone(self, stays)
            self._stop(reason, grace)

        def begin() -> None:
            self._staying = True
            self._ending = self.loop.create_task(end())

        self.call(begin)

    def _stop(self, reason: str, grace: float) -> None:
        async def end() -> None:
            await wind_down(self, reason, grace)
            assert self._ended is not None
            self._ended.set()

        if not self.stopping:
            self.stopping = True
            self._ending = self.loop.create_task(end())

    async def _sweep(self) -> None:
        """Forgets sessions that fell silent, and retries clients that had no room."""
        for turn in itertools.count():
            await asyncio.sleep(0.1)
            with self.holding():
                if self._blocked:
                    self.unblock()
                if turn % 10 == 0 and self.router is not None and self.router.asks_for_keys:
                    self._heed_keys()
                if turn % 50 == 0:
                    if not self._staying:  # for those who are connected, however silent
                        self.sessions.forget_the_silent(self.session_seconds)
                    self.sessions.bound_memory()

    # -- from other threads -------------------------------------------------------------------------------------------

    def call(self, function: Callable[[], None]) -> None:
        """Has `function` called on the loop, soon; or as soon as there is one."""
        with self.lock:
            if self._running_loop is None:
                self._early.append(function)
                return
        with suppress(RuntimeError):  # the loop has ended: nobody is there to be answered
            self._running_loop.call_soon_threadsafe(function)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        assert self._running_loop is not None
        return self._running_loop

    @contextmanager
    def holding(self) -> Iterator[None]:
        """The socket and sessions are this thread's while the body runs; what became possible by it is then done."""
        with self.lock:
            try:
                yield
            finally:
                self._go_on()

    def _go_on(self) -> None:
        """Does what has become possible. For whoever has the lock."""
        self._dispatch()
        if self.router is not None and not self.attendance.is_mine and self.router.has_more():
            self.call(self.drain)  # our sending swallowed the edge that would have woken who is at the socket

    def post(self, request: Request, frame: bytes, final: bool) -> None:
        with self.lock:
            try:
                self._deliver(request, frame, final)
            finally:
                self._go_on()

    def change_capacity(self, by: int) -> None:
        with self.holding():
            self.turns.capacity += by

    def publish(self, identity: bytes, event: Event) -> None:
        """Sends an event to one session, if it is still there."""
        try:
            frame = pack(event)
        except WireProblem as problem:
            log.warning("event not sent", extra={"reason": str(problem)})
            return
        with self.holding():
            session = self.sessions.get(identity)
            if session is not None:
                self.send(session, frame, False)

    def expect(self, approval: Approval, request: Request, answers: queue.SimpleQueue[Approve | None]) -> None:
        if self.stopping:
            answers.put(None)
        self.approvals[approval.approval] = (approval, request, answers)

    def forget(self, approval: str) -> None:
        self.approvals.pop(approval, None)

    def withdraw(self, request: Request) -> None:
        """Wakes whoever waits for an approval on behalf of this request."""
        for _, asking, answers in list(self.approvals.values()):
            if asking is request:
                answers.put(None)

    # -- in -----------------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        with self.holding():
            if self.router is not None:
                self._take(self.router)

    def take_in(self) -> bool:
        """Takes in what has come and begins what can begin; True if there is more. For the thread that is at the
        socket, which has the lock."""
        assert self.router is not None
        more = self._take(self.router)
        self._dispatch()
        return more

    def _take(self, router: Router) -> bool:
        more = True
        for _ in range(BATCH):
            if not router.has_more():
                more = False
                break
            try:
                frames, key = router.receive()
            except zmq.ZMQError as problem:
                log.error("socket", extra={"reason": str(problem)})
                break
            try:
                self._receive(frames, key)
            except Exception:  # a reader that dies with messages left would never be called again
                log.exception("a message was not taken in")
                self.counters[Code.FAILED] += 1
        if self._blocked:
            self.unblock()
        return more

    def _receive(self, frames: list[bytes], key: str) -> None:
        route: tuple[bytes, ...] = (frames[0],)
        lease = self.born
        if len(frames) == RELAYED and frames[0] in self.relays:
            # From a broker: the session, its lease, the key that the client has shown there, and the frame.
            peer, identity, number, shown_there, frame = frames
            frames, route, lease = [identity, frame], (peer, identity), int.from_bytes(number, "big")
            key = shown_there.decode("ascii", "replace")
        try:
            session, is_new = self.sessions.enter(frames[0], key)
        except TurnedAway as problem:
            if self.router is not None:
                self.router.send(route, pack(ErrorReply(code=problem.code, message=str(problem))))
            return
        self.counters["sessions"] += is_new
        session.route, session.lease = route, lease
        session.heard = monotonic()
        if session.outbox:
            self._empty_outbox(session)
        try:
            if len(frames) != 2:
                raise WireProblem(Code.MALFORMED, f"a message is one frame, and this has {len(frames) - 1}")
            command = unpack_command(frames[1], self.max_frame)
        except WireProblem as problem:
            self.counters[problem.code] += 1
            self._reply(session, ErrorReply(id=problem.id, code=problem.code, message=str(problem)))
            return
        try:
            self._heed(session, command)
        except Exception as problem:  # our own mistake: whoever asked is told, or he would wait for ever
            log.exception("a command was not handled", extra={"command": type(command).__name__})
            self.counters[Code.FAILED] += 1
            self._reply(session, ErrorReply(id=command.id, code=Code.FAILED, message=f"{OURS} ({problem!r:.200})"))

    def _heed(self, session: Session, command: Command) -> None:
        """Answers a command, or puts it in the queue."""
        if not session.greeted and session.identity[0] and type(command) is not Hello:
            # Perhaps meant for the kernel before this one, and left over in libzmq when that died.
            self._reply(session, ErrorReply(id=command.id, code=Code.HELLO_FIRST, message="say hello first"))
        elif command.role not in session.roles:
            self.counters[Code.REFUSED] += 1
            self._reply(session, ErrorReply(id=command.id, code=Code.REFUSED, message=_lacking(session, command)))
        elif command.at_once:
            self._reply(session, answer_at_once(self, session, command))
        else:
            self._queue(session, command)

    def _heed_keys(self) -> None:
        """Who may do nothing any more is stopped in what he does."""
        for session in self.sessions.heed_keys():
            while session.queue:
                self._drop(session, session.queue[0], Code.REFUSED, "this key was revoked")
            if session.running is not None:
                self.interrupt(session.running)
            if session.topics:
                session.topics = set()
                self.handler.watch(session.identity, ())

    def _gone(self, session: Session) -> None:
        """A session was forgotten."""
        if session.topics:
            session.topics.clear()
            self.handler.watch(session.identity, ())
        self.relays.discard(session.identity)
        self._blocked.discard(session.identity)

    def leave(self, session: Session) -> None:
        """A client has no more to say: its session ends, at the latest when what runs of it is over."""
        session.left = True
        self.sessions.forget(session)

    def greet(self, session: Session, command: Hello) -> bool:
        """Names the session; answers whether it was there before."""
        before = session.greeted
        session.left = False
        session.greeted = True
        session.name = command.client
        session.observer = command.observer
        return before

    # -- the queue ----------------------------------------------------------------------------------------------------

    def _queue(self, session: Session, command: Command) -> None:
        if command.id is not None:
            answer = session.answer_to(command.id)
            if answer is not None:
                self.counters["resent"] += 1
                self.send(session, answer, True)
                return
            before = session.find(command.id)
            if before is not None:
                self.counters["resent"] += 1
                running = before is session.running
                self._reply(session, Resent(id=command.id, state="running" if running else "queued"))
                return
        if self.stopping:
            self._reply(session, ErrorReply(id=command.id, code=Code.STOPPING, message="the kernel is shutting down"))
            return
        if not self.turns.add(session, Request(self, session, command)):
            self.counters["busy"] += 1
            message = f"{self.turns.length} messages of this session are waiting; send again when some are answered"
            self._reply(session, ErrorReply(id=command.id, code=Code.BUSY, message=message))

    def _dispatch(self) -> None:
        """Begins what can begin. While an attendant is at work, the next request is its own, or waits until it is
        relieved, which is soon."""
        attendant = self.attendance.attendant
        mine = attendant is not None and attendant.thread == threading.get_ident()
        while attendant is None or (attendant.next if mine else attendant.since) is None:
            request = self.turns.begin()
            if request is None:
                return
            self.counters["commands"] += 1
            if mine:
                assert attendant is not None
                attendant.next = request
            else:
                self.hand_over(request)

    def hand_over(self, request: Request) -> None:
        """Has another thread carry out a request."""
        try:
            self.handler.start(request)
        except Exception:
            log.exception("the handler did not take a request")
            request.fail(Code.FAILED, OURS)

    def _drop(self, session: Session, request: Request, code: Code, message: str) -> None:
        self.turns.remove(session, request)
        frame = pack(ErrorReply(id=request.id, code=code, message=message))
        if request.id is not None:
            session.remember(request.id, frame)
        self.send(session, frame, True)

    def drop_all(self, code: Code, message: str) -> None:
        """Refuses all that waits."""
        for session in self.sessions.values():
            while session.queue:
                self._drop(session, session.queue[0], code, message)

    def cancel(self, session: Session, target: int | None) -> int:
        """Takes waiting requests out of the queue; answers how many."""
        chosen = [r for r in session.queue if target is None or r.id == target]
        for request in chosen:
            self._drop(session, request, Code.CANCELLED, "taken out of the queue before it began")
        return len(chosen)

    def interrupt(self, request: Request) -> None:
        """Stops a running request, now or as soon as it can be stopped."""
        if not request.interrupt() and request.session.running is request:
            self.call(lambda: self._interrupt_later(request))

    def _interrupt_later(self, request: Request) -> None:
        self.loop.call_later(0.005, self.interrupt, request)

    # -- out ----------------------------------------------------------------------------------------------------------

    def _deliver(self, request: Request, frame: bytes, final: bool) -> None:
        session = request.session
        if not final:
            request.delivered += 1
        else:
            self.turns.finish(session)
            if request.id is not None:
                session.remember(request.id, frame)
        if not self.send(session, frame, final):
            request.lost += 1
        if final and session.left:
            self.sessions.forget(session)

    def _reply(self, session: Session, reply: Reply) -> None:
        self.send(session, pack(reply), True)

    def send(self, session: Session, frame: bytes, final: bool) -> bool:
        """Sends, or keeps for later what cannot go now; False: neither."""
        if not session.outbox and self._try(session, frame):
            return True
        if session.keep(frame, final):
            return True
        session.lost += 1
        self.counters["lost"] += 1
        return False

    def _try(self, session: Session, frame: bytes) -> bool:
        if self.router is None:  # the server has ended
            return False
        sent = self.router.send(session.route, frame)
        if sent is Sent.FULL:
            self._blocked.add(session.identity)
        return sent is Sent.GONE_OUT  # or it is away: its next message empties the outbox

    def unblock(self) -> bool:
        """Sends what clients had no room for; whether any still have none."""
        for identity in list(self._blocked):
            blocked = self.sessions.get(identity)
            if blocked is None:
                self._blocked.discard(identity)
            else:
                self._empty_outbox(blocked)
        return bool(self._blocked)

    def _empty_outbox(self, session: Session) -> None:
        self._blocked.discard(session.identity)
        while session.outbox and self._try(session, session.outbox[0][0]):
            session.sent()


def _lacking(session: Session, command: Command) -> str:
    held = ", ".join(role for role in ROLES if role in session.roles) or "no role any more"
    return f"this asks for the role {command.role}; your key has {held}"
