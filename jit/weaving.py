"""One miss on its way: situate -> ask and test -> person or policy -> swap.

No transaction is open while a model thinks or a person decides; each step that touches the image is a short one of its
own, and the last checks that nothing moved underneath.
"""

from __future__ import annotations

import getpass
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..interp import Miss, Resolution, Worker
from .crucible import Assay, assay
from .engine import Completion, Engine, prompt_hash
from .errors import Cancelled, EngineMissing, JitProblem, SwapRefused
from .extract import method_source
from .gates.trial import TrialRun, trial_gate
from .gates.verdict import Candidate, Surroundings
from .proposal import Approve, Progress, Proposal
from .situate import situate
from .situation import Attempt, Situation
from .swap import Swap, current_version, install
from .write import MakePrompt, Try, Written, author_of, prompts_for, write

if TYPE_CHECKING:
    from ..interp import World
    from .weave import Weaver

MAX_HINTS = 5
PROGRESS_EVERY = 0.05


class Cancellation(threading.Event):
    """Set by `Weaver.cancel`, or as soon as the person who waits has lost patience (`watcher.interrupted`)."""

    watcher: Any = None

    def is_set(self) -> bool:
        return super().is_set() or bool(getattr(self.watcher, "interrupted", False))


class Weaving:
    """One miss on its way."""

    def __init__(
        self,
        weaver: Weaver,
        miss: Miss,
        worker: Worker,
        approve: Approve | None,
        watcher: Any,
        cancelled: Cancellation,
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
            self.weaver.sandbox(self.worker.image).start()  # gets warm while the model thinks
            make_prompt = prompts_for(engine)
            prompt = make_prompt(situation)
            key = (miss.prototype, miss.selector, prompt_hash(prompt.messages, prompt.options))
            refusal = self.weaver.refusal(key)
            if refusal is not None:
                return Resolution(False, f"{refusal}; it is not asked again until something changes")
            resolution = self._weave(engine, make_prompt, situation, surroundings, expected)
        except Cancelled:
            return Resolution(False, "cancelled")
        except EngineMissing as problem:
            return Resolution(False, str(problem))
        except (JitProblem, OSError) as problem:
            return Resolution(False, str(problem))
        if not resolution.installed:
            self.weaver.refuse(key, resolution.note)
        return resolution

    def _look(self, world: World) -> tuple[Situation, Surroundings, bytes]:
        situation, surroundings = situate(world, self.miss)
        return situation, surroundings, current_version(world, self.miss.prototype, self.miss.selector)

    def _would_teach_everybody(self, situation: Situation) -> bool:
        """A clone of Object without a name: its method would have to become everybody's."""
        return situation.prototype == "Object" and self.miss.receiver != self.miss.prototype

    def _weave(
        self,
        engine: Engine,
        make_prompt: MakePrompt,
        situation: Situation,
        surroundings: Surroundings,
        expected: bytes,
    ) -> Resolution:
        note = ""
        for _ in range(MAX_HINTS):
            written = self._write(engine, make_prompt, situation, surroundings)
            if not written.assay.passed:
                failure = written.assay.failure
                assert failure is not None
                times = f" {len(written.tries)} times" if len(written.tries) > 1 else ""
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

    def _write(
        self, engine: Engine, make_prompt: MakePrompt, situation: Situation, surroundings: Surroundings
    ) -> Written:
        def asking() -> None:
            self.weaver.check_budget()
            self._tell("asking")

        def test(candidate: Candidate, completion: Completion) -> Assay:
            self.tokens += completion.tokens
            self.model_seconds += completion.seconds
            self.weaver.spend(completion.tokens)
            self._tell("testing", self._text)
            return self._assay(candidate, surroundings, author_of(completion))

        repairs = self.weaver.settings.repairs
        return write(
            engine, situation, make_prompt, test, repairs,
            asking=asking, on_text=self._on_text, cancelled=self.cancelled,
        )  # fmt: skip

    def _assay(self, candidate: Candidate, surroundings: Surroundings, author: str) -> Assay:
        if self.cancelled.is_set():
            raise Cancelled("cancelled before the trial")
        run = TrialRun(self.miss.prototype, self.miss.statement, self.miss.workspace)
        return assay(candidate, surroundings, trial_gate(self.weaver.sandbox(self.worker.image), run, author))

    def _edited(
        self, situation: Situation, surroundings: Surroundings, written: Written, code: str
    ) -> tuple[Written, str]:
        """A person's version of it, through the same gates; a note when it does not pass."""
        source = method_source(code, situation.name, situation.head)
        candidate = Candidate(situation.selector, situation.name, situation.parameters, source)
        self._tell("testing")
        result = self._assay(candidate, surroundings, author_of(written.completion))
        failure = result.failure
        note = "" if failure is None else f"your version did not pass: {failure.gate}: {failure.reason}"
        return Written((*written.tries[:-1], Try(written.completion, result))), note

    # --- deciding and installing

    def _ask_person(self, situation: Situation, written: Written, note: str) -> Any:
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
        self, situation: Situation, written: Written, expected: bytes, approver: str, edited: bool = False
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
            "attempts": len(written.tries),
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
