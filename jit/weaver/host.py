"""One server with what it holds: who wants an adapter waits for it here, is retried here, and is counted here.

What may be done when is the shelf's law (`shelf.py`); this file carries it out on the client's loop, where nothing else
runs between two awaits, so no lock is needed. A server that does not answer is asked by one prober until it does;
those who wait for it are told at the latest after `patience` seconds. What it holds is asked again after it was gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ..engine import Message, OnText, Options
from ..errors import AdapterUnknown, EngineDown, EngineFull, EngineProblem, EngineRefused
from ..http_client import Passing
from .figures import OfServer
from .health import Health
from .link import AdapterGone, Busy, Link, Said
from .shelf import HELD, LOADING, Entry, Shelf

ATTEMPTS = 4
"""How often a request is put to a server that has too much to do, or that lost its adapter."""
PASSES = 8
"""How often a request is put to a server that goes away in the middle and says that it is there again."""
MOST_WAITING = 500
"""Requests that may be under way at one server; the next is told that it is full."""

PathOf = Callable[[str, Link], Awaitable[Path]]


class Host:
    """See above. `path_of` answers where an adapter lies, checked for this server; `patience`: seconds that a request
    waits for a server that does not answer. All coroutines belong on the client's loop."""

    def __init__(self, link: Link, path_of: PathOf, counts: OfServer, patience: float = 10.0) -> None:
        self.link = link
        self.path_of = path_of
        self.counts = counts
        self.patience = patience
        self.shelf = Shelf(link.room)
        self.health = Health()
        self.in_flight = 0
        self.known = False  # whether we have asked what it holds since it was last gone
        self._down_since = 0.0
        self._turn: asyncio.Future[None] | None = None  # told once the server answers, or refuses us
        self._waiters: dict[object, asyncio.Future[Entry]] = {}
        self._departures: dict[str, list[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what is asked of it

    async def complete(
        self,
        adapter: str | None,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None = None,
        patience: float | None = None,
    ) -> Said:
        """An answer. Raises EngineProblem."""
        if self.in_flight >= MOST_WAITING:
            raise EngineFull(f"{self.link.name} has {self.in_flight} requests under way; ask again later")
        self.in_flight += 1
        try:
            return await self._retrying(adapter, messages, options, on_text, self._until(patience))
        finally:
            self.in_flight -= 1

    async def load(self, adapter: str) -> None:
        """Have it held. Raises EngineProblem."""
        until, passed = self._until(None), 0
        while True:
            try:
                async with self._holding(adapter, until):
                    return
            except Passing as passing:
                passed += 1
                await self._passing(passing, passed)
            except Busy as busy:
                raise EngineFull(f"{self.link.name} cannot load {adapter} now: {busy}; ask again later") from None

    async def unload(self, adapter: str) -> None:
        """Have it let go, once those who use it are done. Raises AdapterUnknown, EngineProblem."""
        await self._ready(self._until(None))
        entry = self.shelf.entries.get(adapter)
        if entry is not None and entry.state == LOADING:
            await self.load(adapter)
        departure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.shelf.send_away(adapter):
            raise AdapterUnknown(f"{self.link.name} does not hold {adapter}; it holds: {self._told_held()}")
        self._departures.setdefault(adapter, []).append(departure)
        self._step()
        await departure

    async def look(self) -> None:
        """Ask it what it holds. Raises EngineProblem at the latest after `patience`."""
        until = self._until(None)
        if self.known and not self.shelf.waiting:
            try:
                self._seen(await self.link.names())
                return
            except Passing as passing:
                self._gone(str(passing))
            except Busy as busy:
                raise EngineFull(f"{self.link.name}: {busy}") from None
        await self._ready(until)

    def cost(self, adapter: str | None) -> int:
        """How much it has to do already, were it given a request with this adapter: loading one weighs as four."""
        entry = self.shelf.entries.get(adapter) if adapter is not None else None
        there = adapter is None or (entry is not None and entry.state in (HELD, LOADING))
        return self.in_flight + (0 if there else 4)

    def told(self) -> dict[str, Any]:
        """Its state, as plain data."""
        held = {e.name: {"state": e.state, "users": e.users} for e in list(self.shelf.entries.values())}
        return {
            "name": self.link.name,
            "kind": self.link.describe(),
            "state": "down" if self.health.open else "up" if self.known else "not asked yet",
            "reason": self.health.reason,
            "room": self.link.room,
            "held": held,
            "in_flight": self.in_flight,
            "waiting": len(self.shelf.waiting),
        }

    async def retire(self) -> None:
        """It is used no more. What is under way goes on; nobody looks for it if it is gone."""
        if self._turn is not None or not self.in_flight:
            await self.close()

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.link.close()

    # --- a request on its way

    async def _retrying(
        self, adapter: str | None, messages: Sequence[Message], options: Options, on_text: OnText | None, until: float
    ) -> Said:
        tried = passed = 0
        while True:
            try:
                async with self._holding(adapter, until) as entry:
                    try:
                        said = await self.link.ask(adapter, messages, options, on_text, options.until)
                    except AdapterGone as gone:
                        if entry is not None:
                            self.shelf.lost(entry)
                        tried += 1
                        if tried >= ATTEMPTS:
                            told = f"{self.link.name} loses {adapter} as soon as it has it: {gone}"
                            raise EngineRefused(told) from None
                        continue
                    except EngineDown as problem:  # too slow, or broke off: is it there at all?
                        self._gone(str(problem))
                        raise
                self.health.ok()
                return said
            except Passing as passing:
                passed += 1
                await self._passing(passing, passed)
            except Busy as busy:
                tried += 1
                self.counts.failures += 1
                if tried >= ATTEMPTS:
                    raise EngineFull(
                        f"{self.link.name} did not take the request, {tried} times: {busy}; "
                        "ask again later, or give it more room (--max-num-seqs)"
                    ) from None
                await asyncio.sleep(self.health.pause(tried + 1))

    @asynccontextmanager
    async def _holding(self, adapter: str | None, until: float) -> AsyncIterator[Entry | None]:
        """While inside, the server holds the adapter, as far as it has told. Raises Passing, Busy, EngineProblem."""
        await self._ready(until)
        if adapter is None:
            yield None
            return
        ticket, future = object(), asyncio.get_running_loop().create_future()
        self._waiters[ticket] = future
        self.shelf.ask(ticket, adapter)
        try:
            self._step()
            if future.done() and future.exception() is None:
                self.counts.hits += 1
            else:
                self.counts.waits += 1
            yield await future
        finally:
            self._waiters.pop(ticket, None)
            self.shelf.give_back(ticket)
            self._step()

    def _step(self) -> None:
        for name in [name for name in self._departures if name not in self.shelf.entries]:
            for departure in self._departures.pop(name):  # let go, or lost with the whole server
                if not departure.done():
                    departure.set_result(None)
        step = self.shelf.step()
        for ticket in step.granted:
            future = self._waiters[ticket]
            if not future.done():
                future.set_result(self.shelf.granted[ticket])
        for name in step.load:
            self._begin(self._load(name))
        for name in step.unload:
            self._begin(self._unload(name))

    async def _load(self, name: str) -> None:
        started = time.monotonic()
        try:
            await self.link.load(name, await self.path_of(name, self.link))
        except BaseException as problem:
            self.counts.load_failures += 1
            failed = problem if isinstance(problem, Exception) else EngineDown("the Weaver was closed")
            for ticket in self.shelf.not_loaded(name):
                future = self._waiters[ticket]
                if not future.done():
                    future.set_exception(failed)
            if not isinstance(problem, (Passing, Busy, EngineProblem, OSError)):
                raise
        else:
            self.counts.loads += 1
            self.counts.load_seconds += time.monotonic() - started
            self.shelf.loaded(name)
        self._step()

    async def _unload(self, name: str) -> None:
        told = self.shelf.entries[name].told
        problem: Exception | None = None
        try:
            await self.link.unload(name)
        except (Passing, Busy, EngineProblem) as failure:
            problem = failure
            self._gone(str(failure))  # what it holds now is not known: it is asked before it is used again
        finally:
            self.shelf.unloaded(name)
        if problem is None:
            self.counts.unloads += 1
            self.counts.evictions += not told
        self._step()

    # --- whether it is there

    def _until(self, patience: float | None) -> float:
        return time.monotonic() + (self.patience if patience is None else patience)

    async def _passing(self, problem: Passing, passed: int) -> None:
        """A request met a server that was not there, for the `passed`th time."""
        self._gone(str(problem))
        if passed >= PASSES:
            raise EngineDown(
                f"the model server {self.link.name} goes away whenever it is asked, {passed} times: {problem}; "
                "its log tells why (batos serve-model --status)"
            )
        if passed > 1:
            await asyncio.sleep(self.health.pause(passed))

    def _gone(self, reason: str) -> None:
        """It did not answer. Everything we knew of it is to be asked again."""
        self.counts.failures += 1
        self.health.failed(reason)
        if self.known:
            self._down_since = time.monotonic()
        self.known = False

    async def _ready(self, until: float) -> None:
        """Come back once the server has answered what it holds. Raises EngineDown, at the latest `until`; at once where
        it has been gone for long."""
        while not self.known:
            if self._turn is None:
                self._turn = asyncio.get_running_loop().create_future()
                self._down_since = self._down_since or time.monotonic()
                self._begin(self._probe(self._turn))
            long_gone = self.health.open and time.monotonic() > self._down_since + self.patience
            left = 0.0 if long_gone else until - time.monotonic()
            try:
                await asyncio.wait_for(asyncio.shield(self._turn), max(left, 0.0))
            except TimeoutError:
                raise EngineDown(self._told_down()) from None

    async def _probe(self, turn: asyncio.Future[None]) -> None:
        """Ask until it answers."""
        tried = 0
        try:
            while True:
                try:
                    self._seen(await self.link.names())
                    break
                except (Passing, Busy, EngineDown) as problem:
                    self.health.failed(str(problem))
                    await asyncio.sleep(self.health.pause(tried))
                    tried += 1
            self.counts.restarts += bool(tried)
            turn.set_result(None)
        except Exception as problem:
            turn.set_exception(problem)
            turn.exception()  # whether anybody waits for it or not
        except asyncio.CancelledError:
            turn.set_exception(EngineDown("the Weaver was closed"))
            turn.exception()
            raise
        finally:
            self._turn = None

    def _seen(self, names: Sequence[str]) -> None:
        self.known = True
        self._down_since = 0.0
        self.health.ok()
        self.shelf.seen(names)
        self._step()

    def _told_down(self) -> str:
        since = time.monotonic() - self._down_since
        gone = f" since {since:.0f} s" if since >= 1 else ""
        return (
            f"the model server {self.link.name} does not answer{gone}: {self.health.reason or 'no answer yet'}; "
            "start it with `batos serve-model`, or see `batos weaver status`"
        )

    def _told_held(self) -> str:
        return ", ".join(sorted(self.shelf.entries)) or "none"

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            problem = task.exception()
            if problem is not None:
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "the Weaver failed", "exception": problem, "task": task}
                )
