"""Who is there: the sessions of one server, what their keys allow, and who has to go. For whoever has its lock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

from .codes import ROLES, Code
from .keys import KeyProblem, Keyring, shown
from .session import Session

log = logging.getLogger("batos.bridge")

REMEMBERED_BY_ALL = 64 << 20  # bytes of answers that all sessions together keep for resends


class TurnedAway(Exception):
    """Nobody is let in under this identity: `.code` and the text say why."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sessions(dict[bytes, Session]):
    """By identity; `most` of them at a time. `on_gone` is told of each that is forgotten."""

    def __init__(self, keyring: Keyring | None, most: int, on_gone: Callable[[Session], None]) -> None:
        super().__init__()
        self._keyring = keyring
        self._keys_seen = keyring.version if keyring is not None else 0
        self._most = most
        self._on_gone = on_gone

    def enter(self, identity: bytes, key: str) -> tuple[Session, bool]:
        """The session of that identity, and whether it is new. Raises TurnedAway."""
        session = self.get(identity)
        if session is None:
            if len(self) >= self._most and not self._make_room():
                raise TurnedAway(Code.BUSY, f"{self._most} sessions are open")
            session = self[identity] = Session(identity, key, self._roles_of(key))
            return session, True
        if session.key != key:
            told = {"key": shown(key) if key else "", "session": session.name}
            log.warning("a session was asked for with another key", extra=told)
            raise TurnedAway(Code.REFUSED, "this session belongs to another key")
        return session, False

    def _roles_of(self, key: str) -> frozenset[str]:
        """What the holder of a key may do; without one, he is the owner, or somebody on this machine."""
        if not key:
            return frozenset(ROLES)
        return (self._keyring.roles_of(key) if self._keyring is not None else None) or frozenset()

    def heed_keys(self) -> list[Session]:
        """What was allowed or revoked since counts for the sessions that are open; those that may do nothing now."""
        assert self._keyring is not None
        try:
            self._keyring.refresh()
        except KeyProblem as problem:
            log.error("keys", extra={"reason": str(problem)})
        if self._keyring.version == self._keys_seen:
            return []
        self._keys_seen = self._keyring.version
        held = [session for session in self.values() if session.key]
        for session in held:
            session.roles = self._roles_of(session.key)
            if not session.roles:
                log.info("a key was revoked", extra={"key": shown(session.key), "session": session.name})
        return [session for session in held if not session.roles]

    def forget(self, session: Session) -> None:
        """Ends a session, unless something of it runs or waits."""
        if session.running is None and not session.queue and self.pop(session.identity, None) is not None:
            self._on_gone(session)

    def forget_the_silent(self, seconds: float) -> None:
        horizon = monotonic() - seconds
        for session in [session for session in self.values() if session.heard < horizon]:
            self.forget(session)

    def _make_room(self) -> bool:
        idle = [s for s in self.values() if s.running is None and not s.queue and not s.topics]
        if not idle:
            return False
        self.forget(min(idle, key=lambda session: session.heard))
        return True

    def bound_memory(self) -> None:
        """A session may remember megabytes of answers; all together may not. Who was silent longest is least likely to
        ask again."""
        most = REMEMBERED_BY_ALL
        for session in sorted(self.values(), key=lambda session: session.heard, reverse=True):
            most -= session.remembers
            if most < 0:
                session.forget_answers()
