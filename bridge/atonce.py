"""What the server's loop answers by itself, whatever the workers do."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

from .codes import Code
from .covenant import (
    PROTOCOL,
    Approve,
    Cancel,
    Command,
    Data,
    Done,
    ErrorReply,
    Hello,
    Interrupt,
    Leave,
    Pending,
    Ping,
    Pong,
    Reply,
    Shutdown,
    Status,
    Subscribe,
    Unsubscribe,
    Welcome,
)

if TYPE_CHECKING:
    from .server import Server
    from .session import Session


def answer_at_once(server: Server, session: Session, command: Command) -> Reply:
    """The reply to a command whose class says `at_once`."""
    match command:
        case Ping():
            return Pong(id=command.id, running=server.turns.running, queued=server.turns.queued)
        case Hello():
            return _hello(server, session, command)
        case Interrupt():
            return _interrupt(server, session, command)
        case Cancel():
            if server.cancel(session, command.target) or command.target is None:
                return Done(id=command.id)
            return _error(command, Code.NO_SUCH_REQUEST, f"no message {command.target} of this session is waiting")
        case Subscribe():
            return _watch(server, session, command, session.topics.union(command.topics))
        case Unsubscribe():
            left = session.topics.difference(command.topics) if command.topics else set()
            return _watch(server, session, command, left)
        case Approve():
            waiting = server.approvals.pop(command.approval, None)
            if waiting is None:
                return _error(command, Code.NO_SUCH_APPROVAL, "nobody waits for this answer (any more)")
            waiting[2].put(command)
            return Done(id=command.id)
        case Pending():
            return Data(id=command.id, data=[waiting[0].model_dump() for waiting in list(server.approvals.values())])
        case Status():
            return Data(id=command.id, data=status(server, "admin" in session.roles))
        case Leave():
            server.cancel(session, None)
            server.leave(session)
            return Done(id=command.id)
        case Shutdown():
            server.handler.shutdown(command.now)
            return Done(id=command.id)
    return _error(command, Code.NOT_OFFERED, "not offered")


def status(server: Server, wholly: bool = False) -> dict[str, object]:
    """The server as data, for `status`, metrics and logs. `wholly`: with what others' messages say."""
    now = monotonic()
    return {
        "kernel": server.kernel,
        "pid": os.getpid(),
        "running": server.turns.running,
        "queued": server.turns.queued,
        "stopping": server.stopping,
        "counters": dict(server.counters),
        "approvals": len(server.approvals),
        "sessions": [_told(server, s, now, wholly) for s in list(server.sessions.values())],
        **server.handler.describe(),
        **server.handler.figures(),
    }


def _told(server: Server, session: Session, now: float, wholly: bool) -> dict[str, object]:
    running = session.running
    doing = ""
    if running is not None:
        doing = running.command.model_dump(include={"command"})["command"]
        if wholly:
            doing = (" ".join(str(getattr(running.command, "source", "")).split())[:200]) or doing
    owner = server.keyring.name_of(session.key) if session.key and server.keyring is not None else "owner"
    return {
        "name": session.name,
        "as": owner or "revoked",
        "roles": sorted(session.roles),
        "queued": len(session.queue),
        "running": running is not None,
        "since": now - running.began if running is not None else 0.0,
        "doing": doing,
        "handled": session.handled,
        "silent": now - session.heard,
        "topics": len(session.topics),
        "waiting_out": len(session.outbox),
        "lost": session.lost,
    }


def _hello(server: Server, session: Session, command: Hello) -> Reply:
    if command.protocol != PROTOCOL:
        return _error(command, Code.BAD_VERSION, f"this kernel speaks protocol {PROTOCOL}, not {command.protocol}")
    if command.relay:
        if "admin" not in session.roles:
            return _error(command, Code.REFUSED, "to speak for others asks for the role admin")
        server.relays.add(session.identity)
    told = server.handler.describe()
    return Welcome(
        id=command.id,
        kernel=server.kernel,
        version=str(told.get("version", "")),
        image=str(told.get("image", "")),
        pid=os.getpid(),
        resumed=server.greet(session, command),
        roles=sorted(session.roles),
        max_frame=server.max_frame,
        receipts=str(told.get("receipts", "")),
    )


def _interrupt(server: Server, session: Session, command: Interrupt) -> Reply:
    request = session.running if command.target is None else session.find(command.target)
    if request is None:
        return _error(command, Code.NO_SUCH_REQUEST, "nothing of this session is running")
    if request is session.running:
        server.interrupt(request)
    else:
        server.cancel(session, request.id)
    return Done(id=command.id)


def _watch(server: Server, session: Session, command: Command, topics: set[str]) -> Reply:
    try:
        server.handler.watch(session.identity, topics)
    except ValueError as problem:
        return _error(command, Code.BAD_TOPIC, str(problem))
    session.topics = topics
    return Done(id=command.id)


def _error(command: Command, code: Code, message: str) -> ErrorReply:
    return ErrorReply(id=command.id, code=code, message=message)
