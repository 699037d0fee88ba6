"""What a person is told when a message fails: what was wrong, the line with a caret, the stack in message terms."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..image.object import own_slots
from .flow import Abandoned, Fault, Resume, ReturnHome, StackOverflow, Unhandled, Unwind
from .stack import Place, walk

if TYPE_CHECKING:
    from .world import World

# Codes of the exceptions of the language that programs ask for by code; any other is "error".
CODES = {
    "MessageNotUnderstood": "not-understood",
    "ZeroDivide": "zero-divide",
    "SystemExceptions.IndexOutOfRange": "index-out-of-range",
    "SystemExceptions.NotFound": "not-found",
    "SystemExceptions.WrongClass": "wrong-class",
    "SystemExceptions.InvalidArgument": "invalid-argument",
    "SystemExceptions.InvalidValue": "invalid-value",
    "SystemExceptions.WrongArgumentCount": "wrong-argument-count",
    "SystemExceptions.CannotPersist": "cannot-persist",
    "SystemExceptions.UndeclaredVariable": "undeclared",
    "SystemExceptions.StackOverflow": "stack-overflow",
    "BlockContext.CannotReturn": "cannot-return",
    "AssertionFailure": "assertion-failure",
    "TestSkipped": "skipped",
    "SystemExceptions.Deadlock": "deadlock",
}

ELSEWHERE = "the method of this block runs in another process (cannotReturn:)"


@dataclass
class Report:
    """One failure. ``code`` is stable; line and column count from 1 in ``origin``; ``stack`` is innermost first."""

    code: str
    message: str
    origin: str = ""
    line: int = 0
    column: int = 0
    length: int = 1
    source_line: str = ""
    stack: tuple[str, ...] = ()
    python: str = ""
    # Of a message that nobody understands, what a person might do: "say" (it reads as prose: ask the model in words),
    # "write" (nobody was asked to write the method). Each front says it in terms of its own.
    advice: str = ""

    def render(self) -> str:
        """As a person reads it: the message, the line with its caret, the stack."""
        lines = [self.message]
        if self.origin[:1] not in ("", "<") and self.line and not self.source_line:
            lines.append(f"{self.origin}:{self.line}:{self.column}")
        if self.source_line:
            shown, pad = self.source_line.replace("\t", " "), max(self.column - 1, 0)
            if len(shown) > 160:
                start = max(0, pad - 80)
                shown, pad = "..." + shown[start : start + 150] + "...", pad - start + 3
            lines += [
                f"{self.origin}:{self.line}:{self.column}" if self.origin else f"line {self.line}, column {self.column}"
            ]
            lines += ["    " + shown, "    " + " " * pad + "^" * max(1, min(self.length, len(shown) - pad))]
        lines += ["  " + place for place in self.stack]
        return "\n".join(lines)


def of_failure(world: World, failure: BaseException, statement: Any, origin: str) -> Report:
    """The report for whatever ended a message."""
    if isinstance(failure, Unhandled):
        exception = failure.exception
        kind = next((name for one in world.family(exception).order if (name := world.name_of(one)) in CODES), "")
        text = _text(world, exception)
        report = Report(CODES.get(kind, "error"), text, advice=getattr(exception, "_v_advice", ""))
        _place(report, failure.stack, origin)
        cause = getattr(getattr(exception, "_v_active", None), "cause", None)
        if cause is not None:
            report.python = "".join(traceback.format_exception(cause))
        return report
    if isinstance(failure, StackOverflow):
        report = Report("stack-overflow", "the recursion has no end: too many messages are waiting for each other")
        _place(report, _last(world, failure), origin)
        return report
    if isinstance(failure, Abandoned):
        words = {
            "interrupted": "interrupted",
            "out-of-time": "the message took longer than it may",
            "out-of-memory": "the message needed more memory than it may have",
        }
        report = Report(failure.code, words.get(failure.code, failure.code))
        _place(report, _last(world, failure), origin)
        return report
    if isinstance(failure, Fault):
        # Found before any code of the statement ran: by a definition, say.
        span = statement.span
        return Report(CODES.get(failure.kind, "error"), str(failure), origin, span.line, span.column)
    report = Report("internal", f"the interpreter failed: {type(failure).__name__}: {failure}", origin)
    report.python = "".join(traceback.format_exception(failure))
    return report


def of_process(world: World, failure: BaseException) -> Report | None:
    """The report for a flow that left a process whose stack it should have ended in; None for any other failure."""
    if isinstance(failure, ReturnHome):
        report = Report("cannot-return", ELSEWHERE)
    elif isinstance(failure, Unwind | Resume):
        report = Report("error", "this exception is handled in another process: only that can return, retry or resume")
    else:
        return None
    _place(report, _last(world, failure), "")
    return report


def explained(exception: Any) -> str | None:
    """What is said of an exception in place of its messageText, which keeps to the words of other Smalltalks."""
    text, report = getattr(exception, "_v_explained", (None, None))
    return report if own_slots(exception).get("messageText") is text else None


def _text(world: World, exception: Any) -> str:
    try:
        text = explained(exception) or world.send(exception, "messageText")
        if text is None:
            text = world.send(exception, "description")
        if text == "An exception has occurred":
            text = f"{world.describe(exception)}: {text}"  # at least its kind
        return str(text)
    except BaseException as failure:
        return f"{world.describe(exception)} (its messageText failed: {type(failure).__name__})"


def _last(world: World, failure: BaseException, limit: int = 12) -> list[Place]:
    """The places a Flow passed through, innermost first, as far as its traceback goes."""
    frames = []
    trace = failure.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lasti))
        trace = trace.tb_next
    places: list[Place] = []
    for frame, _ in reversed(frames[-400:]):
        if frame.f_code.co_filename in world.sources:
            found = walk(world.sources, frame, failure.__traceback__, world.frame_label, limit=limit)
            places = found
            break
    return places


def _place(report: Report, stack: list[Place], origin: str) -> None:
    if not stack:
        return
    # The caret goes under the innermost line that a person wrote; the library's own frames stay in the stack.
    shown = next((p for p in stack if not p.source.origin.startswith("genesis")), stack[0])
    source = shown.source
    lines = source.text.split("\n")
    report.origin = source.origin or shown.label
    report.line = shown.line + source.first_line - 1
    report.column = shown.column + _indent(shown)
    report.length = shown.length
    if 0 < shown.line <= len(lines):
        report.source_line = " " * _indent(shown) + lines[shown.line - 1].rstrip("\r")
    report.stack = tuple(_lines(stack, report.origin))


def _indent(place: Place) -> int:
    """How much further right the line is in its file than in the source."""
    return place.source.first_column - 1 if place.line == 1 else 0


def _line(place: Place, origin: str) -> str:
    """Where an activation is; with the file it was read from if that is not ``origin``, the report's own."""
    source = place.source
    where = f"line {place.line + source.first_line - 1}, column {place.column + _indent(place)}"
    read = source.home is not None and source.origin not in ("", "genesis", origin)
    return f"{place.label} ({source.origin}, {where})" if read else f"{place.label} ({where})"


def _lines(stack: list[Place], origin: str, most: int = 20) -> list[str]:
    lines = [_line(place, origin) for place in stack]
    folded: list[str] = []
    for line in lines:
        if folded and folded[-1] == line:
            continue
        folded.append(line)
    if len(folded) > most:
        folded = [*folded[: most - 5], f"... {len(folded) - most + 1} more ...", *folded[-4:]]
    return folded
