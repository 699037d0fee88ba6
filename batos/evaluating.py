"""An evaluate command on a worker: outcomes out as they commit, approvals asked and answered, misses out of the way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from .approval import Decision
from .bridge.covenant import MAX_TEXT, Approval, Evaluate, Frame, Progress
from .bridge.session import Withdrawn
from .snapshot import cut, handle_of
from .stacks import send_in, take_down

if TYPE_CHECKING:
    from .bridge.session import Request
    from .interp import Asked, Budget, Miss, Outcome, Report, Resolution, Worker
    from .interp.outside import Answer, Called
    from .interp.world import World
    from .recall import Recall
    from .stacks import Stacks

log = logging.getLogger("batos.evaluating")

APPROVAL_SECONDS = 3600.0  # how long a method waits for a person
HELD = 256  # outcomes kept for the answer of an evaluate that does not stream; more of them are streamed all the same


class Interrupted(Exception):
    """The client interrupted between two statements."""


def evaluate(
    worker: Worker,
    request: Request,
    stacks: Stacks,
    recall: Recall | None = None,
    settle: Callable[[Worker, bytes], None] | None = None,
    committed: Callable[[], None] = lambda: None,
) -> None:
    """Runs the command of a request and answers it. With a `recall`, what was done of it before is not done again.
    `committed` is called after each statement, and `settle` when all is done but the answer. Refused if it is for a
    frame that is not there."""
    command = request.command
    assert isinstance(command, Evaluate)
    session = request.session.identity
    frame = None if command.frame is None else stacks.frame(session, command.frame)

    def on_failure(world: World, failure: BaseException, statement: str) -> None:
        try:
            stacks.keep(session, take_down(world, failure, statement, command.workspace))
        except Exception:  # looking at an error must not make another
            log.exception("a stack was not kept")

    held: list[dict[str, Any]] = []
    done: list[dict[str, Any]] = []  # outcomes of all statements so far, as the receipt has to know them
    failed = False
    seconds = 0.0

    def tell(told: dict[str, Any]) -> None:
        if recall is not None:
            done.append(told)
        if command.stream or len(held) >= HELD:
            request.send_map(told)
        else:
            held.append(told)

    def on_outcome(outcome: Outcome) -> None:
        nonlocal failed, seconds
        committed()
        error = outcome.error
        failed = failed or error is not None or bool(outcome.failures)
        seconds += outcome.seconds
        tell(told_of(outcome))
        if request.interrupted and not (error is not None and error.code == "interrupted"):
            raise Interrupted

    if recall is not None:
        for told in _done_before(worker, command, recall) if command.resent else ():
            failed = failed or told["error"] is not None
            tell(told)
        worker.witness = lambda outcomes: recall.note(worker.world.root, [*done, *map(told_of, outcomes)])
    over = bool(done) and (command.atomic or (command.stop_on_error and failed))
    try:
        with request.interruptible(worker.interrupt):
            worker.evaluate(
                command.source if not over else "",
                skip=len(done),
                origin=command.origin,
                workspace=command.workspace,
                policy=command.policy,
                approve=Asking(request, command.policy),
                budget=_budget(command),
                on_outcome=on_outcome,
                atomic=command.atomic,
                stop_on_error=command.stop_on_error,
                session=session.hex(),
                aside=request.stepping_aside,
                syntax=command.syntax,
                within=None if frame is None else lambda world, text: send_in(world, frame, text),
                on_failure=on_failure if command.keep_stack else None,
                echo=command.echo,
            )
    except Interrupted:
        failed = True
        error = Frame(code="interrupted", message="interrupted before the next statement", text="interrupted")
        held.append({"kind": "outcome", "error": error})
    finally:
        worker.witness = None
        if settle is not None:
            settle(worker, session)
    request.finish_map({"kind": "done", "outcomes": held, "failed": failed, "seconds": seconds, "lost": request.lost})


def _done_before(worker: Worker, command: Evaluate, recall: Recall) -> Iterator[dict[str, Any]]:
    """What the kernel that had this command told, or would have: an outcome for each statement it was done with."""
    from .interp.statements import read

    answers = recall.take_over(worker)
    if answers:
        program = read(command.source, command.origin, command.syntax)
        source = command.source if program.text is None else program.text
        for statement, told in zip(program.statements, answers, strict=False):
            yield {**told.model_dump(), "statement": source[statement.span.start : statement.span.end]}


def _budget(command: Evaluate) -> Budget | None:
    """None: the worker's own."""
    if command.seconds is None and command.megabytes is None:
        return None
    from .interp import Budget

    if command.megabytes is None:
        return Budget(command.seconds)
    return Budget(command.seconds, command.megabytes << 20)


def told_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome for the wire, with everything in it bounded: the fields of covenant.Outcome. A map and no model,
    because these are the most frequent of all, and the model would be made only to be taken apart again."""
    return {
        "kind": "outcome",
        "id": None,
        "statement": cut(outcome.statement, 65536),
        "line": outcome.line,
        "printed": None if outcome.printed is None else cut(outcome.printed, MAX_TEXT),
        "transcript": cut(outcome.transcript, MAX_TEXT),
        "error": None if outcome.error is None else frame_of(outcome.error),
        "handle": handle_of(outcome.value),
        "seconds": outcome.seconds,
    }


def frame_of(report: Report) -> Frame:
    return Frame(
        code=report.code,
        message=cut(report.message, 65536),
        origin=report.origin,
        line=report.line,
        column=report.column,
        length=report.length,
        source_line=cut(report.source_line, 4096),
        stack=[cut(place, 512) for place in report.stack[:200]],
        python=cut(report.python, 65536),
        text=cut(report.render(), 131072),
        advice=report.advice,
    )


class Asking:
    """The `approve` of a message: asks the client who sent it (or whoever else may approve), and waits.

    Besides being called with a proposal, it lets whoever writes the method say how far it is (`progress`), and see
    whether the person has lost patience (`interrupted`).
    """

    def __init__(self, request: Request, policy: str = "ask") -> None:
        self.request = request
        self.policy = policy  # under "auto" nobody is asked, but told how far it is

    def __call__(self, proposal: Any) -> Decision:
        approval = Approval(
            prototype=cut(str(getattr(proposal, "prototype", "")), 1024),
            selector=str(getattr(proposal, "selector", ""))[:512],
            explanation=cut(str(getattr(proposal, "explanation", "")), 65536),
            code=cut(str(getattr(proposal, "code", "")), 262144),
            replaces=cut(str(getattr(proposal, "replaces", None) or ""), 262144),
            gates=[_gate(gate) for gate in list(getattr(proposal, "gates", ()) or ())[:100]],
            note=cut(str(getattr(proposal, "note", "")), 4096),
            title=cut(str(getattr(proposal, "title", "")), 256),
        )
        try:
            answer = self.request.ask(approval, APPROVAL_SECONDS)
        except (Withdrawn, TimeoutError):
            return Decision("later")
        return Decision(answer.decision, answer.code, answer.hint)

    @property
    def interrupted(self) -> bool:
        return self.request.interrupted

    def progress(self, phase: str, elapsed: float = 0.0, tokens: int = 0, text: str = "") -> None:
        """Tells the client how far the model is."""
        self.request.send(Progress(phase=phase[:200], elapsed=elapsed, tokens=tokens, text=cut(text, 65536)))


def _gate(gate: Any) -> dict[str, Any]:
    if isinstance(gate, str):
        return {"name": cut(gate, 1024), "verdict": "", "detail": ""}
    if isinstance(gate, dict):
        return {str(key)[:64]: cut(str(value), 4096) for key, value in list(gate.items())[:20]}
    return {
        name: cut(str(getattr(gate, name)), 4096)
        for name in ("name", "verdict", "detail", "passed", "seconds")
        if getattr(gate, name, None) is not None
    }


class Aside:
    """Around whoever answers misses: while he works, the message takes up no worker's place."""

    def __init__(self, misses: Any, count: Callable[[str], None] = lambda outcome: None) -> None:
        self.misses = misses
        self.count = count  # told what came of each: installed, not_installed

    def resolve(self, miss: Miss | Asked, worker: Worker, approve: Any) -> Resolution:
        aside = approve.request.stepping_aside() if isinstance(approve, Asking) else nullcontext()
        with aside:
            resolution: Resolution = self.misses.resolve(miss, worker, approve)
        self.count("installed" if resolution.installed else "not_installed")
        return resolution

    def answer(self, called: Called, worker: Worker, approve: Any, policy: str) -> Answer:
        aside = approve.request.stepping_aside() if isinstance(approve, Asking) else nullcontext()
        with aside:
            answer: Answer = self.misses.answer(called, worker, approve, policy)
        return answer
