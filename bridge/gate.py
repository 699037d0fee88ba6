"""The lock on a kernel's TCP endpoint: CURVE for encryption, ZAP (RFC 27) for who may come in.

A client is let in if its public key is on the kernel's keyring at that moment; libzmq then puts the key on every
message of that connection, as `User-Id`, and the server looks up what its holder may do.
"""

from __future__ import annotations

import logging
from typing import Any

import zmq

from .keys import KeyProblem, Keyring, shown

log = logging.getLogger("batos.bridge")

DOMAIN = "batos"


class Gate:
    """From `guard(socket)` on, what that socket binds asks for keys. `close` before the context ends."""

    def __init__(self, context: zmq.Context[Any], keyring: Keyring) -> None:
        from zmq.auth.thread import ThreadAuthenticator

        self.keyring = keyring
        self._zap = ThreadAuthenticator(context)
        self._zap.start()
        self._zap.configure_curve_callback(DOMAIN, self)

    def guard(self, socket: zmq.Socket[bytes]) -> None:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.keyring.own_pair().secret.encode())
        socket.setsockopt_string(zmq.ZAP_DOMAIN, DOMAIN)

    def callback(self, domain: str, key: bytes) -> bool:
        """Asked by pyzmq, on its thread: is this key let in?"""
        try:
            self.keyring.refresh()
        except KeyProblem as problem:
            log.error("keys", extra={"reason": str(problem)})
            return False
        known = self.keyring.roles_of(key.decode()) is not None
        if not known:
            log.warning("a key was refused", extra={"key": shown(key.decode())})
        return known

    def close(self) -> None:
        self._zap.stop()


def shown_key(frame: zmq.Frame) -> str:
    """The key that the sender of a frame has shown; "" for the owner, on a unix socket."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""
