"""One miss on its way: situate -> an answer that is there, or one asked for -> gates -> person or policy -> swap.

No transaction is open while a model thinks or a person decides; each step that touches the image is a short one of its
own, and the last checks that nothing moved underneath.
"""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..image import ledger
from ..interp import Miss, Resolution, Worker
from .crucible import Assay, assay
from .engine import Completion, Engine, prompt_hash
from .errors import Cancelled, EngineMissing, JitProblem, SwapRefused
from .extract import explanation_of, method_source
from .gates.examples import examples_gate
from .gates.trial import TrialRun, trial_gate
from .gates.verdict import Candidate
from .offers import RETRIEVED, kept_answer, retrieved
from .proposal import Approve, Proposal, explain
from .review import review, told_of
from .seen import Seen, look
from .situation import Attempt, Situation
from .swap import Swap, install
from .telling import Teller
from .write import MakePrompt, Try, Written, author_of, prompts_for, warmed, write

if TYPE_CHECKING:
    from .weave import Weaver

MAX_HINTS = 5
LATER = "it waits for somebody to approve it: batos jit pending"


class Cancellation(threading.Event):
    """Set by `Weaver.cancel`, or as soon as the person who waits has lost patience (`watcher.interrupted`)."""

    watcher: Any = None

    def is_set(self) -> bool:
        return super().is_set() or bool(getattr(self.watcher, "interrupted", False))


class Weaving:
    """One miss on its way."""

    def __init__(
        self, weaver: Weaver, miss: Miss, worker: Worker, approve: Approve | None, watcher: Any, cancelled: Cancellation
    ) -> None:
        self.weaver = weaver
        self.miss = miss
        self.worker = worker
        self.approve = approve
        self.cancelled = cancelled
        cancelled.watcher = watcher
        self.teller = Teller(watcher, weaver.on_progress, miss.prototype_name, miss.selector, worker.name)

    def run(self) -> Resolution:
        miss = self.miss
        if not miss.prototype:
            return Resolution(False, "the receiver was made by this very message; give it a name first")
        try:
            self.teller.tell("preparing")
            engine = self.weaver.engine_for(self.worker)
            self.seen: Seen = self.worker.transact(partial(look, miss=miss))
            if self.seen.would_teach_everybody(miss) and self.approve is None:
                return Resolution(False, "the receiver has no prototype with a name of its own; name one first")
            self.weaver.sandbox(self.worker.image).start()  # gets warm while the model thinks
            make_prompt = warmed(prompts_for(engine), self.weaver.settings.temperature)
            prompt = make_prompt(self.seen.situation)
            self.question = prompt_hash(prompt.messages, prompt.options)
            refusal = self.seen.refusal(self.question)
            if refusal:
                return Resolution(False, refusal)
            resolution = self._weave(engine, make_prompt)
        except Cancelled:
            return Resolution(False, "cancelled")
        except EngineMissing as problem:
            return Resolution(False, str(problem))
        except (JitProblem, OSError) as problem:
            return Resolution(False, str(problem))
        if not resolution.installed and resolution.note != LATER:
            self._remember({"state": "refused", "note": resolution.note})
        return resolution

    def _weave(self, engine: Engine, make_prompt: MakePrompt) -> Resolution:
        note = ""
        situation = self.seen.situation
        ready = self._ready_answers()
        for _ in range(MAX_HINTS):
            written = next(ready, None) or self._write(engine, make_prompt, situation)
            if not written.passed:
                failure = written.assay.failure
                assert failure is not None
                times = f" {len(written.tries)} times" if len(written.tries) > 1 else ""
                return Resolution(
                    False, f"a model tried{times}; the last did not pass: {failure.gate}: {failure.reason}"
                )
            if self.approve is None:
                return self._install(written, "policy auto")
            written = self._reviewed(written)
            decision = self._ask_person(situation, written, note)
            match decision.verdict:
                case "yes":
                    return self._install(written, getpass.getuser())
                case "edit" if decision.code:
                    written, note = self._edited(written, decision.code)
                    if not note:
                        return self._install(written, getpass.getuser(), edited=True)
                    hint = note
                case "retry":
                    hint = decision.hint or "a person did not want this one"
                case "later":
                    return Resolution(False, LATER)
                case _:
                    return Resolution(False, "you said no to what the model wrote")
            attempt = Attempt(written.assay.candidate.source, hint)
            situation = replace(situation, rejected=(*situation.rejected, attempt))
        return Resolution(False, "nothing the model wrote was wanted")

    # --- writing and testing

    def _ready_answers(self) -> Iterator[Written]:
        """The answer this question had before, and methods that fit from elsewhere, as far as they pass the gates."""
        kept = kept_answer(self.seen.entry, self.question)
        offers = iter([kept]) if kept is not None else retrieved(self.seen.situation, self.seen.surroundings)
        for completion, source in offers:
            self.teller.tell("testing")
            result = self._assay(self._candidate(source), author_of(completion))
            if result.passed:
                yield Written((Try(completion, result),))

    def _write(self, engine: Engine, make_prompt: MakePrompt, situation: Situation) -> Written:
        def asking() -> None:
            self.weaver.check_budget()
            self.teller.tell("asking")

        def test(candidate: Candidate, completion: Completion) -> Assay:
            self.teller.spent(completion.tokens, completion.seconds)
            self.weaver.spend(completion.tokens)
            self.teller.tell("testing")
            return self._assay(candidate, author_of(completion))

        repairs = self.weaver.settings.repairs
        return write(
            engine, situation, make_prompt, test, repairs,
            asking=asking, on_text=self.teller.on_text, cancelled=self.cancelled,
        )  # fmt: skip

    def _candidate(self, source: str) -> Candidate:
        situation = self.seen.situation
        return Candidate(situation.selector, situation.name, situation.parameters, source)

    def _assay(self, candidate: Candidate, author: str) -> Assay:
        if self.cancelled.is_set():
            raise Cancelled("cancelled before the trial")
        run = TrialRun(self.miss.prototype, self.miss.statement, self.miss.workspace)
        sandbox = self.weaver.sandbox(self.worker.image)
        return assay(
            candidate,
            self.seen.surroundings,
            trial_gate(sandbox, run, author),
            examples_gate(sandbox, run, author, self.seen.examples),
            self.miss.statement,
        )

    def _edited(self, written: Written, code: str) -> tuple[Written, str]:
        """A person's version of it, through the same gates; a note when it does not pass."""
        self.teller.tell("testing")
        source = method_source(code, self.seen.situation.name, self.seen.situation.head)
        result = self._assay(self._candidate(source), author_of(written.completion))
        failure = result.failure
        note = "" if failure is None else f"your version did not pass: {failure.gate}: {failure.reason}"
        return Written((*written.tries[:-1], Try(written.completion, result))), note

    def _reviewed(self, written: Written) -> Written:
        """With what the personas that are asked for think of it: advice, which a person reads."""
        names = self.weaver.settings.review
        if not names:
            return written
        self.teller.tell("reviewing")
        personas = self.worker.transact(lambda world: [(name, told_of(world, name)) for name in names])
        opinions = review(
            partial(self.weaver.engine_as, self.worker),
            personas,
            self.seen.situation,
            written.assay.candidate.source,
            self.cancelled,
        )
        last = written.tries[-1]
        return Written((*written.tries[:-1], replace(last, assay=last.assay.and_also(*opinions))))

    # --- deciding and installing

    def _ask_person(self, situation: Situation, written: Written, note: str) -> Any:
        assert self.approve is not None
        code = written.assay.candidate.source
        explanation = explain(situation, written.assay, written.completion)
        gates = tuple(v.shown() for v in written.assay.verdicts)
        self._remember({
            "state": "pending",
            "source": code,
            "source_of": written.completion.source.as_dict(),
            "explanation": explanation,
            "gates": gates,
            "note": note,
        })  # fmt: skip
        self.teller.tell("waiting")
        return self.approve(Proposal(situation.prototype, situation.selector, explanation, code, gates, note=note))

    def _remember(self, entry: dict[str, Any]) -> None:
        """Keep in the image what became of this miss; the miss itself, so that it can be taken up again."""
        miss = self.miss
        told = {
            "prototype": miss.prototype_name,
            "question": self.question,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "miss": {name: getattr(miss, name) for name in miss.__dataclass_fields__},
            **entry,
        }
        remember = ledger.remember
        self.worker.transact(lambda world: remember(world.root, miss.prototype, miss.selector, told), "jit")

    def _install(self, written: Written, approver: str, edited: bool = False) -> Resolution:
        if self.cancelled.is_set():
            raise Cancelled("cancelled before it was installed")
        self.teller.tell("installing")
        situation, completion = self.seen.situation, written.completion
        provenance = {
            **completion.source.as_dict(),
            "gates": [v.as_dict() for v in written.assay.verdicts],
            "approver": approver,
            "edited": edited,
            "attempts": len(written.tries),
            "tokens": self.teller.tokens,
            "model_seconds": round(self.teller.model_seconds, 3),
            "seconds": round(self.teller.seconds, 3),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "statement": self.miss.statement[:400],
            "explanation": explanation_of(completion.text)[:1000],
            "probation": self.weaver.settings.probation,
        }
        swap = Swap(
            prototype=self.miss.prototype,
            selector=situation.selector,
            source=written.assay.candidate.source,
            author=author_of(completion),
            intent=f"answers: {' '.join(self.miss.statement.split())[:200]}",
            expected=self.seen.expected,
            provenance=provenance,
        )
        try:
            install(self.worker, swap)
        except SwapRefused as refused:
            # Somebody wrote it meanwhile: then it is there, and the message can be sent again.
            return Resolution(True, str(refused))
        where = f"{situation.prototype}>>{situation.selector}"
        if completion.source.engine == RETRIEVED:
            return Resolution(True, f"{where} was taken from {completion.source.recorded}")
        return Resolution(True, f"{where} was written by {author_of(completion)}")
