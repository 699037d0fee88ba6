"""How control leaves a function other than by returning: the BaseExceptions of the interpreter.

They derive from BaseException because every compiled method turns an Exception into an exception of the language
(signals.py); these must pass through.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ZODB.POSException import ConflictError


class Flow(BaseException):
    """Control on its way to somewhere down the stack."""


class Home:
    """The identity of one activation that blocks may return from; ``open`` until it has returned."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = True


class ReturnHome(Flow):
    """``^`` in a block: value is what the method that the block was written in returns."""

    def __init__(self, home: Home, value: Any) -> None:
        self.home = home
        self.value = value


class Unwind(Flow):
    """Back to an ``on:do:``. ``args``: its handler; the value it answers; and, for ``retry``, a block to run instead.

    (No attributes of its own: an exception in a loop raises one of these each time.)
    """


class Resume(Flow):
    """Back to where an exception was signalled, which answers value; or signals ``instead`` there."""

    def __init__(self, exception: Any, value: Any = None, instead: Any = None) -> None:
        self.exception = exception
        self.value = value
        self.instead = instead


class Unhandled(Flow):
    """Nobody handled an exception; the message ends here. ``stack`` was taken where it was signalled."""

    def __init__(self, exception: Any, stack: Any) -> None:
        self.exception = exception
        self.stack = stack


class Quit(Flow):
    """The program ends here, with an exit status; what it did is kept."""

    def __init__(self, status: int) -> None:
        self.status = status


class Terminate(Flow):
    """The active process ends, running its ensure: blocks."""


class Missed(Flow):
    """A message nobody understands is to be written: the message is given up and run again afterwards."""

    def __init__(self, miss: Any, stack: Any = None, exception: Any = None) -> None:
        self.miss = miss
        self.stack = stack
        self.exception = exception


class Abandoned(Flow):
    """The message is ended from outside or by its budget. ``code`` as in Report."""

    code = "abandoned"


class Interrupted(Abandoned):
    code = "interrupted"


class OutOfTime(Abandoned):
    code = "out-of-time"


class OutOfMemory(Abandoned):
    code = "out-of-memory"


class StackOverflow(Flow):
    """More sends deep than the stack allows. Becomes an exception of the language at the next on:do: below."""

    code = "stack-overflow"


class Fault(Exception):
    """An error found by a primitive: ``kind`` names the exception of the language that it becomes. ``text`` is its
    messageText where other Smalltalks say less than ``message``, which is then what a report says."""

    def __init__(self, kind: str, message: str, text: str | None = None, **slots: Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.text = text
        self.slots = slots


def return_home(home: Home, value: Any) -> NoReturn:
    if not home.open:
        raise Fault(
            "BlockContext.CannotReturn",
            "the method of this block has returned already (cannotReturn:)",
            "return from a dead method context",
            value=value,
        )
    raise ReturnHome(home, value)


class StartAgain(ConflictError):
    """A message was run with something in line that should have been sent (Guesses.keep_apart, too_wide)."""
