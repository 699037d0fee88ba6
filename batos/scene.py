"""A tree of morphs as data for a window: what each shows, and how prototypes want it drawn.

The state of a scene is flat: a morph's handle -> its node, and ``view:HANDLE`` -> how a prototype (or a morph with
a look of its own) is drawn. A node holds the slots that the morph shows, found along its parents up to the genesis
object, as plain data; beside them ``kind`` (the nearest prototype with a name), ``views`` (handles of those that say
how to draw it, nearest first), ``within`` (its owner) and ``holds`` (handles of its submorphs, the foremost last). What
is not shown though it is meant to be is told in words by the outermost node's ``amiss``.

A Scene remembers what it has read together with the serial numbers of the objects that this came from, so that looking
again costs a comparison for each morph that did not change. No message is sent to any object for it. ``world`` is a
World, or, for the image as it was, Then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from .bridge.codes import Code
from .bridge.covenant import GetScene, UvmStateUpdateEvent
from .image.collections import String, ghost_of
from .image.object import Body, own_slots
from .snapshot import Refused, as_data, cut, handle_of, object_of

MOST_MORPHS = 20_000
MOST_TEXT = 256 * 1024  # characters of one slot
MOST_BYTES = 4 * 1024 * 1024  # of one slot: a picture
MOST_ITEMS = 10_000  # of one sequence: a list's, a plot's
MOST_DEPTH = 60  # of morphs within morphs
MOST_AMISS = 5  # told of what is not shown
UNSHOWN = frozenset({"owner", "children", "comment", "kv", "python"})

Serials = list[tuple[Body, bytes]]


@dataclass(slots=True)
class Known:
    """What was read of one morph, and of which versions of which objects."""

    serials: Serials
    node: dict[str, Any]
    children: list[Body]
    placed: dict[str, Any] = field(default_factory=dict)

    def place(self, within: str | None, holds: list[str | None]) -> dict[str, Any]:
        """The node with its place in the tree; the very same dict as last time if that is the same."""
        if self.placed.get("within", 0) != within or self.placed.get("holds") != holds:
            self.placed = {**self.node, "within": within, "holds": holds}
        return self.placed


class Scene:
    """What is shown of the morph with a handle (None: the world's, `World`), read again and again."""

    def __init__(self, handle: str | None = None) -> None:
        self.handle = handle
        self._nodes: dict[bytes, Known] = {}
        self._above: dict[tuple[int, ...], tuple[Serials, dict[str, Any], list[Body], str]] = {}

    def look(self, world: Any) -> tuple[dict[str, Any], bool, str]:
        """(state, whether there was more, handle of the outermost morph). Refused if there is no such morph."""
        top = world.lookup("World") if self.handle is None else object_of(world, self.handle)
        if not isinstance(top, Body) or not handle_of(top):
            raise Refused(Code.NO_SUCH_OBJECT, "this image has no World")
        state: dict[str, Any] = {}
        known, self._nodes = self._nodes, {}
        holders: dict[str, Body] = {}
        fresh: dict[tuple[int, ...], bool] = {}
        pending: list[tuple[Body, Body | None, int]] = [(top, None, 0)]
        truncated = False
        amiss: dict[str, None] = {}
        while pending:
            thing, within, depth = pending.pop()
            handle = handle_of(thing)
            if handle is None or handle in state:
                continue
            if len(state) >= MOST_MORPHS:
                truncated = True
                amiss[f"more than {MOST_MORPHS:,} morphs; the others are not shown"] = None
                break
            if depth > MOST_DEPTH:
                truncated = True
                amiss[f"{world.describe(thing)} is more than {MOST_DEPTH} morphs deep and is not shown"] = None
                continue
            oid = thing._p_oid
            kept = known.get(oid)
            if kept is None or not _same(kept.serials) or not self._parents_same(world, thing, fresh):
                kept = self._read(world, thing, fresh)
            self._nodes[oid] = kept
            inside = [each for each in kept.children if own_slots(each).get("owner") is thing]
            state[handle] = kept.place(handle_of(within), [handle_of(each) for each in inside])
            for holder in kept.node["views"]:
                holders.setdefault(holder, thing)
            pending.extend((each, thing, depth + 1) for each in reversed(inside))
            for each in kept.children if len(inside) < len(kept.children) else ():
                owner = own_slots(each).get("owner")
                if owner is not thing and len(amiss) < MOST_AMISS:
                    amiss[_astray(world, each, thing, owner)] = None
        for holder in holders:
            state["view:" + holder] = _view(world, object_of(world, holder))
        outermost = handle_of(top) or ""
        if amiss:
            state[outermost] = {**state[outermost], "amiss": list(amiss)}
        return state, truncated, outermost

    def _parents_same(self, world: Any, thing: Body, fresh: dict[tuple[int, ...], bool]) -> bool:
        key = _key(thing)
        if key not in fresh:
            kept = self._above.get(key)
            fresh[key] = kept is not None and _same(kept[0])
            if not fresh[key]:
                self._above[key] = _inherited(world, thing)
        return fresh[key]

    def _read(self, world: Any, thing: Body, fresh: dict[tuple[int, ...], bool]) -> Known:
        key = _key(thing)
        if key not in self._above or key not in fresh:
            self._parents_same(world, thing, fresh)
        _, inherited, views, kind = self._above[key]
        serials: Serials = [_version(thing)]
        own = own_slots(thing)
        shown = dict(inherited)
        _take(world, own, shown, serials)
        if _drawn(own):
            views = [thing, *views]
        children: list[Body] = []
        held = own.get("children")
        if isinstance(held, Body):
            serials.append(_version(held))
            items = own_slots(held).get("_items")
            if isinstance(items, list):
                children = [each for each in items if isinstance(each, Body) and handle_of(each)]
        name = own.get("name*")
        node = {**shown, "kind": name if isinstance(name, str) else kind, "views": [handle_of(v) for v in views]}
        return Known(serials, node, children)


def _astray(world: Any, each: Body, thing: Body, owner: Any) -> str:
    """What is told of a morph that is among another's children, and is not in it."""
    here = f"{world.describe(each)} is among the children of {world.describe(thing)}"
    if not isinstance(owner, Body):
        return f"{here}, and has no owner; it is not shown there"
    above: Any = owner
    for _ in range(MOST_DEPTH):
        if above is each:
            return f"{here}, and its owner {world.describe(owner)} is in it: they run in a circle and are not shown"
        above = own_slots(above).get("owner") if isinstance(above, Body) else None
    return f"{here}, and its owner is {world.describe(owner)}; it is not shown there"


def _key(thing: Body) -> tuple[int, ...]:
    """Which parents an object has; objects with the same ones inherit the same."""
    parents = own_slots(thing).get("parent*", ())
    return tuple(id(each) for each in (parents if isinstance(parents, tuple | list) else (parents,)))


def _same(serials: Serials) -> bool:
    """Is every object the version it was? One that was invalidated is a ghost now, and still has the old serial."""
    return all(thing._p_changed is not None and thing._p_serial == serial for thing, serial in serials)


def _version(thing: Body) -> tuple[Body, bytes]:
    own_slots(thing)  # loads it
    return thing, thing._p_serial


def _inherited(world: Any, thing: Body) -> tuple[Serials, dict[str, Any], list[Body], str]:
    """What an object finds along its parents: their serials, slots as data, who draws, the nearest name."""
    serials: Serials = []
    shown: dict[str, Any] = {}
    order: list[Body] = []
    _collect(own_slots(thing).get("parent*"), world.genesis, order, {id(thing)})
    kind = ""
    for each in reversed(order):
        own = own_slots(each)
        serials.append(_version(each))
        _take(world, own, shown, serials)
        if isinstance(own.get("name*"), str):
            kind = own["name*"]
    return serials, shown, [each for each in order if _drawn(own_slots(each))], kind or "Morph"


def _collect(parents: Any, genesis: Body, order: list[Body], seen: set[int]) -> None:
    """Depth first, each object once, up to the genesis object, which draws nothing."""
    for each in parents if isinstance(parents, tuple | list) else (parents,):
        if isinstance(each, Body) and id(each) not in seen and each is not genesis and len(order) < MOST_DEPTH:
            seen.add(id(each))
            order.append(each)
            _collect(own_slots(each).get("parent*"), genesis, order, seen)


def _drawn(own: Any) -> bool:
    return bool(own.get("kv") or own.get("python"))


def _take(world: Any, own: Any, shown: dict[str, Any], serials: Serials) -> None:
    from .interp.families import is_method

    for name, value in own.items():
        if name in UNSHOWN or name[0] in "_&" or name.endswith("*") or is_method(value):
            continue
        shown[name] = plain(world, value, serials)


def plain(world: Any, value: Any, serials: Serials, depth: int = 0) -> Any:
    """A slot's value for a window: as data where it can be, whole sequences of numbers and texts too."""
    kind = type(value)
    if kind is str:
        return cut(value, MOST_TEXT)
    if kind is bytes:
        return value[:MOST_BYTES]
    if isinstance(value, Body):
        items = own_slots(value).get("_items") if depth < 3 else None
        if isinstance(items, str | list | bytearray | dict):
            serials.append(_version(value))
            if isinstance(items, bytearray):
                return bytes(items[:MOST_BYTES])
            if isinstance(items, str):
                return cut(items, MOST_TEXT)
            if isinstance(items, dict):
                keys = list(items)[:100]
                return {str(key): plain(world, items[key], serials, depth + 1) for key in keys if type(key) is str}
            if ghost_of(value) is String:
                return cut("".join(map(str, items)), MOST_TEXT)
            return [plain(world, item, serials, depth + 1) for item in items[:MOST_ITEMS]]
        return {"handle": handle_of(value) or "", "print": world.describe(value)}
    if kind is tuple and depth < 3:
        return [plain(world, item, serials, depth + 1) for item in value[:MOST_ITEMS]]
    if kind is FunctionType:
        return {"handle": "", "print": "a BlockClosure"}
    return as_data(world, value, 3)


def _view(world: Any, holder: Body) -> dict[str, Any]:
    """How one prototype wants to be drawn: a Kivy rule and Python as text, and the slots a rule may name."""
    own = own_slots(holder)
    serials: Serials = []
    _, shown, _, _ = _inherited(world, holder)
    _take(world, own, shown, serials)
    name = own.get("name*")
    texts = {part: plain(world, own.get(part), serials) for part in ("kv", "python")}
    return {
        "name": name if isinstance(name, str) else "",
        **{part: text if isinstance(text, str) else "" for part, text in texts.items()},
        "slots": sorted(shown),
    }


class Then:
    """The image as it was, in the words that reading a scene needs of a world. Nothing can be sent in it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.genesis = connection.root()["genesis"]
        self._names = own_slots(connection.root()["names"])

    def lookup(self, name: str) -> Any:
        return self._names.get(name)

    def describe(self, thing: Body) -> str:
        name = own_slots(thing).get("name*")
        return name if isinstance(name, str) else "an object"


def scene_page(world: Any, command: GetScene) -> UvmStateUpdateEvent:
    """The answer to a GetScene."""
    state, truncated, target = Scene(command.target).look(world)
    names = list(state)[command.start : command.start + command.count]
    return UvmStateUpdateEvent(
        state={name: state[name] for name in names},
        target=f"scene:{target}",
        whole=command.start == 0,
        truncated=truncated or command.start + len(names) < len(state),
    )
