"""The client for asyncio: the canvas, the REPL.

    async with AsyncClient(endpoint, name="canvas") as client:
        state = await client.call(GetFullStateCommand())

Everything happens on the loop it was opened on; any number of tasks may call at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

import zmq

from .core import AWAY, Core, NoAnswer, Pending
from .covenant import Approve, Command, Done, Evaluate, Event, Interrupt, Policy, Reply, Welcome
from .keys import ClientKeys
from .wiring import connect, dealer, monitor_of, note_event, send_now

TURN = 0.25
BURST = 64  # messages taken before others on the loop get their turn


class AsyncClient:
    """As Client, with coroutines. Events that belong to no command go to `on_event` if it is set, else to
    `next_event`."""

    def __init__(
        self, endpoint: str, name: str = "client", patience: float = AWAY, keys: ClientKeys | None = None
    ) -> None:
        self.endpoint = endpoint
        self._context: zmq.Context[Any] = zmq.Context()
        self._core = Core(endpoint, name, self._send, patience)
        self._socket: Any = dealer(self._context, endpoint, self._core.identity, keys)
        self._monitor: Any = monitor_of(self._socket)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._core.on_event = self._keep_event
        self.on_event: Callable[[Event], None] | None = None

    async def connect(self, timeout: float = 5.0) -> Welcome:
        """Opens the session; KernelGone if nobody answers."""
        connect(self._socket, self.endpoint)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.getsockopt(zmq.FD), self._read)
        self._loop.add_reader(self._monitor.getsockopt(zmq.FD), self._watch)
        self._watch()
        self._ticker = self._loop.create_task(self._tick())
        end = self._loop.time() + timeout
        while self._core.welcome is None:
            self._came.clear()
            try:
                async with asyncio.timeout_at(end):
                    await self._came.wait()
            except TimeoutError:
                raise self._core.no_answer() from None
            if self._core.refused is not None:
                raise self._core.refused
        return self._core.welcome

    async def close(self) -> None:
        if self._loop is not None and self._ticker is not None:
            self._ticker.cancel()
            self._loop.remove_reader(self._socket.getsockopt(zmq.FD))
            self._loop.remove_reader(self._monitor.getsockopt(zmq.FD))
        self._core.fail_all("this client was closed")
        self._core.leave()
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(200)
        self._context.term()

    async def __aenter__(self) -> AsyncClient:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def welcome(self) -> Welcome | None:
        """What the kernel said of itself when last met."""
        return self._core.welcome

    @property
    def away(self) -> bool:
        """Is the connection broken just now?"""
        return self._core.away_since is not None

    # -- commands -----------------------------------------------------------------------------------------------------

    async def call(
        self, command: Command, timeout: float | None = 30.0, on_event: Callable[[Event], None] | None = None
    ) -> Reply:
        """Sends a command and awaits its answer; its events go to `on_event`. A cancelled call interrupts the
        message."""
        pending = self._core.begin(command, on_event)
        try:
            return await self._wait(pending, timeout)
        except asyncio.CancelledError:
            if not command.at_once:
                self._core.begin(Interrupt(target=command.id))
            self._core.abandon(pending)
            raise

    async def evaluate(
        self,
        source: str,
        *,
        origin: str = "<input>",
        workspace: str = "default",
        policy: Policy = "off",
        atomic: bool = False,
        stop_on_error: bool = False,
        seconds: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> Done:
        """Runs `source`. With `on_event`, outcomes are streamed to it as they commit (and are not in the answer)."""
        command = Evaluate(
            source=source, origin=origin, workspace=workspace, policy=policy, atomic=atomic,
            stop_on_error=stop_on_error, seconds=seconds, stream=on_event is not None,
        )  # fmt: skip
        reply = await self.call(command, timeout, on_event)
        assert isinstance(reply, Done)
        return reply

    def interrupt(self) -> None:
        """Stops what this session runs; its own answer says so."""
        self._core.begin(Interrupt())

    def answer(
        self, approval: str, decision: Literal["yes", "no", "edit", "retry"], code: str | None = None, hint: str = ""
    ) -> None:
        """Answers an approval event; does not wait."""
        self._core.begin(Approve(approval=approval, decision=decision, code=code, hint=hint))

    async def next_event(self) -> Event:
        """The next event that belongs to no command (state updates, goodbye)."""
        while not self._core.events:
            self._came.clear()
            await self._came.wait()
        return self._core.events.popleft()

    # -- the socket ---------------------------------------------------------------------------------------------------

    def _send(self, frame: bytes) -> bool:
        assert self._loop is not None
        self._loop.call_soon(self._read)  # the descriptor is edge-triggered, and sending may swallow the edge
        return send_now(self._socket, frame)

    async def _wait(self, pending: Pending, timeout: float | None) -> Reply:
        if pending.answer is None and pending.problem is None:
            settled = asyncio.Event()
            pending.settled = settled.set
            try:
                async with asyncio.timeout(timeout):
                    await settled.wait()
            except TimeoutError:
                self._core.abandon(pending)
                raise NoAnswer(f"no answer within {timeout:g} s") from None
        return pending.result()

    def _keep_event(self, event: Event) -> None:
        if self.on_event is not None:
            self.on_event(event)
            return
        self._core.events.append(event)

    def _read(self) -> None:
        if self._socket.closed:
            return
        assert self._loop is not None
        for _ in range(BURST):
            try:
                frame = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                self._core.receive(frame)
            except Exception as problem:  # a caller's on_event failed: say so, and go on reading
                self._loop.call_exception_handler({"message": "an event handler failed", "exception": problem})
        else:
            self._loop.call_soon(self._read)  # let the window draw in between
        self._came.set()

    def _watch(self) -> None:
        while not self._monitor.closed:
            try:
                note_event(self._monitor.recv_multipart(zmq.NOBLOCK), self._core)
                self._came.set()
            except zmq.Again:
                break

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TURN)
            if self._core.pending:
                self._read()  # what has arrived comes before the news that nothing more will
                self._core.tick()
