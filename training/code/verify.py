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
from ...interp.families import is_method
from ...interp.flow import Unhandled
from ...jit.crucible import assay
from ...jit.gates.verdict import Candidate, Surroundings
from ..schema import Trial
from ..worlds import scratch_worker
from .compose import OTHER, Made, Part, Subject
from .others import Kind


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
    parts = {name for kind in subject.kinds.values() for name, _ in (*kind.slots, *kind.methods)}
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
        for number, (state, arguments) in enumerate(zip(subject.states, made.arguments, strict=True)):
            beside = subject.states[(number + 1) % len(subject.states)]
            told = [_outcome(world, twin, state, made, arguments, beside) for twin in twins]
            held += told[0] != RAISES
            if told[0] != told[1]:
                found[made.selector] = f"in Python {told[0]}, in messages {told[1]}"
                break
        if not held:
            found.setdefault(made.selector, "it fails in every state")
    return found


RAISES = "raises an error"


def _outcome(
    world: World,
    prototype: Any,
    state: dict[str, Any],
    made: Made,
    arguments: tuple[Any, ...],
    beside: dict[str, Any] | None = None,
) -> Any:
    """What the method answers and leaves, in the receiver and, where it takes another such object, in that one, whose
    state is `beside`."""
    thing, other = world.clone(prototype), world.clone(prototype)
    for name, value in state.items():
        world.families.set_slot(thing, name, _stored(world, value))
        if OTHER in arguments:
            world.families.set_slot(other, name, _stored(world, (beside or state)[name]))
    values = [other if a is OTHER else a for a in arguments]
    try:
        answer = world.send(thing, made.selector, *values)
    except (Exception, Unhandled):
        return RAISES
    plain = "self" if answer is thing else plain_value(answer)
    left = {name: plain_value(own_slots(thing).get(name)) for name in state}
    if OTHER in arguments:
        left |= {f"other {name}": plain_value(own_slots(other).get(name)) for name in state}
    return plain, left


def _recorded(world: World, subject: Subject) -> dict[str, Any]:
    """The first state as data, and each call in it that can be written as data, with what the messages do."""
    state = subject.states[0]
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
    if not calls:
        return {}
    kinds = {name: [kind.name, kind.slots, kind.methods] for name, kind in subject.kinds.items()}
    told = {"slots": {name: _as_data(value) for name, value in state.items()}, "calls": calls}
    return {**told, "kinds": kinds} if kinds else told


def _as_data(value: Any) -> Any:
    if isinstance(value, Part):
        return list(value.values)
    return [_as_data(each) for each in value] if isinstance(value, list) else value


def _state_of(trial: Trial) -> dict[str, Any]:
    """The slots of a recorded trial with their objects. Raises ValueError, TypeError where they are none."""
    state = dict(trial.slots)
    for name, (kind_name, slots, methods) in trial.kinds.items():
        kind = Kind(kind_name, tuple(map(tuple, slots)), tuple(map(tuple, methods)))  # type: ignore[arg-type]
        value = state[name]
        listed = bool(value) and isinstance(value[0], list)
        state[name] = [Part(kind, tuple(v)) for v in value] if listed else Part(kind, tuple(value))
    return state


def _again(world: World, trial: Trial, methods: dict[str, str]) -> str:
    state = _state_of(trial)
    twin = world.clone(world.lookup("Object"))
    for name, value in state.items():
        world.families.set_slot(twin, name, _stored(world, value))
    for call in trial.calls:
        source = methods.get(python_name(call.selector))
        if source is None:
            return f"{call.selector} is called, and there is no such method"
        world.define(twin, Method(call.selector, source, "python", author="model:trial"))
    for call in trial.calls:
        made = Made("", call.selector, (), (), "", ())
        told = _outcome(world, twin, state, made, call.arguments)
        if told == RAISES:
            return f"{call.selector} fails"
        answer, after = told
        changed = {n: v for n, v in after.items() if v != plain_value(_stored(world, state[n]))}
        if answer != call.answer or changed != call.after:
            return f"{call.selector} answers {answer} and leaves {changed}, not {call.answer} and {call.after}"
    return ""


def _stored(world: World, value: Any) -> Any:
    if isinstance(value, list):
        made = world.send(world.lookup("OrderedCollection"), "new")
        for each in value:
            world.send(made, "add:", _stored(world, each))
        return made
    if isinstance(value, dict):
        made = world.send(world.lookup("Dictionary"), "new")
        for key, each in value.items():
            world.send(made, "at:put:", key, each)
        return made
    if isinstance(value, Part):
        part = world.clone(world.lookup("Object"))
        for (name, _), each in zip(value.kind.slots, value.values, strict=True):
            world.families.set_slot(part, name, each)
        for selector, body in value.kind.methods:
            head = selector.replace(":", ": n")
            world.define(part, Method(selector, f"{head} [ {body} ]", "smalltalk", author="model:trial"))
        return part
    return value


def plain_value(value: Any, deep: int = 2) -> Any:
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
            return [plain_value(v, deep) for v in items]
        if isinstance(items, str):
            return text_of(value)
        slots = own_slots(value).items()
        kept = {n: v for n, v in slots if n.isidentifier() and not n.startswith("_") and not is_method(v)}
        return {n: plain_value(v, deep - 1) for n, v in kept.items()} if deep else "..."
    return repr(value)


__all__ = ["Scratch", "plain_value", "python_name", "surroundings"]
