"""What may be typed at a place: names, or the selectors of a receiver that can be told without running anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .bridge.covenant import Complete, Completion, Completions
from .image.object import Body, own_slots
from .image.values import Character, Symbol
from .snapshot import object_of, show, slots_of

if TYPE_CHECKING:
    from .interp.world import World

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*:?$")
# What stands before the word: the receiver, if it is one token.
TOKEN = re.compile(
    r"""(?: (?P<string>'(?:[^']|'')*') | (?P<symbol>\#[A-Za-z:]+) | (?P<character>\$.) | (?P<block>\]) | (?P<array>\})
      | (?P<float>\d+\.\d+(?:e-?\d+)?) | (?P<integer>\d+) | (?P<name>[A-Za-z_][A-Za-z0-9_]*) )\s+$""",
    re.VERBOSE,
)
RESERVED = ("self", "super", "nil", "true", "false", "thisContext")
UNKNOWN = object()


def complete(world: World, command: Complete) -> Completions:
    """Completions at `position`: selectors if a receiver stands before the word, else names."""
    before = command.source[: command.position]
    match = WORD.search(before)
    word = match.group() if match else ""
    start = len(before) - len(word)
    ahead = before[:start]
    workspace = workspace_of(world, command.workspace)
    receiver = receiver_at(world, workspace, ahead)
    if receiver is UNKNOWN and not ahead.rstrip(" \t").endswith((")", "]", "'", "}")):
        found = names(world, workspace, word)
    elif receiver is UNKNOWN:
        found = selectors(world, world.genesis, word)
    else:
        found = selectors(world, receiver, word)
    items: dict[str, Completion] = {}
    for item in found:
        items.setdefault(item.text, item)
        if len(items) >= 5000:
            break
    ordered = sorted(items.values(), key=lambda item: (item.text.lower(), item.text))
    return Completions(start=start, items=ordered[: command.limit])


def workspace_of(world: World, name: str) -> Body | None:
    """The workspace, if it is there; looking makes none. `@HANDLE` is an object."""
    if name.startswith("@"):
        return object_of(world, name[1:])
    found = world.root.get("workspaces", {}).get(name)
    return found if isinstance(found, Body) else None


def receiver_at(world: World, workspace: Body | None, ahead: str) -> Any:
    match = TOKEN.search(ahead)
    if match is None:
        return UNKNOWN
    samples = {
        "string": "",
        "symbol": Symbol("a"),
        "character": Character("a"),
        "array": (),
        "float": 1.0,
        "integer": 1,
    }
    kind = match.lastgroup or ""
    if kind in samples:
        return samples[kind]
    name = match.group("name")
    if kind != "name" or name is None:
        return UNKNOWN
    literals = {"nil": None, "true": True, "false": False, "self": workspace or world.genesis}
    if name in literals:
        return literals[name]
    if workspace is not None and name in own_slots(workspace):
        return own_slots(workspace)[name]
    found = world.lookup(name)
    return UNKNOWN if found is None else found


def names(world: World, workspace: Body | None, word: str) -> Iterator[Completion]:
    """Names that begin with `word`: the workspace's variables, the world's names, reserved words."""
    if workspace is not None:
        for name, value, method in slots_of(workspace):
            if name.startswith(word) and not method and name != "parent*":
                yield Completion(text=name, what="variable", hint=show(world, value)[:60])
    for name in list(own_slots(world.names)):
        if name.startswith(word) and name[:1].isupper():
            yield Completion(text=name, what="name")
    for name in RESERVED:
        if name.startswith(word):
            yield Completion(text=name, what="reserved")


def selectors(world: World, receiver: Any, word: str) -> Iterator[Completion]:
    """Selectors that begin with `word` and that the receiver understands, its own before its parents'."""
    order = list(world.family(receiver).order)
    if isinstance(receiver, Body) and receiver not in order:
        order.insert(0, receiver)
    for one in order:
        owner = world.describe(one)
        for name, value, method in slots_of(one):
            selector = name.removeprefix("&") if len(name) > 1 else name
            if selector.startswith(word) and not selector.endswith("*"):
                hint = str(own_slots(value).get("comment") or "").split("\n")[0][:80] if method else "slot"
                yield Completion(text=selector, what=owner, hint=hint)
            if not method and not name.endswith("*") and (name + ":").startswith(word) and word:
                yield Completion(text=name + ":", what=owner, hint="slot")
