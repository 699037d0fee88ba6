"""The client's DEALER socket and its monitor, which tells when the connection breaks and when it stands."""

from __future__ import annotations

from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from .core import Core, KernelGone, socket_missing
from .keys import ClientKeys, OwnKeys

FAILED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
WATCHED = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED | FAILED


def dealer(context: zmq.Context[Any], endpoint: str, identity: bytes, keys: ClientKeys | None) -> Any:
    """A DEALER ready to connect to `endpoint`. Its identity is its session's name with the server, and a secret.

    Without `keys`, the person's own are shown to a kernel that is known to want them (`batos keys trust`).
    """
    keys = keys or OwnKeys().for_endpoint(endpoint)
    socket = context.socket(zmq.DEALER)
    if keys is not None:
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.kernel.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.own.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.own.secret.encode())
    socket.setsockopt(zmq.IDENTITY, identity)
    socket.setsockopt(zmq.LINGER, 200)
    socket.setsockopt(zmq.SNDHWM, 0)  # so that a send fails for one reason only; the server's queue is the limit
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    return socket


def connect(socket: Any, endpoint: str) -> None:
    """Begins to connect; KernelGone if that is no endpoint, or a unix socket that is not there."""
    if socket_missing(endpoint):
        raise KernelGone(f"no kernel listens at {endpoint}")
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as problem:
        raise KernelGone(f"{endpoint}: {problem.strerror}; an endpoint is tcp://HOST:PORT or ipc:///PATH") from None


def monitor_of(socket: Any) -> Any:
    return socket.get_monitor_socket(WATCHED)


def send_now(socket: Any, frame: bytes) -> bool:
    """Sends without waiting; False if there is no connection (there is no other limit)."""
    for _ in range(2):
        try:
            socket.send(frame, zmq.NOBLOCK)
            return True
        except zmq.Again:
            socket.getsockopt(zmq.EVENTS)  # makes libzmq look at what its own threads have told it
    return False


def note_event(frames: list[bytes], core: Core) -> None:
    """Tells the core what happened to the connection."""
    match parse_monitor_message(frames)["event"]:
        case zmq.EVENT_HANDSHAKE_SUCCEEDED:
            core.connected()
        case zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            core.rejected("it does not let this key in (there, `batos keys allow NAME KEY` does)")
        case zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            core.rejected("it asks for CURVE keys; `batos keys trust ENDPOINT KEY` tells it from others")
        case zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            core.unproven = True  # it hung up: another key than the one trusted, or it just ended
            core.disconnected()
        case _:
            core.disconnected()
