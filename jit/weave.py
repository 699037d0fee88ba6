"""From a miss to an installed method: who asks, who waits, and what is not asked again.

The way of one miss is in `weaving`: situate (a short transaction), ask the model (none open), gates, repair, person or
policy, swap. Here is what holds for all of them together. Of many workers that miss the same selector of the same
prototype at once, one asks and the others wait for what comes of it. What was refused is not asked again until the
question itself is another one (a slot or a method more), or somebody says so (`forget`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..image import ledger
from ..interp import Asked, Miss, Resolution, Worker
from .conversation import Conversing
from .engine import Engine
from .errors import EngineProblem
from .proposal import Approve, OnProgress
from .sandbox.client import Limits, Sandbox
from .settings import Settings
from .weaving import Cancellation, Weaving

if TYPE_CHECKING:
    from ..interp import World
    from ..interp.outside import Answer, Called
    from .embedded import EmbeddedEngine
    from .weaver.calls import Calls
    from .weaver.cognitive import CognitiveWeaver

log = logging.getLogger(__name__)

@dataclass
class _Flight:
    """One miss being answered: the others that miss the same wait for `done`."""

    done: threading.Event = field(default_factory=threading.Event)
    cancelled: Cancellation = field(default_factory=Cancellation)
    resolution: Resolution | None = None


class Weaver:
    """Answers misses for all workers of one process. `resolve` is the whole interface to `interp`."""

    def __init__(self, settings: Settings, on_progress: OnProgress | None = None, engine: Engine | None = None) -> None:
        self.settings = settings
        self.on_progress = on_progress
        self._engine = engine
        self._sandboxes: dict[int, Sandbox] = {}
        self._flights: dict[tuple[int, bytes, str], _Flight] = {}
        self._talks: list[Cancellation] = []
        self._spent: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        self._facets: CognitiveWeaver | None = None
        self._calls: Calls | None = None
        self._model: EmbeddedEngine | None = None  # of the facets, where the JIT has none to share

    # --- what others call

    def start(self, image: Any) -> None:
        """Warm up what a first trial on this image would wait for. Comes back at once."""
        self.sandbox(image).start()

    def resolve(self, miss: Miss | Asked, worker: Worker, approve: Approve | None) -> Resolution:
        """Answer a miss: installed (send the message again), or not, with a note for the person. Or answer a question
        in words: then the note is the answer. No transaction of the worker's is open.

        `approve` asks a person; without it, or when its `policy` is "auto", what passes every gate is installed. Where
        it has a `progress(phase, elapsed, tokens, text)` it is told how far things are, and once its `interrupted` is
        true the model is stopped.
        """
        watcher = approve
        if self._decides_itself(miss, approve):
            approve = None
        if isinstance(miss, Asked):
            return self._converse(miss, worker, approve, watcher)
        key = (id(worker.image), miss.prototype, miss.selector)
        with self._lock:
            flight = self._flights.get(key)
            first = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not first:
            return _wait_for(flight, watcher)
        try:
            flight.resolution = Weaving(self, miss, worker, approve, watcher, flight.cancelled).run()
        except KeyboardInterrupt:
            flight.cancelled.set()
            flight.resolution = Resolution(False, "cancelled")
        except Exception as problem:  # a fault of ours must not cost the person the session
            log.exception("answering %s>>%s failed", miss.prototype_name, miss.selector)
            flight.resolution = Resolution(False, f"answering it failed: {type(problem).__name__}: {problem}")
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()
        return flight.resolution

    def answer(self, called: Called, worker: Worker, approve: Any, policy: str) -> Answer:
        """Answer a send to the CognitiveWeaver. No transaction of the worker's is open. See `interp.outside`."""
        return self.calls.answer(called, worker, approve, policy)

    def _decides_itself(self, miss: Miss | Asked, approve: Approve | None) -> bool:
        """Whether what passes every gate is installed without asking: what the prototype says of itself comes first."""
        said = miss.policy if isinstance(miss, Miss) else ""
        return (said or getattr(approve, "policy", "ask")) == "auto"

    def _converse(self, asked: Asked, worker: Worker, approve: Approve | None, watcher: Any) -> Resolution:
        cancelled = Cancellation()
        with self._lock:
            self._talks.append(cancelled)
        try:
            return Conversing(self, asked, worker, approve, watcher, cancelled).run()
        except KeyboardInterrupt:
            cancelled.set()
            return Resolution(False, "cancelled")
        except Exception as problem:  # as above
            log.exception("a conversation failed")
            return Resolution(False, f"answering it failed: {type(problem).__name__}: {problem}")
        finally:
            with self._lock:
                self._talks.remove(cancelled)

    def cancel(self, selector: str | None = None) -> int:
        """Stop asking the model, for one selector or for all. How many misses that ended."""
        with self._lock:
            found = [f.cancelled for (_, _, s), f in self._flights.items() if selector in (None, s)]
            found += self._talks if selector is None else []
            calls = self._calls if selector is None else None
        for cancelled in found:
            cancelled.set()
        return len(found) + (calls.cancel() if calls is not None else 0)

    def forget(self, worker: Worker, selector: str | None = None) -> int:
        """Ask again for what was refused, or put back, before; for one selector or for all. How many that were."""

        def drop(world: World) -> int:
            found = [(oid, name) for oid, name, _ in ledger.all_remembered(world.root) if selector in (None, name)]
            for oid, name in found:
                ledger.remember(world.root, oid, name, None)
            return len(found)

        return int(worker.transact(drop, "jit: forget refusals"))

    def close(self) -> None:
        """End the model and the sandboxes; misses under way are told so. Idempotent."""
        self.cancel()
        with self._lock:
            engine, self._engine = self._engine, None
            sandboxes, self._sandboxes = list(self._sandboxes.values()), {}
            facets, self._facets = self._facets, None
            model, self._model = self._model, None
        for sandbox in sandboxes:
            sandbox.close()
        if facets is not None:
            facets.close()
        if model is not None:
            model.close()
        if engine is not None:
            engine.close()

    # --- what a weaving uses

    @property
    def engine(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self.settings.engine()
            return self._engine

    def engine_for(self, worker: Worker) -> Engine:
        """The engine that answers a worker's misses. Where servers of facets are set, it is they, with the adapter that
        the alias `jit` means in the image now."""
        if not self.settings.weaver:
            return self.engine
        from .weaver.facet_engine import FacetEngine

        return FacetEngine.of_alias(self.facets, worker, "jit")

    def engine_as(self, worker: Worker, persona: str) -> Engine:
        """The engine that speaks as a persona: by the adapter that its alias means in the image now, else the model as
        it is."""
        from .weaver.facet_engine import FacetEngine, meaning

        name = worker.transact(lambda world: meaning(world, persona))
        if name is None and not self.settings.weaver:
            return self.engine
        return FacetEngine(self.facets, name)

    @property
    def facets(self) -> CognitiveWeaver:
        """The facets, and the servers that hold them."""
        with self._lock:
            if self._facets is None:
                from .weaver.opening import open_weaver

                self._facets = open_weaver(self.settings, self._embedded)
            return self._facets

    @property
    def calls(self) -> Calls:
        with self._lock:
            if self._calls is None:
                from .weaver.calls import Calls

                self._calls = Calls(lambda: self.facets)
            return self._calls

    def weaver_figures(self) -> dict[str, Any]:
        """What the CognitiveWeaver counted, and its servers as far as they are known; {} where nobody used it yet."""
        facets = self._facets
        return facets.status(wait=0) if facets is not None else {}

    def _embedded(self) -> EmbeddedEngine:
        """The model of this process: one is enough for misses and facets."""
        from .embedded import EmbeddedEngine

        engine = self.engine if not self.settings.weaver else None
        if isinstance(engine, EmbeddedEngine):
            return engine
        with self._lock:
            if self._model is None:
                self._model = EmbeddedEngine(self.settings.model)
            return self._model

    def sandbox(self, image: Any) -> Sandbox:
        with self._lock:
            sandbox = self._sandboxes.get(id(image))
            if sandbox is None:
                sandbox = self._sandboxes[id(image)] = Sandbox(image.db, Limits())
            return sandbox

    def spend(self, tokens: int) -> None:
        with self._lock:
            self._spent.append((time.monotonic(), tokens))

    def check_budget(self) -> None:
        if not self.settings.tokens_per_hour:
            return
        with self._lock:
            while self._spent and self._spent[0][0] < time.monotonic() - 3600:
                self._spent.popleft()
            spent = sum(tokens for _, tokens in self._spent)
        if spent >= self.settings.tokens_per_hour:
            raise EngineProblem(f"the budget of {self.settings.tokens_per_hour} tokens an hour is spent")


def _wait_for(flight: _Flight, watcher: Any) -> Resolution:
    """What comes of a miss that somebody else is having answered."""
    tell = getattr(watcher, "progress", None)
    if tell is not None:
        with suppress(Exception):
            tell("asked already", 0.0, 0, "")
    try:
        while not flight.done.wait(0.1):
            if getattr(watcher, "interrupted", False):
                return Resolution(False, "cancelled")
    except KeyboardInterrupt:
        return Resolution(False, "cancelled")
    return flight.resolution or Resolution(False, "the one who asked the model gave up")
