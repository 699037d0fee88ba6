"""A task's world, made afresh in memory: awakened once, copied for each task (7 ms), never near a person's image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.MappingStorage import MappingStorage

from ...interp import Asked, Miss, Resolution, Worker
from ..crucible import Assay, assay
from ..gates.trial import TrialRun, trial_gate
from ..gates.verdict import Candidate, Surroundings
from ..sandbox.client import Sandbox
from ..situate import situate
from ..situation import Situation
from .tasks import Task


class BadTask(Exception):
    """The task itself is wrong: its world fails, or its message is understood."""


class Stage:
    """Where tasks are put on, one after another; close it. One process for trials serves them all."""

    def __init__(self) -> None:
        self._genesis = MappingStorage()
        db = ZODB.DB(self._genesis)
        Worker(SimpleNamespace(db=db), name="genesis").close()
        self._sandbox = Sandbox(db)
        self._sandbox.start()

    def close(self) -> None:
        self._sandbox.close()

    @contextmanager
    def put_on(self, task: Task) -> Iterator[Scene]:
        """The task's world, up to the miss. Raises BadTask."""
        db = ZODB.DB(DemoStorage(base=self._genesis, changes=MappingStorage()))
        watcher = _Watcher()
        worker = Worker(SimpleNamespace(db=db), name="bench", misses=watcher)
        try:
            for outcome in worker.evaluate(task.world):
                if outcome.error is not None:
                    raise BadTask(f"{task.id}: {outcome.statement}: {outcome.error.message}")
            outcome = worker.evaluate(task.send, policy="auto")[-1]
            if watcher.miss is None:
                why = outcome.error.message if outcome.error is not None else f"it answers {outcome.printed}"
                raise BadTask(f"{task.id}: {task.send} is no miss: {why}")
            miss: Miss = watcher.miss
            situation, surroundings = worker.transact(lambda world: situate(world, miss))
            self._sandbox.aim(db)
            yield Scene(task, miss, situation, surroundings, self._sandbox)
        finally:
            worker.close()


class _Watcher:
    """Takes down the miss and answers nothing."""

    miss: Miss | None = None

    def resolve(self, miss: Miss | Asked, worker: Worker, approve: Any) -> Resolution:
        if isinstance(miss, Miss):
            self.miss = miss
        return Resolution(False)


@dataclass(frozen=True)
class Scene:
    """One task's miss, as prompt and gates see it."""

    task: Task
    miss: Miss
    situation: Situation
    surroundings: Surroundings
    sandbox: Sandbox

    def candidate(self, source: str) -> Candidate:
        situation = self.situation
        return Candidate(situation.selector, situation.name, situation.parameters, source)

    def gates(self, candidate: Candidate, author: str) -> Assay:
        """All gates that a person's image would put it through, the trial included."""
        run = TrialRun(self.miss.prototype, self.miss.statement, self.miss.workspace)
        trial = trial_gate(self.sandbox, run, author)
        return assay(candidate, self.surroundings, trial, statement=self.miss.statement)

    def judge(self, source: str, author: str = "model:bench") -> str:
        """ "" when every hidden check holds, else the first that does not, in words. Runs in the locked process."""
        ran = self.sandbox.run({
            "prototype": self.miss.prototype.hex(),
            "selector": self.miss.selector,
            "source": source,
            "author": author,
            "workspace": self.miss.workspace,
            "examples": [check.as_dict() for check in self.task.checks],
        })  # fmt: skip
        if ran.result is None:
            return ran.death
        if "error" in ran.result:
            return str(ran.result["error"].get("message"))
        for check, told in zip(self.task.checks, ran.result["examples"], strict=True):
            if not told["holds"]:
                return f"{check}: {told['told']}"
        return ""
