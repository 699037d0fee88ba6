"""The worker: one connection, one world; runs each statement as a message in a transaction of its own.

The life of a message: begin, compile, run, print, commit; output goes out with the result. A ConflictError
is retried with the output dropped. A miss that the policy hands to the JIT ends the transaction first, and the message
runs again from its start once the method is there. A failed message leaves no change behind.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any, cast

from ZODB.POSException import ConflictError

from ..grammar import SyntaxProblem, nodes, parse
from ..image.storable import explain_failure
from . import flow, misses, probation, statements
from .carrying import DEFINING, carry_out
from .depth import DeepThread, is_deep
from .ending import Ending
from .outcome import CLOSING, Budget, MissHandler, Outcome, Run
from .outside import Called, Journal, Outside
from .primitives import all_primitives
from .primitives.huge import allow_long_numbers
from .report import Report, of_failure
from .sessions import Session
from .transactions import LOST, RETRIES, Transactions, conflict_text, pause
from .world import World

ASIDE = 0.05  # seconds: a message that sleeps for longer leaves its place to others


class Worker:
    def __init__(self, image: Any, name: str = "worker", misses: MissHandler | None = None) -> None:
        self.image = image
        self.name = name
        self.misses = misses
        self.outside: Outside | None = None  # who answers messages that leave the image
        self.transactions = Transactions(image)
        self.connection = self.transactions.connection
        self.user = os.environ.get("USER", "")
        self.world = World(self.connection, all_primitives())
        self.transactions.attach(self.world)
        self.tally = self.transactions.tally
        self.ending = Ending()
        # Called in the transaction of a message that changes something, with what became of it, before it is committed.
        self.witness: Callable[[list[Outcome]], None] | None = None
        self.about_to_wait: Callable[[], None] | None = None  # called before a commit that writes and waits for it
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
        self.transactions.close()

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
        run = Run(origin, workspace, policy, approve, budget or Budget(), author or self.user, within, on_failure)
        run.echo = echo
        outcomes: list[Outcome] = []
        self.ending.asked = None

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
            self._begin(Run(budget=CLOSING), "")
            with self.ending.within(CLOSING):
                processes.close()
            self._commit("the end of a session's processes")
        except (flow.Flow, Exception):
            self._abort()  # a conflict, a storage that is gone: the session is over all the same

    def _message(self, statement: nodes.Node, source: str, run: Run) -> Outcome:
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
                with self.ending.within(run.budget):
                    carry_out(world, statement, text, run, outcome)
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

    def _atomic(self, program: nodes.Program, source: str, run: Run) -> list[Outcome]:
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

    def _atomic_once(self, program: nodes.Program, source: str, run: Run) -> list[Outcome]:
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
                with self.ending.within(run.budget):
                    carry_out(world, statement, text, run, outcome)
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

    # --- transactions

    def _begin(self, run: Run, text: str) -> None:
        self.transactions.begin()
        world = self.world
        world.transcript.clear()
        world.signals.chain = None
        world.workspace, world.author, world.answers, world.said = run.workspace, "", run.answers, text
        world.journal = run.journal
        if run.journal is not None:
            run.journal.begin_again()
        world.policy = self._policy(run, text) if run.policy in ("ask", "auto") and self.misses is not None else None
        world.processes.begin()
        if not world.processes.living:
            world.self_sends.sweep()

    def _policy(self, run: Run, text: str) -> Any:
        def decide(receiver: Any, message: Any) -> Any:
            miss = misses.describe(self.world, receiver, message, text, run.workspace)
            return None if miss.handle in run.notes or miss.policy == "off" else miss

        return decide

    def _resolve(self, miss: misses.Miss | misses.Asked | Called, run: Run) -> bool:
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

    def _commit(self, note: str, outcomes: list[Outcome] | None = None) -> None:
        # Only what changes something has a transaction that a witness could be part of.
        if self.witness is not None and outcomes is not None and self.transactions.changes_something:
            self.witness(outcomes)
        self.transactions.commit(note, self.about_to_wait)

    def _abort(self) -> None:
        world = self.world
        if world.processes.at_stake():
            # Mostly unwound by now; not where the commit failed.
            asked, self.ending.asked = self.ending.asked, None
            with suppress(flow.Abandoned), self.ending.within(CLOSING):
                world.processes.unwind()
            self.ending.asked = self.ending.asked or asked
            world.processes.restore()
        self.transactions.abort()

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
        run = Run("<transact>")
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
        run = Run(budget=budget)
        outcome = Outcome("", 1)
        nowhere = parse("nil").statements[0]
        started = time.perf_counter()
        self._begin(run, "trial")
        try:
            with self.ending.within(run.budget):
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

    def _failure(self, failure: BaseException, text: str, run: Run, statement: nodes.Node) -> Report:
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

    def abandon(self, how: type[flow.Abandoned] = flow.Interrupted) -> bool:
        """From any thread: end the message that runs now, if one does."""
        return self.ending.abandon(how)

    def interrupt(self) -> bool:
        return self.ending.abandon(flow.Interrupted)

    def _pause(self, seconds: float) -> None:
        """Wait for the clock, as no process can run; whoever ends the message ends this, too."""
        if self.about_to_wait is not None:
            self.about_to_wait()
        with self._aside() if seconds > ASIDE else nullcontext():
            self.ending.wait(seconds)


def syntax_report(problem: Any) -> Report:
    lines = problem.source.splitlines()
    line = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
    return Report("syntax", problem.message, problem.origin, problem.line, problem.column, problem.length, line)
