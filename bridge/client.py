"""The client for programs that wait: the command line, scripts, tests.

    with Client(endpoint, name="cli") as client:
        done = client.evaluate("3 + 4")
        done.outcomes[0].printed        # '7'

One thread at a time may use a Client. `AsyncClient` beside this file is the same for asyncio.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Literal

import zmq

from .core import AWAY, Core, KernelGone, NoAnswer, Pending, socket_missing
from .covenant import Approve, Command, Done, Evaluate, Event, Interrupt, Policy, Reply, Syntax, Welcome
from .keys import ClientKeys
from .wiring import connect, dealer, monitor_of, note_event, send_now

TURN = 0.05  # seconds between looks at the clock, the connection and the wishes of other threads while waiting
BURST = 64  # messages taken between two such looks


class Client:
    """A connection to a kernel. `connect` says hello; `call` sends a command and waits for its answer. A connection
    that breaks has `patience` seconds to come back. For an `observer` no kernel stays that would end otherwise.

    Errors: BridgeProblem with the kernel's code when a command is refused or fails; KernelGone when there is no kernel;
    NoAnswer when `timeout` seconds pass.
    """

    def __init__(
        self,
        endpoint: str,
        name: str = "client",
        patience: float = AWAY,
        keys: ClientKeys | None = None,
        observer: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._core = Core(endpoint, name, self._send, patience, observer)
        self._socket = dealer(self._context, endpoint, self._core.identity, keys)
        self._monitor = monitor_of(self._socket)
        self._turn = -1.0  # what the socket's own patience is set to
        self._looked = 0.0  # when all three were looked at last
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._wish, self._wisher = os.pipe()  # how another thread asks for an interrupt: a socket is for one thread
        self._poller.register(self._wish, zmq.POLLIN)

    def connect(self, timeout: float = 5.0) -> Welcome:
        """Opens the session; answers what the kernel says of itself."""
        connect(self._socket, self.endpoint)
        end = monotonic() + timeout
        while self._core.welcome is None:
            self._pump(end)
            if self._core.refused is not None:
                raise self._core.refused
            if self._core.welcome is None and monotonic() >= end:
                raise self._core.no_answer()
        return self._core.welcome

    def close(self) -> None:
        os.close(self._wish)
        os.close(self._wisher)
        self._core.leave()
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(200)
        self._context.term()

    def __enter__(self) -> Client:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def welcome(self) -> Welcome | None:
        """What the kernel said of itself when last met."""
        return self._core.welcome

    # -- commands -----------------------------------------------------------------------------------------------------

    def call(
        self, command: Command, timeout: float | None = 30.0, on_event: Callable[[Event], None] | None = None
    ) -> Reply:
        """Sends a command and waits for its answer. Meanwhile its events (outcomes, progress, approvals) go to
        `on_event`, which may itself send with `answer` or `post`."""
        return self._wait(self._core.begin(command, on_event), timeout)

    def post(self, command: Command, on_event: Callable[[Event], None] | None = None) -> Pending:
        """Sends a command and does not wait; `wait` does."""
        return self._core.begin(command, on_event)

    def wait(self, pending: Pending, timeout: float | None = 30.0) -> Reply:
        return self._wait(pending, timeout)

    def evaluate(
        self,
        source: str,
        *,
        origin: str = "<input>",
        workspace: str = "default",
        policy: Policy = "off",
        atomic: bool = False,
        stop_on_error: bool = False,
        syntax: Syntax = "auto",
        echo: bool = True,
        seconds: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> Done:
        """Runs `source`. With `on_event`, outcomes are streamed to it as they commit (and are not in the answer).
        Ctrl-C interrupts the message and not the caller, who gets an outcome `interrupted`; a second one is
        raised."""
        command = Evaluate(
            source=source, origin=origin, workspace=workspace, policy=policy, atomic=atomic,
            stop_on_error=stop_on_error, syntax=syntax, echo=echo, seconds=seconds, stream=on_event is not None,
        )  # fmt: skip
        pending = self._core.begin(command, on_event)
        try:
            reply = self._wait(pending, timeout)
        except KeyboardInterrupt:
            self._core.begin(Interrupt(target=command.id))
            reply = self._wait(pending, timeout)
        assert isinstance(reply, Done)
        return reply

    def interrupt(self, pending: Pending | None = None) -> None:
        """Stops a posted command, or whatever this session runs; its own answer says so."""
        self._core.begin(Interrupt(target=pending.command.id if pending else None))

    def interrupt_from_afar(self) -> None:
        """As `interrupt`, from any thread while another one waits here. The only method of which that is true."""
        os.write(self._wisher, b"!")

    def answer(
        self, approval: str, decision: Literal["yes", "no", "edit", "retry"], code: str | None = None, hint: str = ""
    ) -> None:
        """Answers an approval event; does not wait."""
        self._core.begin(Approve(approval=approval, decision=decision, code=code, hint=hint))

    def next_event(self, timeout: float | None = None) -> Event | None:
        """The next event that belongs to no command (state updates, goodbye), or None after `timeout` seconds."""
        end = None if timeout is None else monotonic() + timeout
        while not self._core.events:
            if end is not None and monotonic() >= end:
                return None
            if self._pump(end):
                continue
            self._core.tick()
            # What the kernel said last may have arrived together with the news that the connection has ended.
            if self._core.away_since is not None and socket_missing(self.endpoint) and not self._take():
                raise KernelGone(f"no kernel answers at {self.endpoint}")
        return self._core.events.popleft()

    # -- the socket ---------------------------------------------------------------------------------------------------

    def _send(self, frame: bytes) -> bool:
        return send_now(self._socket, frame)

    def _wait(self, pending: Pending, timeout: float | None) -> Reply:
        end = None if timeout is None else monotonic() + timeout
        while pending.answer is None and pending.problem is None:
            if not self._pump(end):
                self._core.tick()
                if end is not None and monotonic() >= end and pending.answer is None and pending.problem is None:
                    self._core.abandon(pending)
                    raise NoAnswer(f"no answer within {timeout:g} s")
        return pending.result()

    def _pump(self, end: float | None) -> bool:
        """Waits a turn and takes what came; True if it was something from the kernel."""
        turn = TURN if end is None else min(TURN, max(0.0, end - monotonic()))
        if self._core.away_since is None:
            # Waiting for the socket alone is what a bare echo does; for all three costs a quarter of a round trip.
            if turn != self._turn:
                self._turn = turn
                self._socket.setsockopt(zmq.RCVTIMEO, int(turn * 1000) + 1)
            try:
                frame = self._socket.recv()
            except zmq.Again:
                turn = 0.0
            else:
                self._core.receive(frame)
                if self._core.heard - self._looked < TURN:
                    return True
                turn = 0.0
        self._look(turn)
        return self._take()

    def _look(self, turn: float) -> None:
        """Waits `turn` seconds for anything to happen, and heeds news of the connection and other threads' wishes."""
        for socket, _ in self._poller.poll(int(turn * 1000) + (turn > 0)):
            if socket == self._wish:
                os.read(self._wish, 64)
                self._core.begin(Interrupt())
            elif socket is self._monitor:
                note_event(self._monitor.recv_multipart(zmq.NOBLOCK), self._core)
        self._looked = monotonic()

    def _take(self) -> bool:
        """Takes what has arrived (some of it, if it is very much); True if that was anything."""
        for taken in range(BURST):
            try:
                frame = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return taken > 0
            self._core.receive(frame)
        return True
