"""Who runs next: the ready processes by priority, those that wait, and the clock.

Nothing here runs anything (processes.py does), so that the order is a matter of data. The rules are those of the Blue
Book (Goldberg and Robson, Smalltalk-80, chapter 15) as Pharo has them: the highest priority runs; within a priority
the one that has been ready longest; who is preempted by a higher priority keeps his place and goes on first; a signal
goes to whoever has waited longest, whatever the priorities; alarms of one moment ring in the order they were set.

Invariant: a process is in at most one queue, ``activity.queue``; in none while it is active, suspended or over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import Any

Queue = OrderedDict["Activity", None]  # first in, first out; and anywhere out


class Activity:
    """One process while it lives: its place among the others, and its stack."""

    __slots__ = (
        "thing",
        "priority",
        "queue",
        "line",
        "alarm",
        "woken",
        "greenlet",
        "chain",
        "orders",
        "turn",
        "born",
        "started",
        "over",
    )

    def __init__(self, thing: Any, priority: int) -> None:
        self.thing = thing  # the Process object
        self.priority = priority
        self.queue: Queue | None = None
        self.line: Line | None = None  # where it waits
        self.alarm = 0  # the number of the alarm that ends its waiting; 0: none
        self.woken = ""  # what ended its last waiting: signal, notify, time, resume, interrupt, ...
        self.greenlet: Any = None
        self.chain: Any = None  # its innermost on:do:, while it does not run
        self.orders: list[Callable[[], Any]] = []  # what it is to do before it goes on
        self.turn = 0  # the statement in which it ran last
        self.born = 0  # the statement in which it began
        self.started = False
        self.over = False


class Line:
    """The processes that wait for one object, a Semaphore or the like."""

    __slots__ = ("thing", "queue")

    def __init__(self, thing: Any) -> None:
        self.thing = thing  # kept alive: its id is the key
        self.queue: Queue = OrderedDict()


class Queues:
    def __init__(self) -> None:
        self.ready: dict[int, Queue] = {}  # by priority; none is empty
        self.lines: dict[int, Line] = {}  # by the id of what is waited for; none is empty
        self.clock: list[tuple[float, int, Activity]] = []  # a heap of alarms; one whose number has changed is void
        self._numbered = 0

    # --- ready

    def put(self, activity: Activity, first: bool = False) -> None:
        """Make ready: behind the others of its priority, or before them."""
        queue = self.ready.get(activity.priority)
        if queue is None:
            queue = self.ready[activity.priority] = OrderedDict()
        queue[activity] = None
        activity.queue = queue
        if first:
            queue.move_to_end(activity, last=False)

    def highest(self) -> int:
        """The highest priority that anyone is ready at; 0 when nobody is."""
        return max(self.ready) if self.ready else 0

    def take(self) -> Activity | None:
        """Whose turn it is; he is in no queue then."""
        if not self.ready:
            return None
        activity = next(iter(self.ready[max(self.ready)]))
        self.remove(activity)
        return activity

    def exchange(self, activity: Activity) -> Activity:
        """Put the one and take the next: whose turn it is."""
        queue = self.ready.get(activity.priority)
        if queue is None or len(self.ready) > 1:
            self.put(activity)
            found = self.take()
            assert found is not None
            return found
        found, _ = queue.popitem(last=False)
        found.queue, activity.queue = None, queue
        queue[activity] = None
        return found

    def remove(self, activity: Activity) -> None:
        """Out of whatever queue it is in; its alarm will not ring."""
        queue, line = activity.queue, activity.line
        activity.queue = activity.line = None
        activity.alarm = 0
        if queue is not None:
            queue.pop(activity, None)
            if not queue:
                if line is not None:
                    self.lines.pop(id(line.thing), None)
                elif self.ready.get(activity.priority) is queue:
                    del self.ready[activity.priority]

    # --- waiting

    def wait(self, activity: Activity, thing: Any, due: float | None = None) -> None:
        """Wait for an object, behind those who do already; until ``due`` (of the clock's time) at most."""
        line = self.lines.get(id(thing))
        if line is None:
            line = self.lines[id(thing)] = Line(thing)
        line.queue[activity] = None
        activity.queue, activity.line = line.queue, line
        if due is not None:
            self._numbered += 1
            activity.alarm = self._numbered
            heappush(self.clock, (due, self._numbered, activity))

    def waiting(self, thing: Any) -> Iterable[Activity]:
        """Who waits for it, the longest first."""
        line = self.lines.get(id(thing))
        return () if line is None else line.queue

    def due(self) -> float | None:
        """When the next alarm rings."""
        while self.clock and self.clock[0][2].alarm != self.clock[0][1]:
            heappop(self.clock)
        return self.clock[0][0] if self.clock else None

    def ring(self, now: float) -> list[Activity]:
        """Those whose time has come; they wait no longer."""
        found = []
        while (due := self.due()) is not None and due <= now:
            activity = heappop(self.clock)[2]
            self.remove(activity)
            found.append(activity)
        return found

    # --- going back

    def copy(self, living: Iterable[Activity]) -> Callable[[], None]:
        """Remember everything; what is answered puts it back. Who is over by then stays away."""
        ready = {priority: list(queue) for priority, queue in self.ready.items()}
        lines = [(line.thing, list(line.queue)) for line in self.lines.values()]
        clock = list(self.clock)
        fields = [(one, one.priority, one.alarm, one.woken, list(one.orders)) for one in living]

        def back() -> None:
            self.ready, self.lines = {}, {}
            for one, priority, alarm, woken, orders in fields:
                one.queue = one.line = None
                one.priority, one.alarm, one.woken, one.orders = priority, 0 if one.over else alarm, woken, orders
            for priority, members in ready.items():
                kept = self.ready[priority] = OrderedDict((one, None) for one in members if not one.over)
                for one in kept:
                    one.queue = kept
            self.ready = {priority: queue for priority, queue in self.ready.items() if queue}
            for thing, members in lines:
                line = Line(thing)
                for one in members:
                    if not one.over:
                        line.queue[one] = None
                        one.queue, one.line = line.queue, line
                if line.queue:
                    self.lines[id(thing)] = line
            self.clock = clock
            heapify(self.clock)

        return back
