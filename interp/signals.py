"""Exceptions of the language: handlers run before the stack unwinds, so that resuming is real.

``on:do:`` puts a Handler on a chain. ``signal`` walks the chain from the innermost handler, and runs the handler block
on top of the signalling stack, with the chain cut back to outside the handler's own ``on:do:``. What the handler block
then does decides: its value (or ``return:``) unwinds to the ``on:do:``; ``resume:`` comes back to the signal; ``retry``
unwinds and runs the block again. (ANSI NCITS 319, 5.5; Wirfs-Brock's exception design for Digitalk.)

An exception is an ordinary object of the image, a clone of Error and the like; while it is active it carries its
activation in ``_v_active``, which is not stored.

What a signal costs matters to programs that signal in a loop: nothing is looked up or captured before somebody asks. In
particular the stack is walked only then, as the frame that signalled is still there while a handler runs.
"""

from __future__ import annotations

import re
import sys
from opcode import opmap
from types import FrameType, FunctionType, TracebackType
from typing import TYPE_CHECKING, Any

from transaction.interfaces import TransientError

from ..image.object import is_object, own_slots
from .flow import Fault, Resume, StackOverflow, Unhandled, Unwind
from .stack import walk

if TYPE_CHECKING:
    from .world import World


# What Python says of a block that compiled code called with the wrong number of arguments.
BLOCK_CALL = re.compile(
    r"\[\] \d+:\d+\S*\(\) (?:takes (\d+) positional arguments? but (\d+) w|missing (\d+) required positional)"
)
CALL = bytes([opmap["CALL"]])


def arguments_given(error: BaseException) -> int | None:
    """How many arguments the call had that failed, as its instruction says; Python's text tells only how many lack."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return None
    code = trace.tb_frame.f_code.co_code[trace.tb_lasti : trace.tb_lasti + 2]
    return code[1] if code[:1] == CALL else None


def members_of(selector: Any) -> Any:
    """What an ExceptionSet or an Array of exceptions holds; nothing of anything else."""
    if not is_object(selector):
        return ()
    members = own_slots(selector).get("members", vars(selector).get("_items", ()))
    if is_object(members):
        members = own_slots(members).get("_items", ())
    return members if isinstance(members, tuple | list) else ()


class Handler:
    """One active ``on:do:``."""

    __slots__ = ("outer", "cases", "block")

    def __init__(self, outer: Handler | None, cases: tuple[tuple[Any, Any], ...], block: Any) -> None:
        self.outer = outer
        self.block = block  # what retry runs again
        self.cases = cases  # (exception or set or array, handler block)


RETRY: Any = object()  # stands for the block of an on:do: that has dissolved into its method (walking.py)


class Activation:
    """What an exception knows while it is being signalled: the handler that runs, and the Python error behind it."""

    handler: Handler | None = None
    cause: Exception | None = None


# Python's errors, and what they are called in the language. First match by isinstance wins.
TRANSLATION: tuple[tuple[type[Exception], str], ...] = (
    (ZeroDivisionError, "ZeroDivide"),
    (OverflowError, "ArithmeticError"),
    (FloatingPointError, "ArithmeticError"),
    (IndexError, "SystemExceptions.IndexOutOfRange"),
    (KeyError, "SystemExceptions.NotFound"),
    (UnicodeError, "SystemExceptions.InvalidValue"),
    (MemoryError, "SystemExceptions.OutOfMemory"),
    (NotImplementedError, "SystemExceptions.NotYetImplemented"),
    (TypeError, "SystemExceptions.WrongClass"),
    (ValueError, "SystemExceptions.InvalidValue"),
    (AttributeError, "SystemExceptions.InvalidState"),
)


class Signals:
    """The exceptions of one world: its chain of handlers, and what can be done with them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chain: Handler | None = None
        # Which prototypes a type of exception is known to delegate to, until behaviour changes.
        self.meant: set[tuple[type, int]] = set()

    # --- handling

    def on_do(self, block: Any, exception: Any, action: Any, *more: Any) -> Any:
        """``block on: exception do: action``, and as many further pairs as there are."""
        cases = ((exception, action), *zip(more[::2], more[1::2], strict=True)) if more else ((exception, action),)
        return self._protect(Handler(self.chain, cases, block), block)

    def _protect(self, handler: Handler, block: Any) -> Any:
        """Run a block inside its handler; and again, and another, as often as ``retry`` asks for it."""
        while True:
            self.chain = handler
            try:
                try:
                    return block() if type(block) is FunctionType else self.world.send(block, "value")
                except Exception as error:  # a block that takes arguments, or one in Python: it fails in here
                    return self.failed(error)
            except Unwind as unwind:
                mine, value, block = unwind.args
                if mine is not handler:
                    raise
                if block is None:
                    return value
            except StackOverflow:
                self.chain = handler.outer
                found = self._overflow_case(handler)
                if found is None:
                    raise
                return self._handle_overflow(handler, found)
            finally:
                self.chain = handler.outer

    def landed(self, handler: Handler, flow: BaseException) -> Any:
        """What became of the block of an on:do: in line that was left: its value, or RETRY."""
        if isinstance(flow, Unwind):
            mine, value, block = flow.args
            if mine is not handler:
                raise flow
            if block is None or block is RETRY:
                return value if block is None else RETRY
            return self._protect(handler, block)
        self.chain = handler.outer
        found = self._overflow_case(handler)
        if found is None:
            raise flow
        return self._handle_overflow(handler, found)

    def _overflow_case(self, handler: Handler) -> Any:
        exception = self.make("SystemExceptions.StackOverflow", "too many messages within messages: the stack is full")
        for selector, block in handler.cases:
            if self.matches(selector, exception):
                return exception, block
        return None

    def _handle_overflow(self, handler: Handler, found: Any) -> Any:
        exception, block = found
        active = exception._v_active = Activation()
        active.handler = handler
        try:
            return self._call(block, exception)
        except Unwind as unwind:
            mine, value, again = unwind.args
            if mine is not handler:
                raise
            return value if again is None else again if again is RETRY else self._protect(handler, again)

    def matches(self, selector: Any, exception: Any) -> bool:
        """Is this one meant by ``selector``: an exception, a set or Array of them, or whatever knows handles:?"""
        if is_object(selector):
            known = type(exception), id(selector)
            if known in self.meant or selector is exception:
                return True
            world = self.world
            family = world.families.by_type.get(type(exception))
            if family is None or family.retired:
                family = world.families.current(exception)
            for one in family.order:
                if one is selector:
                    self.meant.add(known)
                    return True
            handles = world.table("handles:")[type(selector)]
            if handles is world.primitives["exception.handles"]:
                return False
            members = members_of(selector)
            if members and "exclusions" not in own_slots(selector):
                return any(self.matches(item, exception) for item in members)
            return world.understands(selector, "handles:") and handles(selector, exception) is True
        if isinstance(selector, tuple):
            return any(self.matches(item, exception) for item in selector)
        return False

    def closest(self, cases: tuple[tuple[Any, Any], ...], exception: Any) -> list[tuple[Any, Any]]:
        """The cases of one ``on:do:on:do:`` by how nearly they name the exception (as GNU Smalltalk does; ANSI has one
        only), those that are equally near in their own order."""
        order = self.world.family(exception).order

        def distance(selector: Any) -> int:
            if selector is exception:
                return -1
            found = next((n for n, one in enumerate(order) if one is selector), len(order))
            members = selector if isinstance(selector, tuple) else members_of(selector)
            return min([found, *map(distance, members)])

        return sorted(cases, key=lambda case: distance(case[0]))

    # --- signalling

    def make(self, kind: str, text: str | None = None, report: str | None = None, /, **slots: Any) -> Any:
        """A new exception, a clone of the world's ``kind`` (or of Error where the image has no such name). ``report``
        is what a report says of it in place of its text."""
        prototype = self.world.lookup(kind) or self.world.lookup("Error")
        exception = self.world.clone(prototype)
        if text is not None:
            exception.messageText = text
        for name, value in slots.items():
            setattr(exception, name, value)
        if report is not None:
            exception._v_explained = (text, report)
        return exception

    def failed(self, error: Exception) -> Any:
        """A Python error reached a compiled method: signal it there."""
        if isinstance(error, RecursionError):
            raise StackOverflow() from None
        if isinstance(error, TransientError):
            raise error  # a conflict, or a storage that is away: no handler of the program's may swallow it
        if type(error) is OverflowError:
            trace = error.__traceback__
            if trace is not None and trace.tb_next is None and trace.tb_frame.f_code.co_filename in self.world.sources:
                self.world.guesses.too_wide(trace.tb_frame.f_code.co_filename)
        if isinstance(error, Fault):
            exception = self.make(error.kind, error.text or str(error), error.text and str(error), **error.slots)
        else:
            kind = next((name for cls, name in TRANSLATION if isinstance(error, cls)), "SystemExceptions.PythonError")
            text = self.explain(error)
            counts = BLOCK_CALL.search(text) if type(error) is TypeError else None
            if counts is not None:
                kind = "SystemExceptions.WrongArgumentCount"
                wanted, given = counts[1], counts[2]
                if not wanted:
                    given = arguments_given(error)
                    wanted = f"{int(counts[3]) + given}" if given is not None else f"{counts[3]} more"
                given = "fewer" if given is None else given
                text = f"wrong argument count: this block takes {wanted}, {given} were given"
            short = next((s for s in ("wrong argument count", "key not found") if text.startswith(s + ": ")), None)
            exception = self.make(kind, short or text, short and text)
        return self.signal(exception, cause=error)

    def explain(self, error: Exception) -> str:
        if isinstance(error, ZeroDivisionError):
            return "The program attempted to divide a number by zero"
        if isinstance(error, KeyError):
            return f"key not found: {error}"
        if isinstance(error, MemoryError):
            return "there is not enough memory for this"
        text = str(error)
        if any(isinstance(error, cls) for cls, _ in TRANSLATION) and text:
            return text  # the exception it becomes says what kind it is
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def signal(self, exception: Any, cause: Exception | None = None) -> Any:
        """Signal an exception that is not being signalled; answers what a handler resumes it with."""
        saved = self.chain
        active = exception._v_active = Activation()
        if cause is not None:
            active.cause = cause
        while True:
            try:
                return self._search(exception, active, saved)
            except Resume as resume:
                if resume.exception is not exception:
                    raise
                if resume.instead is None:
                    return resume.value
                exception = resume.instead
                active = exception._v_active = Activation()
            finally:
                self.chain = saved

    def _search(self, exception: Any, active: Activation, chain: Handler | None) -> Any:
        """Find the handler outside ``chain`` and run it; without one, the default action's value."""
        within = chain
        while chain is not None:
            cases = chain.cases if len(chain.cases) == 1 else self.closest(chain.cases, exception)
            for selector, block in cases:
                if self.matches(selector, exception):
                    before, active.handler = active.handler, chain
                    self.chain = chain.outer
                    try:
                        if type(block) is FunctionType and block.__code__.co_argcount == 1:
                            value = block(exception)
                        else:
                            value = self._call(block, exception)
                    finally:
                        active.handler = before
                    raise Unwind(chain, value, None)
            chain = chain.outer
        # The default action runs where the exception was signalled, with the handlers that are there.
        before, active.handler = active.handler, None
        self.chain = within
        try:
            return self.world.send(exception, "defaultAction")
        finally:
            active.handler = before

    def _call(self, block: Any, exception: Any) -> Any:
        if type(block) is FunctionType:
            wanted = block.__code__.co_argcount
            if wanted == 1:
                return block(exception)
            if not wanted:
                return block()
            raise Fault(
                "SystemExceptions.WrongArgumentCount",
                f"wrong argument count: this block takes {wanted}, 1 were given",
                "wrong argument count",
            )
        return (
            self.world.send(block, "value:", exception)
            if self.world.understands(block, "value:")
            else self.world.send(block, "value")
        )

    def default(self, exception: Any) -> Any:
        """The end of the message, with a report."""
        frame, failure = self.signaller(exception)
        raise Unhandled(exception, walk(self.world.sources, frame, failure, self.world.frame_label))

    def signaller(self, exception: Any) -> tuple[FrameType | None, TracebackType | None]:
        """The frame that signalled an exception, on the stack as long as that is handled; and the traceback of the
        Python error behind it."""
        active = getattr(exception, "_v_active", None)
        failure = active.cause.__traceback__ if active is not None and active.cause is not None else None
        if failure is not None:
            return failure.tb_frame, failure
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code is SIGNAL and frame.f_locals.get("exception") is exception:
                return frame.f_back, None
            frame = frame.f_back
        return None, None

    # --- what a handler block may do

    def handling(self, exception: Any) -> Handler:
        active = getattr(exception, "_v_active", None)
        handler = active.handler if active is not None else None
        if handler is None:
            raise Fault("SystemExceptions.InvalidState", "this exception is not being handled now")
        return handler

    def return_(self, exception: Any, value: Any) -> Any:
        raise Unwind(self.handling(exception), value, None)

    def retry(self, exception: Any, using: Any = None) -> Any:
        handler = self.handling(exception)
        raise Unwind(handler, None, handler.block if using is None else using)

    def resume(self, exception: Any, value: Any) -> Any:
        if self.world.send(exception, "isResumable") is not True:
            raise Fault("SystemExceptions.NotResumable", "this exception is not resumable")
        self.handling(exception)
        raise Resume(exception, value)

    def outer(self, exception: Any) -> Any:
        """Hand the exception to the enclosing handler; answers what that resumes it with."""
        active = getattr(exception, "_v_active", None)
        if active is None or active.handler is None:
            return self.signal(exception)
        saved = self.chain
        try:
            return self._search(exception, active, active.handler.outer)
        except Resume as resume:
            if resume.exception is not exception or resume.instead is not None:
                raise
            return resume.value
        finally:
            self.chain = saved

    def pass_(self, exception: Any) -> Any:
        """Like outer, but what that resumes with is what the signal answers."""
        active = getattr(exception, "_v_active", None)
        if active is None or active.handler is None:
            return self.signal(exception)
        value = self._search(exception, active, active.handler.outer)
        raise Resume(exception, value)

    def signal_again(self, exception: Any) -> Any:
        """``signal`` sent to an exception, which may be being handled already: search from here, as for a new one."""
        active = vars(exception).get("_v_active")
        if active is None or active.handler is None:
            return self.signal(exception)
        try:
            return self.signal(exception)
        finally:
            exception._v_active = active

    def resignal_as(self, exception: Any, other: Any) -> Any:
        self.handling(exception)
        other._v_active = None
        raise Resume(exception, instead=other)


SIGNAL = Signals.signal.__code__
