"""The Prototypal Awakening: what an empty image is given, so that the first message finds a world.

The root gets ``genesis`` (the object everything delegates to, named Object), ``names`` (the world's names),
``workspaces`` and ``epoch``. The genesis object's primordial slots are set here, in Python; all else is the library in
``genesis/*.st``, evaluated in order, in one transaction.
"""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING, Any

import transaction
from ZODB.POSException import ConflictError

from ..grammar import nodes, parse
from ..image.method import Method
from ..image.object import MISSING, Body, UvmObject, own_slots
from .classes import make_sides

if TYPE_CHECKING:
    from .world import World

PRIMORDIAL = (
    (
        'clone [ "Answer a new object that shows the receiver\'s slots until they are written." '
        "<primitive: 'object.clone'> ]"
    ),
    "setSlot: name value: value [ \"Write a slot; answer the value.\" <primitive: 'object.setSlot'> ]",
    "getSlot: name [ \"The value of a slot found by delegation, or nil.\" <primitive: 'object.getSlot'> ]",
    "ifTrue: yes ifFalse: no [ \"Only Booleans choose.\" <primitive: 'object.notBoolean'> ]",
    "whileTrue: body [ \"Only blocks loop.\" <primitive: 'object.notBoolean'> ]",
    (
        'doesNotUnderstand: message [ "A near miss is reported; the policy decides about the rest." '
        "<primitive: 'object.doesNotUnderstand'> ]"
    ),
)
LIBRARY_AUTHOR = "genesis"


def sources() -> list[tuple[str, str]]:
    """Name and text of the library's files, in the order they are read in."""
    folder = resources.files(__package__).joinpath("genesis")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".st")), key=lambda f: f.name)
    return [(f.name, f.read_text(encoding="utf-8")) for f in files]


def awaken(image: Any) -> None:
    """Give an empty image its genesis object and the library. Two openers at once: the second finds it done."""
    for attempt in range(100):
        try:
            _awaken(image)
            return
        except ConflictError:
            if attempt == 99:
                raise
            time.sleep(0.02)  # until the other's commit is seen here


def _awaken(image: Any) -> None:
    from .primitives import all_primitives
    from .world import World

    manager = transaction.TransactionManager(explicit=True)
    manager.begin()
    connection = image.db.open(manager)
    try:
        root = connection.root()
        if "genesis" in root:
            manager.abort()
            return
        make_root(root)
        world = World(connection, all_primitives())
        world.attach()
        world.set_name("Object", root["genesis"])
        world.set_name("Smalltalk", root["names"])
        for text in PRIMORDIAL:
            from ..grammar import parse_method

            tree = parse_method(text)
            world.define(root["genesis"], Method(tree.selector, text, author=LIBRARY_AUTHOR, comment=tree.comment))
        for name, text in sources():
            read_in(world, text, f"genesis/{name}")
        make_sides(world)
        root["library"] = frozenset(own_slots(root["names"]))  # what is there before anybody gave a name
        manager.get().note("Prototypal Awakening")
        manager.commit()
    except BaseException:
        manager.abort()
        raise
    finally:
        connection.close()


def make_root(root: Any) -> None:
    from BTrees.OOBTree import OOBTree, OOTreeSet

    from ..image.shared import Epoch

    genesis = UvmObject()
    genesis._slots["parent*"] = ()
    names = UvmObject()
    names._slots["parent*"] = genesis
    root["genesis"] = genesis
    root["names"] = names
    root["workspaces"] = OOBTree()
    root["accessors"] = OOTreeSet()  # names that both a datum and a method have
    root["epoch"] = Epoch()


def read_in(world: World, text: str, origin: str) -> None:
    """Evaluate a library file in the transaction at hand; the first error ends it."""
    from .stack import Source

    program = parse(text, origin)
    workspace = workspace_named(world, "genesis")
    for statement in program.statements:
        span = statement.span
        piece = text[span.start : span.end]
        node = statement.target if isinstance(statement, nodes.Define) else statement
        if isinstance(statement, nodes.Variables):
            continue
        if isinstance(statement, nodes.Define) and isinstance(node, nodes.Name):
            value = world.lookup(node.name)
            if value is None:
                raise NameError(f"{origin}:{span.line}: nothing is named {node.name}")
        else:
            source = Source(origin, "\n" * (span.line - 1) + " " * (span.column - 1) + piece, origin)
            value = world.statement(node, workspace, source, f"{origin}:{span.line}:{span.column}")(workspace)
        if isinstance(statement, nodes.Define):
            method = statement.method
            source_text = text[method.span.start : method.span.end]
            world.define(
                value,
                Method(method.selector, source_text, method.language, author=LIBRARY_AUTHOR, comment=method.comment),
            )


def workspace_named(world: World, name: str) -> Any:
    """The workspace of that name, a persistent object whose slots are the variables of the top level; made if new.

    ``@00a1`` is the object with that oid, whichever it is: an inspector's messages run with it as self.
    """
    if name.startswith("@"):
        return _object_at(world, name[1:])
    workspaces = world.root["workspaces"]
    workspace = workspaces.get(name)
    if workspace is None:
        prototype = world.lookup("Workspace") or world.genesis
        workspace = world.clone(prototype)
        workspaces[name] = workspace
    elif own_slots(workspace).get("parent*", MISSING) is world.genesis and world.lookup("Workspace") is not None:
        world.families.set_slot(workspace, "parent*", world.lookup("Workspace"))
    world.families.current(workspace)
    return workspace


def _object_at(world: World, oid: str) -> Any:
    from .flow import Fault

    try:
        found = world.connection.get(bytes.fromhex(oid.zfill(16)))
    except (KeyError, ValueError):
        found = None
    if not isinstance(found, Body) or len(oid) > 16:
        raise Fault("SystemExceptions.NotFound", f"no object of this image has the handle {oid[:40]}")
    own_slots(found)
    world.families.current(found)
    return found
