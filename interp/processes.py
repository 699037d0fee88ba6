"""Processes: several activations of one world that take turns.

A process is a greenlet: compiled code is ordinary Python, and a greenlet is a Python stack of its own that is switched
to and from anywhere, also from within a primitive. (Generators would have every send of every method yield.) A switch
costs about half a microsecond. Who runs next is a matter of queues.py.

The life of processes and statements
------------------------------------
A statement runs in the thread's own greenlet, which is a process as well (the *main* one; it gets an Activity only when
somebody asks for it). When its value is there, the other processes run until all are over or wait (``settle``), and
what they did belongs to the statement's transaction. Who waits then is there still in the session's next statement.

What was taken back cannot stay in a stack: when a statement fails, every process that ran in it is ended, with its
``ensure:`` blocks, before the transaction is given up; the queues become what they were when it began. A process that
did not run in it never knows.

What belongs to one stack is kept by it: the chain of ``on:do:`` handlers is exchanged at each switch, and a block's
home knows its process, so that ``^`` from another one is BlockContext>>cannotReturn:. To programs without processes
none of this costs anything: the homes that know their process come with the first process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

from ..image.merging import SharedQueue
from ..image.object import own_slots
from . import flow
from .queues import Activity, Queues
from .report import ELSEWHERE, Report, of_failure, of_process
from .stack import walk

if TYPE_CHECKING:
    from .world import World

USER = 40  # Processor userSchedulingPriority
LOWEST, HIGHEST = 1, 100


class OwnedHome(flow.Home):
    """The identity of an activation that knows whose stack it lies on."""

    __slots__ = ("owner",)
    owner: Activity | None


class Processes:
    """The processes of one session on one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.queues = Queues()
        self.living: dict[int, Activity] = {}  # by the id of the Process object; without the main one
        self.main: Activity | None = None
        self.active: Activity | None = None  # None: the main one, which nobody has asked for yet
        self.open = False  # between the begin of a transaction and its commit
        self.idle = False  # the statement has its value, and lets the others run
        self.ending = False  # the statement is being given up: nobody waits any more
        self.failure: BaseException | None = None  # what ends the statement, on its way from another process
        self.reports: list[Report] = []  # of processes that ended by an error, in this statement
        self.lost = False  # a process that began in an earlier statement was ended with this one
        self.turn = 0  # numbers the statements
        self._back: Callable[[], None] | None = None
        self._before: dict[int, Activity] = {}
        self._thread = 0  # where the greenlets live
        self._greenlet: Any = None  # their class; imported with the first of them
        self._kept: list[Any] = []  # greenlets that could not be ended

    # --- statements

    def begin(self) -> None:
        """A transaction begins. Semaphores that others signalled meanwhile wake those who wait here."""
        self.turn += 1
        self.open, self.lost = True, False
        self._back, self._before = None, {}
        self._fresh()
        self._homes(bool(self.living))
        if not self.living:
            return
        if self._thread != threading.get_ident():
            self._strand()
            return
        self._back, self._before = self.queues.copy(self.living.values()), dict(self.living)
        for line in list(self.queues.lines.values()):
            if isinstance(line.thing, SharedQueue):
                if self.world.send(line.thing, "size"):
                    self.notify(line.thing)
                continue
            while line.queue and self._take_signal(line.thing):
                self._wake(next(iter(line.queue)), "signal")

    def _fresh(self) -> None:
        self.main = self.active = None
        self.ending = False
        self.failure = None
        self.reports = []

    def run(self, work: Callable[[], Any]) -> Any:
        """The value of one piece of a statement, once the processes have come to rest. nil if it terminated itself."""
        self.idle = False
        try:
            try:
                value = work()
            except flow.Terminate:
                value = None
            if self.living:
                self._settle()
            return value
        except BaseException:
            self.give_up()
            raise

    def _settle(self) -> None:
        self.idle = True
        main = self.here()
        while (target := self._choose()) is not main:
            self._transfer(target)
        if self.failure is not None:
            self._fail()

    def give_up(self) -> None:
        """The transaction is to be taken back: end what ran in it, and make the queues what they were."""
        if not self.open or (self._back is None and not self.living):
            return
        self.ending, self.failure = True, None
        if self.main is not None:
            main = self.active = self.main
            self.queues.remove(main)
            main.orders = []
            for one in list(self.living.values()):
                if one.turn == self.turn and one.started:
                    self._end(one)
        for one in list(self.living.values()):
            if one.born == self.turn or one.turn == self.turn:
                self.lost = self.lost or one.born != self.turn
                one.over = True
                if one.greenlet:
                    self._kept.append(one.greenlet)  # it would not end; never asked again
        self.living = {key: one for key, one in self._before.items() if not one.over}
        if self._back is not None:
            self._back()
        else:
            self.queues = Queues()
        self.main = self.active = None
        self.ending = False

    def _end(self, one: Activity) -> None:
        """Unwind a process while a statement is given up."""
        self.queues.remove(one)
        one.orders = [_terminate]
        self.lost = self.lost or one.born != self.turn
        for _ in range(3):  # its ensure: blocks may have been told to end, too
            try:
                self._transfer(one)
            except flow.Flow:
                self.failure = None
            if one.over:
                return

    def close(self) -> None:
        """The session ends: terminate everybody, with their ensure: blocks. Inside a transaction."""
        if self.living:
            self.run(self._terminate_all)
            self._strand()

    def _terminate_all(self) -> None:
        for one in list(self.living.values()):
            if not one.over:
                self.terminate(one)

    def _strand(self) -> None:
        """Forget processes whose thread is gone, or that would not end."""
        for one in self.living.values():
            one.over = True
            self._kept.append(one.greenlet)
        self.living, self.queues = {}, Queues()

    # --- who is who

    def here(self) -> Activity:
        """The process that runs."""
        active = self.active
        if active is None:
            import greenlet

            active = self.main = self.active = Activity(None, USER)
            active.greenlet = greenlet.getcurrent()
            active.started, active.turn, active.born = True, self.turn, self.turn
        return active

    def thing_of(self, one: Activity) -> Any:
        """The Process object of a process; the main one's is made for a statement that asks."""
        if one.thing is None:
            prototype = self.world.lookup("Process") or self.world.genesis
            one.thing = self.world.clone(prototype)
            one.thing.name = "main"
            one.thing.priority = one.priority
        return one.thing

    def of(self, thing: Any) -> Activity | None:
        """The life of a Process object; None when it has not begun, or is over."""
        if self.main is not None and self.main.thing is thing:
            return self.main
        return self.living.get(id(thing))

    def state(self, thing: Any) -> str:
        one = self.of(thing)
        if one is None:
            return "suspended" if own_slots(thing).get("block") is not None else "terminated"
        if one is self.active:
            return "active"
        if one.line is not None:
            return "waiting"
        return "suspended" if one.queue is None else "ready"

    # --- beginning and ending

    def _new(self, thing: Any) -> Activity:
        """The life of a Process that has its block and never ran."""
        if own_slots(thing).get("block") is None:
            raise flow.Fault("SystemExceptions.ProcessTerminated", "this process is over: it cannot go on")
        if not self.living:
            import greenlet

            self.here()
            self._thread = threading.get_ident()
            self._kept = [one for one in self._kept if one]
            self._greenlet = greenlet.greenlet
        one = Activity(thing, int(own_slots(thing).get("priority", USER)))
        one.born = self.turn
        self.living[id(thing)] = one
        return one

    def _start(self, one: Activity) -> None:
        if not one.started:
            one.started = True
            one.greenlet = self._greenlet(lambda *_: self._body(one), self.here_main().greenlet)
            self._homes(True)

    def here_main(self) -> Activity:
        self.here()
        assert self.main is not None
        return self.main

    def _body(self, one: Activity) -> None:
        """The stack of a process, from its first message to its last."""
        world = self.world
        try:
            world.signals.chain = None
            try:
                slots = own_slots(one.thing)
                block, arguments = slots["block"], slots.get("arguments")
                one.thing.block = None
                if one.woken == "interrupt":
                    self._obey(one)
                    self.suspend(one)
                elif one.orders:
                    self._obey(one)
                if not arguments and type(block) is FunctionType:
                    block()
                elif not arguments:
                    world.send(block, "value")
                else:
                    world.send(block, "valueWithArguments:", arguments)
            except Exception as error:
                world.signals.failed(error)
        except flow.Terminate:
            pass
        except (flow.Unhandled, flow.StackOverflow, flow.ReturnHome, flow.Unwind, flow.Resume) as failure:
            self._tell(one, failure)
        except BaseException as failure:
            self.failure = failure
        one.over = True
        self.living.pop(id(one.thing), None)
        self.queues.remove(one)
        target = self.here_main() if self.failure is not None else self._choose()
        self._prepare(target)
        self.active = target

    def _tell(self, one: Activity, failure: BaseException) -> None:
        """A process ended by an error: on the Transcript, and in the outcome. The others go on."""
        if self.ending:
            return
        report = of_process(self.world, failure) or of_failure(self.world, failure, None, "")
        self.reports.append(report)
        label = self.label(one)
        self.show(report, f"{label[0].upper()}{label[1:]} ended by an error")

    def show(self, report: Report, head: str) -> None:
        """A report on the Transcript, from the beginning of a line."""
        transcript = self.world.transcript
        if transcript and not transcript[-1].endswith("\n"):
            transcript.append("\n")
        transcript.append(f"{head}: {report.render()}\n")

    def label(self, one: Activity) -> str:
        """What a process is called in a report."""
        name = None if one.thing is None else own_slots(one.thing).get("name")
        return "this message" if one is self.main else "a process" if name is None else f"process '{name}'"

    def place(self, one: Activity) -> str:
        """Where a process that does not run stands: its innermost activation that a person wrote."""
        frame = one.greenlet.gr_frame if one.greenlet and one is not self.main else None
        places = walk(self.world.sources, frame, None, self.world.frame_label, limit=20)
        shown = next((p for p in places if _written(p.source.home, p.label)), places[0] if places else None)
        return "" if shown is None else f" at {shown.label} (line {shown.line + shown.source.first_line - 1})"

    # --- switching

    def _choose(self) -> Activity:
        """Whose turn it is when the active one cannot go on; he is in no queue then. Waits for the clock if need be."""
        queues = self.queues
        main = self.here_main()
        if self.ending:
            return main
        while True:
            if queues.clock:
                self._ring()
            found = queues.take()
            if found is not None:
                return found
            if self.idle:
                return main
            due = queues.due()
            if due is None:
                main.orders.append(partial(_fault, "SystemExceptions.Deadlock", self._deadlock(main)))
                queues.remove(main)
                main.woken = "deadlock"
                return main
            self.world.pause(due - time.monotonic())

    def _ring(self) -> None:
        for one in self.queues.ring(time.monotonic()):
            one.woken = "time"
            self.queues.put(one)

    def _transfer(self, target: Activity) -> None:
        """Let target run; comes back when it is the caller's turn again."""
        me = self.here()
        if target is not me:
            signals = self.world.signals
            me.chain = signals.chain
            self._prepare(target)
            self.active = target
            target.greenlet.switch()
            # A process that ended comes back to the main one, having said who goes on.
            while self.active is not me:
                self.active.greenlet.switch()
            signals.chain = me.chain
        if self.failure is not None and me is self.main and not self.ending:
            self._fail()
        if me.orders:
            self._obey(me)

    def _prepare(self, target: Activity) -> None:
        """It is about to run."""
        if target.turn != self.turn:
            self._enter(target)
        if not target.started:
            self._start(target)

    def _fail(self) -> NoReturn:
        """The statement ends by what another process met."""
        failure, self.failure = self.failure, None
        assert failure is not None
        raise failure

    def _obey(self, me: Activity) -> None:
        while me.orders:
            me.orders.pop(0)()

    def _enter(self, target: Activity) -> None:
        """A process runs for the first time in this statement."""
        target.turn = self.turn
        if target.born != self.turn:
            # It cannot be run again from its start: no model is asked from here on.
            self.world.policy = None
            # What its primitives were changing was stored meanwhile: it is to be stored again.
            frame = target.greenlet.gr_frame if target.greenlet else None
            while frame is not None:
                if frame.f_code in self.world.changing:
                    receiver = frame.f_locals.get("self")
                    if receiver is not None and hasattr(type(receiver), "_p_ghost"):
                        receiver._p_changed = True
                frame = frame.f_back

    def _preempt(self, target: Activity) -> None:
        """Let a process run at once; the active one goes on first among its equals."""
        me = self.here()
        self.queues.put(me, first=True)
        self.queues.remove(target)
        self._transfer(target)

    def _give_way(self, one: Activity) -> None:
        """One has become ready: it runs at once if its priority is higher."""
        active = self.active
        if active is not None and not self.ending and one.priority > active.priority:
            self._preempt(one)

    def _wake(self, one: Activity, why: str) -> None:
        self.queues.remove(one)
        one.woken = why
        self.queues.put(one)
        self._give_way(one)

    # --- what messages ask for

    def resume(self, thing: Any) -> None:
        """Let a process go on: also from a Semaphore that it waits for, which it then leaves."""
        one = self.of(thing) or self._new(thing)
        if one is self.here() or (one.queue is not None and one.line is None):
            return
        self.queues.remove(one)
        if not one.woken:
            one.woken = "resume"
        self.queues.put(one)
        self._give_way(one)

    def yield_(self) -> None:
        """Let the others of this priority run, if any is ready."""
        me = self.here()
        if self.ending:
            return
        if self.queues.clock:
            self._ring()
        if self.queues.highest() >= me.priority:
            self.queues.put(me)
            target = self.queues.take()
            assert target is not None
            self._transfer(target)

    def suspend(self, one: Activity) -> None:
        """Take a process out of its queue until somebody resumes it."""
        if one is not self.here():
            self.queues.remove(one)  # a signal that it was given already stays its own
            return
        self._refuse()
        one.woken = ""
        while one.woken in ("", "interrupt"):
            one.woken = ""
            self._transfer(self._choose())

    def wait(self, thing: Any, seconds: float | None = None) -> str:
        """Wait in the line of an object; what ended it: signal, notify, resume, or time after so many seconds."""
        me = self.here()
        self._refuse()
        due = None if seconds is None else time.monotonic() + max(seconds, 0.0)
        me.woken = ""
        try:
            while me.woken in ("", "interrupt"):
                me.woken = ""
                self.queues.wait(me, thing, due)
                self._transfer(self._choose())
        except BaseException:
            self.queues.remove(me)
            # It was given and cannot be taken: the next one shall have it.
            if me.woken == "signal" and not self.ending:
                self.signal(thing)
            elif me.woken == "notify" and not self.ending:
                self.notify(thing)
            raise
        return me.woken

    def _refuse(self) -> None:
        if self.ending:
            raise flow.Terminate()

    def wait_signal(self, semaphore: Any, seconds: float | None = None) -> str:
        """Take one of a Semaphore's signals, or wait for one."""
        if self._take_signal(semaphore):
            return "signal"
        return self.wait(semaphore, seconds)

    def _take_signal(self, semaphore: Any) -> bool:
        spare = own_slots(semaphore).get("excessSignals")
        if type(spare) is int and spare > 0:
            semaphore.excessSignals = spare - 1
            return True
        return False

    def signal(self, semaphore: Any) -> None:
        """Wake whoever has waited longest; or leave the signal for whoever waits next."""
        for first in self.queues.waiting(semaphore):
            self._wake(first, "signal")
            return
        spare = own_slots(semaphore).get("excessSignals")
        semaphore.excessSignals = spare + 1 if type(spare) is int else 1

    def notify(self, semaphore: Any, all_of_them: bool = False) -> None:
        """Wake whoever has waited longest, or everybody; nothing is left when nobody waits."""
        ready = list(self.queues.waiting(semaphore))
        for one in ready if all_of_them else ready[:1]:
            self.queues.remove(one)
            one.woken = "notify"
            self.queues.put(one)
        for one in ready if all_of_them else ready[:1]:
            if one.queue is not None and one.line is None:
                self._give_way(one)

    def set_priority(self, thing: Any, priority: int) -> None:
        thing.priority = priority
        one = self.of(thing)
        if one is None or one.priority == priority:
            return
        if one is self.active:
            one.priority = priority
            if self.queues.highest() > priority and not self.ending:
                self.queues.put(one, first=True)
                target = self.queues.take()
                assert target is not None
                self._transfer(target)
        elif one.queue is not None and one.line is None:
            self.queues.remove(one)
            one.priority = priority
            self.queues.put(one)
            self._give_way(one)
        else:
            one.priority = priority

    def terminate(self, one: Activity) -> None:
        """End a process: it unwinds at once, on its own stack, with its ensure: and ifCurtailed: blocks."""
        if one is self.here():
            self._terminate_here()
        if not one.started:
            self.queues.remove(one)
            one.over = True
            self.living.pop(id(one.thing), None)
            one.thing.block = None
            return
        self._order(one, self._terminate_here, "terminate")
        if not self.ending:
            self._preempt(one)

    def interrupt(self, thing: Any, block: Any) -> None:
        """Have a process evaluate a block as soon as its priority allows; it goes on waiting afterwards if it did."""
        one = self.of(thing) or self._new(thing)
        if one is self.here():
            self.world.send(block, "value")
            return
        waits = one.queue is None or one.line is not None
        self._order(one, lambda: self.world.send(block, "value"), "interrupt")
        if waits:
            self.queues.put(one)
            self._give_way(one)

    def _order(self, one: Activity, order: Callable[[], Any], why: str) -> None:
        if one.line is not None or one.queue is None:
            self.queues.remove(one)
            one.woken = why
        one.orders.append(order)

    def _terminate_here(self) -> NoReturn:
        """Ends the active process. Who handles SystemExceptions.ProcessBeingTerminated by name hears of it first."""
        signals = self.world.signals
        kind = self.world.lookup("SystemExceptions.ProcessBeingTerminated")
        chain = signals.chain
        while chain is not None and kind is not None:
            if any(selector is kind for selector, _ in chain.cases):
                signals.signal(self.world.clone(kind))
                break
            chain = chain.outer
        raise flow.Terminate()

    # --- blocks of other processes

    def _homes(self, owned: bool) -> None:
        """From now on activations that blocks return from know their process; or need not."""
        scope = self.world.globals
        scope["Home"] = self._home if owned else flow.Home
        scope["return_home"] = self._return_home if owned else flow.return_home

    def _home(self) -> OwnedHome:
        home = OwnedHome()
        home.owner = self.active
        return home

    def _return_home(self, home: Any, value: Any) -> NoReturn:
        owner = getattr(home, "owner", None) or self.main
        if home.open and owner is not self.active:
            raise flow.Fault("BlockContext.CannotReturn", ELSEWHERE, value=value)
        flow.return_home(home, value)

    def _deadlock(self, main: Activity) -> str:
        """What is told when nobody can go on."""
        lines = []
        for one in (main, *self.living.values()):
            if one.line is not None:
                what = f"waits for {self.world.describe(one.line.thing)}"
            else:
                what = "is suspended"
            lines.append(f"{self.label(one)} {what}{self.place(one)}")
        most = 10
        more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
        return "nobody can wake this message, as every process waits: " + "; ".join([*lines[:most], *more])


def _terminate() -> NoReturn:
    raise flow.Terminate()


def _fault(kind: str, text: str) -> NoReturn:
    raise flow.Fault(kind, text)


def _written(home: Any, label: str) -> bool:
    """Is this no method of the library's own?"""
    if home is None:
        return True
    selector = label.rpartition(">>")[2]
    method = own_slots(home).get(selector)
    return method is None or getattr(method, "author", None) != "genesis"
