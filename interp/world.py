"""One world: a connection to the image, with the functions that its messages run as.

Nothing here is shared with another worker: families, dispatch tables and compiled functions are this connection's own.
What another worker changed arrives when a transaction begins (``refresh``).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import dropwhile
from sys import intern
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from ..grammar import nodes
from ..image.collections import CLASSES, Array, ByteArray, Dictionary, String
from ..image.keys import SINGLE, identity, key_of
from ..image.method import Method
from ..image.object import MISSING, Body, Box, StoredBlock, UvmObject, is_object, linearize, own_slots
from ..image.values import LETTERS, Character, ScaledDecimal, Symbol
from . import flow
from .accessors import accessor
from .apart import APART, function_apart, nearest
from .arithmetic import NIL_TESTS
from .blocks import detached
from .classes import Scope, all_variables, class_of_side, is_class, is_collection, is_side, is_trait, pool_of
from .compiled import compiled_method
from .compiler import Compiled, Mode, compile_statement, literal
from .families import Families, Family, holds_datum, is_method
from .flow import Unwind
from .guesses import Guesses
from .hot import KINDS, Hot
from .primitives.walks import walkers
from .probation import sends_left, watched
from .redefined import WATCHED, redefined, same
from .self_sends import SelfSends
from .sessions import Session
from .signals import RETRY, Handler, Signals, StackOverflow
from .stack import Source, author_at_work
from .statements import facts_of
from .table import Table
from .trees import free_of, sends_of, tree_of
from .units import Units
from .variables import Variables

if TYPE_CHECKING:
    from .outside import Journal

# The traits object, by name, of each Python type that is a value of the language.
NATIVE = {
    int: "Integer",
    float: "Float",
    bool: "Boolean",
    type(None): "UndefinedObject",
    str: "String",
    Symbol: "Symbol",
    Character: "Character",
    Fraction: "Fraction",
    ScaledDecimal: "ScaledDecimal",
    tuple: "Array",
    bytes: "ByteArray",
    FunctionType: "BlockClosure",
}


MOST_MADE = 512  # functions of statements that are kept, in case they come again


class World:
    function_type = FunctionType

    def __init__(self, connection: Any, primitives: dict[str, Any]) -> None:
        self.connection = connection
        self.root = connection.root()
        self.tables: dict[str, Table] = {}
        self.supers: dict[tuple[str, int], Table] = {}
        self.sources: dict[str, Source] = {}
        self.resolutions: dict[str, Any] = {}  # per compiled unit: how its free names were resolved
        self.units = Units(self)  # forgets both once their code is gone
        self._filenames: dict[tuple[str, int], str] = {}  # (method, id(holder)) -> the name its code goes by
        self._holders_of: dict[str, int] = {}  # how many holders have had such a method
        self._made: dict[str, tuple[Any, Any, Any]] = {}  # of a statement's file name: for what, and the function
        self.clone_types: dict[int, Any] = {}
        self._scopes: dict[int, Scope] = {}  # id(holder) -> what its methods can name
        self._fresh: dict[int, dict[str, Any]] = {}  # id(prototype) -> the slots of a new clone of it
        self._kinds: dict[Family, type[Body]] = {}
        self.python_scopes: dict[bool, dict[str, Any]] = {}  # globals of Python methods: trusted, and a model's
        self.signals = Signals(self)
        self.guesses = Guesses(self)
        self.hot = Hot(self)
        self.variables = Variables(self)
        self.families = Families(self.lookup_traits, self.stale)
        self.families.revive = self.revive
        self.families.send = self.send
        self.families.world = self
        self.names: Any = None
        self.genesis: Any = None
        self.transcript: list[str] = []
        self.policy: Any = None  # what decides about a miss; set by the worker
        self.redefined: frozenset[str] = frozenset()
        self.checked = False
        self.workspace = "default"  # of the message that runs
        self.said = ""  # the text of it
        self.author = ""  # whose the methods are that this message defines, where they do not say
        self.answers: dict[str, tuple[bool, str]] = {}  # what a model answered to ask: in this message
        self.journal: Journal | None = None  # what it asked outside the image; None: it may not
        self.sends_left: dict[Any, int] = {}  # of methods on probation
        self.probation_ended: list[Any] = []
        self._functions: dict[Any, Any] = {}
        self.accessors: set[str] = set()  # names that a datum and a method share, anywhere in the image
        self.ensuring: set[CodeType] = set()  # the code of ensure: and ifCurtailed:
        self.primitives = {
            name: make(self) if getattr(make, "needs_world", False) else make for name, make in primitives.items()
        }
        self._box = self.families.default(Box).live
        self._array: type = Array
        self._string: type = String
        # The code of primitives that change their receiver's contents, perhaps with a block's help in between.
        self.changing = {
            function.__code__ for function in self.primitives.values() if getattr(function, "changes_receiver", False)
        }
        self.pause: Callable[[float], None] = time.sleep  # what waits for the clock when no process can run
        self.processes = Session(self)
        self.globals = self._globals()
        self.self_sends = SelfSends(self.globals, self.table, self.families)
        self.families.loosen = self.self_sends.loosen
        self.globals.update(walkers(self))
        connection.families = self.families
        self.attach()

    def attach(self) -> None:
        """(Re)bind to what the image holds: called when the connection is opened or the image was awakened."""
        if "genesis" in self.root:
            self.genesis = self.root["genesis"]
            self.names = self.root["names"]
            self.globals["world"] = self.names
            self.accessors.update(self.root["accessors"])
            for thing in (self.genesis, self.names):
                thing._p_activate()
                self.families.current(thing)
            self._default_types()
            if self.names is not None and "Integer" in own_slots(self.names):
                self._look_for_redefined()

    # --- names

    def lookup(self, name: str) -> Any:
        """The world's object of that name, or None."""
        if self.names is None:
            return None
        if name.startswith("Smalltalk."):
            name = name[len("Smalltalk.") :]
        return own_slots(self.names).get(name)

    def lookup_traits(self, name: str) -> Any:
        if not name:
            return None
        # A program may have taken the name for a class of its own; values go on delegating to the library's.
        return self.root.get("kept", {}).get(name) or self.lookup(name) or self.genesis

    def name_of(self, thing: Any) -> str:
        """The name the world knows an object by, or ''."""
        name = own_slots(thing).get("name*", "") if is_object(thing) else ""
        return name if isinstance(name, str) else ""

    def set_name(self, name: str, value: Any) -> None:
        """Give value a name of the world."""
        nameless = is_object(value) and "name*" not in own_slots(value)
        if nameless and not is_method(value) and not self.is_instance(value):
            value.__setattr__("name*", name)
        fresh = name not in own_slots(self.names)
        self.families.set_slot(self.names, name, value)
        if fresh and name in self.families.free_names:
            self.stale(None)

    def is_instance(self, thing: Any) -> bool:
        """Does it delegate to a class (classes.py)? Then it goes by that, whatever holds it."""
        return any("sort*" in own_slots(one) for one in linearize(thing)[1:])

    # --- dispatch

    def table(self, selector: str) -> Table:
        table = self.tables.get(selector)
        if table is None:
            table = self.tables[selector] = self.globals["#" + selector] = Table(selector, self._find, self.globals)
            self.globals["~" + selector] = table.data
            table.empty()
        return table

    def send(self, receiver: Any, selector: str, *args: Any) -> Any:
        """Send a message from Python. Errors of the language leave as flow.Unhandled."""
        return self.table(selector)[type(receiver)](receiver, *args)

    def understands(self, receiver: Any, selector: str) -> bool:
        family = self.family(receiver)
        holder, value = family.find(selector)
        if value is not MISSING:
            return True
        if type(receiver) in APART and is_method(own_slots(nearest(self, receiver)).get(selector)):
            return True
        name = selector[:-1] if selector.endswith(":") and selector.count(":") == 1 else selector
        return family.has_datum(name) or (is_object(receiver) and holds_datum(own_slots(receiver), name))

    def family(self, thing: Any) -> Family:
        if is_object(thing):
            return self.families.current(thing)
        cls = type(thing)
        family = self.families.by_type.get(cls)
        return family or self.families.native(cls, self.lookup_traits(NATIVE.get(cls, "PythonObject")))

    def _find(self, table: Table, cls: type) -> Any:
        """The function for a selector and a type not seen yet; kept in the table unless the type says nothing
        lasting."""
        family = self.families.by_type.get(cls)
        if family is None and not issubclass(cls, Body):
            family = self.families.native(cls, self.lookup_traits(NATIVE.get(cls, "PythonObject")))
        if family is None or family.retired:
            # A ghost, or an object whose family is out of date: it gets its family first.
            adopt = self.families.adopt

            def first_adopt(receiver: Any, *args: Any) -> Any:
                adopt(receiver)
                return table[type(receiver)](receiver, *args)

            return first_adopt
        function = self.function(family, table.selector, cls)
        table.add(cls, function)
        return function

    def function(self, family: Family, selector: str, cls: type, whole: bool = False) -> Any:
        """What a family does with a message; ``whole``: whatever some of its values do otherwise (apart.py)."""
        if cls in APART and not whole and (function := function_apart(self, family, selector, cls)) is not None:
            return function
        holder, value = family.find(selector)
        if is_method(value):
            return self.method_function(value, holder, family, cls)
        if value is not MISSING and not family.native:
            return self._getter(selector, known=True)
        if selector[:1].isalpha() and not selector.endswith(":") and not family.native:
            return self._getter(selector, known=False)
        if value is not MISSING:
            return lambda self: value
        if selector.count(":") == 1 and not family.native:
            return self._setter(selector, selector[:-1], family.has_datum(selector[:-1]))
        return self._not_understood(selector)

    def _getter(self, name: str, known: bool) -> Any:
        """The function that answers a data slot; ``known`` when the family's parents have one of that name."""
        if known:
            return accessor("get", name, {"MISSING": MISSING, "getattr": getattr, "inherited": self.guesses.inherited})
        return accessor("find", name, {"MISSING": MISSING, "getattr": getattr, "miss": self._not_understood(name)})

    def _setter(self, selector: str, name: str, known: bool) -> Any:
        if known and not self.checked:
            return accessor("put", name, {})
        miss = self._not_understood(selector)

        def put(thing: Any, value: Any) -> Any:
            if known or holds_datum(vars(thing), name):
                if self.checked:
                    self.variables.check_storable(value, thing, name)
                setattr(thing, name, value)
                return thing
            return miss(thing, value)

        return put

    def _not_understood(self, selector: str, above: bool = False) -> Any:
        def not_understood(receiver: Any, *args: Any) -> Any:
            if (
                not above
                and isinstance(receiver, Body)
                and self.understands(receiver, selector)
                and self._is_held(receiver, selector.removesuffix(":"))
            ):
                # Another worker gave an object a new slot since this was looked up.
                self.stale(selector)
                return self.table(selector)[type(receiver)](receiver, *args)
            return self.does_not_understand(receiver, selector, args)

        return not_understood

    def _is_held(self, receiver: Any, name: str) -> bool:
        """Has the receiver, or an object it delegates to, a slot of that name now? What a family remembers of data may
        have been taken away since, by an undo."""
        names = {name, "&" + name, name + ":"}
        return any(not names.isdisjoint(own_slots(one)) for one in (receiver, *self.family(receiver).order))

    def does_not_understand(self, receiver: Any, selector: str, args: tuple[Any, ...]) -> Any:
        if selector == "doesNotUnderstand:":
            raise flow.Fault("Error", "there is no doesNotUnderstand: in this world")
        message = self.clone(self.lookup("Message") or self.genesis)
        message.__setattr__("selector", Symbol(selector))
        message.__setattr__("arguments", self.new_array(list(args)))
        return self.send(receiver, "doesNotUnderstand:", message)

    def super_table(self, selector: str, holder: Body) -> Table:
        """Where ``super selector`` goes from a method that holder holds: on from there in the receiver's own order."""
        key = (selector, id(holder))
        table = self.supers.get(key)
        if table is None:

            def find(table: Table, cls: type) -> Any:
                family = self.families.by_type.get(cls)
                if family is None or family.retired:

                    def adopt_and_send(receiver: Any, *args: Any) -> Any:
                        self.families.adopt(receiver)
                        return table[type(receiver)](receiver, *args)

                    return adopt_and_send
                above = Family(family.ghost, (), frozenset(), None, native=family.native)
                above.order = self._above(holder, family)
                found, value = above.find(selector)
                if is_method(value):
                    function = self.method_function(value, found, family, cls)
                elif value is not MISSING:
                    function = self._getter(selector, known=True)
                elif selector.endswith(":") and selector.count(":") == 1 and above.has_datum(selector[:-1]):
                    function = self._setter(selector, selector[:-1], True)
                else:
                    function = self._not_understood(selector, above=True)
                table[cls] = function
                return function

            table = self.supers[key] = Table(selector, find)
        return table

    def _above(self, holder: Body, family: Family) -> list[Body]:
        if is_trait(class_of_side(holder)):  # a trait's method means the superclass of the class that uses the trait
            at = next((index for index, one in enumerate(family.order) if one is holder), -1)
            return list(dropwhile(lambda one: is_trait(class_of_side(one)), family.order[at + 1 :]))
        if "class*" in own_slots(holder):  # a class's side: on in the order of the class
            order = self.families.order_of(own_slots(holder)["class*"])
            return order[next(index for index, one in enumerate(order) if one is holder) + 1 :]
        return linearize(holder)[1:]

    # --- compiling

    def method_function(self, method: Any, holder: Any, family: Family, cls: type) -> Any:
        """The function that a method runs as for a family."""
        slots = own_slots(method)
        if slots["language"] == "python":
            key: Any = (id(method), "python", id(holder))
            function = self._functions.get(key)
            if function is None:
                from .python_method import compile_python

                trusted = not str(slots["author"]).startswith("model:")
                filename = self.filename_of(method, holder)
                function = compile_python(self, slots["source"], slots["selector"], filename, holder, trusted)
                function.__dict__["method"] = method
                if not trusted and sends_left(method):
                    function = watched(self, function, method, holder, key)
                    function.__dict__["method"] = method
                self._functions[key] = function
            return function
        tree = tree_of(slots["source"])
        primitive = next((p.args[0] for p in tree.pragmas if p.selector == "primitive:"), None)
        if isinstance(primitive, nodes.String):  # another system's number: the statements below it are run
            return self._primitive(str(literal(primitive)), cls, family)
        free = free_of(slots["source"])
        where = tuple((name, self.resolve(name, family, holder)) for name in free)
        hints = self.hints(sends_of(slots["source"]))
        marks = self.guesses.marks(method, family)
        hot = method in self.hot
        key = (id(method), where, hints, marks, id(holder), family.native, self.checked, hot)
        function = self._functions.get(key) or self._functions.get((*key, family))
        if function is None:
            filename = self.filename_of(method, holder)
            self.families.free_names.update(free)
            self.resolutions[filename] = where
            self.guesses.note(filename, method, key)
            options = (self.checked, *hints)
            small = self.hot.small(method, family) if hot and not self.checked else ()
            about = slots["source"], where, filename, marks, self.redefined, options, str(id(holder))
            try:
                compiled = compiled_method(*about, small)
            except SyntaxError:  # Python nests blocks only so deep
                compiled = compiled_method(*about)
            function = self.link(compiled, holder, family)
            identity = filename, where, marks[0], KINDS.get(family.live)
            function.__dict__.update(method=method, compiled=compiled, identity=identity)
            if not hot and sends_of(slots["source"]):

                def again() -> Any:
                    return self.method_function(method, holder, family, cls)

                function = self.hot.counted(function, method, family, again)
            self._functions[(*key, family) if compiled.selves else key] = function
        return function

    def forget_function(self, key: Any, selector: str) -> None:
        """A method is to be compiled anew when it is sent next."""
        self._functions.pop(key, None)
        for table in (self.tables.get(selector), *(t for (s, _), t in self.supers.items() if s == selector)):
            if table is not None:
                table.empty()
        self.self_sends.forget(selector)

    def forget_method(self, method: Any) -> None:
        """As that, for all families that run it."""
        for key in [key for key in self._functions if key[0] == id(method)]:
            self.forget_function(key, own_slots(method)["selector"])

    def replace_function(self, selector: str, old: Any, new: Any) -> None:
        """Wherever a selector is answered by one function, another that does the same answers from now on."""
        for table in (self.tables.get(selector), *(t for (s, _), t in self.supers.items() if s == selector)):
            if table is not None:
                table.replace(old, new)
        self.self_sends.replace(selector, old, new)

    def take_over(self, key: Any, function: Any, selector: str) -> None:
        """From now on a method runs as this function; the one it ran as is forgotten everywhere."""
        self._functions[key] = function
        self.stale(selector)
        self._functions[key] = function

    def hints(self, selectors: frozenset[str]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """What is known now of some selectors: names of data; those of them that only data has; those of many types."""
        data = frozenset(
            name
            for name in selectors
            if name.count(":") <= 1 and name[:1].isalpha() and name.rstrip(":") in self.families.data_names
        )
        pure = frozenset(
            name for name in data if name[-1] != ":" and name not in self.accessors and name not in PYTHON_NAMES
        )
        varied = frozenset(name for name in selectors if len(self.tables.get(name, ())) > 3)
        return data, pure, varied

    def filename_of(self, method: Any, holder: Any) -> str:
        """The name that the code of a method of that holder goes by; what it was made from is found by it."""
        slots = own_slots(method)
        digest = hashlib.blake2b(slots["source"].encode(), digest_size=6).hexdigest()
        base = f"{self.name_of(holder) or 'anonymous'}>>{slots['selector']} {digest}"
        filename = self._filenames.get((base, id(holder)))
        if filename is None:
            # Several holders of one source, anonymous ones or a name's old and new: each is its blocks' own home.
            number = self._holders_of[base] = self._holders_of.get(base, 0) + 1
            filename = self._filenames[base, id(holder)] = f"<{base}{f' {number}' if number > 1 else ''}>"
        # A report points at people's lines, in the file they were read from.
        where = ("genesis", 1, 1) if slots.get("author") == "genesis" else slots.get("place*", ("", 1, 1))
        self.sources[filename] = Source(slots["selector"], slots["source"], where[0], where[1], holder, where[2])
        return filename

    def _primitive(self, name: str, cls: type, family: Family) -> Any:
        try:
            function = self.primitives[name]
        except KeyError:
            raise flow.Fault("SystemExceptions.NotYetImplemented", f"there is no primitive {name!r}") from None
        if family.ghost is UvmObject and name.startswith(("collection.", "sequence.")) and is_collection(self, family):
            from .primitives.kept import by_messages

            return by_messages(self, name, function)
        if name.startswith("stream."):
            from .primitives.own_streams import own

            made = own(self, family, name)
            if made is not None:
                return made
        for_family = getattr(function, "for_family", None)
        if for_family is not None:
            return for_family(family) or function
        if getattr(function, "changes_receiver", False) and cls is family.clean and not family.native:

            def touching(receiver: Any, *args: Any) -> Any:
                receiver._p_changed = True
                return function(receiver, *args)

            touching.__dict__["one_state"] = True

            return touching
        return function

    def scope(self, holder: Any) -> Scope:
        """What the methods that an object holds can name."""
        scope = self._scopes.get(id(holder))
        if scope is None:
            scope = self._scopes[id(holder)] = Scope(self, holder)
        return scope

    def resolve(self, name: str, family: Family, holder: Any = None) -> str:
        """Where a free name of a method is found for this family; see compiler.Mode."""
        scope = self.scope(holder) if holder is not None else None
        if scope is not None and name in scope.names:
            return scope.names[name]
        if not family.native and family.has_datum(name):
            return "slot"
        if not (scope is not None and scope.strict) and is_method(family.find(name)[1]):
            return "send"
        if name[:1].isupper() and self.names is not None and "." not in name and name in own_slots(self.names):
            return "world"
        return "global" if scope is not None and scope.strict else "dynamic"

    def link(self, compiled: Compiled, holder: Any = None, family: Family | None = None) -> Any:
        """Define a compiled unit's function in this world; with sends to self by name, for one family."""
        for selector in compiled.selectors:
            self.table(selector)
        self.globals.update(compiled.constants)
        for name in compiled.supers:
            self.globals[name] = self.super_table(name[1:].rpartition(" ")[0], holder)
        for name in compiled.pools:
            self.globals[f"$pool {name}"] = pool_of(self.lookup(name))
        local: dict[str, Any] = {}
        code = compiled.code
        own = [guard for guard in compiled.guards if guard[1][0] == "@"]
        for selector, name, made_from in compiled.guards:
            if name[0] == "?":
                self.table(selector).guard(name, made_from)
        if family is not None and compiled.selves:
            code = self.self_sends.customise(code, compiled.selves, own, family)
        elif compiled.selves:
            self.self_sends.dispatch(compiled.selves)
        exec(code, self.globals, local)
        return local[compiled.entry]

    def statement(self, node: nodes.Node, workspace: Any, source: Source, key: str) -> Any:
        """The function that runs one top-level statement with the workspace as self."""
        filename = f"<{key}>"
        self.sources[filename] = source
        family = self.families.current(workspace)
        own = own_slots(workspace)
        facts = facts_of(node)

        def resolve(name: str) -> str:
            if name in own and not is_method(own[name]):
                return "slot"
            return self.resolve(name, family)

        self.families.free_names.update(facts.free)
        where = self.resolutions[filename] = tuple((name, resolve(name)) for name in facts.free)
        data, pure, varied = hints = self.hints(facts.selectors)
        kept = self.guesses.kept.get(filename, frozenset())
        made_for = where, self.redefined, self.checked, hints, kept
        made = self._made.get(filename)
        if made is not None and made[0] is facts and made[1] == made_for:
            return made[2]
        situation = (filename, where, self.redefined, self.checked, data, pure, varied, kept)
        compiled = facts.compiled.get(situation)
        if compiled is None:
            mode = Mode(resolve, redefined=self.redefined, checked=self.checked, data=data, pure=pure, varied=varied)
            mode.timid = kept
            compiled = facts.compiled[situation] = compile_statement(node, mode, filename)
        self.units.keep(filename, compiled)
        function = self.link(compiled, workspace)
        if not (compiled.supers or compiled.pools or compiled.selves):  # the same whatever the workspace
            if len(self._made) >= MOST_MADE:
                self._made.clear()
            self._made[filename] = facts, made_for, function
        return function

    def stale(self, selector: str | None) -> None:
        """Behaviour changed: one selector's functions, or all of them, are to be looked up again."""
        whole = selector is None or selector in self.families.free_names
        if selector is None or whole:
            for table in self.tables.values():
                table.empty()
            self.self_sends.forget()
            for table in self.supers.values():
                table.clear()
            self._functions.clear()
            self.hot.forget()
            self._scopes.clear()
            self._fresh.clear()
            self.clone_types.clear()
            self._kinds.clear()
            self._default_types()
        else:
            if selector in self.tables:
                self.tables[selector].empty()
            self.self_sends.forget(selector)
            self.hot.cool(selector)
            for (name, _), table in self.supers.items():
                if name == selector:
                    table.clear()
        self.guesses.forget(None if whole else selector)
        self.signals.meant.clear()
        if selector in WATCHED:
            self._look_for_redefined()

    def _default_types(self) -> None:
        """Note the types that compiled code makes Arrays of, and knows Strings by."""
        self._array = self.families.default(Array).live
        family = self.families.default(String)
        self._string = family.live
        self.globals["$strings"] = {family.live, family.clean}

    def _look_for_redefined(self) -> None:
        found = redefined(self)
        if found != self.redefined:
            self.redefined = found
            self.stale(None)

    # --- what compiled code calls

    def _globals(self) -> dict[str, Any]:
        signals = self.signals
        return {
            "__builtins__": {},
            "type": type,
            "int": int,
            "float": float,
            "len": len,
            "range": range,
            "getattr": getattr,
            "AttributeError": AttributeError,
            "Exception": Exception,
            "function": FunctionType,
            "MISSING": MISSING,
            "Home": flow.Home,
            "ReturnHome": flow.ReturnHome,
            "return_home": flow.return_home,
            **self.guesses.functions(),
            **self.variables.functions(),
            "letters": LETTERS,
            "square_root": math.sqrt,
            "str": str,
            "tuple": tuple,
            "NotThere": (AttributeError, LookupError),
            "$keyed": self.families.keyed,
            "$key_of": key_of,
            "$singles": SINGLE - {bool},
            "$identity": identity,
            "$things": self.families.things,
            "$id": id,
            "$strings": set(),
            "bool": bool,
            "Character": Character,
            "Symbol": Symbol,
            "failed": signals.failed,
            "signals": signals,
            "Handler": Handler,
            "RETRY": RETRY,
            "Landing": (Unwind, StackOverflow),
            "landed": signals.landed,
            "not_boolean": self.not_boolean,
            "truth": self.truth,
            "same": same,
            "steps": self.steps,
            "by_steps": self.by_steps,
            "times": self.times,
            "new_box": self.new_box,
            "new_array": self.new_array,
            "this_context": self.this_context,
            "recipe_of": self.recipe_of,
            "detached": detached,
            "world": None,
        }

    def not_boolean(self, value: Any, selector: str) -> Any:
        raise flow.Fault(
            "SystemExceptions.WrongClass", f"{self.describe(value)} is not a Boolean: {selector} wants true or false"
        )

    def truth(self, value: Any, selector: str) -> bool:
        if value is True or value is False:
            return value
        return self.not_boolean(value, selector)  # type: ignore[no-any-return]

    def by_steps(self, start: Any, stop: Any, step: Any) -> Any:
        """What ``start to: stop by: step do:`` counts through, for any step."""
        if type(start) is int and type(stop) is int and type(step) is int and step:
            return range(start, stop + (1 if step > 0 else -1), step)
        return self.steps(start, stop, step)

    def steps(self, start: Any, stop: Any, step: Any) -> Any:
        """The numbers from start to stop where they are not all ints.

        They are counted and not added up, so that 0 to: 1 by: 0.1 does not drift.
        """
        send = self.send
        if self.truth(send(step, "=", 0), "to:by:do:"):
            raise flow.Fault("SystemExceptions.InvalidArgument", "the step of a loop cannot be 0")
        over = "<=" if self.truth(send(step, ">", 0), "to:by:do:") else ">="
        turn, value = 0, start
        while self.truth(send(value, over, stop), "to:do:"):
            yield value
            turn += 1
            value = send(start, "+", send(step, "*", turn))

    def times(self, count: Any) -> Any:
        if isinstance(count, bool) or not isinstance(count, int):
            self.send(count, "timesRepeat:", None)
            return ()
        return range(count)

    def new_box(self, value: Any) -> Any:
        box = self._box()
        box.__dict__ = {"v": value}
        return box

    def new_array(self, items: list[Any]) -> Any:
        array = self._array()
        array.__dict__ = {"_items": items, "_v_array": items, "_v_mine": items}
        return array

    def kind_of(self, thing: Any) -> type[Body]:
        """The class of the image that a clone of thing is stored as: from the slot kind*, found by delegation."""
        family = self.families.current(thing)
        kind = self._kinds.get(family)
        if kind is None:
            ghost = getattr(type(thing), "_p_ghost", type(thing))
            kind = ghost
            if ghost in (UvmObject, Method):
                # Not by the family's order: messages to a class are looked up on its side.
                name = next((s["kind*"] for s in map(own_slots, linearize(thing)) if "kind*" in s), None)
                kind = CLASSES.get(name, UvmObject) if isinstance(name, str) else UvmObject
            self._kinds[family] = kind
        return kind

    def new_dictionary(self, items: dict[Any, Any]) -> Any:
        return self.families.new(Dictionary, {key_of(key): value for key, value in items.items()})

    def new_string(self, text: str) -> Any:
        string = self._string()
        string.__dict__ = {"_items": text}
        return string

    def mutable_copy(self, value: Any) -> Any:
        """A copy of a native value: literals become the objects that can be written, the rest is itself."""
        if type(value) is str:
            return self.new_string(value)
        if type(value) is tuple:
            return self.new_array(list(value))
        if type(value) is bytes:
            return self.families.new(ByteArray, bytearray(value))
        return value

    def define(self, target: Any, method: Any) -> Any:
        """Put a method into the slot its selector names, keeping the story of the one it replaces."""
        if not is_object(target):
            raise flow.Fault(
                "SystemExceptions.WrongClass", f"{self.describe(target)} cannot hold methods; define them on its traits"
            )
        selector = own_slots(method)["selector"]
        if not own_slots(method)["author"]:
            # What a model's method has compiled is the model's, and trusted no further than that.
            method.author = self.author or author_at_work(self.sources)
        if own_slots(method)["language"] == "python":
            from .python_method import check_source

            check_source(own_slots(method)["source"], selector)
        slots = own_slots(target)
        old = slots.get("&" + selector, slots.get(selector))
        if is_method(old):
            setattr(method, "before*", (old,))
        if (
            selector in NIL_TESTS
            and own_slots(method)["author"] != "genesis"
            and selector not in self.root.get("redefined", ())
        ):
            # From now on, in every worker, these are sent and not taken for identity with nil.
            self.root["redefined"] = (*self.root.get("redefined", ()), selector)
            self.redefined |= {selector}
            self.stale(None)
        self.families.set_slot(target, selector, method)
        if "&" + selector in own_slots(target) and selector not in self.accessors:
            self.accessors.add(selector)
            self.root["accessors"].add(selector)
            self.stale(None)
        return method

    def clone(self, prototype: Any) -> Any:
        """A new object that shows prototype until it is written."""
        thing: Any = self.families.clones_of(prototype)()
        thing.__dict__ = self.fresh(prototype)
        return thing

    def fresh(self, prototype: Any) -> dict[str, Any]:
        """The slots of a new clone: it delegates to prototype, and the instance variables of a class are nil."""
        slots = self._fresh.get(id(prototype))
        if slots is None:
            slots = {"parent*": prototype}
            if "side*" in own_slots(prototype):  # a clone of an instance shows that one's
                # Interned, as the names in compiled code are: Python finds a slot faster by the very same text.
                slots.update(dict.fromkeys([intern("." + name) for name in all_variables(prototype)]))
            self._fresh[id(prototype)] = slots
        return slots.copy()

    def this_context(self) -> Any:
        from .context import snapshot
        from .stack import caller

        return snapshot(self, caller())

    # --- blocks at rest

    def recipe_of(self, function: Any) -> StoredBlock:
        """What a block needs to be made again: its method's source, how names were resolved, and what it captured."""
        from .blocks import store

        return store(self, function)

    def revive(self, stored: StoredBlock) -> Any:
        from .blocks import revive

        return revive(self, stored)

    # --- words for people

    def describe(self, thing: Any) -> str:
        """A short name for a value in an error message."""
        if thing is None:
            return "nil"
        if isinstance(thing, bool):
            return "true" if thing else "false"
        if is_object(thing):
            own = self.name_of(thing)
            if own:
                return own
            for one in self.family(thing).order:
                name = self.name_of(one)
                if name:
                    return ("an " if name[:1] in "AEIOU" else "a ") + name
            return "an Object"
        try:
            text = self.print_string(thing)
        except BaseException:
            text = type(thing).__name__
        return text if len(text) < 60 else text[:57] + "..."

    def print_string(self, thing: Any) -> str:
        return str(self.send(thing, "printString"))

    def frame_label(self, variables: Mapping[str, Any], source: Source) -> str:
        """``Account(Object)>>deposit:``: the kind of an activation's receiver, and in brackets the holder of the method
        if it is another."""
        if source.home is None:
            return source.label
        receiver: Any = variables.get("self")
        holder = self.name_of(source.home) or "an object"
        kind = holder
        if is_object(receiver):
            kind = self.name_of(receiver) or next(
                (n for n in map(self.name_of, self.family(receiver).order) if n), holder
            )
            if is_side(source.home) and is_class(receiver):
                kind = f"{kind} class"  # it runs a method of its side
        elif receiver is not None or "self" in variables:
            kind = NATIVE.get(type(receiver), holder)
        return f"{kind}>>{source.label}" if kind == holder else f"{kind}({holder})>>{source.label}"


# Attributes that some native value has in Python: reading them would not fail where a message must be sent.
PYTHON_NAMES = frozenset(name for cls in NATIVE for name in dir(cls)) | frozenset(dir(Body))
