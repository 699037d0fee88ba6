"""Definitions of classes, as a program's text has them, carried out: one message, and so one transaction, each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..grammar import nodes
from ..image.method import Method
from ..image.object import is_object, own_slots
from . import classes
from .flow import Fault

if TYPE_CHECKING:
    from .world import World

Evaluate = Callable[[nodes.Node], Any]


def category_of(method: nodes.Method) -> str:
    """What ``<category: 'x'>`` at the head of a body says."""
    for pragma in method.pragmas:
        if pragma.selector == "category:" and isinstance(pragma.args[0], nodes.String | nodes.Symbol):
            return pragma.args[0].value
    return ""


def place(method: Method, origin: str, span: nodes.Span) -> Method:
    """Note the file, if it is one, that a method was read from, and where in it."""
    if origin and not origin.startswith("<"):
        method.__setattr__("place*", (origin, span.line, span.column))
    return method


def define_class(world: World, node: nodes.Node, text: str, origin: str, author: str, evaluate: Evaluate) -> Any:
    """Carry out a Class or Extend; ``text`` is its source, from which places count. Answers the class."""
    if isinstance(node, nodes.Class):
        superclass = None if node.superclass is None else known(world, node.superclass, evaluate)
        trait = any(isinstance(item, nodes.Pragma) and item.selector == "trait" for item in node.items)
        thing = classes.make_class(
            world,
            superclass,
            node.name,
            slots=() if _has_variables(node) else None,
            traits=tuple(one for one in classes.parents(world.lookup(node.name)) if classes.is_trait(one))
            if classes.is_made(world.lookup(node.name))
            else (),
            sort="trait" if trait else "class",
        )
    else:
        assert isinstance(node, nodes.Extend)
        thing = target_of(world, node.target, evaluate)
    _Definition(world, text, node.span, origin, author, evaluate).fill(thing, node.items)
    return thing


def _has_variables(node: nodes.Class) -> bool:
    return any(isinstance(item, nodes.Variables) for item in node.items)


def known(world: World, node: nodes.Node, evaluate: Evaluate) -> Any:
    """What an expression that names a class names."""
    if isinstance(node, nodes.Name):
        name = node.name.removeprefix("Smalltalk.")
        found = world.lookup(name)
        if found is None and "." in name:
            found = world.lookup(name.rpartition(".")[2])  # a namespace that is none here
        if found is None:
            raise Fault("SystemExceptions.NotFound", f"there is no class {name} here yet")
        return found
    return evaluate(node)


def target_of(world: World, node: nodes.Node, evaluate: Evaluate) -> Any:
    """What ``Foo extend`` or ``Foo class extend`` is about."""
    if isinstance(node, nodes.Send) and node.selector == "class":
        owner = known(world, node.receiver, evaluate)
        if classes.is_class(owner):
            return own_slots(owner)["side*"]
        node = node.receiver  # a prototype, which is its own class
    thing = known(world, node, evaluate)
    if not is_object(thing):
        problem = f"{world.describe(thing)} cannot hold methods; define them on its traits"
        raise Fault("SystemExceptions.WrongClass", problem)
    return thing


class _Definition:
    """One definition at work."""

    def __init__(
        self, world: World, text: str, span: nodes.Span, origin: str, author: str, evaluate: Evaluate
    ) -> None:
        self.world, self.text, self.span, self.origin = world, text, span, origin
        self.author, self.evaluate = author, evaluate

    def fill(self, thing: Any, items: tuple[nodes.Node, ...]) -> None:
        """Do to a class what its brackets say; variables first, whatever the order, so that all methods know them."""
        for item in items:
            match item:
                case nodes.Variables(names=names):
                    classes.add_variables(self.world, thing, names)
                case nodes.Shared(name=name):
                    classes.add_shared(self.world, classes.class_of_side(thing), name)
        for item in items:
            match item:
                case nodes.Pragma():
                    self.pragma(thing, item)
                case nodes.Member():
                    self.define(thing, item)
                case nodes.Extend(target=target, items=inner):
                    self.fill(target_of(self.world, target, self.evaluate), inner)
        for item in items:
            if isinstance(item, nodes.Shared) and item.value is not None:
                value = self.value_in(thing, item.value)
                classes.add_shared(self.world, classes.class_of_side(thing), item.name, value)

    def pragma(self, thing: Any, pragma: nodes.Pragma) -> None:
        from .compiler import literal

        if pragma.selector == "uses:" and not isinstance(pragma.args[0], nodes.String):
            self.world.send(classes.class_of_side(thing), "uses:", self.evaluate(pragma.args[0]))
            return
        try:
            values = [literal(arg) for arg in pragma.args]
        except TypeError:
            values = [self.value_in(thing, arg) for arg in pragma.args]
        owner = classes.class_of_side(thing)
        for keyword, value in zip(pragma.selector.split(":"), values, strict=False):
            match keyword:
                case "comment" | "category":
                    owner.__setattr__(f"{keyword}*", value)
                case "shape" if value is not None:
                    classes.set_shape(self.world, owner, str(value))
                case "import":
                    classes.set_pools(self.world, owner, classes.words(value))
                case "uses":
                    classes.use(self.world, owner, [self.world.lookup(name) for name in classes.words(value)])

    def define(self, thing: Any, member: nodes.Member) -> None:
        world, method = self.world, member.method
        if member.target is not None:
            thing = target_of(world, member.target, self.evaluate)
        elif member.meta:
            thing = own_slots(thing)["side*"] if classes.is_class(thing) else thing
        category = category_of(method) or member.category
        made = Method(
            method.selector,
            member.source,
            method.language,
            author=self.author,
            category=category,
            comment=method.comment,
        )
        world.define(thing, place(made, self.origin, member.span))

    def value_in(self, thing: Any, node: nodes.Node) -> Any:
        """The value of an expression that can name what the class's own methods can."""
        world = self.world
        piece = self.text[node.span.start - self.span.start : node.span.end - self.span.start]
        method = Method("value", f"value [ ^{piece}\n]", author=self.author)
        owner = classes.class_of_side(thing)
        side = own_slots(owner).get("side*", owner)
        return world.method_function(method, side, world.family(owner), type(owner))(owner)
