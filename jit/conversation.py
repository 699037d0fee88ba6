"""Talking with the model: a wish in words, answered by an explanation and code, which passes gates and then runs.

    genesis ask: 'Create a button that commits'

The answer is shown, tried on a copy of the world in the locked process, agreed to (by a person or the policy), and run
in the live image in one transaction, together with the turn it belongs to; what it changed is then read from the image
itself, and undo takes all of it back. Later turns see the earlier ones. No transaction is open while the model thinks.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..image import ledger
from ..image.history import changed_by
from ..image.object import Body, own_slots
from ..interp import Asked, Resolution, Worker
from ..interp.awakening import workspace_named
from .changes import changed_slots
from .crucible import Assay
from .engine import Completion, Engine, Message, Options
from .errors import Cancelled, JitProblem
from .extract import answer_of
from .gates.trial import judge_turn
from .gates.turn import check_turn, check_turn_shape
from .gates.verdict import Candidate, Refused, Surroundings, Verdict
from .proposal import Approve, Proposal
from .situate import surroundings_of
from .telling import Teller
from .turn import NAME, perform
from .write import author_of

if TYPE_CHECKING:
    from ..interp import World
    from .weave import Weaver

MAX_TURNS = 8
"""Earlier turns that the model is shown; so many are kept."""
MAX_KEPT = 40
MAX_HINTS = 5
MAX_NAMES = 40
SYSTEM = (
    "You are the UVM JIT-Compiler for Intent of a living image of prototype objects. The Architect tells you what to "
    "do. "
    'Answer as JSON: {"explanation": why and how, in a few sentences, "code": the Python that does it}. '
    "The code runs at once in the image, as the body of a method of the workspace, in one transaction. "
    "self.name = value keeps a variable of the workspace; Account.clone() makes a new object from a prototype; "
    "thing.slot reads a slot and thing.slot = value writes one; thing.at_put_(1, 2) sends the message at: 1 put: 2 "
    "(each colon is an underscore); Smalltalk.at_put_('Account', Object.clone()) makes a name that the world knows; "
    "Account.compile_('deposit: amount [ balance := balance + amount. ^self ]') gives an object a method. "
    "No imports but math, random and statistics; no classes, files or names that begin with an underscore."
)
SCHEMA = {
    "type": "object",
    "properties": {
        "explanation": {"type": "string", "maxLength": 600},
        "code": {"type": "string", "maxLength": 2_000},
    },
    "required": ["explanation", "code"],
    "additionalProperties": False,
}
GRAMMAR = (
    r'root ::= "{\"explanation\": \"" char{1,300} "\", \"code\": \"" char{1,900} "\"}"' + "\n"
    r'char ::= [^"\\\x7F\x00-\x1F] | "\\" ["\\nt]' + "\n"
)
"""The same for llama.cpp, which turns the lengths of a schema into a grammar too deep for itself."""


@dataclass(frozen=True)
class Said:
    """One answer of the model with the gates' verdicts on its code."""

    explanation: str
    code: str
    completion: Completion
    assay: Assay


class Conversing:
    """One wish on its way."""

    def __init__(
        self, weaver: Weaver, asked: Asked, worker: Worker, approve: Approve | None, watcher: Any, cancelled: Any
    ) -> None:
        self.weaver = weaver
        self.asked = asked
        self.worker = worker
        self.approve = approve
        self.cancelled = cancelled
        cancelled.watcher = watcher
        self.teller = Teller(watcher, weaver.on_progress, "the conversation", "ask:", worker.name)

    def run(self) -> Resolution:
        """The resolution's note is the answer, or why there is none."""
        try:
            self.weaver.sandbox(self.worker.image).start()
            return self._converse(self.weaver.engine_for(self.worker))
        except Cancelled:
            return Resolution(False, "cancelled")
        except (JitProblem, OSError) as problem:
            return Resolution(False, str(problem))

    def _converse(self, engine: Engine) -> Resolution:
        earlier, about, surroundings = self.worker.transact(self._look)
        messages = [Message("system", SYSTEM), *earlier, Message("user", f"{about}{self.asked.said}")]
        note, refused = "", 0
        for _ in range(MAX_HINTS + self.weaver.settings.repairs):
            said = self._ask(engine, messages, surroundings)
            failure = said.assay.failure
            if failure is not None:
                refused += 1
                if refused > self.weaver.settings.repairs:
                    return Resolution(False, _told_failed(said, failure, refused))
                reason = f"That did not pass the gate {failure.gate}: {failure.reason}. Answer again."
                messages += _corrected(said, reason)
                continue
            if self.approve is None:
                return self._execute(said)
            decision = self._ask_person(said, note)
            match decision.verdict:
                case "yes":
                    return self._execute(said)
                case "edit" if decision.code:
                    self.teller.tell("testing")
                    edited = self._tested(said.explanation, decision.code, said.completion, surroundings)
                    if edited.assay.passed:
                        return self._execute(edited)
                    assert edited.assay.failure is not None
                    note = f"your version did not pass: {edited.assay.failure.gate}: {edited.assay.failure.reason}"
                    messages += _corrected(said, note)
                case "retry":
                    messages += _corrected(said, decision.hint or "That is not what I meant. Answer again.")
                case "later":
                    return Resolution(False, "nobody is here to agree to it; nothing was done")
                case _:
                    return Resolution(False, "you said no; nothing was done")
        return Resolution(False, "nothing the model answered was wanted")

    def _look(self, world: World) -> tuple[list[Message], str, Surroundings]:
        messages: list[Message] = []
        for turn in ledger.turns(world.root, self.asked.workspace)[-MAX_TURNS:]:
            messages.append(Message("user", turn["said"]))
            messages.append(Message("assistant", _as_answer(turn["explanation"], turn["code"])))
        workspace = workspace_named(world, self.asked.workspace)
        surroundings = surroundings_of(world, workspace)
        variables = sorted(n for n in own_slots(workspace) if n.isidentifier() and not n.startswith("_"))
        names = [
            name
            for name, thing in sorted(own_slots(world.names).items())
            if isinstance(thing, Body) and name[:1].isupper() and name not in surroundings.library_names
        ]
        about = ""
        if names or variables:
            about = f"(Names: {', '.join(names[:MAX_NAMES])}. Variables: {', '.join(variables[:MAX_NAMES])}.)\n"
        if self.asked.receiver_name not in ("Object", ""):
            about += f"(Said to {self.asked.receiver_name}.)\n"
        return messages, about, surroundings

    def _ask(self, engine: Engine, messages: list[Message], surroundings: Surroundings) -> Said:
        self.weaver.check_budget()
        self.teller.tell("asking")
        tuned = getattr(engine, "style", "") == "tuned"  # it has learnt to answer in words and a fence
        small = getattr(engine, "style", "") == "small"
        options = Options(
            max_tokens=260 if small or tuned else 700,
            until=lambda text: text.count("```") > 1,
            grammar=GRAMMAR if small else None,
            schema=None if tuned or small else SCHEMA,
            adapter=getattr(engine, "adapter", None),
        )
        completion = engine.complete(messages, options, self.teller.on_text, self.cancelled)
        self.teller.spent(completion.tokens, completion.seconds)
        self.weaver.spend(completion.tokens)
        explanation, code = answer_of(completion.text)
        self.teller.tell("testing")
        return self._tested(explanation, code, completion, surroundings)

    def _tested(self, explanation: str, code: str, completion: Completion, surroundings: Surroundings) -> Said:
        if self.cancelled.is_set():
            raise Cancelled("cancelled before the trial")
        verdicts: list[Verdict] = []
        gate = "shape"
        started = time.perf_counter()
        try:
            function = check_turn_shape(code)
            verdicts.append(Verdict("shape", True, "Python statements", time.perf_counter() - started))
            gate = "allow"
            effects = check_turn(function, surroundings)
            verdicts.append(Verdict("allow", True, "only allowed syntax, names, attributes and methods"))
            verdicts.append(Verdict("effects", True, effects.told()))
            job = {"turn": code, "author": author_of(completion), "workspace": self.asked.workspace}
            verdicts.append(judge_turn(self.weaver.sandbox(self.worker.image).run(job)))
        except Refused as refused:
            verdicts.append(Verdict(gate, False, refused.reason, time.perf_counter() - started))
        return Said(explanation, code, completion, Assay(Candidate("ask:", NAME, (), code), tuple(verdicts)))

    def _ask_person(self, said: Said, note: str) -> Any:
        assert self.approve is not None
        self.teller.tell("waiting")
        source = said.completion.source
        live = f"recorded {source.recorded}" if source.recorded else source.engine
        tried = said.assay.verdicts[-1].reason
        words = f"{said.explanation} ({source.model}, {live}. On a copy of the world, it {tried}.)"
        gates = tuple(v.shown() for v in said.assay.verdicts)
        who = self.asked.receiver_name or "Object"
        return self.approve(Proposal(who, "ask:", words, said.code, gates, note=note, title="You asked the model."))

    def _execute(self, said: Said) -> Resolution:
        """Run it in the live image, in one transaction with the turn it belongs to; tell what it changed."""
        if self.cancelled.is_set():
            raise Cancelled("cancelled before it was run")
        self.teller.tell("running")
        asked, kept = self.asked, []
        turn = {
            "said": asked.said,
            "explanation": said.explanation,
            "code": said.code,
            "provenance": said.completion.source.as_dict(),
            "gates": tuple(v.as_dict() for v in said.assay.verdicts),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }

        def keep(world: World) -> None:
            earlier = ledger.turns(world.root, asked.workspace)[1 - MAX_KEPT :]
            kept.append(ledger.keep_turns(world.root, asked.workspace, (*earlier, turn)))

        author = author_of(said.completion)
        outcome = perform(self.worker, said.code, author, asked.workspace, also=keep)
        if outcome.error is not None:
            return Resolution(False, f"it failed and nothing was changed: {outcome.error.message}")
        effect = "; ".join(effects_told(self.worker, kept[-1])) or "nothing changed"
        printed = f"\n{outcome.transcript.rstrip()}" if outcome.transcript else ""
        return Resolution(True, f"{said.explanation}\n{effect} (undo takes it back){printed}")


def effects_told(worker: Worker, turn: Any) -> list[str]:
    """What the transaction that kept this turn changed, from the image: objects and slots."""
    tid = worker.transact(lambda world: turn._p_serial)
    before = (int.from_bytes(tid, "big") - 1).to_bytes(8, "big")
    changes = changed_slots(worker, changed_by(worker.image, tid), before)
    made: dict[str, int] = {}
    told: list[str] = []
    for change in changes:
        name, slot = change["object"], change["slot"]
        if slot.endswith("*") and slot != "parent*":
            continue
        if change["new"] and slot == "parent*":
            made[name] = made.get(name, 0) + 1
        elif change["kind"] == "behaviour":
            selector = slot.removeprefix("&")
            told.append(f"{name} has the method {selector}" if change["is"] else f"{name}>>{selector} is gone")
        elif not change["new"]:
            told.append(f"{slot} of {name}: {change['was'] or 'nothing'} -> {change['is'] or 'nothing'}")
    first = [f"made {name if count == 1 else f'{count} times {name}'}" for name, count in made.items()]
    rest = len(told) - 12
    return [*first, *told[:12], *([f"and {rest} more"] if rest > 0 else [])]


def _told_failed(said: Said, failure: Verdict, times: int) -> str:
    tried = f"a model tried {times} times; the last" if times > 1 else "a model tried; it"
    told = f"{tried} did not pass: {failure.gate}: {failure.reason}"
    if said.completion.source.engine == "embedded":
        told += ". The embedded model is seldom up to a wish in words; BATOS_MODEL_URL names a larger one"
    return told


def _corrected(said: Said, reason: str) -> list[Message]:
    return [Message("assistant", _as_answer(said.explanation, said.code)), Message("user", reason)]


def _as_answer(explanation: str, code: str) -> str:
    return json.dumps({"explanation": explanation, "code": code}, ensure_ascii=False)
