"""The server's side of the socket: one asyncio loop, a ROUTER, sessions, and a fair queue.

The loop waits for the socket. It answers at once what asks for no work (ping, interrupt, cancel, subscribe, approve,
...), queues the rest per session, and hands at most `capacity` requests at a time to the handler, one of each session
in turn, so that a client with a thousand messages delays another by one. A session's own commands are carried out one
after another, in order.

The handler is called with a Request and must return at once; some thread of its own answers later with
`request.finish`, which sends from that thread. The server knows nothing of what a command means.

One lock goes with the socket and the sessions, and nobody waits for anything while holding it. Sending from the thread
that has the answer spares it and the loop two changes of thread, a quarter of a whole round trip. Order of locks: the
server's, then a request's.

Why not zmq.asyncio: its futures cost a third of a whole round trip. The socket's file descriptor with `add_reader` is
what it does underneath. That descriptor is edge-triggered: any call on the socket may swallow the edge, so whoever has
sent looks whether something came in, and has the loop read it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Protocol

import zmq

from . import endpoint as endpoints
from .atonce import answer_at_once
from .attending import Attendance
from .codes import ROLES, Code
from .covenant import Accepted as Resent
from .covenant import Approval, Approve, Command, ErrorReply, Event, Goodbye, Hello, Reply
from .gate import Gate, shown_key
from .keys import KeyProblem, Keyring, shown
from .session import Request, Session
from .wire import MAX_FRAME, WireProblem, pack, unpack_command

log = logging.getLogger("batos.bridge")

QUEUE = 64  # commands a session may have waiting
SESSIONS = 1024
SESSION_SECONDS = 600.0  # an idle session is forgotten after so long a silence
BATCH = 128  # messages taken from the socket before timers and others get their turn
REMEMBERED_BY_ALL = 64 << 20  # bytes of answers that all sessions together keep for resends
RELAYED = 5  # frames of a message that a broker passes on
OURS = "the kernel failed; its log says how"  # what is said of our own mistakes
HARD_FRAME = 4 * MAX_FRAME  # beyond this libzmq drops the connection before the frame fills our memory

# As plain integers: operators of the enums cost as much as the calls.
EVENTS, POLLIN, RCVMORE = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.RCVMORE)
NOBLOCK, SNDMORE = int(zmq.NOBLOCK), int(zmq.SNDMORE | zmq.NOBLOCK)


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
        self._keys_seen = keyring.version if keyring is not None else 0
        self.handler = handler
        self.max_frame = max_frame
        self.max_sessions = max_sessions
        self.queue_length = queue_length
        self.session_seconds = session_seconds
        self.kernel = secrets.token_hex(8)  # new with every start
        self.born = time.time_ns()  # later than that of the kernel before: the lease of sessions without a broker
        self.relays: set[bytes] = set()  # brokers, which speak for sessions of others
        self.sessions: dict[bytes, Session] = {}
        self.counters: Counter[str] = Counter()
        self.approvals: dict[str, tuple[Approval, Request, queue.SimpleQueue[Approve | None]]] = {}
        self.running = 0
        self.queued = 0
        self.stopping = False
        self.capacity = capacity  # requests under way at most, those that have stepped aside among them
        self._ready: deque[Session] = deque()  # sessions with something queued and nothing running, each once
        self.lock = threading.RLock()  # around the socket, the sessions and all that is counted here
        self._blocked: set[bytes] = set()  # sessions whose outbox waits for room
        self._early: list[Callable[[], None]] = []  # what was asked of the loop before there was one
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self.socket: zmq.Socket[bytes] | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._gate: Gate | None = None  # None: nobody shows a key here
        self.attendance = Attendance(self)

    # -- life ---------------------------------------------------------------------------------------------------------

    def bind(self) -> str:
        """Opens the socket; answers the endpoint with a wildcard port filled in."""
        secured = self.keyring is not None and self.keyring.pair is not None
        for endpoint in filter(None, (self.endpoint, self.tcp)):
            endpoints.prepare(endpoint, secured)
        if self.tcp is not None and not (secured and self.tcp.startswith("tcp://")):
            raise endpoints.EndpointProblem(f"{self.tcp}: this is for TCP with CURVE keys; see `batos keys`")
        self._context = zmq.Context()
        socket = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 2000)  # the last answers and the goodbye go out, also on a busy machine
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # a client that is away is an error we see, not a message we lose
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a client that comes back before its old connection has died
        socket.setsockopt(zmq.MAXMSGSIZE, max(HARD_FRAME, 4 * self.max_frame))
        socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
        try:
            self.endpoint = self._listen(socket, self.endpoint, secured)
            endpoints.protect(self.endpoint)
            if self.tcp is not None:
                self.tcp = self._listen(socket, self.tcp, secured)
        except endpoints.EndpointProblem:
            socket.close(0)
            self._close_context()
            raise
        self.socket = socket
        return self.endpoint

    def _listen(self, socket: zmq.Socket[bytes], endpoint: str, secured: bool) -> str:
        """Binds; answers the endpoint with a wildcard port filled in."""
        assert self._context is not None
        if secured and self._gate is None and endpoint.startswith("tcp://"):
            assert self.keyring is not None
            self._gate = Gate(self._context, self.keyring)
            self._gate.guard(socket)  # what was bound before, the unix socket, goes on without keys
        socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as problem:
            raise endpoints.EndpointProblem(f"{endpoint}: {problem}") from None
        return socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def unbind(self) -> None:
        """Closes the socket of a server that was never run."""
        with self.lock:
            socket, self.socket = self.socket, None
            if socket is not None:
                endpoints.clear(self.endpoint)
                socket.close(0)
                self._close_context()

    def _close_context(self) -> None:
        assert self._context is not None
        if self._gate is not None:
            self._gate.close()
        self._context.term()

    async def run(self) -> None:
        """Serves until `stop`, then closes the socket. Binds first if `bind` was not called."""
        if self.socket is None:
            self.bind()
        assert self.socket is not None and self._context is not None
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
                socket, self.socket = self.socket, None
                endpoints.clear(self.endpoint)
                socket.close()
            self._close_context()

    def stop(self, reason: str = "the kernel stops", grace: float = 5.0) -> None:
        """From any thread: begin nothing new, give running requests `grace` seconds, interrupt them, say goodbye,
        end."""
        self.call(lambda: self._stop(reason, grace))

    def _stop(self, reason: str, grace: float) -> None:
        if self.stopping:
            return
        self.stopping = True
        self.attendance.relieve()
        log.info("stopping", extra={"reason": reason, "running": self.running, "queued": self.queued})
        with self._holding():
            for session in self.sessions.values():
                while session.queue:
                    self._drop(session, session.queue[0], Code.STOPPING, "the kernel is shutting down; not begun")
            self._ready.clear()
        for _, _, answers in list(self.approvals.values()):
            answers.put(None)
        self.loop.create_task(self._wind_down(reason, grace))

    async def _wind_down(self, reason: str, grace: float) -> None:
        deadline = monotonic() + grace
        while self.running and monotonic() < deadline:
            await asyncio.sleep(0.005)
        with self.lock:
            for session in self.sessions.values():
                if session.running is not None:
                    self.interrupt(session.running)
        deadline = monotonic() + 2.0
        while self.running and monotonic() < deadline:
            await asyncio.sleep(0.005)
        with self._holding():
            for session in self.sessions.values():
                self._send(session, pack(Goodbye(reason=reason)), False)
        deadline = monotonic() + 2.0
        while self._blocked and monotonic() < deadline:  # the last answers of those who read slowly
            await asyncio.sleep(0.005)
            with self._holding():
                self._unblock()
        assert self._ended is not None
        self._ended.set()

    async def _sweep(self) -> None:
        """Forgets sessions that fell silent, and retries clients that had no room."""
        for turn in itertools.count():
            await asyncio.sleep(0.1)
            with self._holding():
                if self._blocked:
                    self._unblock()
                if turn % 10 == 0 and self._gate is not None:
                    self._heed_keys()
                if turn % 50 == 0:
                    horizon = monotonic() - self.session_seconds
                    for session in [s for s in self.sessions.values() if s.heard < horizon]:
                        self._forget_session(session)
                    self._bound_memory()

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
    def _holding(self) -> Iterator[None]:
        """The socket and sessions are this thread's while the body runs; what became possible by it is then done."""
        with self.lock:
            try:
                yield
            finally:
                self._go_on()

    def _go_on(self) -> None:
        """Does what has become possible. For whoever has the lock."""
        self._dispatch()
        if self.socket is not None and not self.attendance.is_mine and int(self.socket.get(EVENTS)) & POLLIN:
            self.call(self.drain)  # our sending swallowed the edge that would have woken who is at the socket

    def post(self, request: Request, frame: bytes, final: bool) -> None:
        with self.lock:
            try:
                self._deliver(request, frame, final)
            finally:
                self._go_on()

    def change_capacity(self, by: int) -> None:
        with self._holding():
            self.capacity += by

    def publish(self, identity: bytes, event: Event) -> None:
        """Sends an event to one session, if it is still there."""
        try:
            frame = pack(event)
        except WireProblem as problem:
            log.warning("event not sent", extra={"reason": str(problem)})
            return
        with self._holding():
            session = self.sessions.get(identity)
            if session is not None:
                self._send(session, frame, False)

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
        with self._holding():
            if self.socket is not None:
                self._take(self.socket)

    def take_in(self) -> bool:
        """Takes in what has come and begins what can begin; True if there is more. For the thread that is at the
        socket, which has the lock."""
        assert self.socket is not None
        more = self._take(self.socket)
        self._dispatch()
        return more

    def _take(self, socket: zmq.Socket[bytes]) -> bool:
        more = True
        for _ in range(BATCH):
            if not int(socket.get(EVENTS)) & POLLIN:  # four times cheaper than the exception that says so
                more = False
                break
            key = ""
            try:
                if self._gate is None:
                    frames = [socket.recv(NOBLOCK), socket.recv(NOBLOCK)]
                    while socket.get(RCVMORE):
                        frames.append(socket.recv(NOBLOCK))
                else:
                    parts = socket.recv_multipart(NOBLOCK, copy=False)
                    key = shown_key(parts[-1])
                    frames = [part.bytes for part in parts]
            except zmq.ZMQError as problem:
                log.error("socket", extra={"reason": str(problem)})
                break
            try:
                self._receive(frames, key)
            except Exception:  # a reader that dies with messages left would never be called again
                log.exception("a message was not taken in")
                self.counters[Code.FAILED] += 1
        if self._blocked:
            self._unblock()
        return more

    def _receive(self, frames: list[bytes], key: str) -> None:
        route: tuple[bytes, ...] = (frames[0],)
        lease = self.born
        if len(frames) == RELAYED and frames[0] in self.relays:
            # From a broker: the session, its lease, the key that the client has shown there, and the frame.
            peer, identity, number, shown_there, frame = frames
            frames, route, lease = [identity, frame], (peer, identity), int.from_bytes(number, "big")
            key = shown_there.decode("ascii", "replace")
        session = self._session(frames[0], key, route)
        if session is None:
            return
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

    def _session(self, identity: bytes, key: str, route: tuple[bytes, ...]) -> Session | None:
        session = self.sessions.get(identity)
        if session is not None and session.key != key:
            told = {"key": shown(key) if key else "", "session": session.name}
            log.warning("a session was asked for with another key", extra=told)
            refused = Session(identity, key)
            refused.route = route
            self._reply(refused, ErrorReply(code=Code.REFUSED, message="this session belongs to another key"))
            return None
        if session is None:
            if len(self.sessions) >= self.max_sessions and not self._make_room():
                refused = Session(identity)
                refused.route = route
                self._reply(refused, ErrorReply(code=Code.BUSY, message=f"{self.max_sessions} sessions are open"))
                return None
            session = self.sessions[identity] = Session(identity, key, self._roles_of(key))
            self.counters["sessions"] += 1
        return session

    def _roles_of(self, key: str) -> frozenset[str]:
        """What the holder of a key may do; without one, he is the owner, or somebody on this machine."""
        if not key:
            return frozenset(ROLES)
        return (self.keyring.roles_of(key) if self.keyring is not None else None) or frozenset()

    def _heed_keys(self) -> None:
        """What was allowed or revoked since counts for the sessions that are open."""
        assert self.keyring is not None
        try:
            self.keyring.refresh()
        except KeyProblem as problem:
            log.error("keys", extra={"reason": str(problem)})
        if self.keyring.version == self._keys_seen:
            return
        self._keys_seen = self.keyring.version
        for session in [s for s in self.sessions.values() if s.key]:
            session.roles = self._roles_of(session.key)
            if session.roles:
                continue
            log.info("a key was revoked", extra={"key": shown(session.key), "session": session.name})
            while session.queue:
                self._drop(session, session.queue[0], Code.REFUSED, "this key was revoked")
            if session.running is not None:
                self.interrupt(session.running)
            if session.topics:
                session.topics = set()
                self.handler.watch(session.identity, ())

    def _make_room(self) -> bool:
        idle = [s for s in self.sessions.values() if s.running is None and not s.queue and not s.topics]
        if not idle:
            return False
        self._forget_session(min(idle, key=lambda s: s.heard))
        return True

    def _forget_session(self, session: Session) -> None:
        if session.running is not None or session.queue:
            return
        if session.topics:
            session.topics.clear()
            self.handler.watch(session.identity, ())
        del self.sessions[session.identity]
        self.relays.discard(session.identity)
        self._blocked.discard(session.identity)

    def _bound_memory(self) -> None:
        """A session may remember megabytes of answers; all together may not. Who was silent longest is least likely to
        ask again."""
        most = REMEMBERED_BY_ALL
        for session in sorted(self.sessions.values(), key=lambda s: s.heard, reverse=True):
            most -= session.remembers
            if most < 0:
                session.forget_answers()

    def leave(self, session: Session) -> None:
        """A client has no more to say: its session ends, at the latest when what runs of it is over."""
        session.left = True
        self._forget_session(session)

    def greet(self, session: Session, command: Hello) -> bool:
        """Names the session; answers whether it was there before."""
        before = session.greeted
        session.left = False
        session.greeted = True
        session.name = command.client
        return before

    # -- the queue ----------------------------------------------------------------------------------------------------

    def _queue(self, session: Session, command: Command) -> None:
        if command.id is not None:
            answer = session.answer_to(command.id)
            if answer is not None:
                self.counters["resent"] += 1
                self._send(session, answer, True)
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
        if len(session.queue) >= self.queue_length:
            self.counters["busy"] += 1
            message = f"{self.queue_length} messages of this session are waiting; send again when some are answered"
            self._reply(session, ErrorReply(id=command.id, code=Code.BUSY, message=message))
            return
        session.queue.append(Request(self, session, command))
        self.queued += 1
        if session.running is None and len(session.queue) == 1:
            self._ready.append(session)

    def _dispatch(self) -> None:
        """Begins what can begin. While an attendant is at work, the next request is its own, or waits until it is
        relieved, which is soon."""
        if not self._ready:
            return
        attendant = self.attendance.attendant
        mine = attendant is not None and attendant.thread == threading.get_ident()
        while self._ready and self.running < self.capacity:
            if attendant is not None and (attendant.next is not None if mine else attendant.since is not None):
                return
            session = self._ready.popleft()
            if not session.queue or session.running is not None:
                continue
            request = session.queue.popleft()
            session.running = request
            request.began = monotonic()
            self.running += 1
            self.queued -= 1
            self.counters["commands"] += 1
            if mine:
                assert attendant is not None
                attendant.next = request
                continue
            self.hand_over(request)

    def hand_over(self, request: Request) -> None:
        """Has another thread carry out a request."""
        try:
            self.handler.start(request)
        except Exception:
            log.exception("the handler did not take a request")
            request.fail(Code.FAILED, OURS)

    def _drop(self, session: Session, request: Request, code: Code, message: str) -> None:
        session.queue.remove(request)
        self.queued -= 1
        frame = pack(ErrorReply(id=request.id, code=code, message=message))
        if request.id is not None:
            session.remember(request.id, frame)
        self._send(session, frame, True)

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
            session.running = None
            session.handled += 1
            self.running -= 1
            if request.id is not None:
                session.remember(request.id, frame)
            if session.queue:
                self._ready.append(session)
        if not self._send(session, frame, final):
            request.lost += 1
        if final and session.left:
            self._forget_session(session)

    def _reply(self, session: Session, reply: Reply) -> None:
        self._send(session, pack(reply), True)

    def _send(self, session: Session, frame: bytes, final: bool) -> bool:
        """Sends, or keeps for later what cannot go now; False: neither."""
        if not session.outbox and self._try(session, frame):
            return True
        if session.keep(frame, final):
            return True
        session.lost += 1
        self.counters["lost"] += 1
        return False

    def _try(self, session: Session, frame: bytes) -> bool:
        if self.socket is None:  # the server has ended
            return False
        try:
            for part in session.route:
                self.socket.send(part, SNDMORE)
            self.socket.send(frame, NOBLOCK)
        except zmq.Again:  # it reads too slowly
            self._blocked.add(session.identity)
            return False
        except zmq.ZMQError as problem:
            if problem.errno != zmq.EHOSTUNREACH:
                log.error("send", extra={"reason": str(problem)})
            return False  # it is away; its next message empties the outbox
        return True

    def _unblock(self) -> None:
        for identity in list(self._blocked):
            blocked = self.sessions.get(identity)
            if blocked is None:
                self._blocked.discard(identity)
            else:
                self._empty_outbox(blocked)

    def _empty_outbox(self, session: Session) -> None:
        self._blocked.discard(session.identity)
        while session.outbox and self._try(session, session.outbox[0][0]):
            session.sent()


def _lacking(session: Session, command: Command) -> str:
    held = ", ".join(role for role in ROLES if role in session.roles) or "no role any more"
    return f"this asks for the role {command.role}; your key has {held}"
