"""Primitives of classes: making them, and what they tell of themselves. What a class is, is in ../classes.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.method import Method
from ...image.object import MISSING, is_object, linearize, own_slots
from ...image.values import Symbol
from .. import classes
from ..flow import Fault
from . import primitive
from .objects import is_text, need_object
from .reflection import own_methods

if TYPE_CHECKING:
    from ..world import World


def _symbols(world: World, names: Any) -> Any:
    return world.new_array([Symbol(name) for name in names])


def _text(name: Any, what: str) -> str:
    if not is_text(name):
        raise Fault("SystemExceptions.WrongClass", f"{what} must be a String or Symbol")
    return str(text_of(name))


@primitive("class.subclass", world=True)
def subclass(world: World) -> Any:
    """subclass: name, with instance variables, class variables, pools, category and shape, each of which may be nil."""

    def subclass(
        self: Any, name: Any, slots: Any = None, shared: Any = None, pools: Any = None, category: Any = None,
        shape: Any = None,
    ) -> Any:  # fmt: skip
        made = classes.make_class(
            world,
            self if self is None else classes.class_for(world, self),
            _text(name, "the name of a class").removeprefix("Smalltalk."),
            slots=classes.words(slots),
            shared=classes.words(shared),
            pools=classes.words(pools),
            category=str(text_of(category)) if is_text(category) else None,
        )
        if shape is not None:
            classes.set_shape(world, made, str(text_of(shape)))
        return made

    return subclass


@primitive("class.shape", world=True)
def shape(world: World) -> Any:
    def shape(self: Any, kind: Any) -> Any:
        classes.set_shape(world, classes.class_of_side(self), _text(kind, "a shape"))
        return self

    return shape


@primitive("class.nameInFull", world=True)
def name_in_full(world: World) -> Any:
    return lambda self: world.name_of(self) or "a class without a name"


@primitive("class.name", world=True)
def name(world: World) -> Any:
    return lambda self: world.name_of(self).rpartition(".")[2] or "a class without a name"


@primitive("class.rename", world=True)
def rename(world: World) -> Any:
    """Give a class another name of the world; methods that mention the old one no longer find it."""

    def rename(self: Any, name: Any) -> Any:
        text, old = _text(name, "the name of a class"), world.name_of(self)
        if not classes.is_made(self) or classes.is_side(self):
            raise Fault("SystemExceptions.WrongClass", f"{world.describe(self)} keeps its name")
        if not text.isidentifier() or not text[0].isupper():
            raise Fault("SystemExceptions.InvalidArgument", f"{text!r} cannot be the name of a class")
        if own_slots(world.names).get(old) is self:
            world.families.remove_slot(world.names, old)
        self.__setattr__("name*", text)
        own_slots(self)["side*"].__setattr__("name*", f"{text} class")
        world.set_name(text, self)
        world.stale(None)
        return self

    return rename


@primitive("class.superclass", world=True)
def superclass(world: World) -> Any:
    def superclass(self: Any) -> Any:
        if classes.is_side(self):
            above = classes.superclass_of(own_slots(self)["class*"])
            return world.lookup("Class") if above is None else own_slots(above).get("side*")
        above = classes.superclass_of(self)
        # Behavior delegates to nothing, and so a class does not understand what is said of objects twice over.
        return world.genesis if above is None and self is world.lookup("Behavior") else above

    return superclass


@primitive("class.setSuperclass", world=True)
def set_superclass(world: World) -> Any:
    def set_superclass(self: Any, other: Any) -> Any:
        if not classes.is_made(self) or classes.is_side(self):
            raise Fault("SystemExceptions.WrongClass", f"the superclass of {world.describe(self)} stays what it is")
        classes.make_class(world, other, world.name_of(self))
        return self

    return set_superclass


@primitive("class.subclasses", world=True)
def subclasses(world: World) -> Any:
    """The classes that inherit from it directly, newest name first as GNU Smalltalk has it."""

    def subclasses(self: Any) -> Any:
        side = classes.is_side(self)
        owner = classes.class_of_side(self)
        found: dict[int, Any] = {}
        for one in own_slots(world.names).values():
            if classes.is_class(one) and classes.superclass_of(one) is owner:
                found.setdefault(id(one), own_slots(one)["side*"] if side else one)
        return world.new_array(list(found.values())[::-1])

    return subclasses


@primitive("class.inherits", world=True)
def inherits(world: World) -> Any:
    """Is the other a superclass (or trait) of it?"""

    def inherits(self: Any, other: Any) -> bool:
        if self is other or not is_object(other):
            return False
        return any(one is other for one in instance_order(world, self))

    return inherits


@primitive("class.instance", world=True)
def instance(world: World) -> Any:
    """Of a side: the class whose side it is. Of a class: itself."""
    return lambda self: classes.class_of_side(self)


@primitive("class.side", world=True)
def side(world: World) -> Any:
    return lambda self: self if classes.is_side(self) else own_slots(self).get("side*")


@primitive("class.uses", world=True)
def uses(world: World) -> Any:
    """Take the methods of traits: one, an Array of them, or a composition."""

    def uses(self: Any, traits: Any) -> Any:
        wanted = [one for one in _flat(traits) if is_object(one) and classes.is_made(one)]
        classes.use(world, self, wanted)
        return self

    return uses


def _flat(thing: Any) -> list[Any]:
    items = thing if isinstance(thing, tuple) else own_slots(thing).get("_items") if is_object(thing) else None
    if items is None and is_object(thing) and "parts" in own_slots(thing):
        return _flat(own_slots(thing)["parts"])
    return [thing] if items is None else [one for item in items for one in _flat(item)]


@primitive("trait.derived", world=True)
def trait_derived(world: World) -> Any:
    """Without some methods, and with other names (new -> old) for some."""

    def trait_derived(self: Any, without: Any, aliases: Any) -> Any:
        pairs = [(world.send(one, "key"), world.send(one, "value")) for one in _flat(aliases)]
        named = {_text(new, "an alias"): _text(old, "a selector") for new, old in pairs}
        return classes.derived(world, classes.class_of_side(self), classes.words(without), named)

    return trait_derived


@primitive("trait.named", world=True)
def trait_named(world: World) -> Any:
    return lambda self, name: classes.make_class(world, None, _text(name, "the name of a trait"), sort="trait")


@primitive("object.isInstance", world=True)
def is_instance(world: World) -> Any:
    return lambda self: is_object(self) and not classes.is_class(self) and world.is_instance(self)


# --- variables ----------------------------------------------------------------------------------------------------


@primitive("class.variables", world=True)
def variables(world: World) -> Any:
    return lambda self: _symbols(world, classes.variables(self))


@primitive("class.allVariables", world=True)
def all_variables(world: World) -> Any:
    return lambda self: _symbols(world, classes.all_variables(self))


@primitive("class.setVariables", world=True)
def set_variables(world: World) -> Any:
    def set_variables(self: Any, names: Any) -> Any:
        classes.set_variables(world, self, classes.words(names))
        return self

    return set_variables


@primitive("class.addVariables", world=True)
def add_variables(world: World) -> Any:
    def add_variables(self: Any, names: Any) -> Any:
        classes.add_variables(world, self, classes.words(names))
        return self

    return add_variables


@primitive("class.removeVariable", world=True)
def remove_variable(world: World) -> Any:
    def remove_variable(self: Any, name: Any) -> Any:
        wanted = _text(name, "the name of a variable")
        if wanted not in classes.variables(self):
            raise Fault("SystemExceptions.NotFound", f"{world.describe(self)} has no instance variable {wanted}")
        classes.set_variables(world, self, [one for one in classes.variables(self) if one != wanted])
        return self

    return remove_variable


def _pool(thing: Any) -> dict[str, Any]:
    pool = classes.pool_of(classes.class_of_side(thing))
    slots = own_slots(pool) if pool is not None else {}
    return {name: value for name, value in slots.items() if name[-1] != "*"}


@primitive("class.sharedNames", world=True)
def shared_names(world: World) -> Any:
    return lambda self: _symbols(world, _pool(self))


@primitive("class.addShared", world=True)
def add_shared(world: World) -> Any:
    def add_shared(self: Any, names: Any, value: Any = MISSING) -> Any:
        owner = classes.class_of_side(self)
        need_object(owner, "addClassVarName:")
        for name in classes.words(names):
            classes.add_shared(world, owner, name, value)
        return self

    return add_shared


@primitive("class.removeShared", world=True)
def remove_shared(world: World) -> Any:
    def remove_shared(self: Any, names: Any) -> Any:
        owner = classes.class_of_side(self)
        for name in classes.words(names):
            if name not in _pool(owner):
                text = f"{world.describe(owner)} has no class variable {name} of its own"
                raise Fault("SystemExceptions.NotFound", text, value=name)
            classes.remove_shared(world, owner, name)
        return self

    return remove_shared


@primitive("class.sharedAt", world=True)
def shared_at(world: World) -> Any:
    def shared_at(self: Any, name: Any) -> Any:
        wanted = _text(name, "the name of a class variable")
        for one in linearize(classes.class_of_side(self)):
            found = _pool(one)
            if wanted in found:
                return found[wanted]
        raise Fault("SystemExceptions.NotFound", f"{world.describe(self)} has no class variable {wanted}", value=name)

    return shared_at


@primitive("class.sharedAtPut", world=True)
def shared_at_put(world: World) -> Any:
    def shared_at_put(self: Any, name: Any, value: Any) -> Any:
        wanted = _text(name, "the name of a class variable")
        for one in linearize(classes.class_of_side(self)):
            if wanted in _pool(one):
                setattr(classes.pool_of(one), wanted, value)
                return value
        raise Fault("SystemExceptions.NotFound", f"{world.describe(self)} has no class variable {wanted}", value=name)

    return shared_at_put


@primitive("class.addPools", world=True)
def add_pools(world: World) -> Any:
    def add_pools(self: Any, names: Any) -> Any:
        found = [world.name_of(names)] if classes.is_class(names) else classes.words(names)
        classes.set_pools(world, classes.class_of_side(self), found)
        return self

    return add_pools


@primitive("class.pools", world=True)
def pools(world: World) -> Any:
    return lambda self: _symbols(world, own_slots(self).get("pools*", ()))


@primitive("object.variableNamed", world=True)
def variable_named(world: World) -> Any:
    """The value of an instance variable, or of a slot, by its name."""

    def variable_named(self: Any, name: Any) -> Any:
        text = _text(name, "the name of a variable")
        if is_object(self) and "." + text in own_slots(self):
            return own_slots(self)["." + text]
        return world.send(self, "getSlot:", name)

    return variable_named


@primitive("object.variableNamedPut", world=True)
def variable_named_put(world: World) -> Any:
    def variable_named_put(self: Any, name: Any, value: Any) -> Any:
        text = _text(name, "the name of a variable")
        if is_object(self) and "." + text in own_slots(self):
            setattr(self, "." + text, value)
            return value
        return world.send(self, "setSlot:value:", name, value)

    return variable_named_put


# --- methods ------------------------------------------------------------------------------------------------------


@primitive("class.method", world=True)
def method(world: World) -> Any:
    """The method that instances answer a selector with, or nil."""

    def method(self: Any, selector: Any) -> Any:
        wanted = _text(selector, "a selector")
        for one in instance_order(world, self):
            found = own_methods(one).get(wanted)
            if found is not None:
                return found
        return None

    return method


def instance_order(world: World, thing: Any) -> list[Any]:
    """Where messages to the instances of a class are looked up."""
    return world.families.order_of(own_slots(thing)["class*"]) if classes.is_side(thing) else linearize(thing)


@primitive("class.whoHas", world=True)
def who_has(world: World) -> Any:
    """The class, along the superclasses, whose own method it is."""

    def who_has(self: Any, selector: Any) -> Any:
        wanted = _text(selector, "a selector")
        return next((one for one in instance_order(world, self) if wanted in own_methods(one)), None)

    return who_has


@primitive("class.allSelectors", world=True)
def all_selectors(world: World) -> Any:
    return lambda self: _symbols(world, sorted({s for one in instance_order(world, self) for s in own_methods(one)}))


@primitive("class.compile", world=True)
def compile_(world: World) -> Any:
    """Define a method from its source, in brackets or without; answers its selector."""

    def compile_(self: Any, source: Any, category: Any = None) -> Any:
        from ...grammar import SyntaxProblem, parse_method
        from ...grammar.loose import enclose

        text = _text(source, "the source of a method")
        if text.lstrip().startswith("def "):
            return world.primitives["object.compile"](self, source)
        try:
            tree = parse_method(text)
        except SyntaxProblem:
            text = enclose(text)
            try:
                tree = parse_method(text)
            except SyntaxProblem as problem:
                raise Fault("SystemExceptions.InvalidArgument", problem.message) from None
        filed = str(text_of(category)) if is_text(category) else ""
        world.define(self, Method(tree.selector, text, tree.language, category=filed, comment=tree.comment))
        return Symbol(tree.selector)

    return compile_


@primitive("class.categories", world=True)
def categories(world: World) -> Any:
    def categories(self: Any) -> Any:
        found = {own_slots(one)["category"] or "still unclassified" for one in own_methods(self).values()}
        return world.new_array(sorted(found))

    return categories


# --- file-out -----------------------------------------------------------------------------------------------------


@primitive("object.fileOut", world=True)
def file_out(world: World) -> Any:
    """A program that makes an equal object, under the same name."""

    def file_out(self: Any) -> Any:
        from ..fileout import file_out

        name = world.name_of(classes.class_of_side(self)) if is_object(self) else ""
        if not name:
            raise Fault("SystemExceptions.InvalidState", f"{world.describe(self)} has no name to be filed out under")
        return file_out(world, [name])

    return file_out


@primitive("system.fileOut", world=True)
def file_out_names(world: World) -> Any:
    """The same of several names, or of all that people gave."""

    def file_out_names(self: Any, names: Any = None) -> Any:
        from ..fileout import file_out

        return file_out(world, None if names is None else classes.words(names))

    return file_out_names
