"""Primitives of exceptions; what they mean is in signals.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.object import own_slots
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("block.onDo", world=True)
def on_do(world: World) -> Any:
    return world.signals.on_do


@primitive("exception.signal", world=True)
def signal(world: World) -> Any:
    """A prototype signals a clone of itself."""
    signal = world.signals.signal_again
    return lambda self: signal(world.clone(self) if "name*" in vars(self) else self)


@primitive("exception.signalText", world=True)
def signal_text(world: World) -> Any:
    signal = world.signals.signal_again

    def signal_text(self: Any, text: Any) -> Any:
        exception = world.clone(self) if "name*" in vars(self) else self
        exception.messageText = text
        return signal(exception)

    return signal_text


@primitive("exception.handles", world=True)
def handles(world: World) -> Any:
    def handles(self: Any, exception: Any) -> bool:
        return self is exception or any(one is self for one in world.family(exception).order)

    return handles


@primitive("exception.return", world=True)
def return_(world: World) -> Any:
    return lambda self, value=None: world.signals.return_(self, value)


@primitive("exception.retry", world=True)
def retry(world: World) -> Any:
    return lambda self: world.signals.retry(self)


@primitive("exception.retryUsing", world=True)
def retry_using(world: World) -> Any:
    return lambda self, block: world.signals.retry(self, block)


@primitive("exception.resume", world=True)
def resume(world: World) -> Any:
    return lambda self, value=None: world.signals.resume(self, value)


@primitive("exception.outer", world=True)
def outer(world: World) -> Any:
    return lambda self: world.signals.outer(self)


@primitive("exception.pass", world=True)
def pass_(world: World) -> Any:
    return lambda self: world.signals.pass_(self)


@primitive("exception.resignalAs", world=True)
def resignal_as(world: World) -> Any:
    return lambda self, other: world.signals.resignal_as(self, other)


@primitive("exception.default", world=True)
def default(world: World) -> Any:
    return lambda self: world.signals.default(self)


@primitive("exception.context", world=True)
def context(world: World) -> Any:
    from ..context import snapshot

    def context(self: Any) -> Any:
        return snapshot(world, world.signals.signaller(self)[0])

    return context


@primitive("exception.selector", world=True)
def selector(world: World) -> Any:
    """The selector of the innermost method on the way to the signal that is not the library's own."""
    from ...image.values import Symbol
    from ..stack import walk

    def selector(self: Any) -> Any:
        frame, failure = world.signals.signaller(self)
        for place in walk(world.sources, frame, failure, world.frame_label, limit=50):
            home = place.source.home
            if home is None:
                return None
            method = own_slots(home).get(place.source.label)
            if method is None or own_slots(method).get("author") != "genesis":
                return Symbol(place.source.label)
        return None

    return selector


@primitive("exception.isNested", world=True)
def is_nested(world: World) -> Any:
    def is_nested(self: Any) -> bool:
        active = getattr(self, "_v_active", None)
        return active is not None and active.handler is not None and active.handler.outer is not None

    return is_nested


@primitive("exception.cause", world=True)
def cause(world: World) -> Any:
    """The text of the Python error behind an exception, or nil."""

    def cause(self: Any) -> Any:
        active = getattr(self, "_v_active", None)
        return None if active is None or active.cause is None else f"{type(active.cause).__name__}: {active.cause}"

    return cause


@primitive("exception.explanation", world=True)
def explanation(world: World) -> Any:
    """What a report says of an exception: its text, and often what was meant besides."""
    from ..report import explained

    return lambda self: explained(self) or world.send(self, "messageText")


@primitive("object.error", world=True)
def error(world: World) -> Any:
    def error(self: Any, text: Any) -> Any:
        return world.signals.signal(world.signals.make("Error", text, receiver=self))

    return error


@primitive("object.fault", world=True)
def fault(world: World) -> Any:
    """Signal the world's exception of that name with a text: how the message library raises."""

    def fault(self: Any, kind: Any, text: Any) -> Any:
        raise Fault(text_of(kind), text_of(text))

    return fault
