"""The broker: one endpoint in front of several kernels of one image.

A session stays with its kernel: its state, its order of commands and its events are there. So this is no round robin
(libzmq's own proxy of ROUTER and DEALER sends each message to the next kernel), but a seat for each session, at the
kernel that has the fewest. Messages pass through unread. When a kernel dies, falls silent or says goodbye, its sessions
get seats elsewhere, with a higher lease (image/receipts.py), and their clients are told (`moved`): they greet the new
kernel and send it again what is unanswered, and it knows what of that was carried out.

Nothing is kept here for anybody: what cannot be passed on is dropped, and the client, which keeps it until it is
answered, sends it again once it is told where its session is.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from .bridge import endpoint as endpoints
from .bridge.codes import Code
from .bridge.covenant import ErrorReply, Goodbye, Hello, Moved, Ping, Reply, Welcome
from .bridge.wire import MAX_FRAME, WireProblem, pack, unpack_reply
from .bridge.wiring import dealer

log = logging.getLogger("batos.broker")

SILENCE = 1.0  # seconds without a word from a kernel before it is pinged
DEAD = 5.0  # seconds without a word, in spite of pings, after which its sessions are moved
TURN = 0.25  # seconds between looks at the clock
SEAT_SECONDS = 900.0  # a session that is silent for so long loses its seat; a kernel forgets it before
BATCH = 256  # messages taken from one socket before the others get their turn
EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
MOVED = pack(Moved())


class Seat:
    """A session, and the kernel it is with; None while there is none."""

    def __init__(self, identity: bytes) -> None:
        self.identity = identity
        self.link: Link | None = None
        self.lease = b""
        self.heard = time.monotonic()
        self.begun = False  # it has said something, so that another kernel, or a first one at last, is news


class Link:
    """The connection to one kernel. It is `ready` once the kernel has taken us for a broker."""

    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        self.endpoint = endpoint
        self.socket = dealer(context, endpoint, b"\x01" + secrets.token_bytes(16), None)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.monitor = self.socket.get_monitor_socket(EVENTS)
        self.socket.connect(endpoint)
        self.seats: set[Seat] = set()
        self.ready = False
        self.pid = 0  # its process, as it says itself
        self.heard = self.pinged = self.made = time.monotonic()

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(0)


class Broker:
    """`find` answers the endpoints of the kernels there are, and is asked again and again. `end` is told the process of
    a kernel that hangs. Raises EndpointProblem."""

    def __init__(
        self, endpoint: str, find: Callable[[], Iterable[str]], end: Callable[[int], None] = lambda pid: None
    ) -> None:
        endpoints.prepare(endpoint)
        self._find = find
        self._end = end
        self._context: zmq.Context[Any] = zmq.Context()
        self._front = self._context.socket(zmq.ROUTER)
        self._front.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._front.setsockopt(zmq.LINGER, 500)
        self._front.setsockopt(zmq.SNDHWM, 10_000)
        self._front.setsockopt(zmq.MAXMSGSIZE, 4 * MAX_FRAME)
        self._front.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        self._front.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
        try:
            self._front.bind(endpoint)
        except zmq.ZMQError as problem:
            self._front.close(0)
            self._context.term()
            raise endpoints.EndpointProblem(f"{endpoint}: {problem}") from None
        self.endpoint = self._front.getsockopt_string(zmq.LAST_ENDPOINT)
        endpoints.protect(self.endpoint)
        self._poller = zmq.Poller()
        self._poller.register(self._front, zmq.POLLIN)
        self.links: dict[str, Link] = {}
        self.seats: dict[bytes, Seat] = {}
        self._lease = 0
        self._stopping = False

    def stop(self) -> None:
        """Ends `run` soon; from a signal handler too."""
        self._stopping = True

    def run(self, turn: Callable[[], None] = lambda: None) -> None:
        """Passes messages on until `stop`; `turn` is called now and then."""
        looked = 0.0
        try:
            while not self._stopping:
                if time.monotonic() - looked >= TURN:
                    looked = time.monotonic()
                    turn()
                    self._look_around()
                came = dict(self._poller.poll(int(TURN * 1000)))
                if self._front in came:
                    self._from_clients()
                for link in list(self.links.values()):
                    if link.socket in came:
                        self._from_kernel(link)
                    if link.monitor in came:
                        self._connection(link)
        finally:
            self.close()

    def close(self) -> None:
        for link in list(self.links.values()):
            self._drop(link)
        endpoints.clear(self.endpoint)
        self._front.close()
        self._context.term()

    # -- clients ------------------------------------------------------------------------------------------------------

    def _from_clients(self) -> None:
        for _ in range(BATCH):
            try:
                identity, *frames = self._front.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(frames) != 1:
                self._tell(identity, pack(ErrorReply(code=Code.MALFORMED, message="a message is one frame")))
                continue
            seat = self.seats.get(identity)
            if seat is None:
                seat = self.seats[identity] = Seat(identity)
            seat.heard = time.monotonic()
            if seat.link is None:
                self._place(seat)
            if seat.link is not None:
                self._pass(seat.link, [identity, seat.lease, b"", frames[0]])
            seat.begun = True

    def _place(self, seat: Seat) -> None:
        """Gives a session to the kernel that has the fewest. Its client hears of it if it was with another one."""
        ready = [link for link in self.links.values() if link.ready]
        if not ready:
            return
        seat.link = min(ready, key=lambda link: len(link.seats))
        seat.link.seats.add(seat)
        self._lease = max(time.time_ns(), self._lease + 1)  # higher than that of a broker before us, too
        seat.lease = self._lease.to_bytes(8, "big")
        if seat.begun:
            self._tell(seat.identity, MOVED)

    def _tell(self, identity: bytes, frame: bytes) -> None:
        try:
            self._front.send_multipart([identity, frame], zmq.NOBLOCK)
        except zmq.ZMQError:
            log.debug("a client does not take what is sent to it")

    # -- kernels ------------------------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """New kernels, silent ones, sessions that nobody uses any more."""
        now = time.monotonic()
        known = set(self._find())
        for endpoint in known - self.links.keys():
            if endpoints.is_listening(endpoint) is not False:
                self._meet(endpoint)
        for link in list(self.links.values()):
            if link.ready and now - link.heard > DEAD:
                # Before its sessions move: it may hold what the next kernel needs, in the middle of a commit.
                self._end(link.pid)
                self._lose(link, f"has not answered for {DEAD:g} s")
            elif not link.ready and now - link.made > DEAD and link.endpoint not in known:
                self._lose(link, "is gone")
            elif link.ready and now - link.heard > SILENCE and now - link.pinged > SILENCE:
                link.pinged = now
                self._pass(link, [pack(Ping())])
        for seat in [seat for seat in self.seats.values() if now - seat.heard > SEAT_SECONDS]:
            del self.seats[seat.identity]
            if seat.link is not None:
                seat.link.seats.discard(seat)
        for seat in self.seats.values():
            if seat.link is None:
                self._place(seat)

    def _meet(self, endpoint: str) -> None:
        link = self.links[endpoint] = Link(self._context, endpoint)
        self._poller.register(link.socket, zmq.POLLIN)
        self._poller.register(link.monitor, zmq.POLLIN)

    def _connection(self, link: Link) -> None:
        while link.endpoint in self.links:
            try:
                frames = link.monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if parse_monitor_message(frames)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._pass(link, [pack(Hello(id=0, client="broker", relay=True))])
            else:
                self._from_kernel(link)  # what it said last
                self._lose(link, "is gone")

    def _from_kernel(self, link: Link) -> None:
        for _ in range(BATCH):
            if self.links.get(link.endpoint) is not link:
                return
            try:
                *identity, frame = link.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            link.heard = time.monotonic()
            if not identity:
                self._own(link, frame)
                continue
            seat = self.seats.get(identity[0])
            # What a kernel says of a session that was taken from it is void: another one carries its commands out.
            if seat is not None and seat.link is link and not _is_leaving(frame):
                self._tell(seat.identity, frame)

    def _own(self, link: Link, frame: bytes) -> None:
        """What a kernel says to us."""
        match _read(frame):
            case Welcome() as welcome:
                link.ready, link.pid = True, welcome.pid
                log.info("kernel %s at %s has joined: %d now", welcome.pid, link.endpoint, len(self.ready()))
            case Goodbye():
                self._lose(link, "says goodbye")
            case ErrorReply() as refusal:
                log.error("the kernel at %s does not take us for a broker: %s", link.endpoint, refusal.message)

    def ready(self) -> list[Link]:
        """The kernels that sessions can be given to."""
        return [link for link in self.links.values() if link.ready]

    def _lose(self, link: Link, why: str) -> None:
        """A kernel is gone: its sessions go to others, its connection with all that waits in it is dropped."""
        self._drop(link)
        if link.ready:
            log.warning("kernel at %s %s: %d sessions move", link.endpoint, why, len(link.seats))
        for seat in link.seats:
            seat.link = None
            self._place(seat)

    def _drop(self, link: Link) -> None:
        del self.links[link.endpoint]
        self._poller.unregister(link.socket)
        self._poller.unregister(link.monitor)
        link.close()

    def _pass(self, link: Link, frames: list[bytes]) -> None:
        try:
            link.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError:
            log.warning("the kernel at %s does not take what is sent to it", link.endpoint)


def _read(frame: bytes) -> Reply | None:
    try:
        return unpack_reply(frame)
    except WireProblem:
        return None


def _is_leaving(frame: bytes) -> bool:
    """Does a kernel that stops say so to a session? It moves instead, and what was refused is sent again elsewhere."""
    if b"goodbye" not in frame[:64] and b"stopping" not in frame[:128]:
        return False
    said = _read(frame)
    return isinstance(said, Goodbye) or (isinstance(said, ErrorReply) and said.code == Code.STOPPING)
