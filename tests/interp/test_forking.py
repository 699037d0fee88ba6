"""Processes and what is around them: statements, transactions, interrupts, sessions, many of them, deep ones."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from batos.image import open_image
from batos.image.method import Method
from batos.interp import Budget, Outcome, Resolution, Worker

from .conftest import Bench
from .test_ending import batos, interrupt_when_running


def errors(outcomes: list[Outcome]) -> list[str]:
    return [outcome.error.render() for outcome in outcomes if outcome.error is not None]


# --- from statement to statement


def test_who_waits_is_there_in_the_next_statement(bench: Bench) -> None:
    outcomes = bench.outcomes("""
        s := Semaphore new.
        p := [3 timesRepeat: [s wait. Transcript show: 'through ']] fork.
        p isWaiting.
        s signal.
        s signal; signal.
        p isTerminated""")
    assert errors(outcomes) == []
    assert [outcome.transcript for outcome in outcomes] == ["", "", "", "through ", "through through ", ""]
    assert (outcomes[2].printed, outcomes[-1].printed) == ("true", "true")


def test_who_waits_is_there_in_the_next_program(bench: Bench) -> None:
    bench.well("s := Semaphore new. [s wait. Transcript show: 'through'] fork")
    assert bench.worker.has_processes()
    (outcome,) = bench.outcomes("s signal")
    assert outcome.transcript == "through"
    assert not bench.worker.has_processes()


def test_sessions_have_processes_of_their_own(bench: Bench) -> None:
    bench.well("s := Semaphore new")
    bench.worker.evaluate("[s wait. Transcript show: 'mine'] fork", session="mine")
    (outcome,) = bench.worker.evaluate("s signal. Processor allProcesses size", session="other")[-1:]
    assert (outcome.printed, outcome.transcript) == ("0", "")
    (outcome,) = bench.worker.evaluate("3", session="mine")
    assert outcome.transcript == "mine", "the signal of another session is noticed when the next statement begins"
    assert bench("s signals") == "0"


def test_a_signal_from_another_worker_wakes_at_the_next_statement(bench: Bench) -> None:
    bench.well("s := Semaphore new. q := SharedQueue new")
    bench.well("[s wait. Transcript show: 'woken '] fork. [Transcript show: q next] fork. 3")
    other = bench.another()
    bench.well("s signal. q nextPut: 'thing'", other)
    (outcome,) = bench.outcomes("4")
    assert outcome.transcript == "woken thing"
    assert bench("s signals + q size") == "0"


def test_a_delay_that_is_over_is_noticed_in_the_next_statement(bench: Bench) -> None:
    started = time.monotonic()
    outcomes = bench.outcomes("[(Delay forMilliseconds: 100) wait. Transcript show: 'late'] fork")
    outcomes += bench.outcomes("[(Delay forSeconds: 1000) wait] fork")
    assert time.monotonic() - started < 100, "a statement does not wait for the Delays of others"
    outcomes += bench.outcomes("[Processor allProcesses size = 1] whileFalse: [(Delay forMilliseconds: 10) wait]")
    assert errors(outcomes) == [] and "".join(outcome.transcript for outcome in outcomes) == "late"


def test_the_end_of_a_session_runs_ensure_blocks_and_keeps_what_they_did(bench: Bench) -> None:
    bench.well("Log := OrderedCollection new. [[Semaphore new wait] ensure: [Log add: #tidied]] fork")
    bench.reopen()
    assert bench("Log") == "OrderedCollection (#tidied )"


def test_processes_at_rest(bench: Bench) -> None:
    bench.well("""
        begun := [Semaphore new wait] fork.
        fresh := [Transcript show: 'run'] newProcess.
        over := [3] fork.
        held := Mutex new.
        [held critical: [Semaphore new wait]] fork""")
    bench.reopen()
    assert bench("{begun isTerminated. over isTerminated. fresh isTerminated}") == "(true true false )"
    (outcome,) = bench.outcomes("fresh resume. Processor yield. fresh isTerminated")[-1:]
    assert outcome.printed == "true"
    assert bench("held critical: [3]") == "3", "an owner that is gone owns nothing"
    assert bench("begun resume") == "!error"


# --- statements that fail


def test_a_failed_statement_ends_what_ran_in_it_and_nothing_else(bench: Bench) -> None:
    bench.well("""
        s := Semaphore new. t := Semaphore new. Log := OrderedCollection new. n := 0.
        waits := [s wait. Log add: #s] forkNamed: 'waits'.
        runs := [[t wait] ensure: [Transcript show: 'ensured ']] forkNamed: 'runs'""")
    outcome = bench.outcomes(
        "[[n := n + 1. Semaphore new wait] fork. s signal. t signal. runs resume. n := 5. nil foo] value"
    )[-1]
    assert outcome.error is not None
    assert outcome.transcript == "", "no other process ran before it failed"
    assert (
        bench("{n. waits isWaiting. runs isWaiting. s signals. Processor allProcesses size}") == "(0 true true -1 2 )"
    )
    assert bench.well("t signal. runs isTerminated") == "true"
    outcome = bench.outcomes("[s signal. Processor yield. nil foo] value")[-1]
    assert outcome.error is not None and "were ended with it" in outcome.error.message
    assert bench("{Log isEmpty. waits isTerminated. s signals}") == "(true true 0 )"
    assert not bench.worker.has_processes()


def test_processes_begun_in_a_failed_statement_are_ended_with_their_ensure_blocks(bench: Bench) -> None:
    (outcome,) = bench.outcomes(
        "[[[Semaphore new wait] ensure: [Transcript show: 'ensured']] fork. Processor yield. nil foo] value"
    )
    assert outcome.transcript == "ensured" and outcome.error is not None
    assert not bench.worker.has_processes()


def test_what_waits_in_an_ensure_block_does_not_hold_up_a_failure(bench: Bench) -> None:
    (outcome,) = bench.outcomes(
        "[[[Semaphore new wait] ensure: [(Delay forSeconds: 100) wait. Semaphore new wait]] fork."
        " Processor yield. nil foo] value"
    )
    assert outcome.error is not None and outcome.error.code == "not-understood" and outcome.seconds < 10


def test_an_error_in_a_process_is_told_and_the_others_go_on(bench: Bench) -> None:
    bench.well("n := 0")
    (outcome,) = bench.outcomes("[[n := n + 1. nil foo] forkNamed: 'bad'. [n := n + 10] fork. n := n + 100] value")
    assert outcome.error is None
    assert [report.code for report in outcome.failures] == ["not-understood"]
    assert outcome.transcript.startswith("Process 'bad' ended by an error: nil does not understand #foo\n<input>:1:")
    assert bench("n") == "111"
    assert bench.outcomes("3")[0].failures == []


def test_a_conflict_runs_the_statement_again_with_its_own_processes(bench: Bench) -> None:
    bench.well("Tally := Object clone. Tally setSlot: 'n' value: 0")
    other = bench.another()
    moved: list[int] = []

    def move(self: Any) -> Any:
        if not moved:
            moved.append(1)
            other.evaluate("Tally n: 10")
        return self

    bench.worker.world.primitives["test.move"] = move
    bench.well("Tally >> move [ <primitive: 'test.move'> ]")
    (outcome,) = bench.outcomes("[[Tally n: Tally n + 1. Tally move] fork. Processor yield. Tally n] value")
    assert (outcome.printed, bench("Tally n")) == ("11", "11")


def test_a_conflict_with_a_process_of_an_earlier_statement_is_an_error(bench: Bench) -> None:
    bench.well("Tally := Object clone. Tally setSlot: 'n' value: 0")
    other = bench.another()
    bench.worker.world.primitives["test.move"] = lambda self: other.evaluate("Tally n: 10") and self
    bench.well(
        "Tally >> move [ <primitive: 'test.move'> ]. s := Semaphore new. p := [s wait. Tally n: 5. Tally move] fork"
    )
    (outcome,) = bench.outcomes("s signal")
    assert outcome.error is not None and outcome.error.code == "conflict"
    assert bench("{Tally n. p isTerminated. s signals}") == "(10 true 0 )"


def test_a_change_that_a_primitive_makes_half_in_a_later_statement_is_stored(bench: Bench) -> None:
    # at:ifAbsentPut: registers the Dictionary, asks the block, which waits for the next statement, and then writes.
    bench.well("d := Dictionary new. s := Semaphore new. [d at: 1 ifAbsentPut: [s wait. 7]] fork")
    bench.well("s signal")
    bench.reopen()
    assert bench("d") == "a Dictionary (1->7 )"


def test_atomic_programs(bench: Bench) -> None:
    source = "s := Semaphore new. [s wait. Transcript show: 'a'] fork. s signal. 3"
    outcomes = bench.outcomes(source, atomic=True)
    assert errors(outcomes) == [] and [o.transcript for o in outcomes] == ["", "", "a", ""]
    outcomes = bench.outcomes("x := 1. [x := 2. s wait] fork. nil foo", atomic=True)
    assert outcomes[-1].error is not None
    assert not bench.worker.has_processes() and bench("x") != "2"


def test_a_transaction_of_the_kernels_ends_its_processes(bench: Bench) -> None:
    bench.well("Log := OrderedCollection new")

    def function(world: Any) -> Any:
        block = world.lookup("Log")
        return world.send(world.send(block, "starter"), "fork")

    bench.well("Log >> starter [ ^[[Semaphore new wait] ensure: [Log add: 1]] ]")
    bench.worker.transact(function)
    assert bench("Log") == "OrderedCollection (1 )"
    outcome = bench.worker.trial(function, Budget(5))
    assert outcome.error is None and bench("Log size") == "1"


# --- interrupts and budgets


@pytest.mark.parametrize(
    "source",
    [
        "[[Transcript show: 'in'. [true] whileTrue] fork. Semaphore new wait] value",
        "[[Transcript show: 'in'. [true] whileTrue] fork. Processor yield] value",
        "[Transcript show: 'in'. [true] whileTrue: [Processor yield]] fork",
        "[[Transcript show: 'in'. [true] whileTrue: [Processor yield]] fork. [Processor yield] repeat] value",
        "[[(Delay forSeconds: 1000) wait] fork. Transcript show: 'in'. Semaphore new wait] value",
        "[Transcript show: 'in'. (Delay forSeconds: 1000) wait] value",
        "[[Transcript show: 'in'. (Delay forSeconds: 1000) wait] fork. Semaphore new wait] value",
    ],
)
def test_an_interrupt_ends_all_processes_of_a_message(bench: Bench, source: str) -> None:
    thread = interrupt_when_running(bench.worker, told=True)
    started = time.monotonic()
    outcomes = bench.outcomes(source)
    thread.join()
    assert [outcome.error.code for outcome in outcomes if outcome.error] == ["interrupted"]
    assert time.monotonic() - started < 10
    assert not bench.worker.has_processes()
    assert bench("[3] fork isTerminated") == "false" and bench("3 + 4") == "7"


def test_an_interrupt_runs_the_ensure_blocks_of_all(bench: Bench) -> None:
    thread = interrupt_when_running(bench.worker, delay=0.05, told=True)
    (outcome,) = bench.outcomes(
        "[[[Semaphore new wait] ensure: [Transcript show: 'a']] fork."
        " [[Transcript show: 'in '. [true] whileTrue] ensure: [Transcript show: 'b']] fork."
        " [Semaphore new wait] ensure: [Transcript show: 'c']] value"
    )
    thread.join()
    assert outcome.error is not None and outcome.error.code == "interrupted"
    assert outcome.transcript[:3] == "in " and sorted(outcome.transcript[3:]) == ["a", "b", "c"]


def test_processes_of_earlier_statements_that_did_not_run_survive_an_interrupt(bench: Bench) -> None:
    bench.well("s := Semaphore new. [s wait. Transcript show: 'through'] fork")
    thread = interrupt_when_running(bench.worker, 0.01)
    assert bench("[true] whileTrue") == "!interrupted"
    thread.join()
    assert bench.outcomes("s signal")[0].transcript == "through"


# Python drops, and tells of, an interrupt that arrives in a finalizer; the warden says it again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_random_interrupts_leave_the_processes_whole(bench: Bench) -> None:
    import gc
    import random

    kept, gc.callbacks[:] = gc.callbacks[:], []
    chance = random.Random(7)
    try:
        bench.well("""
            Log := OrderedCollection new. S := Semaphore new. far := Semaphore new.
            [far wait. Transcript show: 'far'] fork.
            Player := Object clone.
            Player >> play: n [ [true] whileTrue: [S signal. Processor yield. Log add: n. S wait] ]""")
        for _ in range(30):
            thread = interrupt_when_running(bench.worker, chance.random() * 0.02)
            assert bench("[1 to: 3 do: [:n | [Player play: n] fork]. Player play: 0] value") == "!interrupted"
            thread.join()
            assert bench("{Log size. S signals. Processor allProcesses size}") == "(0 0 1 )"
        assert bench.outcomes("far signal")[0].transcript == "far"
    finally:
        gc.callbacks[:] = kept


def test_a_budget_of_time_counts_for_all(bench: Bench) -> None:
    for source in (
        "[[true] whileTrue] fork",
        "[(Delay forSeconds: 1000) wait] value",
        "Semaphore new waitTimeoutMSecs: 1000000",
    ):
        started = time.monotonic()
        assert bench(source, budget=Budget(0.1)) == "!out-of-time"
        assert time.monotonic() - started < 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # may end a callback, and is told again
def test_memory_of_all_processes_counts(bench: Bench) -> None:
    source = (
        "[1 to: 3 do: [:i | [| all | all := OrderedCollection new."
        " [true] whileTrue: [all add: (Array new: 10000). Processor yield]] fork]] value"
    )
    assert bench(source, budget=Budget(None, 100 << 20)) == "!out-of-memory"
    assert not bench.worker.has_processes()


def test_while_a_message_sleeps_it_is_aside(bench: Bench) -> None:
    inside: list[str] = []

    class Aside:
        def __enter__(self) -> None:
            inside.append("in")

        def __exit__(self, *_: object) -> None:
            inside.append("out")

    bench.worker.evaluate("(Delay forMilliseconds: 150) wait. [3] fork. (Delay forMilliseconds: 1) wait", aside=Aside)
    assert inside == ["in", "out"]


# --- many, and deep


def test_ten_thousand_processes(bench: Bench) -> None:
    started = time.monotonic()
    assert (
        bench.well("""
        n := 0. gate := Semaphore new.
        1 to: 10000 do: [:i | [gate wait. n := n + 1. Processor yield. n := n + 1] fork].
        gate size.
        10000 timesRepeat: [gate signal].
        n""")
        == "20000"
    )
    assert not bench.worker.has_processes()
    assert time.monotonic() - started < 60


def test_deep_recursion_in_processes_that_take_turns(bench: Bench) -> None:
    bench.well("""
        Deep := Object clone.
        Deep >> down: n [ ^n = 0 ifTrue: [Processor yield. 0] ifFalse: [(self down: n - 1) + 1] ].
        Deep >> sorted: n [ | it |
            n = 0 ifTrue: [Processor yield. ^0].
            it := #(2 1) asSortedCollection: [:a :b | (self sorted: n - 1). a < b].
            ^it size ].
        Deep >> forever [ ^self forever + 1 ].
        Deep >> fork: count yield: turns do: aBlock [ | out |
            out := OrderedCollection new.
            count timesRepeat: [[out add: aBlock value] fork].
            turns timesRepeat: [Processor yield].
            ^out ]""")
    assert bench("(Deep fork: 5 yield: 3 do: [Deep down: 20000]) asSet") == "Set (20000 )"
    # Through C frames (a sort's comparisons), whose stack is moved at each switch.
    assert bench("(Deep fork: 3 yield: 900 do: [Deep sorted: 200]) size") == "3"
    (outcome,) = bench.outcomes(
        "[[Deep forever] fork. [[Deep forever] on: Error do: [:e | Transcript print: e class]] fork. 3] value"
    )
    assert [report.code for report in outcome.failures] == ["stack-overflow"]
    assert outcome.transcript.endswith("SystemExceptions.StackOverflow") and outcome.printed == "3"
    assert bench("Deep down: 10000") == "10000"


def test_a_process_that_begins_deep_in_another(bench: Bench) -> None:
    bench.well("""
        Deep := Object clone. Out := OrderedCollection new.
        Deep >> down: n do: aBlock [ ^n = 0 ifTrue: [aBlock value. 0] ifFalse: [(self down: n - 1 do: aBlock) + 1] ].
        Deep >> go [
            self down: 8000 do: [[Out add: (self down: 8000 do: [])] forkAt: 50. Processor yield].
            Out add: 1 ]""")
    bench.well("[Deep go] fork")
    assert bench("Out") == "OrderedCollection (8000 1 )"


# --- who waits for whom


def test_a_deadlock_tells_who_waits_where(bench: Bench) -> None:
    outcomes = bench.outcomes("""
        a := Mutex new. b := Mutex new.
        [[a critical: [Processor yield. b critical: [3]]] forkNamed: 'one'.
            b critical: [Processor yield. a critical: [4]]] value""")
    error = outcomes[-1].error
    assert error is not None and error.code == "deadlock"
    assert (
        "this message waits for a Semaphore; process 'one' waits for a Semaphore at [] in <input> (line 3)"
        in error.message
    )
    assert bench("[Semaphore new wait] on: SystemExceptions.Deadlock do: [:e | #dead]") == "#dead"
    assert bench("a critical: [b critical: [5]]") == "5"


def test_processes_cost_nothing_where_there_are_none(bench: Bench) -> None:
    world = bench.worker.world
    plain = world.globals["Home"], world.globals["return_home"]
    bench.well("A := Object clone. A >> f [ #(1 2) do: [:i | ^i] ]. A f. s := Semaphore new. s signal; wait")
    assert world.processes.main is None and (world.globals["Home"], world.globals["return_home"]) == plain
    bench.well("[A f] fork. 3. 4")
    assert (world.globals["Home"], world.globals["return_home"]) == plain


def test_processes_from_many_threads(bench: Bench) -> None:
    """Each worker has its own; greenlets never meet."""
    workers = [bench.worker, bench.another(), bench.another()]
    found: list[str] = []

    def work(number: int) -> None:
        for _ in range(5):
            source = (
                "[:q | 1 to: 50 do: [:i | [q add: i. Processor yield] fork]."
                " 3 timesRepeat: [Processor yield]. q size] value: OrderedCollection new"
            )
            outcome = workers[number].evaluate(source, workspace=f"w{number}")[-1]
            found.append(str(outcome.printed))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["50"] * 15


# --- the command line


def test_batos_run_with_processes(fresh_image: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.st"
    program.write_text(
        "s := Semaphore new.\n[s wait. Transcript showCr: 'woken'] fork.\nTranscript showCr: 'first'.\ns signal.\n"
        "[nil foo] fork.\nTranscript showCr: 'last'.\n[[Semaphore new wait] ensure: [Log := 3]] fork.\n"
    )
    done = batos(fresh_image, "run", str(program))
    assert done.stdout.splitlines()[:3] == [
        "first",
        "woken",
        "A process ended by an error: nil does not understand #foo",
    ]
    assert done.stdout.splitlines()[-1] == "last"
    assert done.returncode == 1 and done.stderr == ""
    assert batos(fresh_image, "eval", "Log").stdout == "3\n"


def test_the_workshop(fresh_image: Path) -> None:
    done = batos(fresh_image, "run", str(Path(__file__).parents[2] / "examples" / "workshop.st"))
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:2] == ["Ada saws piece 1", "Bob saws piece 2"] and lines[-2:] == ["painted: 4", "0"]
    assert sorted(line for line in lines if line.startswith("painting")) == [
        f"painting chair {n} by {who}" for n, who in ((1, "Ada"), (2, "Bob"), (3, "Ada"), (4, "Bob"))
    ]


# --- a message that nobody understands


class Writer:
    """Answers misses as the JIT would: with a method."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def resolve(self, miss: Any, worker: Worker, approve: Any) -> Resolution:
        self.asked.append(miss.handle)
        worker.transact(lambda world: world.define(world.lookup("Thing"), Method("zork", "zork [ ^7 ]")))
        return Resolution(True)


def test_a_miss_in_a_process_is_answered_and_the_statement_runs_again(fresh_image: Path) -> None:
    writer = Writer()
    with open_image(fresh_image) as image:
        worker = Worker(image, "one", misses=writer)
        worker.evaluate("Thing := Object clone. S := Semaphore new. Log := OrderedCollection new")
        worker.evaluate("[S wait. Log add: Thing clone quarrel] fork")
        source = "[:out | [out add: Thing clone zork] fork. Processor yield. out] value: OrderedCollection new"
        (outcome,) = worker.evaluate(source, policy="auto")
        assert outcome.error is None and outcome.printed == "OrderedCollection (7 )" and len(writer.asked) == 1
        # A process of an earlier statement cannot run again from its start: nobody is asked for it.
        (outcome,) = worker.evaluate("S signal", policy="auto")
        assert outcome.error is None and len(writer.asked) == 1
        assert [report.code for report in outcome.failures] == ["not-understood"]
        # What a session has is there again once a method was written for one of its statements.
        outcomes = worker.evaluate("[S wait. Log add: 3] fork. Thing removeSlot: 'zork'. Thing zork. S signal. Log")
        outcomes = worker.evaluate("[S wait. Log add: 3] fork. Thing zork. S signal. Log", policy="auto")
        assert outcomes[-1].printed == "OrderedCollection (3 3 )", "and so is what began before it"
        worker.close()
