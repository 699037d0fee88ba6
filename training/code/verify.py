"""Both bodies of a method run in a scratch image, on the same values: what the message syntax does is the truth.

A method holds when in every state the Python body leaves the slots and answers the value that the message body does,
and when it passes the gates that every generated method must pass.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from types import TracebackType
from typing import Any

from ...image.collections import text_of
from ...image.method import Method, python_name
from ...image.object import is_object, own_slots
from ...interp import World
from ...interp.flow import Unhandled
from ...jit.crucible import assay
from ...jit.gates.verdict import Candidate, Surroundings
from ..schema import Trial
from ..worlds import scratch_worker
from .compose import OTHER, Made, Part, Subject


class Scratch:
    """A world of its own in memory, for trying methods out. One thread at a time; `close` it, or use `with`.

    Give it up after some sixty subjects: each leaves families of types behind.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._worker = self._open.enter_context(scratch_worker())

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._open.close()

    def failures(self, subject: Subject) -> dict[str, str]:
        """Selector -> why its method is not right; empty when all are."""
        found = {m.selector: reason for m in subject.methods if (reason := _refused(subject, m))}
        found |= self._worker.transact(lambda world: _run_all(world, subject, set(found)))
        return found

    def trial(self, subject: Subject) -> dict[str, Any]:
        """What the methods do in the first state in which they do not fail, for `recheck`: see schema.Trial."""
        return self._worker.transact(lambda world: _recorded(world, subject))

    def recheck(self, trial: Trial, methods: dict[str, str]) -> str:
        """Run a row's methods again; what differs from when it was written, or ""."""
        return self._worker.transact(lambda world: _again(world, trial, methods))


def surroundings(subject: Subject) -> Surroundings:
    selectors = frozenset(m.selector for m in subject.methods) | {n for n, _, _ in subject.slots}
    parts = {"name", "size", "power", "ready", "start", "stop", "area", "grow:"}
    return Surroundings(subject.prototype, frozenset(n for n, _, _ in subject.slots), selectors, frozenset(parts))


def _refused(subject: Subject, made: Made) -> str:
    result = assay(Candidate(made.selector, made.name, made.parameters, made.source), surroundings(subject))
    return "" if result.failure is None else f"{result.failure.gate}: {result.failure.reason}"


def _run_all(world: World, subject: Subject, skip: set[str]) -> dict[str, str]:
    base = world.lookup("Object")
    twins = []
    for language in ("python", "smalltalk"):
        prototype = world.clone(base)
        for name, value in subject.states[0].items():
            world.families.set_slot(prototype, name, _stored(world, value))
        for made in subject.methods:
            if made.selector in skip:
                continue
            source = made.source if language == "python" else f"{made.pattern} [ {made.message} ]"
            world.define(prototype, Method(made.selector, source, language, author="model:trial"))
        twins.append(prototype)
    found: dict[str, str] = {}
    for made in subject.methods:
        if made.selector in skip:
            continue
        held = 0
        for state, arguments in zip(subject.states, made.arguments, strict=True):
            told = [_outcome(world, twin, state, made, arguments) for twin in twins]
            held += told[0] != RAISES
            if told[0] != told[1]:
                found[made.selector] = f"in Python {told[0]}, in messages {told[1]}"
                break
        if not held:
            found.setdefault(made.selector, "it fails in every state")
    return found


RAISES = "raises an error"
PART = (
    "start [ ready := true. ^self ]", "stop [ ready := false. ^self ]", "area [ ^size * size ]",
    "grow: amount [ size := size + amount. ^self ]",
)  # fmt: skip


def _outcome(world: World, prototype: Any, state: dict[str, Any], made: Made, arguments: tuple[Any, ...]) -> Any:
    thing, other = world.clone(prototype), world.clone(prototype)
    for name, value in state.items():
        world.families.set_slot(thing, name, _stored(world, value))
        world.families.set_slot(other, name, _stored(world, value))
    values = [other if a is OTHER else a for a in arguments]
    try:
        answer = world.send(thing, made.selector, *values)
    except (Exception, Unhandled):
        return RAISES
    plain = "self" if answer is thing else plain_value(answer)
    return plain, {name: plain_value(own_slots(thing).get(name)) for name in state}


def _recorded(world: World, subject: Subject) -> dict[str, Any]:
    """The first state as data, and each call in it that can be written as data, with what the messages do."""
    state = subject.states[0]
    if any(isinstance(value, Part) for value in state.values()):
        return {}
    twin = world.clone(world.lookup("Object"))
    for name, value in state.items():
        world.families.set_slot(twin, name, _stored(world, value))
    for made in subject.methods:
        source = f"{made.pattern} [ {made.message} ]"
        world.define(twin, Method(made.selector, source, "smalltalk", author="model:trial"))
    calls = []
    for made in subject.methods:
        if OTHER in made.arguments[0]:
            continue
        told = _outcome(world, twin, state, made, made.arguments[0])
        if told != RAISES:
            answer, after = told
            changed = {n: v for n, v in after.items() if v != plain_value(_stored(world, state[n]))}
            calls.append({
                "selector": made.selector, "arguments": list(made.arguments[0]), "answer": answer, "after": changed,
            })  # fmt: skip
    return {"slots": dict(state), "calls": calls} if calls else {}


def _again(world: World, trial: Trial, methods: dict[str, str]) -> str:
    twin = world.clone(world.lookup("Object"))
    for name, value in trial.slots.items():
        world.families.set_slot(twin, name, _stored(world, value))
    for call in trial.calls:
        source = methods.get(python_name(call.selector))
        if source is None:
            return f"{call.selector} is called, and there is no such method"
        world.define(twin, Method(call.selector, source, "python", author="model:trial"))
    for call in trial.calls:
        made = Made("", call.selector, (), (), "", ())
        told = _outcome(world, twin, trial.slots, made, call.arguments)
        if told == RAISES:
            return f"{call.selector} fails"
        answer, after = told
        changed = {n: v for n, v in after.items() if v != plain_value(_stored(world, trial.slots[n]))}
        if answer != call.answer or changed != call.after:
            return f"{call.selector} answers {answer} and leaves {changed}, not {call.answer} and {call.after}"
    return ""


def _stored(world: World, value: Any) -> Any:
    if isinstance(value, list):
        made = world.send(world.lookup("OrderedCollection"), "new")
        for each in value:
            world.send(made, "add:", each)
        return made
    if isinstance(value, dict):
        made = world.send(world.lookup("Dictionary"), "new")
        for key, each in value.items():
            world.send(made, "at:put:", key, each)
        return made
    if isinstance(value, Part):
        part = world.clone(world.lookup("Object"))
        for name in ("name", "size", "power", "ready"):
            world.families.set_slot(part, name, getattr(value, name))
        for source in PART:
            world.define(part, Method(source.partition(" ")[0], source, "smalltalk", author="model:trial"))
        return part
    return value


def plain_value(value: Any) -> Any:
    """A value of the world as plain Python, numbers as floats of ten digits, so that 1/2 and 0.5 are the same."""
    if isinstance(value, int) or value is None:
        return value
    if isinstance(value, float | Fraction):
        return float(f"{float(value):.10g}")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple | set | range):
        return [plain_value(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain_value(v) for k, v in value.items()}
    if is_object(value):
        items = own_slots(value).get("_items", getattr(value, "_items", None))
        if isinstance(items, dict):
            return plain_value(items)
        if items is not None and not isinstance(items, str):
            return [plain_value(v) for v in items]
        if isinstance(items, str):
            return text_of(value)
        return {n: plain_value(v) for n, v in own_slots(value).items() if n in ("name", "size", "power", "ready")}
    return repr(value)


__all__ = ["Scratch", "plain_value", "python_name", "surroundings"]
