"""Primitives that look at the world: methods as objects, mirrors, and searching the image.

A search reads the image record by record and keeps the ids of what holds methods, no objects: its memory does not
grow with the data in the image.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ZODB.serialize import referencesf

from ...grammar import SyntaxProblem, parse_method
from ...grammar.python_text import parse_python
from ...image.collections import text_of
from ...image.method import Method, earlier, selector_of
from ...image.object import MISSING, is_object, own_slots, parents
from ...image.values import Symbol
from ..families import is_method
from ..flow import Fault
from . import primitive
from .objects import data_slots, is_text, slot_name, visible_slots

if TYPE_CHECKING:
    from ..world import World


# --- methods ----------------------------------------------------------------------


def own_methods(thing: Any) -> dict[str, Any]:
    """Selector to method, of an object's own slots, in alphabetical order."""
    if not is_object(thing):
        return {}
    slots = own_slots(thing)
    found = {name.removeprefix("&"): value for name, value in slots.items() if name[:2] != "__" and is_method(value)}
    return dict(sorted(found.items()))


@primitive("object.selectors", world=True)
def selectors(world: World) -> Any:
    return lambda self: world.new_array([Symbol(name) for name in own_methods(self)])


@primitive("object.method", world=True)
def method(world: World) -> Any:
    def method(self: Any, selector: Any) -> Any:
        name = slot_name(selector)
        value = own_methods(self).get(name)
        if value is None:
            value = world.family(self).find(name)[1]
        if not is_method(value):
            text = f"key not found: {world.describe(self)} has no method #{name}"
            raise Fault("SystemExceptions.NotFound", text, value=selector)
        return value

    return method


@primitive("method.selector")
def method_selector(self: Any) -> Any:
    selector = own_slots(self).get("selector")
    return None if selector is None else Symbol(str(selector))


@primitive("method.holder", world=True)
def method_holder(world: World) -> Any:
    """The named object, or the side of one, that holds a method; nil when none does. (Others would have to be looked
    for in the whole image.)"""

    def holder(self: Any) -> Any:
        selector = str(own_slots(self).get("selector"))
        for name, thing in own_slots(world.names).items():
            if name[-1] == "*" or not is_object(thing):
                continue
            for one in (thing, own_slots(thing).get("side*")):
                slots = own_slots(one) if one is not None else {}
                if slots.get(selector) is self or slots.get("&" + selector) is self:
                    return one
        return None

    return holder


@primitive("method.messages", world=True)
def messages(world: World) -> Any:
    return lambda self: world.new_array([Symbol(name) for name in sorted(sent_by(self))])


@primitive("method.history", world=True)
def history(world: World) -> Any:
    return lambda self: world.new_array(list(earlier(self))[::-1])


def sent_by(method: Any) -> frozenset[str]:
    """The selectors that a method sends, as its source says. A method in Python is not looked into."""
    from ..trees import sends_of

    slots = own_slots(method)
    return sends_of(slots["source"]) if slots["language"] == "smalltalk" else frozenset()


def names_in(method: Any) -> frozenset[str]:
    """The names that a method finds outside itself."""
    from ..trees import free_of

    slots = own_slots(method)
    return frozenset(free_of(slots["source"])) if slots["language"] == "smalltalk" else frozenset()


# --- named objects above and below ------------------------------------------------


def _named_above(world: World, thing: Any) -> Any:
    """The first object with a name that a thing delegates to; None of the genesis object."""
    return next((one for one in world.family(thing).order if one is not thing and world.name_of(one)), None)


@primitive("object.superclass", world=True)
def superclass(world: World) -> Any:
    return lambda self: _named_above(world, self)


def _named_below(world: World, wanted: Any) -> Any:
    """The objects that the world knows by name for which wanted answers true, each once, by name."""
    named = own_slots(world.names)
    found = {id(named[name]): named[name] for name in sorted(named) if name[0].isalpha() and is_object(named[name])}
    return world.new_array([one for one in found.values() if one is not world.names and wanted(one)])


@primitive("object.compile", world=True)
def compile_method(world: World) -> Any:
    """A method given as text: `deposit: amount [ ... ]`, or `def deposit_(self, amount): ...`."""

    def compile_method(self: Any, source: Any) -> Any:
        if not is_text(source):
            raise Fault("SystemExceptions.WrongClass", f"a method's source is a String, not {world.describe(source)}")
        if not is_object(self):
            raise Fault("SystemExceptions.WrongClass", f"{world.describe(self)} has no slots for a method")
        text = text_of(source)
        try:
            selector, language = method_head(text)
        except SyntaxProblem as problem:
            raise Fault("SystemExceptions.InvalidArgument", f"this is no method: {problem}") from problem
        except SyntaxError as problem:
            what = f"this is no Python method: {problem.msg} (line {problem.lineno or 1})"
            raise Fault("SystemExceptions.InvalidArgument", what) from problem
        world.define(self, Method(selector, text, language))
        return Symbol(selector)

    return compile_method


def method_head(text: str) -> tuple[str, str]:
    """Selector and language of a method's text. Raises SyntaxProblem or SyntaxError."""
    if not text.lstrip().startswith("def "):
        method = parse_method(text)
        return method.selector, method.language
    tree = parse_python(text.strip() + "\n")
    definition = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(definition, ast.FunctionDef):
        raise SyntaxError("one def is wanted, and nothing beside it")
    return selector_of(definition.name, len(definition.args.args) - 1), "python"


@primitive("object.subclasses", world=True)
def subclasses(world: World) -> Any:
    return lambda self: _named_below(world, lambda one: one is not self and _named_above(world, one) is self)


@primitive("object.allSubclasses", world=True)
def all_subclasses(world: World) -> Any:
    def all_subclasses(self: Any) -> Any:
        return _named_below(
            world, lambda one: one is not self and any(above is self for above in world.family(one).order)
        )

    return all_subclasses


# --- mirrors ----------------------------------------------------------------------


def _mirror(name: str, look: Any) -> None:
    def make(world: World) -> Any:
        return lambda self, *args: look(world, own_slots(self).get("target"), *args)

    primitive(f"mirror.{name}", world=True)(make)


def _symbols(world: World, names: Any) -> Any:
    return world.new_array([Symbol(name) for name in names])


def _slot(world: World, thing: Any, name: Any) -> Any:
    text = slot_name(name)
    slots = own_slots(thing) if is_object(thing) else {}
    value = slots.get(text, slots.get("&" + text, MISSING))
    if value is MISSING:
        raise Fault("SystemExceptions.NotFound", f"{world.describe(thing)} has no slot {text} of its own", value=name)
    return value


def _write(world: World, thing: Any, name: Any, value: Any) -> Any:
    return world.primitives["object.setSlot"](thing, name, value)


def _includes(world: World, thing: Any, name: Any) -> bool:
    return slot_name(name) in visible_slots(thing)


def _parents(world: World, thing: Any) -> Any:
    return world.new_array(list(parents(thing) if is_object(thing) else world.family(thing).parents))


def _order(world: World, thing: Any) -> Any:
    order = world.family(thing).order
    return world.new_array([*([] if order and order[0] is thing else [thing]), *order])


def _size(world: World, thing: Any) -> int:
    from .elements import items

    contents = items(thing) if is_object(thing) else thing if isinstance(thing, str | bytes | tuple) else MISSING
    return len(contents) if hasattr(contents, "__len__") else 0


_mirror("slotNames", lambda world, thing: _symbols(world, visible_slots(thing)))
_mirror("dataNames", lambda world, thing: _symbols(world, data_slots(thing)))
_mirror("selectors", lambda world, thing: _symbols(world, own_methods(thing)))
_mirror("at", _slot)
_mirror("atPut", _write)
_mirror("includesSlot", _includes)
_mirror("parents", _parents)
_mirror("order", _order)
_mirror("prototype", lambda world, thing: world.primitives["object.prototype"](thing))
_mirror("name", lambda world, thing: world.name_of(thing) or None)
_mirror("kind", lambda world, thing: Symbol(getattr(type(thing), "_p_ghost", type(thing)).__name__))
_mirror("size", _size)
_mirror("describe", lambda world, thing: world.describe(thing))


# --- searching --------------------------------------------------------------------


def holders(world: World, wanted: Any) -> Iterator[tuple[Any, str, Any]]:
    """Holder, selector and method of each method that is ``wanted``: those of this transaction, and those stored."""
    connection = world.connection
    seen: set[int] = set()
    new = [thing for thing in (*connection._registered_objects, *connection._added.values()) if is_object(thing)]
    # Objects of this transaction that nothing has stored yet are reached through those that are registered.
    reached = {id(thing) for thing in new}
    while new:
        thing = new.pop()
        seen.add(id(thing))
        for selector, method in own_methods(thing).items():
            if wanted(method):
                yield thing, selector, method
        for value in own_slots(thing).values():
            if is_object(value) and value._p_jar is None and id(value) not in reached:
                reached.add(id(value))
                new.append(value)
    for oid in _stored(connection):
        thing = connection.get(oid)
        if not is_object(thing) or is_method(thing) or id(thing) in seen:
            continue
        was_ghost = thing._p_changed is None
        for selector, method in own_methods(thing).items():
            if wanted(method):
                yield thing, selector, method
        if was_ghost:
            thing._p_deactivate()
    if len(connection._cache) > 2 * connection._cache.cache_size:
        connection.cacheGC()


def _stored(connection: Any) -> Iterator[bytes]:
    """The oids of the objects that refer to a Method, in the state this transaction sees."""
    storage = connection._storage
    following = None
    methods: set[bytes] = set()
    records = getattr(connection.db().storage, "record_iternext", None)
    if records is None:
        # A storage that cannot be read through: the objects with names, and what they delegate to.
        named = own_slots(connection.root()["names"]).values()
        yield from {one._p_oid for one in named if is_object(one) and one._p_oid}
        return
    found: list[bytes] = []
    while True:
        oid, _, data, following = records(following)
        kind = data[: data.find(b".\x80")]  # a record is two pickles: its class, and its state
        if b"batos.image.method" in kind:
            methods.add(oid)
        elif b"batos.image" in kind:
            found.append(oid)
        if following is None:
            break
    for oid in found:
        data, _ = storage.load(oid)
        if not methods.isdisjoint(referencesf(data)):
            yield oid


def _search(name: str, test: Any) -> None:
    def make(world: World) -> Any:
        def search(self: Any, text: Any) -> Any:
            wanted = test(text_of(text))
            found = [(world.describe(holder), selector, holder) for holder, selector, _ in holders(world, wanted)]
            found.sort(key=lambda one: one[:2])
            if name == "implementors":
                return world.new_array([holder for _, _, holder in found])
            arrow = world.primitives["association.new"]
            return world.new_array([arrow(holder, Symbol(selector)) for _, selector, holder in found])

        return search

    primitive(f"image.{name}", world=True)(make)


_search("implementors", lambda text: lambda method: own_slots(method)["selector"] == text)
_search("senders", lambda text: lambda method: text in sent_by(method))
_search("references", lambda text: lambda method: text in names_in(method))
_search("matching", lambda text: lambda method: text in own_slots(method)["source"])
