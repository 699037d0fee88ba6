"""State events: after each commit, whoever watches an object is told what changed in it.

One thread with a connection of its own, opened when the first client subscribes. It is told which objects a commit
changed (the same invalidations that ZODB gives every connection), compares those that are watched with what it showed
last, and sends the difference. Commits that come while it works are told together: at most one event an object every
FRAME seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

from .bridge.covenant import Event, UvmStateUpdateEvent
from .scene import Scene
from .snapshot import Refused, object_of, state_of

if TYPE_CHECKING:
    from .interp import Worker

log = logging.getLogger("batos.watching")

ELSEWHERE = 0.05  # seconds between looks for what kernels elsewhere have committed
FRAME = 1 / 60  # seconds between events of one object: a screen's frame
MOST_WATCHED = 4096  # objects, of all clients together
STATE = "state"  # the topic that is the genesis object
SCENE = "scene"  # the topic that is the world of morphs; "scene:HANDLE" is another morph with all in it
PAGE = 500  # entries of one event about a scene


class Watcher:
    """`watch` and `committed` may be called from any thread; `send(session, event)` is called on the watcher's own."""

    def __init__(self, make: Callable[[str], Worker], send: Callable[[bytes, Event], None]) -> None:
        self._make = make
        self._send = send
        self._lock = threading.Lock()
        self._topics: dict[bytes, set[str]] = {}
        self._fresh: set[tuple[bytes, str]] = set()  # subscriptions that have not had their whole state yet
        self._shown: dict[str, dict[str, Any]] = {}
        self._scenes: dict[str, Scene] = {}
        self._wake = threading.Event()
        self._ending = False
        self._seen = b""  # the last transaction that was looked at, whoever made it
        self._thread: threading.Thread | None = None

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        """A session's topics are now these. ValueError for one that is no topic."""
        wanted = set(topics)
        for topic in wanted:
            handle = topic.removeprefix(SCENE + ":")
            if topic not in (STATE, SCENE) and not (len(handle) <= 16 and all(c in "0123456789abcdef" for c in handle)):
                raise ValueError(f"{topic!r} is neither 'state', 'scene', 'scene:HANDLE' nor a handle")
        with self._lock:
            before = self._topics.get(session, set())
            others = set().union(*(t for s, t in self._topics.items() if s != session))
            if len(others | wanted) > MOST_WATCHED:
                raise ValueError(f"at most {MOST_WATCHED} objects can be watched")
            # Asked for again is asked for anew: a client that came back wants the whole state.
            self._fresh.update((session, topic) for topic in (wanted if wanted >= before else wanted - before))
            self._topics[session] = wanted
            if not wanted:
                del self._topics[session]
            if self._thread is None and wanted:
                self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
                self._thread.start()
        self._wake.set()

    def committed(self) -> None:
        """Something may have changed. Cheap when nobody watches."""
        if self._topics:
            self._wake.set()

    def close(self) -> None:
        self._ending = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        worker = self._make("watcher")
        try:
            while True:
                # On a server others may have committed: whoever watches is told no later than after such a wait.
                woken = self._wake.wait(ELSEWHERE if self._topics and worker.image.path is None else None)
                if not (woken or self._is_news(worker)):
                    continue
                self._wake.clear()
                if self._ending:
                    return
                began = monotonic()
                try:
                    self._tell(worker)
                except Exception:
                    log.exception("state events")
                left = FRAME - (monotonic() - began)
                if left > 0 and self._topics:
                    threading.Event().wait(left)  # what is committed meanwhile is told with the next
        finally:
            worker.close()

    def _is_news(self, worker: Worker) -> bool:
        """Has anybody committed since this was last asked? Costs next to nothing with ZEO, a query with PostgreSQL."""
        before = self._seen
        try:
            self._seen = worker.transact(lambda world: world.connection._storage.lastTransaction())
        except Exception as problem:  # the server is away: that is for the messages to say
            log.debug("no news: %s", problem)
            return False
        return self._seen != before

    def _tell(self, worker: Worker) -> None:
        with self._lock:
            topics = {session: set(wanted) for session, wanted in self._topics.items()}
            fresh, self._fresh = self._fresh, set()
        watched = set().union(*topics.values()) if topics else set()
        self._shown = {topic: state for topic, state in self._shown.items() if topic in watched}
        self._scenes = {topic: scene for topic, scene in self._scenes.items() if topic in watched}
        states = worker.transact(lambda world: {topic: self._state(world, topic) for topic in watched})
        for topic, now in states.items():
            if now is None:
                continue
            state, truncated, target = now
            before = self._shown.get(topic, {})
            changed = {
                name: value
                for name, value in state.items()
                if name not in before or (before[name] is not value and before[name] != value)
            }
            removed = [name for name in before if name not in state]
            self._shown[topic] = state
            for session, wanted in topics.items():
                if topic not in wanted:
                    continue
                if (session, topic) in fresh:
                    self._send_paged(session, topic, state, target, True, [], truncated)
                elif changed or removed:
                    self._send_paged(session, topic, changed, target, False, removed, truncated)

    def _send_paged(
        self,
        session: bytes,
        topic: str,
        state: dict[str, Any],
        target: str,
        whole: bool,
        removed: list[str],
        truncated: bool,
    ) -> None:
        """One event; of a scene several, none of them too large to be sent."""
        scene = topic.startswith(SCENE)
        if scene:
            target = f"{SCENE}:{target}"
        names = list(state)
        for start in range(0, max(len(names), 1), PAGE if scene else max(len(names), 1)):
            part = {name: state[name] for name in names[start : start + PAGE]} if scene else state
            self._send(
                session,
                UvmStateUpdateEvent(
                    state=part,
                    target=target,
                    whole=whole and start == 0,
                    removed=removed if start == 0 else [],
                    truncated=truncated,
                ),
            )

    def _state(self, world: Any, topic: str) -> tuple[dict[str, Any], bool, str] | None:
        try:
            if topic.startswith(SCENE):
                handle = topic.removeprefix(SCENE).removeprefix(":") or None
                return self._scenes.setdefault(topic, Scene(handle)).look(world)
            thing = object_of(world, None if topic == STATE else topic)
        except Refused:
            return None
        state, truncated = state_of(world, thing)
        return state, truncated, (thing._p_oid or b"").hex()
