"""From a miss to an installed method: the one place where world, prompt, engine, gates, person and swap meet.

    situate (a short transaction) -> ask the model (none open) -> gates -> repair -> person or policy -> swap

No transaction is open while a model thinks or a person decides. Of many workers that miss the same selector of the same
prototype at once, one asks and the others wait for what comes of it. What was refused is not asked again until the
question itself is another one (a slot or a method more), or somebody says so (`forget`).
"""

from __future__ import annotations

import getpass
import logging
import threading
import time
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..interp import Miss, Resolution, Worker
from .crucible import Assay, assay
from .engine import Completion, Engine, prompt_hash
from .errors import Cancelled, EngineMissing, EngineProblem, JitProblem, SwapRefused
from .extract import method_source
from .gates.trial import TrialRun, trial_gate
from .gates.verdict import Candidate, Surroundings
from .prompt import Style, build_prompt
from .proposal import Approve, OnProgress, Progress, Proposal
from .sandbox.client import Limits, Sandbox
from .settings import Settings
from .situate import situate
from .situation import Attempt, Situation
from .swap import Swap, current_version, install

if TYPE_CHECKING:
    from ..interp import World

log = logging.getLogger(__name__)

MAX_REMEMBERED = 1_000
MAX_HINTS = 5
PROGRESS_EVERY = 0.05


@dataclass
class _Flight:
    """One miss being answered: the others that miss the same wait for `done`."""

    done: threading.Event = field(default_factory=threading.Event)
    cancelled: _Cancelled = field(default_factory=lambda: _Cancelled())
    resolution: Resolution | None = None


class _Cancelled(threading.Event):
    """Set by `cancel`, or as soon as the person who waits has lost patience (`watcher.interrupted`)."""

    watcher: Any = None

    def is_set(self) -> bool:
        return super().is_set() or bool(getattr(self.watcher, "interrupted", False))


@dataclass(frozen=True)
class _Written:
    """A candidate with its verdicts and where it came from."""

    assay: Assay
    completion: Completion
    attempts: int


class Weaver:
    """Answers misses for all workers of one process. `resolve` is the whole interface to `interp`."""

    def __init__(self, settings: Settings, on_progress: OnProgress | None = None, engine: Engine | None = None) -> None:
        self.settings = settings
        self.on_progress = on_progress
        self._engine = engine
        self._sandboxes: dict[int, Sandbox] = {}
        self._flights: dict[tuple[int, bytes, str], _Flight] = {}
        self._refused: OrderedDict[tuple[bytes, str, str], str] = OrderedDict()
        self._spent: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    # --- what others call

    def start(self, image: Any) -> None:
        """Warm up what a first trial on this image would wait for. Comes back at once."""
        self._sandbox(image).start()

    def resolve(self, miss: Miss, worker: Worker, approve: Approve | None) -> Resolution:
        """Answer a miss: installed (send the message again), or not, with a note for the person. No transaction of the
        worker's is open.

        `approve` asks a person; without it, or when its `policy` is "auto", what passes every gate is installed. Where
        it has a `progress(phase, elapsed, tokens, text)` it is told how far things are, and once its `interrupted` is
        true the model is stopped.
        """
        if getattr(approve, "policy", "ask") == "auto":
            approve, watcher = None, approve
        else:
            watcher = approve
        key = (id(worker.image), miss.prototype, miss.selector)
        with self._lock:
            flight = self._flights.get(key)
            first = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not first:
            return _wait_for(flight, watcher)
        try:
            flight.resolution = _Weaving(self, miss, worker, approve, watcher, flight.cancelled).run()
        except KeyboardInterrupt:
            flight.cancelled.set()
            flight.resolution = Resolution(False, "cancelled")
        except Exception as problem:  # a fault of ours must not cost the person the session
            log.exception("answering %s>>%s failed", miss.prototype_name, miss.selector)
            flight.resolution = Resolution(False, f"answering it failed: {type(problem).__name__}: {problem}")
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()
        return flight.resolution

    def cancel(self, selector: str | None = None) -> int:
        """Stop asking the model, for one selector or for all. How many misses that ended."""
        with self._lock:
            flights = [f for (_, _, s), f in self._flights.items() if selector in (None, s)]
        for flight in flights:
            flight.cancelled.set()
        return len(flights)

    def forget(self, selector: str | None = None) -> int:
        """Ask again for what was refused before, for one selector or for all. How many refusals that were."""
        with self._lock:
            keys = [k for k in self._refused if selector in (None, k[1])]
            for key in keys:
                del self._refused[key]
        return len(keys)

    def close(self) -> None:
        """End the model and the sandboxes; misses under way are told so. Idempotent."""
        self.cancel()
        with self._lock:
            engine, self._engine = self._engine, None
            sandboxes, self._sandboxes = list(self._sandboxes.values()), {}
        for sandbox in sandboxes:
            sandbox.close()
        if engine is not None:
            engine.close()

    # --- what a weaving uses

    @property
    def engine(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self.settings.engine()
            return self._engine

    def _sandbox(self, image: Any) -> Sandbox:
        with self._lock:
            sandbox = self._sandboxes.get(id(image))
            if sandbox is None:
                sandbox = self._sandboxes[id(image)] = Sandbox(image.db, Limits())
            return sandbox

    def _refusal(self, key: tuple[bytes, str, str]) -> str | None:
        with self._lock:
            return self._refused.get(key)

    def _refuse(self, key: tuple[bytes, str, str], note: str) -> None:
        with self._lock:
            self._refused[key] = note
            while len(self._refused) > MAX_REMEMBERED:
                self._refused.popitem(last=False)

    def _spend(self, tokens: int) -> None:
        with self._lock:
            self._spent.append((time.monotonic(), tokens))

    def _check_budget(self) -> None:
        if not self.settings.tokens_per_hour:
            return
        with self._lock:
            while self._spent and self._spent[0][0] < time.monotonic() - 3600:
                self._spent.popleft()
            spent = sum(tokens for _, tokens in self._spent)
        if spent >= self.settings.tokens_per_hour:
            raise EngineProblem(f"the budget of {self.settings.tokens_per_hour} tokens an hour is spent")


class _Weaving:
    """One miss on its way."""

    def __init__(
        self,
        weaver: Weaver,
        miss: Miss,
        worker: Worker,
        approve: Approve | None,
        watcher: Any,
        cancelled: _Cancelled,
    ) -> None:
        self.weaver = weaver
        self.miss = miss
        self.worker = worker
        self.approve = approve
        self.watcher = watcher
        self.cancelled = cancelled
        cancelled.watcher = watcher
        self.started = time.monotonic()
        self.tokens = 0  # of whole answers; while one is written, _pieces counts along
        self.model_seconds = 0.0
        self._pieces = 0
        self._told_at = 0.0
        self._text = ""

    def run(self) -> Resolution:
        miss = self.miss
        if not miss.prototype:
            return Resolution(False, "the receiver was made by this very message; give it a name first")
        try:
            engine = self.weaver.engine
            situation, surroundings, expected = self.worker.transact(self._look)
            if self._would_teach_everybody(situation) and self.approve is None:
                return Resolution(False, "the receiver has no prototype with a name of its own; name one first")
            self.weaver._sandbox(self.worker.image).start()  # gets warm while the model thinks
            style = style_of(engine)
            prompt = build_prompt(situation, style)
            key = (miss.prototype, miss.selector, prompt_hash(prompt.messages, prompt.options))
            refusal = self.weaver._refusal(key)
            if refusal is not None:
                return Resolution(False, f"{refusal}; it is not asked again until something changes")
            resolution = self._weave(engine, style, situation, surroundings, expected)
        except Cancelled:
            return Resolution(False, "cancelled")
        except EngineMissing as problem:
            return Resolution(False, str(problem))
        except (JitProblem, OSError) as problem:
            return Resolution(False, str(problem))
        if not resolution.installed:
            self.weaver._refuse(key, resolution.note)
        return resolution

    def _look(self, world: World) -> tuple[Situation, Surroundings, bytes]:
        situation, surroundings = situate(world, self.miss)
        return situation, surroundings, current_version(world, self.miss.prototype, self.miss.selector)

    def _would_teach_everybody(self, situation: Situation) -> bool:
        """A clone of Object without a name: its method would have to become everybody's."""
        return situation.prototype == "Object" and self.miss.receiver != self.miss.prototype

    def _weave(
        self, engine: Engine, style: Style, situation: Situation, surroundings: Surroundings, expected: bytes
    ) -> Resolution:
        note = ""
        for _ in range(MAX_HINTS):
            written = self._write(engine, style, situation, surroundings)
            if not written.assay.passed:
                failure = written.assay.failure
                assert failure is not None
                times = f" {written.attempts} times" if written.attempts > 1 else ""
                return Resolution(
                    False, f"a model tried{times}; the last did not pass: {failure.gate}: {failure.reason}"
                )
            if self.approve is None:
                return self._install(situation, written, expected, "policy auto")
            decision = self._ask_person(situation, written, note)
            match decision.verdict:
                case "yes":
                    return self._install(situation, written, expected, getpass.getuser())
                case "edit" if decision.code:
                    written, note = self._edited(situation, surroundings, written, decision.code)
                    if not note:
                        return self._install(situation, written, expected, getpass.getuser(), edited=True)
                    hint = note
                case "retry":
                    hint = decision.hint or "a person did not want this one"
                case _:
                    return Resolution(False, "you said no to what the model wrote")
            attempt = Attempt(written.assay.candidate.source, hint)
            situation = replace(situation, rejected=(*situation.rejected, attempt))
        return Resolution(False, "nothing the model wrote was wanted")

    # --- writing and testing

    def _write(self, engine: Engine, style: Style, situation: Situation, surroundings: Surroundings) -> _Written:
        """Ask and test, with repair rounds that show the model what the last attempt failed on."""
        for attempt in range(self.weaver.settings.repairs + 1):
            self.weaver._check_budget()
            prompt = build_prompt(situation, style)
            self._tell("asking")
            completion = engine.complete(prompt.messages, prompt.options, self._on_text, self.cancelled)
            self.tokens += completion.tokens
            self.model_seconds += completion.seconds
            self.weaver._spend(completion.tokens)
            source = method_source(completion.text, situation.name, prompt.head, prompt.options.prefill)
            candidate = Candidate(situation.selector, situation.name, situation.parameters, source)
            self._tell("testing", self._text)
            result = self._assay(candidate, surroundings, author_of(completion))
            written = _Written(result, completion, attempt + 1)
            if result.failure is None:
                break
            situation = replace(situation, rejected=(*situation.rejected, Attempt(source, result.failure.reason)))
        return written

    def _assay(self, candidate: Candidate, surroundings: Surroundings, author: str) -> Assay:
        if self.cancelled.is_set():
            raise Cancelled("cancelled before the trial")
        run = TrialRun(self.miss.prototype, self.miss.statement, self.miss.workspace)
        return assay(candidate, surroundings, trial_gate(self.weaver._sandbox(self.worker.image), run, author))

    def _edited(
        self, situation: Situation, surroundings: Surroundings, written: _Written, code: str
    ) -> tuple[_Written, str]:
        """A person's version of it, through the same gates; a note when it does not pass."""
        source = method_source(code, situation.name, situation.head)
        candidate = Candidate(situation.selector, situation.name, situation.parameters, source)
        self._tell("testing")
        result = self._assay(candidate, surroundings, author_of(written.completion))
        failure = result.failure
        note = "" if failure is None else f"your version did not pass: {failure.gate}: {failure.reason}"
        return _Written(result, written.completion, written.attempts), note

    # --- deciding and installing

    def _ask_person(self, situation: Situation, written: _Written, note: str) -> Any:
        assert self.approve is not None
        self._tell("waiting")
        gates = tuple(
            {"name": v.gate, "verdict": "passed" if v.passed else "failed", "detail": v.reason, "seconds": v.seconds}
            for v in written.assay.verdicts
        )
        code = written.assay.candidate.source
        explanation = explain(situation, written.assay, written.completion)
        return self.approve(Proposal(situation.prototype, situation.selector, explanation, code, gates, note=note))

    def _install(
        self, situation: Situation, written: _Written, expected: bytes, approver: str, edited: bool = False
    ) -> Resolution:
        if self.cancelled.is_set():
            raise Cancelled("cancelled before it was installed")
        self._tell("installing")
        completion = written.completion
        provenance = {
            **completion.source.as_dict(),
            "gates": [v.as_dict() for v in written.assay.verdicts],
            "approver": approver,
            "edited": edited,
            "attempts": written.attempts,
            "tokens": self.tokens,
            "model_seconds": round(self.model_seconds, 3),
            "seconds": round(time.monotonic() - self.started, 3),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "statement": self.miss.statement[:400],
        }
        swap = Swap(
            prototype=self.miss.prototype,
            selector=situation.selector,
            source=written.assay.candidate.source,
            author=author_of(completion),
            intent=f"answers: {' '.join(self.miss.statement.split())[:200]}",
            expected=expected,
            provenance=provenance,
        )
        try:
            install(self.worker, swap)
        except SwapRefused as refused:
            # Somebody wrote it meanwhile: then it is there, and the message can be sent again.
            return Resolution(True, str(refused))
        return Resolution(True, f"{situation.prototype}>>{situation.selector} was written by {author_of(completion)}")

    # --- telling

    def _on_text(self, piece: str) -> None:
        self._pieces += 1
        self._text += piece
        if time.monotonic() - self._told_at >= PROGRESS_EVERY:
            self._tell("writing", self._text)

    def _tell(self, phase: str, text: str = "") -> None:
        self._told_at = time.monotonic()
        self._text = ""
        elapsed, tokens = time.monotonic() - self.started, max(self.tokens, self._pieces)
        tell = getattr(self.watcher, "progress", None)
        if tell is not None:
            with suppress(Exception):  # who watches must not be able to break what is watched
                tell(phase, elapsed, tokens, text)
        if self.weaver.on_progress is not None:
            miss, worker = self.miss, self.worker.name
            with suppress(Exception):
                self.weaver.on_progress(
                    Progress(phase, elapsed, tokens, text, miss.prototype_name, miss.selector, worker)
                )


def _wait_for(flight: _Flight, watcher: Any) -> Resolution:
    """What comes of a miss that somebody else is having answered."""
    try:
        while not flight.done.wait(0.1):
            if getattr(watcher, "interrupted", False):
                return Resolution(False, "cancelled")
    except KeyboardInterrupt:
        return Resolution(False, "cancelled")
    return flight.resolution or Resolution(False, "the one who asked the model gave up")


def style_of(engine: Engine) -> Style:
    """The embedded model is small; what a server serves is not. An engine may say otherwise by a `style` of its own."""
    style: Style = getattr(engine, "style", "large")
    return style


def author_of(completion: Completion) -> str:
    """`model:NAME`: the mark by which the interpreter narrows what the method can reach."""
    return f"model:{completion.source.model}"


def explain(situation: Situation, result: Assay, completion: Completion) -> str:
    """For a person, in a few sentences: who wrote it, where it would go, what it did when tried."""
    source = completion.source
    live = f"recorded {source.recorded}" if source.recorded else source.engine
    who = f"{source.model} ({live}) wrote it in {completion.seconds:.1f} s."
    where = f"It would become a method of {situation.prototype}"
    if situation.receiver and situation.receiver != situation.prototype:
        where += f", the nearest prototype with a name that {situation.receiver} delegates to"
    verdicts = {v.gate: v.reason for v in result.verdicts}
    statement = " ".join(situation.statement.split())[:120]
    tried = f" Tried on a copy of the world, `{statement}` {verdicts['trial']}." if "trial" in verdicts else ""
    return f"{who} {where}.{tried}"
