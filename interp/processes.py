"""What messages ask of processes: resume, suspend, yield, wait, signal, terminate, interrupt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any, NoReturn

from ..image.object import own_slots
from . import flow
from .queues import Activity
from .switching import USER, Switching

LOWEST, HIGHEST = 1, 100  # priorities


class Processes(Switching):
    """The processes of one session, as messages know them."""

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
        me = self.active or self.here()
        queues = self.queues
        if self.ending:
            return
        if queues.clock:
            self._ring()
        if queues.highest() >= me.priority:
            self._transfer(queues.exchange(me))

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

    # --- from the first message to the last

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

    # --- ending, and being interrupted

    def terminate(self, one: Activity, at_once: bool = False) -> None:
        """End a process: it unwinds at once, on its own stack, with its ensure: and ifCurtailed: blocks.

        If it is in the middle of such a block it comes to the end of that first, unless it is told a second time.
        """
        if one is self.here():
            self._terminate_here()
        if not one.started:
            self.queues.remove(one)
            one.over = True
            self.living.pop(id(one.thing), None)
            one.thing.block = None
            return
        block = self._ensure_block(one)
        if block is not None and not at_once and block not in self.postponed:
            self.postponed.add(block)
            return
        self._order(one, self._terminate_here, "terminate")
        if not self.ending:
            self._preempt(one)

    def _ensure_block(self, one: Activity) -> FrameType | None:
        """The outermost ensure: or ifCurtailed: whose last block a process is in."""
        found, frame = None, one.greenlet.gr_frame
        while frame is not None:
            if frame.f_code in self.world.ensuring and frame.f_locals["ending"]:
                found = frame
            frame = frame.f_back
        return found

    def after(self, frame: FrameType) -> None:
        """An ensure: is done with its last block."""
        if frame in self.postponed:
            self.postponed.discard(frame)
            self._terminate_here()

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
