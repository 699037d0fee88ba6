"""What a person says of behaviour that is not written yet (examples, policy), and asking a model in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image import ledger
from ...image.collections import OrderedCollection, text_of
from ...image.object import own_slots
from ...image.values import Symbol
from ..example import Example, selectors_of
from ..flow import Fault, Missed
from ..misses import Asked
from ..outside import into_world
from . import primitive
from .objects import is_text

if TYPE_CHECKING:
    from ..world import World

MAX_TEXT = 4_000
MAX_EXAMPLES = 200
POLICIES = ("off", "ask", "auto")


@primitive("jit.policy", world=True)
def policy(world: World) -> Any:
    def policy(self: Any, policy: Any) -> Any:
        if policy is not None and (not is_text(policy) or text_of(policy) not in POLICIES):
            raise Fault("SystemExceptions.InvalidArgument", "a policy is #off, #ask or #auto, or nil: as elsewhere")
        world.families.set_slot(self, "jitPolicy", None if policy is None else Symbol(text_of(policy)))
        return self

    return policy


@primitive("jit.example", world=True)
def example(world: World) -> Any:
    def example(self: Any, text: Any) -> Any:
        try:
            parsed = Example.read(_bounded(text))
        except ValueError as problem:
            raise Fault("SystemExceptions.InvalidArgument", str(problem)) from None
        return _keep(world, self, text=str(parsed), selectors=tuple(map(Symbol, sorted(selectors_of(parsed)))))

    return example


@primitive("jit.exampleBlock", world=True)
def example_block(world: World) -> Any:
    def example_block(self: Any, block: Any, selector: Any) -> Any:
        if not callable(block):
            raise Fault("SystemExceptions.WrongClass", "an example is a block that answers true, or a text")
        name = _bounded(selector)
        return _keep(world, self, text=f"a block for {name}", block=block, selectors=(Symbol(name),))

    return example_block


def _keep(world: World, thing: Any, **slots: Any) -> Any:
    made = world.clone(world.lookup("Example"))
    for name, value in slots.items():
        setattr(made, name, value)
    kept = own_slots(thing).get("examples")
    if getattr(type(kept), "_p_traits", "") != "OrderedCollection":
        kept = world.families.new(OrderedCollection, [])
        world.families.set_slot(thing, "examples", kept)
    if world.send(kept, "size") >= MAX_EXAMPLES:
        raise Fault("SystemExceptions.InvalidState", f"{world.describe(thing)} has {MAX_EXAMPLES} examples already")
    world.send(kept, "add:", made)
    return made


@primitive("jit.ask", world=True)
def ask(world: World) -> Any:
    def ask(self: Any, text: Any) -> str:
        said = _bounded(text)
        if not said.strip():
            raise Fault("SystemExceptions.InvalidArgument", "say what you want: genesis ask: 'Create a button'")
        asked = world.answers.get(said)
        if asked is None:
            if world.policy is None:
                raise Fault("Error", "no model answers here: the JIT is off (batos --jit ask, or auto)")
            raise Missed(Asked(said, self._p_oid or b"", world.describe(self)))
        well, answer = asked
        if not well:
            raise Fault("Error", answer)
        return str(answer)

    return ask


@primitive("jit.chat", world=True)
def chat(world: World) -> Any:
    def chat(self: Any) -> str:
        told = []
        for turn in ledger.turns(world.root, world.workspace):
            code = turn["code"].replace("\n", "\n    ")
            told.append(f"you: {turn['said']}\nmodel: {turn['explanation']}\n    {code}")
        return "\n".join(told)

    return chat


@primitive("jit.story", world=True)
def story(world: World) -> Any:
    return lambda self: into_world(world, own_slots(self)["provenance"])


@primitive("jit.newChat", world=True)
def new_chat(world: World) -> Any:
    def new_chat(self: Any) -> Any:
        ledger.keep_turns(world.root, world.workspace, ())
        return self

    return new_chat


def _bounded(text: Any) -> str:
    if not is_text(text):
        raise Fault("SystemExceptions.WrongClass", "a text is wanted here")
    found = text_of(text)
    if len(found) > MAX_TEXT:
        raise Fault("SystemExceptions.InvalidArgument", f"at most {MAX_TEXT} characters")
    return found
