"""The static gates for the code of a turn of a conversation: as for a method, and what only such code may.

It may write slots of any object it can name, give names of the world, and give objects methods, whose text must be
written out and passes the gates for methods itself. What it may not is what a method may not: leave Python's allowed
part, reach the system, run text as code.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from ...grammar import SyntaxProblem, nodes, parse_method
from ...grammar.python_text import parse_python
from ..allowlist import MAKES_CLASSES, NAMES_A_SEND, REFLECTION, WORLD_NAMES_REFUSED
from ..turn import NAME, turn_source
from .allow import Checker, python_name
from .effects import Effects, effects_of
from .shape import check_shape
from .verdict import Candidate, Refused, Surroundings

MAY_SEND = {
    "compile_": "the text of a method",
    "setSlot_value_": "the name of a slot",
    "removeSlot_": "the name of a slot",
    "removeSelector_": "a selector",
    "addParent_": "",
    "removeParent_": "",
    "at_put_": "",
}
"""What a method may not send and a turn may; where a text stands here, the first argument must be written out."""
TURN_SENDS = frozenset(MAY_SEND) - {"at_put_"}
GIVES = "createMethod_code_in_"
"""What a button is sent so that a click gives an object a method."""
SYSTEM = frozenset({"Smalltalk", "Object"})
"""Names of the world that a method may not use and a turn may."""


@dataclass(frozen=True, slots=True)
class TurnEffects:
    """What can be read off the code: methods given (their selectors), names of the world given, slots written."""

    methods: tuple[str, ...]
    names: tuple[str, ...]
    effects: Effects

    def told(self) -> str:
        parts = []
        if self.names:
            parts.append(f"names {', '.join(self.names)}")
        if self.methods:
            parts.append(f"gives methods {', '.join(self.methods)}")
        return "; ".join([*parts, self.effects.told()] if parts else [self.effects.told()])


def check_turn_shape(code: str) -> ast.FunctionDef:
    """The code as the function it becomes. Raises Refused."""
    if not code.strip():
        raise Refused("there is no code")
    function = check_shape(Candidate(NAME, NAME, (), turn_source(code)))
    ast.increment_lineno(function, -1)  # lines are the code's: the head was put before it
    return function


def check_turn(function: ast.FunctionDef, world: Surroundings) -> TurnEffects:
    """Raises Refused at the first thing that is not allowed."""
    made = _made(function)
    known = Surroundings(
        world.prototype,
        frozenset(),
        world.selectors,
        world.vocabulary | made.slots | set(made.selectors),
        (world.world_names | made.names | SYSTEM) - (WORLD_NAMES_REFUSED - SYSTEM),
    )
    taken = sorted(made.names & (world.library_names | WORLD_NAMES_REFUSED))
    if taken:
        raise Refused(f"{taken[0]} is a name of the library; choose another")
    _TurnChecker(function, known).check()
    check_given(function, known)
    _check_used(function)
    for text in made.texts:
        check_text(text, known)
    return TurnEffects(tuple(made.selectors), tuple(sorted(made.names)), effects_of(function))


def check_given(function: ast.FunctionDef, world: Surroundings) -> None:
    """The methods that a click on a button will give: written out, and such as a model may write. Raises Refused."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == GIVES):
            continue
        said = [each.value if isinstance(each, ast.Constant) else None for each in node.args[:2]]
        selector, code = said if len(said) == 2 else (None, None)
        if not (isinstance(selector, str) and isinstance(code, str)):
            raise Refused("the method that a button makes has to be written out", node.lineno)
        if selector in REFLECTION or ":" in selector and not code.lstrip().startswith((selector.split(":")[0], "def ")):
            raise Refused(f"a button may not make {selector} of that text", node.lineno)
        whole = code.lstrip().startswith((f"{selector} [", "def ")) or ":" in selector
        check_text(code if whole else f"{selector} [ {code} ]", world)


def _check_used(function: ast.FunctionDef) -> None:
    """A local name that nothing reads was meant to be a variable of the workspace, and is gone after the turn."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    assigned = [target for node in ast.walk(function) if isinstance(node, ast.Assign) for target in node.targets]
    for target in assigned:
        if isinstance(target, ast.Name) and target.id not in read:
            told = f"nothing uses {target.id}, which is gone after the turn: self.{target.id} = ... keeps it"
            raise Refused(told, target.lineno)


def check_text(text: str, world: Surroundings) -> None:
    """A method that the code gives to some object, as text. Raises Refused."""
    if text.lstrip().startswith("def "):
        function = _python_head(text)
        parameters = tuple(a.arg for a in function.args.args[1:])
        candidate = Candidate(function.name, function.name, parameters, text.strip() + "\n")
        checked = check_shape(candidate)
        Checker(candidate, checked, world).check()
        return
    try:
        method = parse_method(text)
    except SyntaxProblem as problem:
        raise Refused(f"the method {text[:40]!r} does not parse: {problem.message}") from None
    if method.language == "python":
        raise Refused("a method in Python is given as its def, not in a fence")
    if any(pragma.selector == "primitive:" for pragma in method.pragmas):
        raise Refused("a primitive is not allowed in a method written by a model")
    pending: list[Any] = [method.body]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple | list):
            pending.extend(node)
        elif is_dataclass(node) and not isinstance(node, type):
            _check_node(node)
            pending.extend(getattr(node, each.name) for each in fields(node))


def _check_node(node: Any) -> None:
    if isinstance(node, nodes.Pseudo) and node.name == "thisContext":
        raise Refused("thisContext is not allowed in a method written by a model")
    if isinstance(node, nodes.Name) and node.name.rpartition(".")[2] in WORLD_NAMES_REFUSED - {"Object"}:
        raise Refused(f"the name {node.name} is not allowed in a method written by a model")
    selector = getattr(node, "selector", None)
    if isinstance(selector, str) and (selector in REFLECTION or python_name(selector) == GIVES):
        raise Refused(f"sending {selector} is not allowed in a method written by a model")
    if isinstance(node, nodes.Send | nodes.Message) and selector in NAMES_A_SEND:
        named = node.args[NAMES_A_SEND[selector]]
        if not isinstance(named, nodes.Symbol | nodes.String) or named.value in REFLECTION:
            raise Refused(f"what {selector} keeps for later has to be written out, and one that may be sent")


def _python_head(text: str) -> ast.FunctionDef:
    try:
        tree = parse_python(text.strip() + "\n")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise Refused(f"the method {text[:40]!r} is no Python: {problem}") from None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        raise Refused("one def is wanted, and nothing beside it")
    return tree.body[0]


@dataclass
class _Made:
    slots: set[str]
    names: set[str]
    selectors: list[str]
    texts: list[str]


def _made(function: ast.FunctionDef) -> _Made:
    """What the code itself makes: slots, names of the world, methods."""
    made = _Made(set(), set(), [], [])
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            made.slots.add(node.attr)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        first = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if not isinstance(first, str):
            continue
        if node.func.attr == "setSlot_value_":
            made.slots.add(first)
        elif node.func.attr in ("at_put_", "subclass_") and first[:1].isupper():
            made.names.add(first)
        elif node.func.attr == "compile_":
            made.texts.append(first)
            selector = _selector_of(first)
            if selector:
                made.selectors.append(selector)
    return made


def _selector_of(text: str) -> str:
    if text.lstrip().startswith("def "):
        return text.split("def ", 1)[1].split("(")[0].strip()
    try:
        return parse_method(text).selector
    except SyntaxProblem:
        return ""


class _TurnChecker(Checker):
    def __init__(self, function: ast.FunctionDef, world: Surroundings) -> None:
        super().__init__(Candidate(NAME, NAME, (), ""), function, world)
        self.world_names = world.world_names
        self._named = {
            id(node.func.value)
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "at_put_"
            and node.args and isinstance(node.args[0], ast.Constant)
        }  # fmt: skip

    def check_Name(self, node: ast.Name) -> None:
        super().check_Name(node)
        if node.id == "Smalltalk" and id(node) not in self._named:
            raise Refused("Smalltalk may only be used as Smalltalk.at_put_('Name', ...)", node.lineno)

    def check_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in TURN_SENDS or MAKES_CLASSES.match(node.attr):
            return  # as a call it is looked at there, and as a value it is a read of a slot that nobody has
        if isinstance(node.ctx, ast.Store):
            if node.attr.startswith("_") or not node.attr.isascii():
                raise Refused(f"the attribute {node.attr} is not allowed", node.lineno)
            return
        super().check_Attribute(node)

    def check_Call(self, node: ast.Call) -> None:
        super().check_Call(node)
        function = node.func
        if not isinstance(function, ast.Attribute) or not MAY_SEND.get(function.attr):
            return
        first = node.args[0] if node.args else None
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            raise Refused(f"{function.attr} wants {MAY_SEND[function.attr]}, written out", node.lineno)
        if "Slot" in function.attr and (first.value[:1] in ("_", "&") or first.value.endswith("*")):
            raise Refused(f"the slot {first.value} is not for a model to write", node.lineno)
