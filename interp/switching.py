"""One process at a time: stacks, and going from one to the other.

A process is a greenlet: compiled code is ordinary Python, and a greenlet is a Python stack of its own that is switched
to and from anywhere, also from within a primitive. (Generators would have every send of every method yield.) A switch
costs about half a microsecond. Who runs next is a matter of queues.py.

What belongs to one stack is kept by it: the chain of ``on:do:`` handlers is exchanged at each switch, and a block's
home knows its process, so that ``^`` from another one is BlockContext>>cannotReturn:. To programs without processes
none of this costs anything: the homes that know their process come with the first process.

The *main* process is the thread's own greenlet, in which a statement runs; it gets an Activity only when somebody asks
for it. Every other greenlet has it for parent, so that one that ends comes back there, and the main one goes on to
whoever was said to be next.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from ..image.object import own_slots
from . import flow
from .queues import Activity, Queues
from .report import ELSEWHERE, Report, of_failure, of_process
from .stack import walk

if TYPE_CHECKING:
    from .world import World

USER = 40  # Processor userSchedulingPriority


class OwnedHome(flow.Home):
    """The identity of an activation that knows whose stack it lies on."""

    __slots__ = ("owner",)
    owner: Activity | None


class Switching:
    """The stacks of one session's processes."""

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
        self.postponed: set[FrameType] = set()  # activations of ensure: after whose last block a process is to end
        self._thread = 0  # where the greenlets live
        self._greenlet: Any = None  # their class; imported with the first of them
        self._kept: list[Any] = []  # greenlets that could not be ended

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

    def here_main(self) -> Activity:
        self.here()
        assert self.main is not None
        return self.main

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
        me = self.active or self.here()
        if target is not me:
            signals = self.world.signals
            me.chain = signals.chain
            if target.turn != self.turn or not target.started:
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

    def _start(self, one: Activity) -> None:
        if not one.started:
            one.started = True
            one.greenlet = self._greenlet(lambda *_: self._body(one), self.here_main().greenlet)
            self._homes(True)

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

    def _fail(self) -> NoReturn:
        """The statement ends by what another process met."""
        failure, self.failure = self.failure, None
        assert failure is not None
        raise failure

    def _obey(self, me: Activity) -> None:
        while me.orders:
            me.orders.pop(0)()

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

    # --- a process from its first message to its last

    def _body(self, one: Activity) -> None:
        """What a process does from its first message to its last; says who goes on then."""
        raise NotImplementedError

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
        """Where a process stands: its innermost activation that a person wrote. (The main one's is in the report.)"""
        if one is self.main or not one.started:
            return ""
        frame = sys._getframe() if one is self.active else one.greenlet.gr_frame
        places = walk(self.world.sources, frame, None, self.world.frame_label, limit=20)
        shown = next((p for p in places if _written(p.source.home, p.label)), places[0] if places else None)
        return "" if shown is None else f" at {shown.label} (line {shown.line + shown.source.first_line - 1})"

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


def _fault(kind: str, text: str) -> NoReturn:
    raise flow.Fault(kind, text)


def _written(home: Any, label: str) -> bool:
    """Is this no method of the library's own?"""
    if home is None:
        return True
    selector = label.rpartition(">>")[2]
    method = own_slots(home).get(selector)
    return method is None or getattr(method, "author", None) != "genesis"
