"""What a method's source says of it: arguments, variables, literals, pragmas. And text carried out for an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...grammar import SyntaxProblem, nodes, parse
from ...image.collections import text_of
from ...image.method import Method
from ...image.object import UvmObject, own_slots, set_dict
from ...image.values import Symbol
from ..classes import class_of_side, is_class
from ..compiler import literal
from ..flow import Fault
from ..scopes import children
from ..trees import tree_of
from . import primitive
from .objects import is_text

if TYPE_CHECKING:
    from ..world import World


def _tree(method: Any) -> nodes.Method | None:
    slots = own_slots(method)
    return tree_of(slots["source"]) if slots.get("language") == "smalltalk" else None


def _nodes(tree: nodes.Method | None) -> Iterator[nodes.Node]:
    """All nodes of a method's body, as they stand in the text."""
    waiting: list[nodes.Node] = list(reversed(tree.body)) if tree is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def _names(name: str, found: Any) -> None:
    def make(world: World) -> Any:
        return lambda self: world.new_array([Symbol(str(one)) for one in dict.fromkeys(found(_tree(self)))])

    primitive(f"method.{name}", world=True)(make)


def _temporaries(tree: nodes.Method | None) -> list[str]:
    if tree is None:
        return []
    blocks = (one for one in _nodes(tree) if isinstance(one, nodes.Block))
    return [*tree.params, *tree.temps, *(name for one in blocks for name in (*one.params, *one.temps))]


_names("arguments", lambda tree: tree.params if tree is not None else ())
_names("temporaries", _temporaries)
_names("read", lambda tree: (one.name for one in _nodes(tree) if isinstance(one, nodes.Name)))
_names("written", lambda tree: (one.name for one in _nodes(tree) if isinstance(one, nodes.Assign)))

LITERALS = nodes.Number | nodes.String | nodes.Symbol | nodes.Character | nodes.Array | nodes.Bytes


@primitive("method.literals", world=True)
def literals(world: World) -> Any:
    """The constants in a method, in the order of the text, each as often as it stands there."""
    return lambda self: world.new_array([literal(one) for one in _nodes(_tree(self)) if isinstance(one, LITERALS)])


@primitive("method.pragmas", world=True)
def pragmas(world: World) -> Any:
    """A Message for each pragma."""

    def pragmas(self: Any) -> Any:
        tree = _tree(self)
        message = world.lookup("Message")
        return world.new_array(
            [
                world.send(message, "selector:arguments:", Symbol(one.selector), world.new_array(_constants(one.args)))
                for one in (tree.pragmas if tree is not None else ())
            ]
        )

    return pragmas


def _constants(items: tuple[nodes.Node, ...]) -> list[Any]:
    named = {"nil": None, "true": True, "false": False}
    return [named[one.name] if isinstance(one, nodes.Pseudo) else literal(one) for one in items]


@primitive("object.evaluateFor", world=True)
def evaluate_for(world: World) -> Any:
    """The value of the last of some statements, in which self is an object and its variables are seen."""

    def evaluate_for(self: Any, text: Any, receiver: Any) -> Any:
        if not is_text(text):
            raise Fault("SystemExceptions.WrongClass", "what is evaluated is a text")
        source = str(text_of(text))
        try:
            statements = [one for one in parse(source).statements if not isinstance(one, nodes.Variables)]
        except SyntaxProblem as problem:
            raise Fault("SystemExceptions.InvalidArgument", f"this is no statement: {problem}") from None
        if any(isinstance(one, nodes.Define | nodes.Class | nodes.Extend | nodes.Eval) for one in statements):
            raise Fault("SystemExceptions.InvalidArgument", "only expressions are evaluated for an object")
        if statements and not isinstance(statements[-1], nodes.Return):
            last = statements[-1].span.start
            source = source[:last] + "^" + source[last:]
        home = UvmObject()
        kind = receiver if is_class(receiver) else world.send(receiver, "class")
        set_dict(home, {"parent*": class_of_side(kind) if kind is not receiver else kind})
        world.families.adopt(home)
        world.define(home, Method("doIt", f"doIt [ {source} ]", "smalltalk"))
        return world.method_function(own_slots(home)["doIt"], home, world.family(receiver), type(receiver))(receiver)

    return evaluate_for
