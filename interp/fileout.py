"""File-out: objects as a program in message syntax, which makes equal ones where it is run.

The program goes in steps, so that cycles and every order of references come out right: the objects are made; then
methods whose names mean no data; then parents and data; then the methods that share a name with a datum (accessors,
families.py); then what is in collections. Objects without a name are kept in one Array while the program runs.

A hashed or sorted collection with an ``at:put:`` or ``add:`` of its own is filled by that. What is not written: who
wrote a method and its history (whoever files in is the author), blocks that captured variables, streams and processes.
``notes`` tells of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from ..grammar.literals import number, quote, symbol
from ..grammar.nodes import Scaled
from ..image.collections import text_of
from ..image.keys import of_key
from ..image.object import is_object, own_slots, parents
from ..image.values import Character, ScaledDecimal, Symbol
from . import classes
from .families import is_method
from .flow import Fault

if TYPE_CHECKING:
    from .world import World

#: The name under which the program keeps objects that have none, as long as it runs.
SHELF = "FiledIn"
HIDDEN = frozenset(["name*", "side*", "sort*", "class*", "ivars*", "pool*", "pools*", "category*", "comment*", "kind*"])
LISTS = frozenset("Array OrderedCollection SortedCollection ByteArray Set IdentitySet Bag String".split())
TABLES = frozenset(["Dictionary", "IdentityDictionary"])
PLAIN = frozenset(["Array", "OrderedCollection"])


def own_names(world: World) -> list[str]:
    """The names of the world that people gave, in the order they were given."""
    library = world.root.get("library", frozenset())
    return [name for name in own_slots(world.names) if name not in library and name[-1] != "*"]


def file_out(world: World, names: Iterable[str] | None = None) -> str:
    """The objects that the world knows by those names (None: all that people named), and the nameless ones they reach,
    as a program. Raises Fault for a name that nothing has."""
    return _FileOut(world, own_names(world) if names is None else list(names), extensions=names is None).text()


class _FileOut:
    def __init__(self, world: World, names: list[str], extensions: bool) -> None:
        self.world = world
        self.extensions = extensions
        known = own_slots(world.names)
        for name in names:
            if name not in known:
                raise Fault("SystemExceptions.NotFound", f"the world has nothing named {name}", value=name)
        self.names = names
        self.notes: list[str] = []
        self.chosen: dict[int, str] = {}  # id of an object that is written under a name of its own
        for name in names:
            thing = known[name]
            if is_object(thing) and world.name_of(thing) == name:
                self.chosen.setdefault(id(thing), name)
        self.numbered: dict[int, int] = {}  # id of a nameless object -> its place on the shelf
        self.objects: list[Any] = [known[name] for name in names if id(known[name]) in self.chosen]
        self.reach([known[name] for name in names])

    # --- what is to be written

    def reach(self, roots: list[Any]) -> None:
        """Find the nameless objects that the named ones hold, in the order they are found."""
        todo = list(reversed(roots))
        seen: set[int] = set()
        while todo:
            thing = todo.pop()
            if type(thing) is tuple:
                todo.extend(reversed(thing))
                continue
            if not is_object(thing) or is_method(thing) or id(thing) in seen:
                continue
            seen.add(id(thing))
            if id(thing) not in self.chosen:
                if self.is_known(thing):
                    continue
                self.numbered[id(thing)] = len(self.numbered) + 1
                self.objects.append(thing)
            todo.extend(reversed(list(self.held(thing))))

    def is_known(self, thing: Any) -> bool:
        """Is it found by a name where the program is run, without being written?"""
        if classes.is_side(thing):
            return True
        name = self.world.name_of(thing)
        return bool(name) and own_slots(self.world.names).get(name) is thing

    def held(self, thing: Any) -> Iterable[Any]:
        slots = own_slots(thing)
        yield from parents(thing) if "parent*" in slots else ()
        for name, value in slots.items():
            if name not in HIDDEN and name[0] != "_" and name != "parent*" and not is_method(value):
                yield value
        if classes.pool_of(thing) is not None:
            yield from (value for name, value in own_slots(slots["pool*"]).items() if name[-1] != "*")
        contents = slots.get("_items")
        if isinstance(contents, dict):
            for key, value in self.pairs(thing):
                yield key
                yield value
        elif isinstance(contents, list | tuple | set):
            yield from contents

    def pairs(self, thing: Any) -> list[tuple[Any, Any]]:
        """What a hashed collection holds: keys and values, or elements and how often."""
        items = own_slots(thing)["_items"]
        kind = kind_of(thing)
        if kind == "IdentityDictionary":
            return list(items.values())
        if kind == "IdentitySet":
            return [(value, 1) for value in items.values()]
        if kind == "Set":
            return [(of_key(key), 1) for key in items]
        return [(of_key(key), value) for key, value in items.items()]

    # --- the program

    def text(self) -> str:
        made = [*self.creations(), *self.contents(PLAIN)]  # before anybody has an at:put: or add: of his own
        first = list(self.methods(accessors=False))
        data = list(self.data())
        second = list(self.methods(accessors=True))
        contents = list(self.contents((LISTS | TABLES) - PLAIN))  # these ask for =, hash and order
        rest = list(self.other_names())
        extended = list(self.methods_of_the_library()) if self.extensions else []
        lines = [f'"Filed out of {self.world.primitives["system.version"](None)}"']
        lines += [f'"Not written: {note.replace(chr(34), chr(39))}"' for note in self.notes]
        if self.numbered:
            lines.append(f"{SHELF} := Array new: {len(self.numbered)}.")
        lines += [*made, *first, *data, *second, *contents, *rest, *extended]
        if self.numbered:
            lines.append(f"Smalltalk removeKey: #{SHELF}.")
        return "\n".join(lines) + "\n"

    def creations(self) -> Iterable[str]:
        """Each object, made: a class behind its superclass, anything else as its kind asks for."""
        done: set[int] = set()
        order: list[Any] = []
        for thing in [one for one in self.objects if classes.is_made(one)]:
            line: list[Any] = []
            while thing is not None and id(thing) not in done and classes.is_made(thing):
                done.add(id(thing))
                line.append(thing)
                thing = next((one for one in reversed(parents(thing)) if id(one) in self.chosen), None)
            order += reversed(line)
        order = [one for one in order if id(one) in self.chosen]
        # A class may inherit from a prototype; traits come before those who use them.
        for thing in self.objects:
            if id(thing) in self.chosen and not classes.is_made(thing):
                yield self.creation(thing)
        for thing in sorted(order, key=lambda one: not classes.is_trait(one)):
            yield from self.class_definition(thing)
        for thing in self.objects:
            if id(thing) in self.numbered:
                yield self.creation(thing)

    def creation(self, thing: Any) -> str:
        slots = own_slots(thing)
        kind = kind_of(thing)
        above = slots.get("parent*")
        maker = "Object clone"
        if self.sole_parent(thing):
            made = classes.is_class(above) and classes.is_made(above)
            maker = f"{self.reference(above)} {'basicNew' if made else 'clone'}"
        elif kind != "UvmObject":
            maker = f"{kind} new"
        if kind == "Array" and "_items" in slots:
            maker = f"({maker.rsplit(' ', 1)[0]} new: {len(slots['_items'])})"
        elif kind == "ByteArray":
            maker = f"({self.literal(bytes(slots.get('_items', b'')))} copy)"
        elif kind == "String":
            maker = f"({self.literal(str(text_of(thing)))} copy)"
        elif kind == "Interval" and isinstance(slots.get("_items"), range):
            run = slots["_items"]
            maker = f"({run.start} to: {run.stop - (1 if run.step > 0 else -1)} by: {run.step})"
        elif kind not in ("UvmObject", "Array") and kind not in LISTS | TABLES:
            self.notes.append(f"{self.world.describe(thing)}, which is a {kind}")
            maker = "nil"
        return self.assigned(thing, maker)

    def sole_parent(self, thing: Any) -> bool:
        """Is its parent one object that is there by the time it is made?"""
        above = own_slots(thing).get("parent*")
        if not is_object(above) or classes.is_side(above):
            return False
        if id(above) in self.chosen:
            return id(thing) in self.numbered
        return self.is_known(above) and id(above) not in self.numbered

    def assigned(self, thing: Any, maker: str) -> str:
        if id(thing) in self.chosen:
            return self.named(self.chosen[id(thing)], maker)
        return f"{SHELF} at: {self.numbered[id(thing)]} put: {maker}."

    def named(self, name: str, value: str) -> str:
        plain = name[:1].isupper() and all(part.isidentifier() and part[:1].isupper() for part in name.split("."))
        return f"{name} := {value}." if plain else f"Smalltalk at: {symbol(name)} put: {value}."

    def class_definition(self, thing: Any) -> Iterable[str]:
        world, slots = self.world, own_slots(thing)
        name = self.chosen[id(thing)]
        if classes.is_trait(thing):
            yield f"Trait named: {symbol(name)}."
        else:
            superclass = classes.superclass_of(thing)
            traits = [one for one in parents(thing) if classes.is_trait(one)]
            superclass = None if superclass is None or classes.is_trait(superclass) else superclass
            pool: Any = slots.get("pool*")
            shared = [one for one in own_slots(pool) if one[-1] != "*"] if pool is not None else []
            above = self.reference(superclass)
            yield (
                f"{above} subclass: {symbol(name)} instanceVariableNames: {quote(' '.join(classes.variables(thing)))} "
                f"classVariableNames: {quote(' '.join(shared))} package: {self.literal(slots.get('category*'))}."
            )
            if traits:
                yield f"{name} uses: {{{'. '.join(map(self.reference, traits))}}}."
        if slots.get("kind*") and any(one is world.lookup("IndexedVariables") for one in parents(thing)):
            shape = {"Array": "pointer", "ByteArray": "byte", "String": "character"}.get(slots["kind*"], "pointer")
            yield f"{name} shape: #{shape}."
        if slots.get("comment*") is not None:
            yield f"{name} comment: {self.literal(slots['comment*'])}."
        side = slots["side*"]
        if classes.variables(side):
            yield f"{name} class instanceVariableNames: {quote(' '.join(classes.variables(side)))}."
        for pool in slots.get("pools*", ()):
            yield f"{name} addSharedPool: {symbol(pool)}."

    def methods(self, accessors: bool) -> Iterable[str]:
        for thing in self.objects:
            holders = [thing, own_slots(thing)["side*"]] if classes.is_made(thing) else [thing]
            for holder in holders:
                for slot, method in own_slots(holder).items():
                    if is_method(method) and (slot[0] == "&") == accessors:
                        yield from self.method(self.reference(holder), method)

    def methods_of_the_library(self) -> Iterable[str]:
        """What people added to the library's own prototypes."""
        library = self.world.root.get("library", frozenset())
        for name in library:
            thing = own_slots(self.world.names).get(name)
            if not is_object(thing) or self.world.name_of(thing) != name:
                continue
            side = own_slots(cast(Any, thing)).get("side*")
            holders: tuple[Any, ...] = (thing,) if side is None else (thing, side)
            for holder in holders:
                for method in own_slots(holder).values():
                    if is_method(method) and own_slots(method)["author"] != "genesis":
                        yield from self.method(self.reference(holder), method)

    def method(self, target: str, method: Any) -> Iterable[str]:
        slots = own_slots(method)
        source = slots["source"]
        if slots["language"] == "python" and source.lstrip().startswith("def "):
            yield f"{target} compile: {quote(source)}."
        else:
            yield f"{target} >> {source}."
        if slots["category"] and f"<category: {quote(slots['category'])}>" not in source:
            yield f"({target} >> {symbol(slots['selector'])}) category: {quote(slots['category'])}."

    def data(self) -> Iterable[str]:
        for thing in self.objects:
            slots = own_slots(thing)
            target = self.reference(thing)
            if "parent*" in slots and not classes.is_made(thing) and not self.sole_parent(thing):
                above = slots["parent*"]
                listed = is_object(above)
                value = self.reference(above) if listed else f"{{{'. '.join(map(self.reference, parents(thing)))}}}"
                if not (above is self.world.genesis and kind_of(thing) == "UvmObject"):
                    yield f"{target} setSlot: #'parent*' value: {value}."
            for name, value in slots.items():
                if name in HIDDEN or name[0] in "_&" or name == "parent*" or is_method(value):
                    continue
                if name[0] == "." and value is None and not classes.is_made(thing):
                    continue
                yield f"{target} setSlot: {symbol(name)} value: {self.reference(value)}."
            pool: Any = slots.get("pool*")
            for name, value in own_slots(pool).items() if pool is not None else ():
                if name[-1] != "*" and value is not None:
                    yield f"{target} classVarNamed: {symbol(name)} put: {self.reference(value)}."

    def contents(self, kinds: frozenset[str]) -> Iterable[str]:
        for thing in self.objects:
            slots, kind = own_slots(thing), kind_of(thing)
            contents = slots.get("_items")
            if not contents or kind not in kinds or kind in ("String", "ByteArray"):
                continue
            target = self.reference(thing)
            if kind == "Array":
                for index, value in enumerate(contents, 1):
                    if value is not None:
                        yield f"{target} at: {index} put: {self.reference(value)}."
            elif kind in TABLES:
                for key, value in self.pairs(thing):
                    yield f"{target} at: {self.reference(key)} put: {self.reference(value)}."
            elif kind == "Bag":
                for key, count in self.pairs(thing):
                    yield f"{target} add: {self.reference(key)} withOccurrences: {count}."
            elif kind in LISTS:
                values = [key for key, _ in self.pairs(thing)] if isinstance(contents, dict) else list(contents)
                for value in values:
                    yield f"{target} add: {self.reference(value)}."

    def other_names(self) -> Iterable[str]:
        """Names of values, second names of objects, and objects that have a name without being called so."""
        for name in self.names:
            thing = own_slots(self.world.names)[name]
            if self.chosen.get(id(thing)) != name:
                yield self.named(name, self.reference(thing))

    # --- values

    def reference(self, thing: Any) -> str:
        """An expression for a value, or for an object that has been made."""
        if not is_object(thing):
            return self.literal(thing)
        if id(thing) in self.numbered:
            return f"({SHELF} at: {self.numbered[id(thing)]})"
        if classes.is_side(thing):
            return f"{self.reference(own_slots(thing)['class*'])} class"
        name = self.chosen.get(id(thing)) or self.world.name_of(thing)
        if is_method(thing):
            self.notes.append(f"the method {own_slots(thing)['selector']} that a slot or collection holds")
            return "nil"
        if not name:
            raise Fault("SystemExceptions.InvalidState", f"{self.world.describe(thing)} was not reached")
        if all(part.isidentifier() and part[:1].isupper() for part in name.split(".")):
            return name
        return f"(Smalltalk at: {symbol(name)})"

    def literal(self, value: Any, inside: bool = False) -> str:
        """The text of a value that is no object; ``inside`` a literal array."""
        if value is None or value is True or value is False:
            return {None: "nil", True: "true", False: "false"}[value]
        if isinstance(value, Symbol):
            return symbol(str.__str__(value)) if str.__str__(value) else "#''"
        if type(value) is str:
            return quote(value)
        if type(value) is Character:
            plain = value.code != 0 and not 0xD800 <= value.code < 0xE000
            return "$" + str(value) if plain else f"(Character value: {value.code})"
        if isinstance(value, int):
            return number(value)
        if isinstance(value, float):
            if math.isfinite(value):
                return number(value)
            return "Float nan" if math.isnan(value) else "Float infinity" if value > 0 else "Float negativeInfinity"
        if type(value) is tuple:
            body = " ".join(self.literal(one, True) for one in value)
            return f"({body})" if inside else f"#({body})"
        if type(value) is bytes:
            body = " ".join(map(str, value))
            return f"[{body}]" if inside else f"#[{body}]"
        if isinstance(value, Fraction):
            return f"({value.numerator} / {value.denominator})"
        if isinstance(value, ScaledDecimal):
            return self.scaled(value)
        if type(value) is FunctionType:
            return self.block(value)
        self.notes.append(f"{self.world.describe(value)}, a {type(value).__name__}")
        return "nil"

    def scaled(self, value: ScaledDecimal) -> str:
        exact = Fraction(value._fraction)
        digits = 0
        while (exact * 10**digits).denominator != 1 and digits < 200:
            digits += 1
        if (exact * 10**digits).denominator == 1:
            return number(Scaled(int(exact * 10**digits), digits, value._scale))
        return f"(({exact.numerator} / {exact.denominator}) asScaledDecimal: {value.scale})"

    def block(self, block: Any) -> str:
        """A block that needs nothing but itself, by its source; of any other a note is kept."""
        from ..grammar import nodes, parse_method
        from .blocks import store
        from .scopes import Scopes, any_node

        outside = [nodes.Pseudo(name) for name in ("self", "super", "thisContext")]

        recipe = store(self.world, block)
        where = f"a block of {recipe.recipe['label']}"
        try:
            if recipe.recipe["method"]:
                tree: Any = parse_method(recipe.recipe["text"])
            else:
                from ..grammar import parse

                tree = next(s for s in parse(recipe.recipe["text"]).statements if not isinstance(s, nodes.Variables))
            place = recipe.recipe["block"].split()[1]
            found = next(node for node in _walk(tree) if isinstance(node, nodes.Block) and _place(node) == place)
        except Exception:  # whatever else the source has become
            self.notes.append(where)
            return "nil"
        free = Scopes(found, found.params, found.temps, found.body)
        own = any_node(found, lambda one: isinstance(one, nodes.Return) or one in outside)
        if recipe.captured or own or any(not name[:1].isupper() for name in free.free):
            self.notes.append(f"{where}, which needs what was around it")
            return "nil"
        return str(recipe.recipe["text"][found.span.start : found.span.end])


def _walk(node: Any) -> Iterable[Any]:
    from ..grammar.depth import children

    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(children(one))


def _place(node: Any) -> str:
    return f"{node.span.line}:{node.span.column}"


def kind_of(thing: Any) -> str:
    return str(getattr(type(thing), "_p_ghost", type(thing)).__name__)


__all__ = ["file_out", "own_names"]
