"""A handler for the tests of the bridge: real threads that do what an evaluate's source tells them."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterable
from pathlib import Path

from batos.bridge.codes import Code
from batos.bridge.covenant import Approval, Done, Evaluate, Outcome, UvmStateUpdateEvent
from batos.bridge.server import Server
from batos.bridge.session import Request, Withdrawn


class Toy:
    """`echo X`, `wait` (until interrupted or released), `count N` (N streamed outcomes), `ask`, `crash`, `big N`."""

    def __init__(self, threads: int = 4) -> None:
        self.jobs: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self.release = threading.Event()
        self.began: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.done: list[str] = []
        self.watched: dict[bytes, set[str]] = {}
        self.server: Server | None = None
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def start(self, request: Request) -> None:
        self.jobs.put(request)

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        if "nonsense" in topics:
            raise ValueError("nonsense cannot be watched")
        self.watched[session] = set(topics)

    def describe(self) -> dict[str, object]:
        return {"image": "toy", "version": "0"}

    def figures(self) -> dict[str, object]:
        return {"done": len(self.done)}

    def shutdown(self, now: bool) -> None:
        assert self.server is not None
        self.server.stop("asked to", grace=0.0 if now else 5.0)

    def work(self) -> None:
        while (request := self.jobs.get()) is not None:
            try:
                self.carry_out(request)
            except Exception as problem:
                request.fail(Code.FAILED, repr(problem))

    def carry_out(self, request: Request) -> None:
        command = request.command
        if not isinstance(command, Evaluate):
            request.finish(UvmStateUpdateEvent(state={"echo": command.model_dump()}))
            return
        word, _, rest = command.source.partition(" ")
        self.began.put(command.source)
        if word == "wait":
            stopped = threading.Event()
            with request.interruptible(lambda: stopped.set() is None):
                while not (stopped.wait(0.002) or self.release.is_set()):
                    pass
            if stopped.is_set():
                request.fail(Code.INTERRUPTED, "interrupted")
                return
        if word == "crash":
            raise RuntimeError(rest)
        if word == "count":
            for number in range(int(rest)):
                request.send(Outcome(printed=str(number)))
        printed = "x" * int(rest) if word == "big" else rest
        if word == "ask":
            try:
                printed = request.ask(Approval(selector=rest), timeout=10).decision
            except Withdrawn as problem:
                request.fail(Code.INTERRUPTED, str(problem))
                return
        self.done.append(command.source)
        request.finish(Done(outcomes=[Outcome(statement=command.source, printed=printed)]))


class Running:
    """A server over a Toy on a thread of its own."""

    def __init__(self, folder: Path, endpoint: str = "", threads: int = 4, **options: object) -> None:
        self.toy = Toy(threads)
        self.server = Server(endpoint or f"ipc://{folder}/s", self.toy, capacity=threads, **options)  # type: ignore[arg-type]
        self.toy.server = self.server
        self.endpoint = self.server.bind()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.run()))
        self.thread.start()

    def close(self) -> None:
        self.toy.release.set()
        self.server.stop(grace=1.0)
        self.thread.join(10)
        assert not self.thread.is_alive()
        for _ in self.toy.threads:
            self.toy.jobs.put(None)
