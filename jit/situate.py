"""Reads out of the world what a prompt and the gates need to know of a miss. Runs inside a transaction, keeps nothing
of it: what comes back are plain, bounded values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..image.collections import text_of
from ..image.method import Method
from ..image.object import Body, own_slots
from ..interp.example import Example
from ..interp.families import is_method
from ..interp.python_method import python_text
from .allowlist import REFLECTIVE
from .gates.verdict import Surroundings
from .situation import Argument, Neighbour, Situation, Slot
from .writes import writes_of

if TYPE_CHECKING:
    from ..interp import Miss, World

MAX_PRINTED = 60
MAX_SLOTS = 60
MAX_NEIGHBOURS = 40
MAX_OBJECTS = 2_000
"""Objects of the world looked through for the vocabulary."""
SAID = ("intent", "comment", "examples", "jitPolicy")
"""Slots in which people say something of an object; no part of its state."""
MAX_EXAMPLES = 30
MAX_MEMBERS, MAX_HELD = 6, 160
"""Slots, and methods, that are told of an object inside a slot; characters of all that."""
KINDS = {int: "int", float: "float", bool: "bool", str: "str", type(None): "nil", tuple: "list"}
STORED_KINDS = {"String": "str", "OrderedCollection": "list", "Array": "list", "Dictionary": "dict", "Set": "set"}
PRINTED_KINDS = (
    (re.compile(r"-?\d+"), "int"),
    (re.compile(r"-?\d+\.\d*(e-?\d+)?"), "float"),
    (re.compile(r"'.*'", re.S), "str"),
    (re.compile(r"true|false"), "bool"),
    (re.compile(r"nil"), "nil"),
)


def situate(world: World, miss: Miss) -> tuple[Situation, Surroundings]:
    """The situation of a miss for the prompt, and its surroundings for the gates."""
    prototype = world.connection.get(miss.prototype)
    receiver = world.connection.get(miss.receiver) if miss.receiver else prototype
    chain = _chain(world, receiver)
    slots: dict[str, Slot] = {}
    selectors: set[str] = set()
    neighbours: list[Neighbour] = []
    for one in chain:
        name = world.name_of(one)
        for slot, value in own_slots(one).items():
            plain = slot.removeprefix("&")
            if slot.endswith("*") or slot.startswith("_"):
                continue
            if name not in REFLECTIVE or not _of_library(value):
                selectors.add(plain)
            if is_method(value):
                method = own_slots(value)
                if method["author"] != "genesis" and len(neighbours) < MAX_NEIGHBOURS:
                    neighbours.append(_neighbour(name, plain, method))
            elif one is not world.genesis and slot.isidentifier() and len(slots) < MAX_SLOTS:
                slots.setdefault(slot, Slot(slot, kind_of(world, value), _printed(world, value), holds(world, value)))
    told = own_slots(prototype)
    situation = Situation(
        prototype=miss.prototype_name or "Object",
        selector=miss.selector,
        name=miss.python_name,
        arguments=tuple(
            Argument(name, _printed_kind(text), text[:MAX_PRINTED])
            for name, text in zip(miss.parameters, miss.arguments, strict=True)
        ),
        statement=miss.statement,
        receiver=world.describe(receiver),
        chain=tuple(n for n in map(world.name_of, chain) if n),
        slots=tuple(s for s in slots.values() if s.name not in SAID),
        intent=_text(told.get("intent")),
        comment=_text(told.get("comment")),
        neighbours=tuple(neighbours),
        elsewhere=tuple(_elsewhere(world, miss.selector)),
    )
    surroundings = Surroundings(
        prototype=situation.prototype,
        data_slots=frozenset(slots),
        selectors=frozenset(selectors),
        vocabulary=frozenset(_vocabulary(world)),
        world_names=frozenset(n for n in own_slots(world.names) if n[:1].isupper() and n.isidentifier()),
        neighbour_writes={
            n.selector: writes for n in neighbours if (writes := writes_of(n.source, n.language, frozenset(slots)))
        },
        receiver=miss.receiver.hex(),
    )
    return situation, surroundings


def surroundings_of(world: World, thing: Any) -> Surroundings:
    """What the static gates know of an object, where no message of its was missed."""
    slots = frozenset(
        slot
        for one in _chain(world, thing)
        for slot, value in own_slots(one).items()
        if slot.isidentifier() and not (world.name_of(one) in REFLECTIVE and _of_library(value))
    )
    library = frozenset(name for name, value in _named(world) if any(map(_of_library, own_slots(value).values())))
    return Surroundings(
        prototype=world.describe(thing),
        data_slots=slots,
        selectors=frozenset(),
        vocabulary=frozenset(_vocabulary(world)) | slots,
        world_names=frozenset(n for n in own_slots(world.names) if n[:1].isupper() and n.isidentifier()),
        library_names=library,
    )


def examples_for(world: World, miss: Miss) -> tuple[Example, ...]:
    """The examples that people gave for the prototype, or for what it delegates to, and that send the selector."""
    found: list[Example] = []
    for one in _chain(world, world.connection.get(miss.prototype)):
        items = getattr(own_slots(one).get("examples"), "_items", ())
        for number, thing in enumerate(items, 1):
            said = own_slots(thing) if isinstance(thing, Body) else {}
            if miss.selector not in [text_of(s) for s in said.get("selectors", ())]:
                continue
            if said.get("block") is not None:
                found.append(Example("", f"({world.name_of(one)} examples at: {number}) holds", "true"))
            else:
                with suppress(ValueError):  # it was read when it was given; the language may have changed since
                    found.append(Example.read(text_of(said["text"])))
    return tuple(found[:MAX_EXAMPLES])


def kind_of(world: World, value: Any) -> str:
    """What a model is told a value is: a Python word where there is one, else the name of its prototype."""
    kind = KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, Body):
        ghost: Any = getattr(type(value), "_p_ghost", type(value))
        if ghost.__name__ in STORED_KINDS:
            return STORED_KINDS[ghost.__name__]
        for one in _chain(world, value):
            if world.name_of(one):
                return world.name_of(one)
        return "Object"
    return "block" if callable(value) else type(value).__name__


def holds(world: World, value: Any) -> str:
    """What is inside of a value, so that a model knows what to ask of it (see `Slot.holds`); "" where that is plain."""
    if not isinstance(value, Body):
        return ""
    kind = kind_of(world, value)
    if kind not in STORED_KINDS.values():
        return _members(world, value)
    items = getattr(value, "_items", None)
    if isinstance(items, str) or not items:
        return ""
    if kind == "dict":
        key, held = next(iter(items.items()))
        return f"{kind_of(world, key)}: {kind_of(world, held)}"
    first = next(iter(items))
    members = _members(world, first) if kind_of(world, first) not in STORED_KINDS.values() else ""
    return kind_of(world, first) + (f": {members}" if members else "")


def _members(world: World, thing: Any) -> str:
    """`size int, name str, turn()`: slots with their kinds, then methods that people or models wrote; bounded."""
    if not isinstance(thing, Body):
        return ""
    slots: dict[str, str] = {}
    methods: dict[str, str] = {}
    for one in _chain(world, thing):
        if one is world.genesis:
            break
        for name, value in own_slots(one).items():
            plain = name.removeprefix("&")
            if name.endswith("*") or name.startswith("_") or name in SAID:
                continue
            if is_method(value):
                if own_slots(value)["author"] != "genesis":
                    taken = ", ".join("n" * plain.count(":"))
                    methods.setdefault(plain, f"{plain.replace(':', '_')}({taken})")
            elif name.isidentifier():
                slots.setdefault(name, f"{name} {kind_of(world, value)}")
    return ", ".join([*list(slots.values())[:MAX_MEMBERS], *list(methods.values())[:MAX_MEMBERS]])[:MAX_HELD]


def _chain(world: World, thing: Any) -> list[Any]:
    order = list(world.family(thing).order)
    return order if any(one is thing for one in order) else [thing, *order]


def _printed(world: World, value: Any) -> str:
    if isinstance(value, Body):
        text = world.describe(value)
    elif value is None or isinstance(value, bool):
        text = {None: "nil", True: "true", False: "false"}[value]
    else:
        text = repr(value) if isinstance(value, int | float | str) else type(value).__name__
    return text if len(text) <= MAX_PRINTED else text[: MAX_PRINTED - 3] + "..."


def _printed_kind(text: str) -> str:
    for pattern, kind in PRINTED_KINDS:
        if pattern.fullmatch(text):
            return kind
    return text.split()[-1] if text[:2] in ("a ", "an") else "object"


def _neighbour(prototype: str, selector: str, method: dict[str, Any]) -> Neighbour:
    if method["language"] == "python":
        return Neighbour(prototype, selector, python_text(method["source"])[0], "python")
    return Neighbour(prototype, selector, method["source"])


def _named(world: World) -> Iterator[tuple[str, Any]]:
    for number, (name, value) in enumerate(own_slots(world.names).items()):
        if number >= MAX_OBJECTS:
            return
        if isinstance(value, Body):
            yield name, value


def _vocabulary(world: World) -> Iterator[str]:
    """The words of the world, without those that only prototypes know which are about the system itself."""
    for name, thing in _named(world):
        reflective = name in REFLECTIVE or not name[:1].isupper()
        for slot, value in own_slots(thing).items():
            if slot.endswith("*") or slot.startswith("_") or (reflective and _of_library(value)):
                continue
            yield slot.removeprefix("&")


def _of_library(value: Any) -> bool:
    return is_method(value) and own_slots(value)["author"] == "genesis"


def _elsewhere(world: World, selector: str) -> Iterator[Neighbour]:
    found = 0
    for name, thing in _named(world):
        value = own_slots(thing).get(selector)
        if isinstance(value, Method) and own_slots(value)["author"] != "genesis":
            yield _neighbour(name, selector, own_slots(value))
            found += 1
            if found == 3:
                return


def _text(value: Any) -> str:
    return value[:400] if isinstance(value, str) else ""
