"""First pass over a method: where each variable lives, and which blocks dissolve into their surroundings.

A block that is the literal argument of a control-flow message (control.py has the list) is compiled in line: its
variables become locals of the surrounding function. Any other block becomes a Python function of its own. A variable
that such a function shares and that changes after the function was made lives in a *box*, an object with an
identity, so that blocks still share it after a restart and a failed message takes its change back.

The blocks of a walk (``do:``, ``collect:``; walking.py) are compiled twice: in line, for the library's collections, and
as functions, *spares*, for receivers whose walk somebody wrote. A spare is expected not to outlive the send it is for,
so it shares plain variables. One that does outlive it makes the message start again, without walks in line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..grammar import nodes as n

# What emitted code itself names, and what Python lets nobody name: variables of these names get a dot.
TAKEN = frozenset(
    """
    AttributeError Character Exception Handler Home Landing MISSING NotThere RETRY ReturnHome Symbol assign
    assign_top assign_variable bool by_steps chosen collected detached equals_miss failed float
    function getattr inherited int landed len let_go letters look_global look_up new_array new_box
    not_boolean pool_at range recipe_of return_home same signals slot_miss
    square_root steps str this_context times truth tuple type unset world None True False
    __debug__
    """.split()
)

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
# Walks of collections -> the number of parameters of each block argument (None: no block). walking.py emits them.
WALKS: dict[str, tuple[int | None, ...]] = {
    "do:": (1,),
    "reverseDo:": (1,),
    "keysDo:": (1,),
    "doWithIndex:": (2,),
    "withIndexDo:": (2,),
    "keysAndValuesDo:": (2,),
    "with:do:": (None, 2),
    "do:separatedBy:": (1, 0),
    "collect:": (1,),
    "select:": (1,),
    "reject:": (1,),
    "inject:into:": (None, 2),
    "detect:ifNone:": (1, 0),
    "anySatisfy:": (1,),
    "allSatisfy:": (1,),
    "count:": (1,),
    # Blocks for what is found by hash, or is not (hashing.py).
    "at:ifAbsent:": (None, 0),
    "at:ifAbsentPut:": (None, 0),
    "at:ifPresent:": (None, 1),
    "removeKey:ifAbsent:": (None, 0),
    "remove:ifAbsent:": (None, 0),
}
ONCE = {  # block arguments that run outside the walk's loop
    ("do:separatedBy:", 1): False,
    ("detect:ifNone:", 1): True,
    ("at:ifAbsent:", 1): True,
    ("at:ifAbsentPut:", 1): True,
    ("at:ifPresent:", 1): True,
    ("removeKey:ifAbsent:", 1): True,
    ("remove:ifAbsent:", 1): True,
}
GUARD = 4  # Python's blocks that an on:do: in line takes
LARGEST_WALK = 150  # nodes of the blocks of a walk in line
LOOPS = {"whileTrue:", "whileFalse:", "whileTrue", "whileFalse", "repeat", "timesRepeat:", "to:do:", "to:by:do:"}
DEEPEST = 12  # loops within loops in one function; Python's compiler allows 20 blocks of all kinds


@dataclass(eq=False)
class Variable:
    name: str
    home: Function
    loop: int  # how many inlined loops of the home function surround the declaration
    parameter: bool = False
    captured: bool = False
    soft: bool = False  # captured by spares
    boxed: bool = False
    writes: list[n.Node] = field(default_factory=list)
    inner_writes: bool = False  # written by a function other than its home
    soft_writes: bool = False  # written by a spare
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
    spare: bool = False
    passing: bool = False  # of spares, one that whoever gets it cannot keep: what on:do: does
    reads: set[Variable] = field(default_factory=set)  # variables of functions around it
    writes: set[Variable] = field(default_factory=set)


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


def walked_blocks(send: n.Send) -> list[n.Block] | None:
    """The literal blocks of a walk, or None when it is an ordinary send."""
    rule = WALKS.get(send.selector)
    if rule is None or isinstance(send.receiver, n.Block):
        return None
    if isinstance(send.receiver, n.Pseudo) and send.receiver.name == "super":
        return None
    blocks = []
    for wanted, arg in zip(rule, send.args, strict=True):
        if wanted is None:
            continue
        if not isinstance(arg, n.Block) or len(arg.params) != wanted or len(set(arg.params)) != wanted:
            return None
        blocks.append(arg)
    return blocks


class Scopes:
    """The variables of one method or statement, found by name from where one stands.

    ``declared[id(node)]`` maps the names a Method, Block or Program declares to Variables; ``free`` are the
    names nobody declares, in order of appearance; ``inlined`` the ids of blocks that dissolve; ``spares[id(send)]`` the
    copies of a walk's arguments that become functions. ``walks``: are there walks in line?
    """

    def __init__(
        self,
        node: n.Node,
        params: tuple[str, ...],
        temps: tuple[str, ...],
        body: tuple[n.Node, ...],
        walks: bool = True,
    ) -> None:
        self.walks = walks
        self.spares: dict[int, tuple[n.Node, ...]] = {}
        self._walkable: dict[int, bool] = {}
        self._in_spare = False
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
            free = not count and variable.name not in TAKEN
            variable.python = variable.name if free else f"{variable.name}.{count or ''}"
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
                    self._capture(variable, False)
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
                        self._capture(variable, True)
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
                self._apart(node, False)
            case n.Define(target=target):
                self._walk(target)
            case _:
                pass

    def _apart(self, node: n.Block, spare: bool) -> None:
        """A block that becomes a function."""
        outer, loops = self._function, self._loops
        self._function = self.functions[id(node)] = Function(node, outer, spare=spare)
        self._loops = 0
        self._open(node, node.params, node.temps, node.body)
        self._function, self._loops = outer, loops

    def walkable(self, node: n.Send) -> bool:
        """Is this a walk, and its blocks such that they can dissolve?"""
        found = self._walkable.get(id(node))
        if found is None:
            blocks = walked_blocks(node) if self.walks else None
            found = self._walkable[id(node)] = (
                blocks is not None
                and sum(map(size, blocks)) <= LARGEST_WALK
                and not any(any_node(block, _this_context) or self._captures(block) for block in blocks)
            )
        return found

    def guardable(self, node: n.Send) -> bool:
        """Is this a literal block with its handler, such that it can dissolve?"""
        found = self._walkable.get(id(node))
        if found is None:
            found = self._walkable[id(node)] = (
                self.walks
                and isinstance(node.receiver, n.Block)
                and not node.receiver.params
                and not self._captures(node.receiver)
                and not any_node(node.receiver, _this_context)
            )
        return found

    def _guard(self, node: n.Send) -> None:
        """``[...] on: exception do: action``: a loop of one turn, or more if it is retried."""
        block, action = node.receiver, node.args[1]
        assert isinstance(block, n.Block)
        self._walk(node.args[0])
        if isinstance(action, n.Block):
            self._apart(action, True)
            self.functions[id(action)].passing = True
        else:
            self._walk(action)
        self.spares[id(node)] = node.args
        self.inlined.add(id(block))
        self._loops += GUARD
        self._open(block, block.params, block.temps, block.body)
        self._loops -= GUARD

    def _walk_over(self, node: n.Send) -> None:
        """The parts of a walk: its blocks in line, unless this is a spare already, and as spares."""
        self._walk(node.receiver)
        for arg in node.args:
            if not isinstance(arg, n.Block):
                self._walk(arg)
        if self._in_spare:
            for arg in node.args:
                if isinstance(arg, n.Block):
                    self._apart(arg, True)
            return
        for index, arg in enumerate(node.args):
            if isinstance(arg, n.Block):
                self.inlined.add(id(arg))
                turns = not ONCE.get((node.selector, index), False)
                self._loops += turns
                self._open(arg, arg.params, arg.temps, arg.body)
                self._loops -= turns
        spares = self.spares[id(node)] = tuple(renewed(arg) if isinstance(arg, n.Block) else arg for arg in node.args)
        self._in_spare = True
        for arg in spares:
            if isinstance(arg, n.Block):
                self._apart(arg, True)
        self._in_spare = False

    def _send(self, node: n.Send) -> None:
        if node.selector == "on:do:" and self._loops + GUARD <= DEEPEST and self.guardable(node):
            self._guard(node)
            return
        if node.selector in WALKS and self._loops < DEEPEST and self.walkable(node):
            self._walk_over(node)
            return
        blocks = inlined_blocks(node)
        if blocks is None:
            self._walk(node.receiver)
            for arg in node.args:
                self._walk(arg)
            return
        loop = node.selector in LOOPS
        if loop and (self._loops >= DEEPEST or any(self._captures(block) for block in blocks)):
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

    def _capture(self, variable: Variable, writes: bool) -> None:
        function, spares = self._function, True
        while function is not variable.home:
            spares &= function.spare
            (function.writes if writes else function.reads).add(variable)
            assert function.outer is not None
            function = function.outer
        if spares:
            variable.soft = True
            variable.soft_writes |= writes
        else:
            variable.captured = True

    # --- conclusions

    def _settle(self) -> None:
        variables = [v for scope in self.declared.values() for v in scope.values()]
        for v in variables:
            # A captured variable that changes after capture, or from inside, needs an identity.
            v.boxed = v.captured and changes(v)

    def _captures(self, block: n.Block) -> bool:
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
            in_line = None
            if isinstance(node, n.Send):
                if node.selector == "on:do:" and self.guardable(node):
                    in_line = [one for one in (node.receiver, node.args[1]) if isinstance(one, n.Block)]
                else:
                    in_line = walked_blocks(node) if self.walkable(node) else inlined_blocks(node)
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
                if isinstance(statement, n.Block):  # what the block answers: collect: [:x | [x]]
                    look_block(statement, True, names - {*statement.params, *statement.temps})
                else:
                    look(statement, inside, names)

        look_block(block, False, names)
        return found


def changes(v: Variable) -> bool:
    """May it have other values after a function has captured it?"""
    return not v.boxed and (
        v.inner_writes or v.late_writes or len(v.writes) > 1 or bool(v.writes) and (v.parameter or not v.definite)
    )


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


def size(root: n.Node) -> int:
    """How many nodes a tree has."""
    count, stack = 0, list(root.body) if isinstance(root, n.Method) else [root]
    while stack:
        node = stack.pop()
        count += 1
        stack.extend(children(node))
    return count


def _this_context(node: n.Node) -> bool:
    return isinstance(node, n.Pseudo) and node.name == "thisContext"


def renewed(node: n.Node, change: Callable[[n.Node], n.Node] = replace) -> n.Node:
    """The same tree of new nodes, so that what is noted of one by its identity is not said of the other; each changed
    once its parts are."""

    def again(one: n.Node) -> n.Node:
        return renewed(one, change)

    match node:
        case n.Send():
            return change(replace(node, receiver=again(node.receiver), args=tuple(map(again, node.args))))
        case n.Cascade():
            messages = tuple(change(replace(one, args=tuple(map(again, one.args)))) for one in node.messages)
            return change(replace(node, receiver=again(node.receiver), messages=messages))  # type: ignore[arg-type]
        case n.Assign() | n.Return():
            return change(replace(node, value=again(node.value)))
        case n.Brace():
            return change(replace(node, items=tuple(map(again, node.items))))
        case n.Block():
            return change(replace(node, body=tuple(map(again, node.body))))
        case _:
            return change(node)
