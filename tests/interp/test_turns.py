"""Who runs when: programs of processes, drawn by chance, against a naive model of the documented rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Bench

SEMAPHORES = 2
PROCESSES = 4


@dataclass
class Process:
    number: int
    ops: list[tuple[str, int]]
    priority: int
    at: int = 0
    begun: bool = False
    over: bool = False


@dataclass
class Model:
    """Lists and loops: the rules as docs/processes.md tells them."""

    processes: list[Process]
    ready: list[Process] = field(default_factory=list)
    waiting: list[list[Process]] = field(default_factory=lambda: [[] for _ in range(SEMAPHORES)])
    signals: list[int] = field(default_factory=lambda: [0] * SEMAPHORES)
    log: list[int] = field(default_factory=list)
    active: Process | None = None

    def run(self) -> list[int]:
        self.active = self.processes[0]
        self.active.begun = True
        while self.active is not None:
            me = self.active
            if me.at == len(me.ops):
                self.end(me)
                self.active = self.pick()
                continue
            op, n = me.ops[me.at]
            me.at += 1
            getattr(self, "do_" + op)(me, n)
        return self.log

    def pick(self) -> Process | None:
        if not self.ready:
            return None
        best = max(process.priority for process in self.ready)
        found = next(process for process in self.ready if process.priority == best)
        self.ready.remove(found)
        found.begun = True
        return found

    def end(self, process: Process) -> None:
        process.over = True
        if process.number:
            self.log.append(-process.number)

    def awake(self, process: Process) -> None:
        assert self.active is not None
        if process.priority > self.active.priority:
            self.ready.insert(0, self.active)
            self.active = process
            process.begun = True
        else:
            self.ready.append(process)

    def leave(self, process: Process) -> None:
        for line in [self.ready, *self.waiting]:
            if process in line:
                line.remove(process)

    def do_log(self, me: Process, n: int) -> None:
        self.log.append(me.number * 100 + n)

    def do_yield(self, me: Process, n: int) -> None:
        if any(process.priority >= me.priority for process in self.ready):
            self.ready.append(me)
            self.active = self.pick()

    def do_signal(self, me: Process, n: int) -> None:
        line = self.waiting[n % SEMAPHORES]
        if line:
            self.awake(line.pop(0))
        else:
            self.signals[n % SEMAPHORES] += 1

    def do_wait(self, me: Process, n: int) -> None:
        if self.signals[n % SEMAPHORES]:
            self.signals[n % SEMAPHORES] -= 1
        else:
            self.waiting[n % SEMAPHORES].append(me)
            self.active = self.pick()

    def do_suspend(self, me: Process, n: int) -> None:
        self.active = self.pick()

    def do_suspend_other(self, me: Process, n: int) -> None:
        other = self.processes[n]
        if other is not me and not other.over:
            self.leave(other)

    def do_resume(self, me: Process, n: int) -> None:
        other = self.processes[n]
        if other is not me and not other.over and other not in self.ready:
            self.leave(other)
            self.awake(other)

    def do_terminate(self, me: Process, n: int) -> None:
        other = self.processes[n]
        if other.over:
            return
        self.leave(other)
        other.over = True
        if other.begun:
            self.log.append(-n)
        if other is me:
            self.active = self.pick()

    def do_priority(self, me: Process, n: int) -> None:
        me.priority = 38 + n
        if any(process.priority > me.priority for process in self.ready):
            self.ready.insert(0, me)
            self.active = self.pick()


MESSAGES: dict[str, Callable[[int, int], str]] = {
    "log": lambda me, n: f"log add: {me * 100 + n}",
    "yield": lambda me, n: "Processor yield",
    "signal": lambda me, n: f"(semaphores at: {n % SEMAPHORES + 1}) signal",
    "wait": lambda me, n: f"(semaphores at: {n % SEMAPHORES + 1}) wait",
    "suspend": lambda me, n: "Processor activeProcess suspend",
    "suspend_other": lambda me, n: f"(all at: {n}) == Processor activeProcess ifFalse: [(all at: {n}) suspend]",
    "resume": lambda me, n: f"(all at: {n}) isTerminated ifFalse: [(all at: {n}) resume]",
    "terminate": lambda me, n: f"(all at: {n}) terminate",
    "priority": lambda me, n: f"Processor activeProcess priority: {38 + n}",
}


def program(processes: list[Process]) -> str:
    def body(process: Process) -> str:
        return ". ".join(MESSAGES[op](process.number, n) for op, n in process.ops)

    lines = [
        "log := OrderedCollection new. all := OrderedCollection new",
        "semaphores := {Semaphore new. Semaphore new}",
    ]
    for process in processes[1:]:
        lines.append(f"all add: ([[{body(process)}] ensure: [log add: {-process.number}]] newProcess)")
        lines.append(f"all last priority: {process.priority}")
    return f"[{'. '.join(lines)}. {body(processes[0])}] value. log"


NUMBER = st.integers(1, PROCESSES)
OWN = st.sampled_from([op for op in MESSAGES if op != "priority"] * 2 + ["priority", "log", "log"])
MAIN = st.sampled_from(["log", "yield", "signal", "resume", "resume", "terminate", "priority", "suspend_other"])


@st.composite
def programs(draw: Any) -> list[Process]:
    def ops(kinds: Any, most: int) -> list[tuple[str, int]]:
        return draw(st.lists(st.tuples(kinds, NUMBER), max_size=most))

    main = Process(0, [("resume", n) for n in range(1, PROCESSES + 1)] + ops(MAIN, 8), 40)
    return [main, *(Process(n, ops(OWN, 6), 38 + draw(NUMBER)) for n in range(1, PROCESSES + 1))]


def run_both(bench: Bench, processes: list[Process]) -> tuple[str, str]:
    source = program(processes)
    outcomes = bench.worker.evaluate(source, session="turns")
    bench.worker.end_session("turns")
    assert outcomes[-1].error is None, (source, outcomes[-1].error.render())
    wanted = "".join(f"{n} " for n in Model(processes).run())
    return str(outcomes[-1].printed), f"OrderedCollection ({wanted or ' '})"


def test_programs_run_as_the_model_says(bench: Bench) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(programs())
    def check(processes: list[Process]) -> None:
        found, wanted = run_both(bench, processes)
        assert found == wanted, program(processes)

    check()
