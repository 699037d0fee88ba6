"""The kernel: one process that holds an image and serves it over the Synaptic Bridge.

The server's loop runs on the main thread and never touches the image. Each worker thread has an interpreter with a
connection of its own (pool.py); the watcher has another (watching.py). What they share is the Image, which only hands
out connections.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .bridge.atonce import status
from .bridge.codes import Code
from .bridge.covenant import (
    Data,
    Evaluate,
    GetScene,
    History,
    JitCommand,
    Metrics,
    Redo,
    Reply,
    Revert,
    Stack,
    Undo,
    WeaverCommand,
)  # fmt: skip
from .bridge.endpoint import EndpointProblem, default_endpoint
from .bridge.keys import KeyProblem, Keyring
from .bridge.server import Server
from .commands import carry_out
from .evaluating import Aside, evaluate
from .image import ImageProblem, announce, open_image, withdraw
from .image.receipts import prepare
from .interp import Worker
from .interp.warden import resident
from .jit.later import Later
from .keys import keyring_path
from .logs import log_to
from .pool import Pool
from .recall import Recall, unknown
from .residing import Residents
from .snapshot import Refused
from .stacks import Stacks, reply_of
from .tally import Tally, together
from .watching import Watcher

if TYPE_CHECKING:
    from .bridge.session import Request
    from .jit.weave import Weaver

log = logging.getLogger("batos.kernel")

# A busy worker gives way after this many seconds when the loop wants to answer a ping. Python's own 5 ms, several times
# over for one answer, would be felt.
SWITCH_SECONDS = 0.0005
COUNTED = ("commits", "reads", "conflicts", "failures")
GRACE = 5.0  # seconds that running messages have to finish when the kernel is stopped


class Kernel:
    """Holds the image at `location` from `__init__` to the end of `run`. `tcp`: listens there too, with keys.

    Raises ImageProblem, EndpointProblem, KeyProblem.
    """

    def __init__(
        self,
        location: str,
        endpoint: str | None = None,
        workers: int = 2,
        policy: str = "ask",
        tcp: str | None = None,
        receipts: bool | None = None,
    ) -> None:
        self.began = time.time()
        self.tallies: dict[str, tuple[Tally, dict[str, int]]] = {}  # by worker, those of ended ones among them
        self.image = open_image(location)
        first = None
        try:
            self.policy = policy
            self.misses = _misses(location) if policy != "off" else None
            self.outside = self.misses or Later(location)
            first = self._worker("worker-1")
            shared = self.image.path is None  # with other kernels, perhaps
            self.server = Server(
                endpoint or default_endpoint(self.image.location, one_of_many=shared),
                self,
                capacity=workers,
                keyring=Keyring(keyring_path(self.image.location)),
                tcp=tcp,
            )
            self.receipts = ""
            if receipts or (receipts is None and shared):
                self.receipts = first.transact(lambda world: prepare(world.connection), "room for receipts")
            self.server.bind()
        except BaseException:
            if first is not None:
                first.close()
            self.image.close()
            raise
        self.residents = Residents(lambda identity: identity in self.server.sessions, self._carry_out)
        self.pool = Pool(lambda: self.server.turns.capacity, self._worker, self.work, self.server.attendance.attend)
        self.pool.warm(first)
        self.watcher = Watcher(self._worker, self.server.publish)
        self.stacks = Stacks()
        self._stop_metrics: Callable[[], None] | None = None

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    def serve_metrics(self, address: str | None) -> None:
        """Also over HTTP, at HOST:PORT; None: not. EndpointProblem if that cannot be, and the kernel is closed."""
        if address is None:
            return
        from .metrics import serve

        try:
            self._stop_metrics = serve(address, self.status)
        except EndpointProblem:
            self.close()
            raise

    def close(self) -> None:
        """Gives up a kernel that was never run."""
        self.server.unbind()
        self.pool.close()
        self.image.close()

    def run(self, ready: Callable[[], None], lifeline: int | None = None) -> None:
        """Serves until it is told to stop; `ready` is called once clients can connect.

        `lifeline` is a descriptor whose end of file stops the kernel too, when its last client has gone: whoever holds
        its other end may be killed, and leaves no kernel behind that nobody uses.
        """
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            announce(self.image.location, self.endpoint)
            asyncio.run(self._serve(ready, lifeline))
        finally:
            sys.setswitchinterval(before)
            withdraw(self.image.location)
            if self._stop_metrics is not None:
                self._stop_metrics()
            self.watcher.close()
            self.outside.close()
            self.residents.close()
            self.pool.close()
            self.image.close()
            log.info("stopped")

    async def _serve(self, ready: Callable[[], None], lifeline: int | None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.server.stop, f"the kernel was stopped ({number.name})", GRACE)
        if lifeline is not None:

            def ended() -> None:
                if not os.read(lifeline, 4096):
                    loop.remove_reader(lifeline)
                    self.server.stop_when_alone("the one who started the kernel is gone", GRACE, _stays)

            loop.add_reader(lifeline, ended)
        # What was made by now stays: the collector need not look at it again.
        gc.freeze()
        log.info("ready", extra={"endpoint": self.endpoint, "image": self.image.location, "kernel": self.server.kernel})
        loop.call_soon(ready)
        await self.server.run()

    def _worker(self, name: str) -> Worker:
        worker = Worker(self.image, name=name, misses=self._aside(name))
        worker.about_to_wait = self._about_to_wait
        worker.outside = Aside(self.outside)
        self.tallies[name] = Tally(), worker.tally
        return worker

    def weaver(self) -> Weaver:
        """Who answers misses and calls, made now if nobody has needed him yet."""
        return self.outside.handler() if isinstance(self.outside, Later) else self.outside

    def _aside(self, name: str) -> Aside | None:
        return Aside(self.misses, lambda outcome: self._count_miss(name, outcome)) if self.misses is not None else None

    def _count_miss(self, name: str, outcome: str) -> None:
        self.tallies[name][0].misses[outcome] += 1

    def _about_to_wait(self) -> None:
        self.server.attendance.about_to_wait()

    # -- what the server asks of its handler --------------------------------------------------------------------------

    def start(self, request: Request) -> None:
        if not self.residents.forward(request):
            self.pool.start(request)

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        self.watcher.watch(session, topics)

    def describe(self) -> dict[str, object]:
        return {
            "version": __version__,
            "image": self.image.location,
            "workers": len(self.pool),
            "policy": self.policy,
            "receipts": self.receipts,
        }

    def figures(self) -> dict[str, object]:
        tallies = list(self.tallies.values())
        total = together(tally for tally, _ in tallies)
        cached = self.image.db.cacheDetailSize()
        return {
            "up": time.time() - self.began,
            "took": total.took,
            "seconds": total.seconds,
            "misses": dict(total.misses),
            "transactions": {name: sum(counts[name] for _, counts in tallies) for name in COUNTED},
            "cache": {"objects": sum(c["size"] for c in cached), "loaded": sum(c["ngsize"] for c in cached)},
            "resident_bytes": resident(),
            "image_bytes": self.image.path.stat().st_size if self.image.path is not None else None,
            "stacks": len(self.stacks),
            "weaver": self.outside.weaver_figures(),
        }

    def status(self) -> dict[str, Any]:
        """All that metrics tell; from any thread."""
        with self.server.lock:
            return status(self.server)

    def shutdown(self, now: bool) -> None:
        self.server.stop("a client asked for it", 0.0 if now else GRACE)

    # -- on a worker's thread -----------------------------------------------------------------------------------------

    def work(self, worker: Worker, request: Request) -> None:
        """Carries out one request and answers it; stays with its session if that has processes waiting here."""
        if not self.residents.forward(request):
            self._carry_out(worker, request)
            if self.residents.has(request.session.identity):
                self.server.attendance.about_to_wait()  # the socket is somebody else's from here on
                with self.pool.away():
                    self.residents.reside(worker, request.session.identity, self.pool.start)

    def _carry_out(self, worker: Worker, request: Request) -> None:
        command = request.command
        recall = Recall(request) if self.receipts and command.role != "read" else None
        began = time.perf_counter()
        try:
            match command:
                case Evaluate():
                    settle, committed = self.residents.settle, self.watcher.committed
                    evaluate(worker, request, self.stacks, recall, settle, committed)
                case Metrics():
                    from .metrics import text_of

                    request.finish(Data(data=text_of(self.status)))
                case Stack():
                    request.finish(reply_of(self.stacks.of(request.session.identity)))
                case Undo() | Redo() | Revert() | JitCommand() if command.resent:
                    raise unknown("whether it was carried out is not known; the history says")
                case Undo() | Redo():
                    from .past import remember

                    request.finish(remember(self.image, command, request.session_name))
                case History(selector=None):
                    from .past import remember

                    request.finish(remember(self.image, command, request.session_name))
                case GetScene(moment=str() as moment):
                    from .past import scene_then

                    request.finish(scene_then(self.image, command, moment))
                case JitCommand():
                    from .deciding import decide

                    request.finish(decide(worker, self.misses, command, request.session_name))
                case WeaverCommand():
                    from .jit.weaver.panel import panel

                    with request.stepping_aside():
                        request.finish(Data(data=panel(self.weaver().facets, worker)))
                case Revert():
                    from .jit.errors import SwapRefused
                    from .jit.swap import revert

                    oid = bytes.fromhex(command.target.zfill(16))
                    try:
                        request.finish(Data(data=revert(worker, oid, command.selector, request.session_name)))
                    except SwapRefused as problem:
                        raise Refused(Code.NO_SUCH_SLOT, str(problem)) from None
                case _:
                    author = request.session_name
                    note = f"{command.model_dump(include={'command'})['command']} from {author or 'a client'}"
                    before = recall.take_over(worker) if recall is not None and command.resent else []

                    def act(world: Any) -> Reply:
                        reply = carry_out(world, command, author)
                        if recall is not None:
                            recall.note(world.root, [reply])
                        return reply

                    request.finish(before[0] if before else worker.transact(act, note))
        except Refused as problem:
            request.fail(problem.code, str(problem))
        except ImageProblem as problem:
            request.fail(Code.FAILED, f"{problem} ({problem.code})")
        except Exception as problem:
            from ZODB.POSException import ConflictError

            if not isinstance(problem, ConflictError):
                log.exception("a command failed", extra={"command": type(command).__name__})
            code = Code.CONFLICT if isinstance(problem, ConflictError) else Code.FAILED
            request.fail(code, f"{type(problem).__name__}: {problem}"[:1000])
        took = time.perf_counter() - began
        self.tallies[worker.name][0].message(took)
        if log.isEnabledFor(logging.DEBUG):
            told = {"command": type(command).__name__, "session": request.session_name, "worker": worker.name}
            log.debug("command", extra={**told, "id": request.id, "seconds": round(took, 6)})
        self.watcher.committed()


def _stays(clients: int) -> None:
    """Told to whoever started the kernel and lets go of it while others use it."""
    with suppress(OSError):  # perhaps he has died
        print(f"stays {clients}", flush=True, file=sys.__stdout__)


def _misses(location: str) -> Any:
    """Who writes missing methods; None where that part is not installed."""
    from . import jit

    handler = getattr(jit, "miss_handler", None)
    return handler(location) if handler is not None else None


def main(
    location: str,
    endpoint: str | None = None,
    workers: int = 2,
    policy: str = "ask",
    ready_fd: int | None = None,
    ready_file: str | None = None,
    lifeline: int | None = None,
    tcp: str | None = None,
    receipts: bool | None = None,
    metrics: str | None = None,
    log_file: str | None = None,
    log_format: str = "json",
    log_level: str = "info",
) -> int:
    """Runs a kernel until it is stopped; the exit status.

    When clients can connect, one line `ready ENDPOINT` goes to stdout, and the endpoint to `ready_fd` or `ready_file`
    (which appears whole) if given. With `lifeline`, a descriptor, it also stops when that comes to its end. What
    keeps it from starting goes to stderr, and the status is 1.
    """
    handler: logging.Handler | None = None
    try:
        kernel = Kernel(location, endpoint, workers, policy, tcp, receipts)
        kernel.serve_metrics(metrics)
    except (ImageProblem, EndpointProblem, KeyProblem) as problem:
        print(f"batos kernel: {problem}", file=sys.stderr)
        return 1
    path = kernel.image.path
    if log_file is not None:
        to = None if log_file == "-" else Path(log_file)
    else:
        to = path.with_name(path.name + ".log") if path is not None else None
    handler = log_to(to, log_format, log_level)
    for note in kernel.image.notes:
        print(f"batos kernel: {note}", file=sys.stderr)
        log.warning(note)

    def ready() -> None:
        text = kernel.endpoint
        also = f"  tcp {kernel.server.tcp}" if kernel.server.tcp else ""
        print(f"ready {text}{also}  image {kernel.image.location}  process {os.getpid()}", flush=True)
        if ready_fd is not None:
            os.write(ready_fd, text.encode() + b"\n")
            os.close(ready_fd)
        if ready_file is not None:
            draft = f"{ready_file}.{os.getpid()}"
            with open(draft, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            os.replace(draft, ready_file)
        # Nobody need read our stdout after that line: what Python code prints must not fill a pipe and stop us.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")

    try:
        kernel.run(ready, lifeline)
    finally:
        logging.getLogger("batos").removeHandler(handler)
        handler.close()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m batos.kernel", description="Hold an image and serve it.")
    parser.add_argument("image")
    parser.add_argument("--listen", default=None, metavar="ENDPOINT")
    parser.add_argument("--tcp", default=None, metavar="ENDPOINT")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--jit", default="off", choices=["off", "ask", "auto"])
    parser.add_argument("--ready-fd", type=int, default=None)
    parser.add_argument("--ready-file", default=None)
    parser.add_argument("--lifeline", action="store_true")
    parser.add_argument("--metrics", default=None, metavar="HOST:PORT")
    parser.add_argument("--receipts", action=argparse.BooleanOptionalAction, default=None)
    given = parser.parse_args()
    sys.exit(
        main(
            given.image,
            given.listen,
            given.workers,
            given.jit,
            given.ready_fd,
            given.ready_file,
            sys.stdin.fileno() if given.lifeline else None,
            given.tcp,
            given.receipts,
            given.metrics,
        )
    )
