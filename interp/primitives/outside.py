"""Sends that leave the image; see interp/outside.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..flow import Fault, Interrupted, Missed
from ..outside import MAX_CALLS, Called, into_world, plain
from . import primitive
from .objects import is_text

if TYPE_CHECKING:
    from ..world import World

CANCELLED = "cancelled"


@primitive("outside.call", world=True)
def call(world: World) -> Any:
    def call(self: Any, action: Any, arguments: Any) -> Any:
        journal = world.journal
        if journal is None:
            raise Fault("ModelDown", "nothing outside the image can be asked from here (an atomic program, a trial)")
        if not is_text(action):
            raise Fault("SystemExceptions.WrongClass", "a text is wanted here")
        asked = plain(world, arguments)
        called = Called(plain(world, action), tuple(asked) if isinstance(asked, list) else (asked,), world.workspace)
        answer = journal.next(called)
        if answer is None:
            if len(journal) >= MAX_CALLS:
                raise Fault("ModelRefused", f"a statement may ask outside the image {MAX_CALLS} times")
            raise Missed(called)
        if answer.code == CANCELLED:
            raise Interrupted
        if answer.error:
            raise Fault(answer.error, answer.message, code=answer.code)
        return into_world(world, answer.value)

    return call
