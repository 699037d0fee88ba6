"""The worker: one connection, one world; runs each statement as a message in a transaction of its own.

The life of a message: begin, compile, run, print, commit; output goes out with the result. A ConflictError
is retried with the output dropped. A miss that the policy hands to the JIT ends the transaction first, and the message
runs again from its start once the method is there. A failed message leaves no change behind.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol, cast

import transaction
from transaction.interfaces import NoTransaction
from ZODB.POSException import ConflictError, ReadOnlyError

from ..grammar import SyntaxProblem, nodes, parse
from ..image.errors import CommitUncertain, ImageProblem
from ..image.method import Method
from ..image.object import own_slots
from ..image.resting import Resting
from ..image.storable import explain_failure, unreachable
from . import flow, misses, probation, statements, warden
from .awakening import awaken, workspace_named
from .depth import DeepThread, is_deep
from .families import is_retired
from .filein import category_of, define_class, place
from .outside import Called, Journal, Outside
from .primitives import all_primitives
from .primitives.huge import allow_long_numbers
from .report import Report, of_failure
from .sessions import Session
from .stack import Source
from .world import World

RETRIES = 20
ASIDE = 0.05  # seconds: a message that sleeps for longer leaves its place to others
PATIENCE = 2.0  # seconds that a message has to come to its end once it was told to
DEFINING = nodes.Define | nodes.Class | nodes.Extend
SILENT = DEFINING | nodes.Variables  # their value is not shown


@dataclass(frozen=True)
class Budget:
    """What one message may use: ``seconds`` of wall time, and ``bytes`` that the process may grow by. None: any."""

    seconds: float | None = None
    bytes: int | None = 2 << 30


def _not_ours(record: logging.LogRecord) -> bool:
    """ZODB logs whatever ends the loading of an object; a message that is told to end is no failure of the storage."""
    return not (record.exc_info and record.exc_info[0] and issubclass(record.exc_info[0], flow.Flow))


logging.getLogger("ZODB.Connection").addFilter(_not_ours)

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
class _Run:
    """What stays the same while one program runs."""

    origin: str
    workspace: str
    policy: str
    approve: Any
    budget: Budget
    author: str = ""
    within: Callable[[World, str], Any] | None = None
    on_failure: Callable[[World, BaseException, str], None] | None = None
    installed: set[str] = field(default_factory=set)
    notes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, tuple[bool, str]] = field(default_factory=dict)
    journal: Journal | None = None
    echo: bool = True


class _Abandonable:
    """What Worker._abandonable answers. A class: a generator would take a good part of a short message's time."""

    __slots__ = ("worker", "budget")

    def __init__(self, worker: Worker, budget: Budget) -> None:
        self.worker = worker
        self.budget = budget

    def __enter__(self) -> None:
        self.worker._begin_abandonable(self.budget)

    def __exit__(self, *_: object) -> None:
        self.worker._settle_down()


class Worker:
    def __init__(self, image: Any, name: str = "worker", misses: MissHandler | None = None) -> None:
        self.image = image
        self.name = name
        self.misses = misses
        self.outside: Outside | None = None  # who answers messages that leave the image
        self.manager = transaction.TransactionManager(explicit=True)
        self.manager.begin()
        connection = image.db.open(self.manager)
        if "genesis" not in connection.root():
            connection.close()
            self.manager.abort()
            awaken(image)
            self.manager.begin()
            connection = image.db.open(self.manager)
        self.connection = connection
        self._root = connection.root()
        self._on_file = getattr(image, "path", None) is not None
        self._at_rest: transaction.Transaction | None = None  # one that only read and has ended: it serves again
        self.user = os.environ.get("USER", "")
        self.world = World(connection, all_primitives())
        self._epoch = self._read_epoch()
        self._resting = Resting(connection, is_retired)
        self.manager.abort()
        # Called in the transaction of a message that changes something, with what became of it, before it is committed.
        self.witness: Callable[[list[Outcome]], None] | None = None
        self._lock = threading.Lock()
        self._asked: type[flow.Abandoned] | None = None  # to end a program between two of its messages
        self._running: int | None = None  # ident of the thread whose message may be abandoned now
        self._pending: type[flow.Abandoned] | None = None
        self._again = 0.0  # when it is to be told again
        self.limits: warden.Limits | None = None  # of the message that runs now
        self.watched = False  # by the warden
        self.tally = {"commits": 0, "reads": 0, "conflicts": 0, "failures": 0}  # transactions, by how they ended
        self.about_to_wait: Callable[[], None] | None = None  # called before a commit that writes and waits for it
        self._told = threading.Event()  # set when a message that may be waiting for the clock is to end
        self._aside: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.world.pause = self._pause
        self._sessions: dict[str, Session] = {}  # those with processes that wait for a later statement
        self._fresh = Session(self.world)  # for a session that has none
        self._deep: DeepThread | None = None  # where they live, if no thread of the caller's is deep enough
        allow_long_numbers()
        if gc.get_threshold() == (700, 10, 10):
            # Python's default was made for small heaps; ours holds the library, and looking through it is dear.
            gc.set_threshold(50_000, 20, 20)
            gc.freeze()  # what is here by now (the parser, the library) stays

    def close(self) -> None:
        """Ends the processes that are left, with their ensure: blocks, and lets the connection go."""
        for session in list(self._sessions):
            self.end_session(session)
        with suppress(NoTransaction):
            self.manager.abort()
        # The connection goes back to a pool, and must not take the world along, whose types its objects have.
        self.connection.cacheMinimize()
        self.connection.families = None
        self.connection.close()

    # --- programs

    def evaluate(
        self,
        source: str,
        *,
        origin: str = "<input>",
        workspace: str = "default",
        policy: str = "off",
        approve: Any = None,
        budget: Budget | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
        atomic: bool = False,
        stop_on_error: bool = False,
        author: str = "",
        session: str = "",
        aside: Callable[[], AbstractContextManager[Any]] = nullcontext,
        syntax: str = "auto",
        skip: int = 0,
        within: Callable[[World, str], Any] | None = None,
        on_failure: Callable[[World, BaseException, str], None] | None = None,
        echo: bool = True,
    ) -> list[Outcome]:
        """Run every statement of source; one Outcome each, in order. A failure ends its statement, not the others.
        ``skip`` statements at the beginning have been run before.

        ``syntax`` is one of grammar.foreign.SYNTAXES; "auto" goes by what the text looks like. Without ``echo`` values
        are not printed, and a printOn: that fails costs nothing.
        Processes that wait when a statement ends are there in the next one of the same ``session``. While a message
        sleeps, because all its processes wait for the clock, it is inside ``aside()``.

        ``within(world, text)`` carries out a statement (that defines nothing) in the worker's stead.
        ``on_failure(world, failure, text)`` is called when one fails, before its transaction is taken back.
        """
        if not is_deep():
            # On this thread's stack a recursion without end would end the process.
            options = dict(locals())
            del options["self"], options["source"]
            return self._deeply(lambda: self.evaluate(source, **options))
        run = _Run(origin, workspace, policy, approve, budget or Budget(), author or self.user, within, on_failure)
        run.echo = echo
        outcomes: list[Outcome] = []
        self._asked = None

        def tell(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if on_outcome is not None:
                on_outcome(outcome)

        try:
            program = statements.read(source, origin, syntax)
        except SyntaxProblem as problem:
            tell(Outcome(source, problem.line, error=syntax_report(problem)))
            return outcomes
        source = source if program.text is None else program.text
        # Meanwhile the world's processes are that session's.
        processes = self._sessions.pop(session) if session in self._sessions else self._fresh
        self.world.processes = processes
        self._aside = aside
        try:
            if atomic:
                for outcome in self._atomic(program, source, run):
                    tell(outcome)
                return outcomes
            for statement in program.statements[skip:]:
                run.journal = Journal() if self.outside is not None else None
                outcome = self._message(statement, source, run)
                tell(outcome)
                if outcome.error is not None and (stop_on_error or outcome.error.code == "interrupted"):
                    break
                if outcome.quit is not None:
                    break
        finally:
            self._aside = nullcontext
            if processes.living:
                self._sessions[session] = processes
                if processes is self._fresh:
                    self._fresh = Session(self.world)
        return outcomes

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        """Meanwhile the world's processes are nobody's: what is begun ends with the transaction. A session that is in
        the middle of a statement (a model writes a method for it) finds its own again."""
        before, self.world.processes = self.world.processes, Session(self.world)
        try:
            yield self.world.processes
        finally:
            self.world.processes = before

    def has_processes(self, session: str = "") -> bool:
        """Does anything of that session wait for its next statement, on this worker?"""
        return session in self._sessions

    def end_session(self, session: str = "") -> None:
        """Terminate a session's processes, in a transaction of their own."""
        if session not in self._sessions:
            return
        if not is_deep() or self._deep is not None:
            self._deeply(lambda: self.end_session(session))
            return
        processes = self.world.processes = self._sessions.pop(session)
        try:
            self._begin(_Run("", "default", "off", None, CLOSING), "")
            with self._abandonable(CLOSING):
                processes.close()
            self._commit("the end of a session's processes")
        except (flow.Flow, Exception):
            self._abort()  # a conflict, a storage that is gone: the session is over all the same

    def _message(self, statement: nodes.Node, source: str, run: _Run) -> Outcome:
        span = statement.span
        text = source[span.start : span.end]
        outcome = Outcome(text, span.line, defines=isinstance(statement, DEFINING))
        started = time.perf_counter()
        if isinstance(statement, nodes.Bad):
            outcome.error = syntax_report(statement.problem)
            return outcome
        world = self.world
        conflicts = 0
        while True:
            try:
                self._begin(run, text)
                with self._abandonable(run.budget):
                    self._carry_out(statement, text, run, outcome)
                outcome.transcript = "".join(world.transcript)
                self._commit(text, [outcome])
                break
            except flow.Missed as missed:
                self._abort()
                if not self._resolve(missed.miss, run):
                    # Run once more without the policy: the error is then signalled where it happened.
                    continue
            except flow.StartAgain:
                self._abort()
            except ConflictError as conflict:
                self._abort()
                self.tally["conflicts"] += 1
                conflicts += 1
                if world.processes.lost:
                    outcome.error = Report("conflict", LOST, run.origin, span.line, span.column)
                    break
                if conflicts > RETRIES:
                    outcome.error = Report(
                        "conflict", conflict_text(world, conflict), run.origin, span.line, span.column
                    )
                    break
                pause(conflicts)
            except BaseException as failure:
                checked = world.checked
                self.tally["failures"] += 1
                outcome.error = self._failure(failure, text, run, statement)
                if isinstance(failure, flow.Abandoned):
                    # It may have come in the middle of learning something: all of it is learnt again.
                    world.families.names_moved = True
                self._abort()
                if outcome.error.code == "cannot-persist" and not checked and not world.processes.lost:
                    # Run again with every store checked, so that the error comes from the store itself.
                    world.checked = True
                    world.stale(None)
                    try:
                        again = self._message(statement, source, run)
                    finally:
                        world.checked = False
                        world.stale(None)
                    if again.error is not None:
                        outcome.error = again.error
                    return outcome
                if isinstance(failure, SystemExit | GeneratorExit):
                    raise
                break
        if outcome.error is not None and outcome.error.code == "not-understood":
            note = next(iter(run.notes.values()), "")
            if note:
                outcome.error.message += f" ({note})"
        if outcome.error is not None and world.processes.lost:
            outcome.error.message += " (processes of earlier statements had run in it, and were ended with it)"
        outcome.transcript = "".join(world.transcript)
        if world.probation_ended:
            self._settle_probation(outcome)
        outcome.seconds = time.perf_counter() - started
        return outcome

    def _settle_probation(self, outcome: Outcome) -> None:
        """The message is over: a method of a model's that raised in it is taken back now."""
        note = probation.settle(self)
        if note and outcome.error is not None:
            outcome.error.message += f" ({note})"
        elif note:
            outcome.transcript += note + "\n"

    def _atomic(self, program: nodes.Program, source: str, run: _Run) -> list[Outcome]:
        """All statements in one transaction: the first failure takes everything back; a conflict runs all again."""
        conflicts = 0
        while True:
            try:
                return self._atomic_once(program, source, run)
            except flow.StartAgain:
                self._abort()
            except ConflictError as conflict:
                self._abort()
                self.tally["conflicts"] += 1
                conflicts += 1
                if conflicts > RETRIES or self.world.processes.lost:
                    text = LOST if self.world.processes.lost else conflict_text(self.world, conflict)
                    return [Outcome(source, 1, error=Report("conflict", text, run.origin, 1, 1))]
                pause(conflicts)

    def _atomic_once(self, program: nodes.Program, source: str, run: _Run) -> list[Outcome]:
        outcomes: list[Outcome] = []
        self._begin(run, "atomic program")
        world = self.world
        for statement in program.statements:
            span = statement.span
            text = source[span.start : span.end]
            outcome = Outcome(text, span.line, defines=isinstance(statement, DEFINING))
            outcomes.append(outcome)
            before = len(world.transcript)
            try:
                if isinstance(statement, nodes.Bad):
                    outcome.error = syntax_report(statement.problem)
                    break
                world.policy = None
                with self._abandonable(run.budget):
                    self._carry_out(statement, text, run, outcome)
            except ConflictError:
                raise
            except BaseException as failure:
                outcome.error = self._failure(failure, text, run, statement)
                break
            finally:
                outcome.transcript = "".join(world.transcript[before:])
        if outcomes and outcomes[-1].error is not None:
            self._abort()
            outcomes[-1].error.message += " (nothing of this program was kept)"
            return outcomes
        try:
            self._commit("atomic program", outcomes)
        except ConflictError:
            raise
        except Exception as failure:
            self._abort()
            outcomes[-1].error = self._failure(failure, text, run, statement)
            return outcomes
        if world.probation_ended:
            self._settle_probation(outcomes[-1])
        return outcomes

    def _carry_out(self, statement: nodes.Node, text: str, run: _Run, outcome: Outcome) -> None:
        processes = self.world.processes
        try:
            outcome.value = processes.run(lambda: self._perform(statement, text, run))
        except flow.Quit as quit:
            outcome.quit = quit.status
            return
        if run.echo and not isinstance(statement, SILENT):
            outcome.printed = processes.run(lambda: self.world.print_string(outcome.value))
        outcome.failures, processes.reports = processes.reports, []

    def _perform(self, statement: nodes.Node, text: str, run: _Run) -> Any:
        world = self.world
        workspace = workspace_named(world, run.workspace)
        match statement:
            case nodes.Variables(names=names):
                for name in names:
                    if name not in own_slots(workspace):
                        world.families.set_slot(workspace, name, None)
                return None
            case nodes.Define(target=target, method=method):
                span = statement.span
                piece = text[method.span.start - span.start : method.span.end - span.start]
                thing = self._run(target, text, span, workspace, run)
                made = Method(
                    method.selector,
                    piece,
                    method.language,
                    author=run.author,
                    category=category_of(method),
                    comment=method.comment,
                )
                return world.define(thing, place(made, run.origin, method.span))
            case nodes.Class() | nodes.Extend():
                evaluate = self._evaluator(text, workspace, run)
                return define_class(world, statement, text, run.origin, run.author, evaluate)
            case _ if run.within is not None:
                return run.within(world, text)
            case _:
                return self._run(statement, text, statement.span, workspace, run)

    def _evaluator(self, text: str, workspace: Any, run: _Run) -> Callable[[nodes.Node], Any]:
        return lambda node: self._run(node, text, node.span, workspace, run)

    def _run(self, node: nodes.Node, text: str, span: nodes.Span, workspace: Any, run: _Run) -> Any:
        key, source = _placed(text, run.origin, span.line, span.column)
        function = self.world.statement(node, workspace, source, key)
        return function(workspace)

    # --- transactions

    def _begin(self, run: _Run, text: str) -> None:
        if self._at_rest is None:
            self.manager.begin()
        else:
            self.manager._txn, self._at_rest = self._at_rest, None
            self.connection.newTransaction(self.manager._txn)
        world = self.world
        world.transcript.clear()
        world.signals.chain = None
        world.families.behaviour_moved = world.families.names_moved = False
        world.workspace, world.author, world.answers, world.said = run.workspace, "", run.answers, text
        world.journal = run.journal
        if run.journal is not None:
            run.journal.begin_again()
        epoch = self._read_epoch()
        if epoch != self._epoch:
            self._epoch = epoch
            world.families.forget()
            world.attach()
            self._resting.types_retired()
        self._resting.look()
        world.policy = self._policy(run, text) if run.policy in ("ask", "auto") and self.misses is not None else None
        world.processes.begin()
        if not world.processes.living:
            world.self_sends.sweep()

    def _policy(self, run: _Run, text: str) -> Any:
        def decide(receiver: Any, message: Any) -> Any:
            miss = misses.describe(self.world, receiver, message, text, run.workspace)
            return None if miss.handle in run.notes or miss.policy == "off" else miss

        return decide

    def _resolve(self, miss: misses.Miss | misses.Asked | Called, run: _Run) -> bool:
        if isinstance(miss, Called):
            assert self.outside is not None and run.journal is not None
            run.journal.keep(miss, self.outside.answer(miss, self, run.approve, run.policy))
            return True
        assert self.misses is not None
        if isinstance(miss, misses.Asked):
            resolution = self.misses.resolve(replace(miss, workspace=run.workspace), self, run.approve)
            run.answers[miss.said] = resolution.installed, resolution.note
            return True
        if miss.handle in run.installed:
            run.notes[miss.handle] = "the method that was written for it does not answer it"
            return False
        resolution = self.misses.resolve(miss, self, run.approve)
        if resolution.installed:
            run.installed.add(miss.handle)
            return True
        run.notes[miss.handle] = resolution.note
        return False

    def _read_epoch(self) -> int:
        self._root._p_activate()
        epoch = self._root.data.get("epoch")
        return epoch.value if epoch is not None else 0

    def _commit(self, note: str, outcomes: list[Outcome] | None = None) -> None:
        world = self.world
        # Only what changes something has a transaction that a witness could be part of.
        if self.witness is not None and outcomes is not None and self.connection._registered_objects:
            self.witness(outcomes)
        epoch = self.connection.root()["epoch"].move() if world.families.behaviour_moved else self._epoch
        current = self.manager.get()
        if not current._resources:
            world.processes.open = False
            self._rest(current)
            self.tally["reads"] += 1
            return
        current.note(note[:200])
        if self.about_to_wait is not None:
            self.about_to_wait()
        try:
            self.manager.commit()
        except (ConflictError, ImageProblem, ReadOnlyError):
            raise
        except Exception as failure:
            # A server that went away in the middle may or may not have kept it; a file says so itself.
            if self.image.path is None and unreachable(failure):
                text = "the storage server went away while this message was committed; whether it was kept is not known"
                raise CommitUncertain(text) from failure
            raise
        world.processes.open = False
        # Ours is known; had another worker moved it too, the next begin sees a value that neither drew.
        self._epoch = epoch
        self.tally["commits"] += 1

    def _rest(self, current: transaction.Transaction) -> None:
        """Ends a transaction that has only read: there is nothing to commit. Making and ending one in the regular way
        takes as long as a short message; this one has kept nothing and serves the next."""
        if self._on_file:  # which need not be told
            self.connection._cache.incrgc()
        else:
            self.connection.afterCompletion(current)
        self.manager.free(current)
        self._at_rest = current

    def _abort(self) -> None:
        world = self.world
        if world.processes.at_stake():
            # Mostly unwound by now; not where the commit failed.
            asked, self._asked = self._asked, None
            with suppress(flow.Abandoned), self._abandonable(CLOSING):
                world.processes.unwind()
            self._asked = self._asked or asked
            world.processes.restore()
        moved = world.families.behaviour_moved or world.families.names_moved
        self.manager.abort()
        if moved:
            world.families.forget()

    def _deeply(self, function: Callable[[], Any]) -> Any:
        """On a thread with a deep stack: the one where processes wait for their next statement, or a fresh one."""
        function.interrupt = self.interrupt  # type: ignore[attr-defined]
        thread, self._deep = self._deep or DeepThread(daemon=True), None
        try:
            return thread.do(function)
        finally:
            if self._sessions:
                self._deep = thread
            else:
                thread.close()

    def transact(self, function: Callable[[World], Any], note: str = "") -> Any:
        """function(world) in a transaction, retried on conflict; its value."""
        if not is_deep():
            return self._deeply(lambda: self.transact(function, note))
        with self._alone() as processes:
            return self._transact(function, note, processes)

    def _transact(self, function: Callable[[World], Any], note: str, processes: Session) -> Any:
        run = _Run("<transact>", "default", "off", None, Budget())
        for attempt in range(RETRIES + 1):
            self._begin(run, note)
            try:
                result = processes.run(lambda: function(self.world))
                processes.close()
                self._commit(note)
                return result
            except ConflictError:
                self._abort()
                if attempt == RETRIES:
                    raise
                pause(attempt + 1)
            except BaseException:
                self._abort()
                raise
        raise AssertionError

    def trial(self, function: Callable[[World], Any], budget: Budget | None = None, keep: bool = False) -> Outcome:
        """function(world) as a message of its own, with a budget; what it changed is given up unless ``keep``.

        The value of the Outcome is the function's; its error, if any, a Report as for a statement.
        """
        if not is_deep():
            return cast(Outcome, self._deeply(lambda: self.trial(function, budget, keep)))
        while True:
            with suppress(flow.StartAgain), self._alone() as processes:
                return self._trial(function, budget or Budget(), keep, processes)

    def _trial(self, function: Callable[[World], Any], budget: Budget, keep: bool, processes: Session) -> Outcome:
        run = _Run("", "default", "off", None, budget)
        outcome = Outcome("", 1)
        nowhere = parse("nil").statements[0]
        started = time.perf_counter()
        self._begin(run, "trial")
        try:
            with self._abandonable(run.budget):
                outcome.value = processes.run(lambda: function(self.world))
                processes.close()
                outcome.failures = processes.reports
            if keep:
                self._commit("trial")
        except flow.StartAgain:
            keep = False
            raise
        except BaseException as failure:
            outcome.error = self._failure(failure, "", run, nowhere)
            if isinstance(failure, flow.Abandoned):
                self.world.families.names_moved = True  # as in _message
            keep = False
            if isinstance(failure, SystemExit | GeneratorExit):
                raise
        finally:
            if not keep:
                self._abort()
        outcome.transcript = "".join(self.world.transcript)
        outcome.seconds = time.perf_counter() - started
        return outcome

    def _failure(self, failure: BaseException, text: str, run: _Run, statement: nodes.Node) -> Report:
        world = self.world
        problem = explain_failure(failure)
        if problem is not None:
            span = statement.span
            return Report(problem.code, str(problem), run.origin, span.line, span.column)
        if isinstance(failure, KeyboardInterrupt):
            failure = flow.Interrupted().with_traceback(failure.__traceback__)
        report = of_failure(world, failure, statement, run.origin)
        if run.on_failure is not None:
            run.on_failure(world, failure, text)
        return report

    # --- interrupting

    def _abandonable(self, budget: Budget) -> _Abandonable:
        """While this is open, another thread may end the message. Never open around a commit or an abort."""
        return _Abandonable(self, budget)

    def _begin_abandonable(self, budget: Budget) -> None:
        # The warden comes first: its thread must not be started once this one may be ended. A thread that is just being
        # made goes by its maker's number, and would be the one that the exception reaches.
        if budget.seconds is not None or budget.bytes is not None:
            until = None if budget.seconds is None else time.monotonic() + budget.seconds
            self.limits = warden.Limits(until, budget.bytes)
            warden.watch(self)
        with self._lock:
            asked, self._asked = self._asked, None
            if asked is not None:
                self.limits = None
                raise asked()
            self._pending = None
            self._told.clear()
            self._running = threading.get_ident()

    def _settle_down(self) -> None:
        """From here on nobody may end the message; what was under way and has not arrived is taken back."""
        while True:
            try:
                with self._lock:
                    self.limits = None
                    if self._pending is not None:
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(threading.get_ident()), None)
                    self._running = None
                return
            except flow.Abandoned:
                continue  # it came just now: the message was over

    def abandon(self, how: type[flow.Abandoned] = flow.Interrupted) -> bool:
        """From any thread: end the message that runs now, if one does."""
        with self._lock:
            if self._running is None:
                if how is flow.Interrupted:
                    self._asked = how  # between two messages of a program: the next one does not begin
                return False
            if self._pending is not None:
                return True
            # Python drops an exception that arrives in a finalizer or a callback of the collector; a message that goes
            # on for long after it was told is told again (by the warden), with time between for its ensure: blocks.
            self._pending, self._again = how, time.monotonic() + PATIENCE
            warden.hush()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._running), ctypes.py_object(how))
            self._told.set()
        return True

    def remind(self) -> None:
        """Told by the warden, now and then: what was to be ended and still runs is told again."""
        with self._lock:
            how, running = self._pending, self._running
            if how is None or running is None or time.monotonic() < self._again:
                return
            self._again = time.monotonic() + PATIENCE
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(running), ctypes.py_object(how))
            self._told.set()

    def _pause(self, seconds: float) -> None:
        """Wait for the clock, as no process can run; whoever ends the message ends this, too."""
        if self.about_to_wait is not None:
            self.about_to_wait()
        with self._aside() if seconds > ASIDE else nullcontext():
            if self._told.wait(min(max(seconds, 0.0), 3600.0)):
                self._told.clear()

    def interrupt(self) -> bool:
        return self.abandon(flow.Interrupted)


@lru_cache(maxsize=1024)
def _placed(text: str, origin: str, line: int, column: int) -> tuple[str, Source]:
    """The name that a statement's compiled unit goes by, and its source."""
    # The text is part of the name: blocks of an earlier statement from the same place may still run.
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    key = f"statement {origin}:{line}:{column} {digest}"
    # Places in the tree count from the start of the whole text: the text is moved to where it stood.
    return key, Source(origin, "\n" * (line - 1) + " " * (column - 1) + text, origin)


def syntax_report(problem: Any) -> Report:
    lines = problem.source.splitlines()
    line = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
    return Report("syntax", problem.message, problem.origin, problem.line, problem.column, problem.length, line)


def pause(conflicts: int) -> None:
    """Before a message runs again: longer each time, so that those who want one object come one after another, even
    where a commit takes a server tens of milliseconds; by chance, so that they do not meet again."""
    time.sleep(random.uniform(0, min(0.5, 0.002 * 1.5**conflicts)))


def conflict_text(world: World, conflict: ConflictError) -> str:
    """Which object two messages both changed."""
    name = "an object"
    if conflict.oid is not None:
        try:
            thing = world.connection.get(conflict.oid)
            name = world.describe(thing)
        except Exception:
            name = f"the object {conflict.oid.hex()}"
    return (
        f"another message changed {name} at the same time, {RETRIES} times in a row; nothing of this message was kept"
    )


LOST = (
    "another message changed the same objects at the same time; nothing of this message was kept, and it cannot run "
    "again, because processes of earlier statements had run in it"
)
