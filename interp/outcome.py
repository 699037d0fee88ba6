"""What a program is run with, and what comes of each of its statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .outside import Journal
from .report import Report

if TYPE_CHECKING:
    from . import misses
    from .worker import Worker
    from .world import World


@dataclass(frozen=True)
class Budget:
    """What one message may use: ``seconds`` of wall time, and ``bytes`` that the process may grow by. None: any."""

    seconds: float | None = None
    bytes: int | None = 2 << 30


CLOSING = Budget(seconds=5.0)  # for the ensure: blocks of processes whose session ends


@dataclass
class Outcome:
    """What became of one statement. ``value`` is live: for the worker's own thread, until its next message."""

    statement: str
    line: int
    printed: str | None = None
    value: Any = None
    transcript: str = ""
    error: Report | None = None
    seconds: float = 0.0
    defines: bool = False
    quit: int | None = None  # the program ended itself here, with this exit status
    # Processes that ended by an error meanwhile; the statement itself went well. The Transcript shows them, too.
    failures: list[Report] = field(default_factory=list)


@dataclass(frozen=True)
class Resolution:
    """How a miss was answered: installed (run the message again), or not, and what to tell the person; of a question
    in words (`Asked`) the answer."""

    installed: bool
    note: str = ""


class MissHandler(Protocol):
    def resolve(self, miss: misses.Miss | misses.Asked, worker: Worker, approve: Any) -> Resolution: ...


@dataclass
class Run:
    """What stays the same while one program runs."""

    origin: str = ""
    workspace: str = "default"
    policy: str = "off"
    approve: Any = None
    budget: Budget = field(default_factory=Budget)
    author: str = ""
    within: Callable[[World, str], Any] | None = None
    on_failure: Callable[[World, BaseException, str], None] | None = None
    installed: set[str] = field(default_factory=set)
    notes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, tuple[bool, str]] = field(default_factory=dict)
    journal: Journal | None = None
    echo: bool = True
