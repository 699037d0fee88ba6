"""First pass over a method: where each variable lives, and which blocks dissolve into their surroundings.

A block that is the literal argument of a control-flow message (control.py has the list) is compiled in line: its
variables become locals of the surrounding function. Any other block becomes a Python function of its own. A variable
that such a function shares and that changes after the function was made lives in a *box*, an object with an
identity, so that blocks still share it after a restart and a failed message takes its change back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..grammar import nodes as n

# selector -> (must the receiver be a literal block, number of parameters of each block argument; None: no block needed)
INLINE: dict[str, tuple[bool, tuple[int | None, ...]]] = {
    "ifTrue:": (False, (0,)),
    "ifFalse:": (False, (0,)),
    "ifTrue:ifFalse:": (False, (0, 0)),
    "ifFalse:ifTrue:": (False, (0, 0)),
    "and:": (False, (0,)),
    "or:": (False, (0,)),
    "ifNil:": (False, (0,)),
    "ifNotNil:": (False, (-1,)),
    "ifNil:ifNotNil:": (False, (0, -1)),
    "ifNotNil:ifNil:": (False, (-1, 0)),
    "whileTrue:": (True, (0,)),
    "whileFalse:": (True, (0,)),
    "whileTrue": (True, ()),
    "whileFalse": (True, ()),
    "repeat": (True, ()),
    "timesRepeat:": (False, (0,)),
    "to:do:": (False, (None, 1)),
    "to:by:do:": (False, (None, None, 1)),
}
LOOPS = {"whileTrue:", "whileFalse:", "whileTrue", "whileFalse", "repeat", "timesRepeat:", "to:do:", "to:by:do:"}
DEEPEST = 12  # loops within loops in one function; Python's compiler allows 20 blocks of all kinds


@dataclass(eq=False)
class Variable:
    name: str
    home: Function
    loop: int  # how many inlined loops of the home function surround the declaration
    parameter: bool = False
    captured: bool = False
    boxed: bool = False
    writes: list[n.Node] = field(default_factory=list)
    inner_writes: bool = False  # written by a function other than its home
    late_writes: bool = False  # written after a function captured it
    definite: bool = False  # assigned before it is first read
    flagged: bool = False  # carries a flag that says whether it holds a number (arithmetic.flag_variables)
    python: str = ""
    type: str | None = None  # what is known of its values (arithmetic.settle_types), beginning with ``given``
    given: str | None = None
    positive: bool = False  # a loop's counter that begins at 1 or more and goes up


@dataclass(eq=False)
class Function:
    """One Python function to be: the method itself or a block that is not inlined."""

    node: n.Node
    outer: Function | None
    names: dict[str, int] = field(default_factory=dict)
    returns_home: bool = False  # holds (or holds a block that holds) a ^ out of a real block


def inlined_blocks(send: n.Send) -> list[n.Block] | None:
    """The literal blocks of a send that is compiled in line, receiver first, or None when it is an ordinary send."""
    rule = INLINE.get(send.selector)
    if rule is None:
        return None
    blocks = []
    if rule[0]:
        if not isinstance(send.receiver, n.Block) or send.receiver.params:
            return None
        blocks.append(send.receiver)
    elif isinstance(send.receiver, n.Pseudo) and send.receiver.name == "super":
        return None
    for wanted, arg in zip(rule[1], send.args, strict=True):
        if wanted is None:
            continue
        if not isinstance(arg, n.Block) or (wanted >= 0 and len(arg.params) != wanted) or len(arg.params) > 1:
            return None
        blocks.append(arg)
    return blocks


class Scopes:
    """The variables of one method or statement, found by name from where one stands.

    ``declared[id(node)]`` maps the names a Method, Block or Program declares to Variables; ``free`` are the
    names nobody declares, in order of appearance; ``inlined`` the ids of blocks that dissolve.
    """

    def __init__(self, node: n.Node, params: tuple[str, ...], temps: tuple[str, ...], body: tuple[n.Node, ...]) -> None:
        self.declared: dict[int, dict[str, Variable]] = {}
        self.functions: dict[int, Function] = {}
        self.inlined: set[int] = set()
        self.free: dict[str, bool] = {}  # name -> is it assigned
        self.uses_super = False
        self.uses_self = False
        self.root = self.functions[id(node)] = Function(node, None)
        self._scopes: list[dict[str, Variable]] = []
        self._function = self.root
        self._loops = 0
        self._open(node, params, temps, body)
        self._settle()

    # --- walking

    def _open(self, node: n.Node, params: tuple[str, ...], temps: tuple[str, ...], body: tuple[n.Node, ...]) -> None:
        scope: dict[str, Variable] = {}
        for name in params:
            scope[name] = Variable(name, self._function, self._loops, parameter=True)
        for name in temps:
            scope[name] = Variable(name, self._function, self._loops)
        self.declared[id(node)] = scope
        self._scopes.append(scope)
        for variable in scope.values():
            count = self._function.names.get(variable.name, 0)
            self._function.names[variable.name] = count + 1
            variable.python = variable.name if not count else f"{variable.name}.{count}"
            variable.definite = variable.parameter or _assigned_first(variable.name, body)
        for statement in body:
            self._walk(statement)
        self._scopes.pop()

    def find(self, name: str) -> Variable | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def _walk(self, node: n.Node) -> None:
        match node:
            case n.Name(name=name):
                variable = self.find(name)
                if variable is None:
                    self.free.setdefault(name, False)
                    self.uses_self = True
                elif variable.home is not self._function:
                    self._capture(variable)
            case n.Pseudo(name=name):
                self.uses_super |= name == "super"
                self.uses_self |= name in ("self", "super")
            case n.Assign(name=name, value=value):
                self._walk(value)
                variable = self.find(name)
                if variable is None:
                    self.free[name] = True
                    self.uses_self = True
                else:
                    variable.writes.append(value)
                    if variable.home is not self._function:
                        self._capture(variable)
                        variable.inner_writes = True
                    elif variable.captured or self._loops > variable.loop:
                        variable.late_writes = True
            case n.Return(value=value):
                self._walk(value)
                function = self._function
                if function.outer is not None:
                    while function is not None:
                        function.returns_home = True
                        function = function.outer  # type: ignore[assignment]
            case n.Send():
                self._send(node)
            case n.Cascade(receiver=receiver, messages=messages):
                self._walk(receiver)
                for message in messages:
                    for arg in message.args:
                        self._walk(arg)
            case n.Brace(items=items):
                for item in items:
                    self._walk(item)
            case n.Block():
                outer, loops = self._function, self._loops
                self._function = self.functions[id(node)] = Function(node, outer)
                self._loops = 0
                self._open(node, node.params, node.temps, node.body)
                self._function, self._loops = outer, loops
            case n.Define(target=target):
                self._walk(target)
            case _:
                pass

    def _send(self, node: n.Send) -> None:
        blocks = inlined_blocks(node)
        if blocks is None:
            self._walk(node.receiver)
            for arg in node.args:
                self._walk(arg)
            return
        loop = node.selector in LOOPS
        if loop and (self._loops >= DEEPEST or any(_captures(block) for block in blocks)):
            # Each turn needs variables of its own when a function may hold on to them; and Python nests loops only so
            # deep.
            blocks_in_line: set[int] = set()
        else:
            blocks_in_line = {id(block) for block in blocks}
        if not blocks_in_line:
            self._walk(node.receiver)
            for arg in node.args:
                self._walk(arg)
            return
        self.inlined |= blocks_in_line
        for part in (node.receiver, *node.args):
            if id(part) in blocks_in_line:
                assert isinstance(part, n.Block)
                self._loops += loop
                self._open(part, part.params, part.temps, part.body)
                self._loops -= loop
                if node.selector in ("to:do:", "to:by:do:") and isinstance(node.receiver, n.Number):
                    counter = self.declared[id(part)][part.params[0]]
                    step = _literal_step(node)
                    if type(node.receiver.value) is int and step and not counter.writes:
                        counter.given = "int"
                        counter.positive = node.receiver.value > 0 and step > 0
            else:
                self._walk(part)

    def _capture(self, variable: Variable) -> None:
        variable.captured = True

    # --- conclusions

    def _settle(self) -> None:
        variables = [v for scope in self.declared.values() for v in scope.values()]
        for v in variables:
            # A captured variable that changes after capture, or from inside, needs an identity.
            v.boxed = v.captured and (
                v.inner_writes or v.late_writes or len(v.writes) > 1 or (v.parameter and bool(v.writes))
            )
            if v.captured and v.writes and not v.definite:
                v.boxed = True


def _literal_step(send: n.Send) -> int:
    """The step of a counting loop where the text says it, else 0."""
    if send.selector == "to:do:":
        return 1
    step = send.args[1]
    return step.value if isinstance(step, n.Number) and type(step.value) is int else 0


def _assigned_first(name: str, body: tuple[n.Node, ...]) -> bool:
    for statement in body:
        if mentions(statement, name):
            return isinstance(statement, n.Assign) and statement.name == name and not mentions(statement.value, name)
    return True


def children(node: n.Node) -> tuple[n.Node, ...]:
    match node:
        case n.Send():
            return (node.receiver, *node.args)
        case n.Cascade():
            return (node.receiver, *(arg for message in node.messages for arg in message.args))
        case n.Assign() | n.Return():
            return (node.value,)
        case n.Brace():
            return node.items
        case n.Block():
            return node.body
        case n.Define():
            return (node.target,)
        case _:
            return ()


def mentions(node: n.Node, name: str) -> bool:
    return any_node(node, lambda one: isinstance(one, n.Name | n.Assign) and one.name == name)


def any_node(node: n.Node, test: Callable[[n.Node], bool]) -> bool:
    stack = [node]
    while stack:
        one = stack.pop()
        if test(one):
            return True
        stack.extend(children(one))
    return False


def _captures(block: n.Block) -> bool:
    """Does a real block inside this block hold on to one of the variables declared in it?"""
    names = {*block.params, *block.temps}
    found = False

    def look(node: n.Node, inside: bool, names: set[str]) -> None:
        nonlocal found
        if found:
            return
        if isinstance(node, n.Name | n.Assign) and inside and node.name in names:
            found = True
            return
        in_line = inlined_blocks(node) if isinstance(node, n.Send) else None
        for child in children(node):
            if isinstance(child, n.Block):
                if in_line is not None and any(child is one for one in in_line):
                    look_block(child, inside, names | ({*child.params, *child.temps} if not inside else set()))
                else:
                    look_block(child, True, names - {*child.params, *child.temps})
            else:
                look(child, inside, names)

    def look_block(block: n.Block, inside: bool, names: set[str]) -> None:
        for statement in block.body:
            look(statement, inside, names)

    look_block(block, False, names)
    return found
