"""The descriptors over which the window system sends keys and the pointer, so that a window at rest need not ask for
them sixty times a second. SDL does not say which they are; the system knows whom each socket is connected to.
"""

from __future__ import annotations

import os
import socket

X_PORTS = range(6000, 6100)  # of X servers over TCP, ssh -X among them


def doors() -> list[int]:
    """Sockets to an X server or a Wayland compositor; none where the system keeps no list, or has another way."""
    try:
        numbers = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    except OSError:
        return []
    return [number for number in numbers if _leads_to_a_screen(number)]


def _leads_to_a_screen(number: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(number)) as twin:
            peer = twin.getpeername()
    except OSError:  # no socket, or gone by now
        return False
    if isinstance(peer, tuple):
        return len(peer) > 1 and peer[1] in X_PORTS and ":" in os.environ.get("DISPLAY", "").lstrip(":")
    name = os.fsdecode(peer)
    return "X11-unix" in name or "wayland-" in name
