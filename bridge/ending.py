"""How a server ends: in good order, and, where that is asked for, not before its last client has gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from .codes import Code
from .covenant import Goodbye, Pong
from .router import Sent
from .wire import pack

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("batos.bridge")

INTERRUPTED = 2.0  # seconds that interrupted requests have to come to their end
LAST_WORDS = 2.0  # seconds that clients who read slowly have for the last answers
LEAVING = 0.1  # seconds until the word of clients who have just left is sure to have come
LOOK = 0.5  # seconds between two looks whether anybody is there
NOTHING = pack(Pong(id=0))  # clients have no command of that number, and drop it


async def wind_down(server: Server, reason: str, grace: float) -> None:
    """Refuses what waits, gives what runs `grace` seconds, interrupts it, sends the last answers, says goodbye."""
    server.attendance.relieve()
    log.info("stopping", extra={"reason": reason, "running": server.turns.running, "queued": server.turns.queued})
    with server.holding():
        server.drop_all(Code.STOPPING, "the kernel is shutting down; not begun")
    for _, _, answers in list(server.approvals.values()):
        answers.put(None)
    await _until(lambda: not server.turns.running, grace)
    with server.lock:
        for session in server.sessions.values():
            if session.running is not None:
                server.interrupt(session.running)
    await _until(lambda: not server.turns.running, INTERRUPTED)
    with server.holding():
        for session in server.sessions.values():
            server.send(session, pack(Goodbye(reason=reason)), False)

    def is_all_out() -> bool:
        with server.holding():
            return not server.unblock()

    await _until(is_all_out, LAST_WORDS)


async def last_has_gone(server: Server, stays: Callable[[int], None]) -> None:
    """Waits until no client is connected any more. `stays` is told how many are, if some are at first."""
    await asyncio.sleep(LEAVING)
    count = _company(server)
    if count:
        log.info("stays for those who are connected", extra={"clients": count})
        stays(count)
    while _company(server):
        await asyncio.sleep(LOOK)


def _company(server: Server) -> int:
    """How many clients are there that do not only look on: they have not said that they leave, and their connections
    stand."""
    with server.holding():
        router = server.router
        if router is None:
            return 0
        there = [session for session in server.sessions.values() if not session.left and not session.observer]
        return sum(router.send(session.route, NOTHING) is not Sent.AWAY for session in there)


async def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = monotonic() + seconds
    while not done() and monotonic() < deadline:
        await asyncio.sleep(0.005)
