"""The server's ROUTER socket: opened where it shall listen, messages in, frames out. For whoever has the server's lock.

Why not zmq.asyncio: its futures cost a third of a whole round trip. The socket's file descriptor with `add_reader` is
what it does underneath. That descriptor is edge-triggered: any call on the socket may swallow the edge, so whoever has
sent looks whether something came in, and has the loop read it.
"""

from __future__ import annotations

import logging
from enum import Enum

import zmq

from . import endpoint as endpoints
from .gate import Gate, shown_key
from .keys import Keyring
from .wire import MAX_FRAME

log = logging.getLogger("batos.bridge")

HARD_FRAME = 4 * MAX_FRAME  # beyond this libzmq drops the connection before the frame fills our memory

# As plain integers: operators of the enums cost as much as the calls.
EVENTS, POLLIN, RCVMORE, FD = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.RCVMORE), int(zmq.FD)
NOBLOCK, SNDMORE = int(zmq.NOBLOCK), int(zmq.SNDMORE | zmq.NOBLOCK)


class Sent(Enum):
    """What became of a frame."""

    GONE_OUT = "gone out"
    FULL = "full"  # its receiver reads too slowly
    AWAY = "away"  # there is no connection to it


class Router:
    """Listens at `endpoint`, and at `tcp` if that is given: there, keys are always asked for. Both are filled in where
    they have wildcards. Raises endpoint.EndpointProblem."""

    def __init__(self, endpoint: str, tcp: str | None, keyring: Keyring | None, max_frame: int) -> None:
        secured = keyring is not None and keyring.pair is not None
        for each in filter(None, (endpoint, tcp)):
            endpoints.prepare(each, secured)
        if tcp is not None and not (secured and tcp.startswith("tcp://")):
            raise endpoints.EndpointProblem(f"{tcp}: this is for TCP with CURVE keys; see `batos keys`")
        self._keyring = keyring if secured else None
        self._gate: Gate | None = None  # None: nobody shows a key here
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 2000)  # the last answers and the goodbye go out, also on a busy machine
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # who is away is an error we see, not a message we lose
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a client that comes back before its old connection has died
        self._socket.setsockopt(zmq.MAXMSGSIZE, max(HARD_FRAME, 4 * max_frame))
        self._socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
        try:
            self.endpoint = self._listen(endpoint)
            endpoints.protect(self.endpoint)
            self.tcp = None if tcp is None else self._listen(tcp)
        except endpoints.EndpointProblem:
            self._socket.close(0)
            self._end()
            raise
        self.fd = int(self._socket.get(FD))

    def _listen(self, endpoint: str) -> str:
        if self._keyring is not None and self._gate is None and endpoint.startswith("tcp://"):
            self._gate = Gate(self._context, self._keyring)
            self._gate.guard(self._socket)  # what was bound before, the unix socket, goes on without keys
        self._socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as problem:
            raise endpoints.EndpointProblem(f"{endpoint}: {problem}") from None
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def close(self, linger: bool = True) -> None:
        """With `linger`, what was sent goes out first."""
        endpoints.clear(self.endpoint)
        self._socket.close(None if linger else 0)
        self._end()

    def _end(self) -> None:
        if self._gate is not None:
            self._gate.close()
        self._context.term()

    @property
    def asks_for_keys(self) -> bool:
        return self._gate is not None

    def has_more(self) -> bool:
        """Whether a message waits to be received."""
        return bool(int(self._socket.get(EVENTS)) & POLLIN)  # four times cheaper than the exception that says so

    def receive(self) -> tuple[list[bytes], str]:
        """The frames of the next message, its sender's identity first, and the key that he has shown. Raises
        ZMQError."""
        socket = self._socket
        if self._gate is None:
            frames = [socket.recv(NOBLOCK), socket.recv(NOBLOCK)]
            while socket.get(RCVMORE):
                frames.append(socket.recv(NOBLOCK))
            return frames, ""
        parts = socket.recv_multipart(NOBLOCK, copy=False)
        return [part.bytes for part in parts], shown_key(parts[-1])

    def send(self, route: tuple[bytes, ...], frame: bytes) -> Sent:
        """Sends a frame to the identity that ends the route; waits for nothing."""
        socket = self._socket
        try:
            for part in route:
                socket.send(part, SNDMORE)
            socket.send(frame, NOBLOCK)
        except zmq.Again:
            return Sent.FULL
        except zmq.ZMQError as problem:
            if problem.errno != zmq.EHOSTUNREACH:
                log.error("send", extra={"reason": str(problem)})
            return Sent.AWAY
        return Sent.GONE_OUT
