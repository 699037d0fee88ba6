"""The client's DEALER socket and its monitor, which tells when the connection breaks and when it stands."""

from __future__ import annotations

from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from .core import Core

WATCHED = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED


def dealer(context: zmq.Context[Any], endpoint: str, identity: bytes) -> Any:
    """A DEALER ready to connect to `endpoint`. Its identity is its session's name with the server, and a secret."""
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity)
    socket.setsockopt(zmq.LINGER, 200)
    socket.setsockopt(zmq.SNDHWM, 0)  # so that a send fails for one reason only; the server's queue is the limit
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    return socket


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
    if parse_monitor_message(frames)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
        core.connected()
    else:
        core.disconnected()
