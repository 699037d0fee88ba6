"""Primitives of processes; what they mean is in ../processes.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.object import own_slots
from ...image.values import Symbol
from .. import flow
from ..processes import HIGHEST, LOWEST
from ..report import of_failure
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("process.active", world=True)
def active(world: World) -> Any:
    return lambda self: world.processes.thing_of(world.processes.here())


@primitive("process.activePriority", world=True)
def active_priority(world: World) -> Any:
    return lambda self: world.processes.here().priority


@primitive("process.yield", world=True)
def yield_(world: World) -> Any:
    def yield_(self: Any) -> Any:
        world.processes.yield_()
        return self

    return yield_


@primitive("process.ready", world=True)
def ready(world: World) -> Any:
    """The processes that are ready at a priority, in their order."""

    def ready(self: Any, priority: Any) -> Any:
        processes = world.processes
        return world.new_array([processes.thing_of(one) for one in processes.queues.ready.get(priority, ())])

    return ready


@primitive("process.living", world=True)
def living(world: World) -> Any:
    """The session's processes that have been resumed and are not over, in the order they began."""
    return lambda self: world.new_array([one.thing for one in world.processes.living.values()])


@primitive("process.state", world=True)
def state(world: World) -> Any:
    """#active, #ready, #waiting, #suspended or #terminated."""
    return lambda self: Symbol(world.processes.state(self))


@primitive("process.waitsFor", world=True)
def waits_for(world: World) -> Any:
    """What a process waits for: a Semaphore, a Delay; nil if it does not wait."""

    def waits_for(self: Any) -> Any:
        one = world.processes.of(self)
        return None if one is None or one.line is None else one.line.thing

    return waits_for


@primitive("process.resume", world=True)
def resume(world: World) -> Any:
    def resume(self: Any) -> Any:
        world.processes.resume(self)
        return self

    return resume


@primitive("process.suspend", world=True)
def suspend(world: World) -> Any:
    def suspend(self: Any) -> Any:
        processes = world.processes
        if processes.main is None:
            processes.here()
        one = processes.of(self)
        if one is not None:
            processes.suspend(one)
        return self

    return suspend


@primitive("process.terminate", world=True)
def terminate(world: World) -> Any:
    def terminate(self: Any) -> Any:
        one = world.processes.of(self)
        if one is not None:
            world.processes.terminate(one)
        elif own_slots(self).get("block") is not None:
            self.block = None  # it never began, and never will
        return self

    return terminate


@primitive("process.priority", world=True)
def priority(world: World) -> Any:
    def priority(self: Any, number: Any) -> Any:
        if type(number) is not int or not LOWEST <= number <= HIGHEST:
            raise flow.Fault(
                "SystemExceptions.ArgumentOutOfRange",
                f"Invalid argument {world.describe(number)}: argument must be between {LOWEST} and {HIGHEST}",
                value=number,
            )
        world.processes.set_priority(self, number)
        return self

    return priority


@primitive("process.interrupt", world=True)
def interrupt(world: World) -> Any:
    def interrupt(self: Any, block: Any) -> Any:
        world.processes.interrupt(self, block)
        return self

    return interrupt


@primitive("process.waitFor", world=True)
def wait_for(world: World) -> Any:
    """Wait in the receiver's line, until somebody notifies it or so many seconds are over (nil: any); answer what it
    was, a Symbol."""

    def wait_for(self: Any, seconds: Any) -> Any:
        return Symbol(world.processes.wait(self, None if seconds is None else float(seconds)))

    return wait_for


@primitive("semaphore.wait", world=True)
def wait(world: World) -> Any:
    """Answers the receiver, or nil when the process was resumed without a signal."""
    return lambda self: self if world.processes.wait_signal(self) in ("signal", "notify") else None


@primitive("semaphore.waitSeconds", world=True)
def wait_seconds(world: World) -> Any:
    """Was the time over before a signal came?"""
    return lambda self, seconds: world.processes.wait_signal(self, float(seconds)) == "time"


@primitive("semaphore.waitForNotice", world=True)
def wait_for_notice(world: World) -> Any:
    def wait_for_notice(self: Any) -> Any:
        world.processes.wait(self)
        return self

    return wait_for_notice


@primitive("semaphore.waitForNoticeSeconds", world=True)
def wait_for_notice_seconds(world: World) -> Any:
    def wait_for_notice_seconds(self: Any, seconds: Any) -> bool:
        return world.processes.wait(self, None if seconds is None else float(seconds)) == "time"

    return wait_for_notice_seconds


@primitive("semaphore.signal", world=True)
def signal(world: World) -> Any:
    def signal(self: Any) -> Any:
        world.processes.signal(self)
        return self

    return signal


@primitive("semaphore.notify", world=True)
def notify(world: World) -> Any:
    def notify(self: Any) -> Any:
        world.processes.notify(self)
        return self

    return notify


@primitive("semaphore.notifyAll", world=True)
def notify_all(world: World) -> Any:
    def notify_all(self: Any) -> Any:
        world.processes.notify(self, all_of_them=True)
        return self

    return notify_all


@primitive("semaphore.waiting", world=True)
def waiting(world: World) -> Any:
    """The processes that wait for it, the longest first."""

    def waiting(self: Any) -> Any:
        processes = world.processes
        return world.new_array([processes.thing_of(one) for one in processes.queues.waiting(self)])

    return waiting


@primitive("block.withUnwind", world=True)
def with_unwind(world: World) -> Any:
    """The block's value; an error that nobody handles is shown on the Transcript, and answers nil."""

    def with_unwind(self: Any) -> Any:
        chain = world.signals.chain
        try:
            return world.send(self, "value")
        except flow.Unhandled as failure:
            world.signals.chain = chain
            world.processes.show(of_failure(world, failure, None, ""), "Error")
            return None

    return with_unwind
