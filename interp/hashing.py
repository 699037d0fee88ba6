"""Dictionaries, sets and bags in line: ``at:put:``, ``includes:``, ``at:ifAbsent:`` and such, with their blocks; and
what ReadStreams answer to ``next`` and ``atEnd``.

What the emitted code looks like::

    if $sent at: 3:7 <...>:                        # too often something else: it is sent
        %1 = #at:[d.__class__](d, k)
    else:
        try:
            %1 = d._v_table[k if k.__class__ in $keyed else $key_of(k)]
        except NotThere:
            %1 = $missed('at: 3:7 table', ..., d, k)   # sends it, after all

The names that contents go by (``_v_table``) say what they are, and who has them may be read, or written, by them
(image/collections.py). The keys in there are those of image/keys.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ..grammar import nodes as n
from .arithmetic import again, assign, held
from .inlining import PLACE
from .walking import Walk

if TYPE_CHECKING:
    from .compiler import Emitter

# form -> what a collection's contents go by where they are read, and where they are written
NAMES = {
    "table": ("_v_table", "_v_entries"),
    "pairs": ("_v_pairs", "_v_own_pairs"),
    "set": ("_v_set", "_v_members"),
    "ids": ("_v_ids", "_v_own_ids"),
    "bag": ("_v_bag", "_v_counts"),
    "elements": ("_v_read", "_v_read"),
    "chars": ("_v_chars", "_v_chars"),
}
SIZED = ("table", "pairs", "set", "ids")
# selector -> forms that it has in line, the first of them what is tried where nothing is known
FORMS: dict[str, tuple[str, ...]] = {
    "at:": ("list", "table", "pairs"),
    "at:put:": ("list", "table", "pairs"),
    "add:": ("list", "set", "ids", "bag"),
    "removeLast": ("list",),
    "size": ("list", *SIZED),
    "isEmpty": ("list", *SIZED),
    "notEmpty": ("list", *SIZED),
    "includes:": ("set", "ids", "bag"),
    "remove:": ("set", "ids"),
    "includesKey:": ("table", "pairs"),
    "removeKey:": ("table", "pairs"),
    "next": ("elements", "chars"),  # of a ReadStream
    "atEnd": ("elements", "chars"),
}
# The same of messages with blocks.
LOOKUPS: dict[str, tuple[str, ...]] = {
    "at:ifAbsent:": ("table", "pairs"),
    "at:ifPresent:": ("table", "pairs"),
    "at:ifAbsentPut:": ("table", "pairs"),
    "removeKey:ifAbsent:": ("table", "pairs"),
    "remove:ifAbsent:": ("set", "ids"),
}
FORMS.update(LOOKUPS)
# What a selector's method sends to self, if it is no primitive: whoever redefines that has it sent.
STANDS_ON = {
    "isEmpty": ("size",),
    "notEmpty": ("size",),
    "remove:": ("remove:ifAbsent:",),
    "removeKey:": ("removeKey:ifAbsent:",),
    "at:ifAbsentPut:": ("at:ifAbsent:", "at:put:"),
}
PLAIN = (n.Symbol, n.Character)  # literals that are their own keys, in collections of identity too


def redefined(em: Emitter, selector: str) -> bool:
    return not em.mode.redefined.isdisjoint((selector, *STANDS_ON.get(selector, ())))


def form(em: Emitter, node: n.Send) -> str:
    """The form in which a message is tried here; '' where it is sent."""
    selector, marks = node.selector, em.mode.timid
    place = f"{selector} {spot(node)}"
    if place in marks or em.mode.checked or redefined(em, selector):
        return ""
    learnt = next((mark for mark in marks if mark.startswith(place + " ")), "")
    if learnt:
        return learnt.rpartition(" ")[2]
    if selector in ("at:", "at:put:") and isinstance(node.args[0], n.Symbol | n.String | n.Character):
        return "table"
    return FORMS[selector][0]


def spot(node: n.Send) -> str:
    """Where it stands in its own method, be that in line in another."""
    return f"{node.span.line % PLACE}:{node.span.column}"


def flag(em: Emitter, node: n.Send, form: str) -> tuple[str, str]:
    """What a place is called where it reports a miss, and the global that says whether it missed too often."""
    place = f"{node.selector} {spot(node)} {form}"
    name = f"$sent {place} {em.unit}"
    em.constants[name] = False
    return place, name


def missed(em: Emitter, node: n.Send, form: str, *parts: ast.expr, slot: str = "") -> ast.expr:
    """The message sent after all, and reported."""
    from .compiler import call, const, located

    place, name = flag(em, node, form)
    if slot:
        parts = (parts[0], const(slot), *parts[1:])
    miss = "$slot_missed" if slot else "$missed"
    return located(call(miss, const(place), const(name), em.site(), *parts), node)  # type: ignore[no-any-return]


def attempt(
    em: Emitter, node: n.Send, form: str, tests: list[ast.expr], fast: list[ast.stmt], target: str,
    miss: ast.expr, other: ast.expr, sent: list[ast.stmt],
) -> None:  # fmt: skip
    """Try what is in line, unless that missed too often; ``other`` is the value where a test fails."""
    from .compiler import load

    handler = ast.ExceptHandler(load("NotThere"), None, [assign(target, miss)])
    body: ast.stmt = ast.Try(fast, [handler], [], [])
    if tests:
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        body = ast.If(test, [body], [assign(target, other)])
    em.emit(ast.If(load(flag(em, node, form)[1]), sent, [body]), node)


def value(em: Emitter, node: n.Send, form: str) -> ast.expr:
    """A message without blocks in one of the forms of NAMES."""
    from .compiler import load, located

    receiver, *args = em.expressions([node.receiver, *node.args])
    if isinstance(receiver, ast.Constant):
        return located(em.plain_send(receiver, node.selector, args), node)  # type: ignore[no-any-return]
    receiver, args = held(em, receiver), [held(em, arg) for arg in args]
    target = em.temp()

    def parts() -> list[ast.expr]:
        return list(map(again, args))

    fast = [located(one, node) for one in _done(em, node, form, receiver, args, target)]
    sent = assign(target, located(em.plain_send(again(receiver), node.selector, parts()), node))
    miss = missed(em, node, form, again(receiver), *parts())
    attempt(em, node, form, [], fast, target, miss, miss, [sent])
    return load(target)


def contents(receiver: ast.expr, form: str, write: bool = False) -> ast.expr:
    return ast.Attribute(again(receiver), NAMES[form][write], ast.Load())


def key_of(form: str, key: ast.expr, node: n.Node) -> ast.expr:
    """What a key is found under: itself, where its kind says so."""
    from .compiler import call, class_of, kind_of, load

    known = kind_of(key)
    by_identity = form in ("pairs", "ids")
    if isinstance(node, PLAIN) or known == "int" or not by_identity and known in ("num", "float", "str"):
        return again(key)

    def one_of(types: str) -> ast.expr:
        return ast.Compare(class_of(again(key)), [ast.In()], [load(types)])

    if not by_identity:
        return ast.IfExp(one_of("$keyed"), again(key), call("$key_of", again(key)))
    number = ast.Tuple([load("$id"), call("$id", again(key))], ast.Load())
    other = ast.IfExp(one_of("$things"), number, call("$identity", again(key)))
    return ast.IfExp(one_of("$singles"), again(key), other)


def _done(
    em: Emitter, node: n.Send, form: str, receiver: ast.expr, args: list[ast.expr], target: str
) -> list[ast.stmt]:
    """What the message does."""
    from .compiler import const, load, store

    selector = node.selector
    if selector in ("size", "isEmpty", "notEmpty"):
        return [assign(target, measure(selector, contents(receiver, form)))]
    if selector in ("next", "atEnd"):
        return _read(em, selector, receiver, form, target)
    key = key_of(form, args[0], node.args[0])
    table = contents(receiver, form, selector in ("at:put:", "add:", "remove:", "removeKey:"))
    match selector:
        case "at:":
            return [assign(target, _value(ast.Subscript(table, key, ast.Load()), form))]
        case "includes:" | "includesKey:":
            return [assign(target, ast.Compare(key, [ast.In()], [table]))]
        case "remove:":
            return [ast.Delete([ast.Subscript(table, key, ast.Del())]), assign(target, again(args[0]))]
        case "removeKey:":
            return [assign(target, _value(ast.Call(ast.Attribute(table, "pop", ast.Load()), [key], []), form))]
        case "at:put:":
            kept: ast.expr = again(args[1])
            if form == "pairs":
                kept = ast.Tuple([again(args[0]), kept], ast.Load())
            return [ast.Assign([ast.Subscript(table, key, ast.Store())], kept), assign(target, again(args[1]))]
    # add: an equal element that is there already stays, as a dict keeps the key it has.
    if form != "bag":
        kept = const(None) if form == "set" else again(args[0])
        return [ast.Assign([ast.Subscript(table, key, ast.Store())], kept), assign(target, again(args[0]))]
    found, at = em.temp(), em.temp()
    get = ast.Call(ast.Attribute(load(found), "get", ast.Load()), [load(at), const(0)], [])
    more = ast.BinOp(get, ast.Add(), const(1))
    return [
        assign(found, table),
        assign(at, key),
        ast.Assign([ast.Subscript(load(found), load(at), ast.Store())], more),
        ast.Assign([store(target)], again(args[0])),
    ]


def _read(em: Emitter, selector: str, stream: ast.expr, form: str, target: str) -> list[ast.stmt]:
    """The next element, and one on; or whether there is none."""
    from .compiler import call, const, load

    elements = contents(stream, form)
    position = ast.Attribute(again(stream), "_position", ast.Load())
    if selector == "atEnd":
        return [assign(target, ast.Compare(position, [ast.GtE()], [call("len", elements)]))]
    at = em.temp()
    element: ast.expr = ast.Subscript(elements, load(at), ast.Load())
    if form == "chars":
        element = ast.Subscript(load("letters"), element, ast.Load())
    on = ast.Assign(
        [ast.Attribute(again(stream), "_position", ast.Store())], ast.BinOp(load(at), ast.Add(), const(1))
    )
    return [assign(at, position), assign(target, element), on]


def _value(found: ast.expr, form: str) -> ast.expr:
    from .compiler import const

    return ast.Subscript(found, const(1), ast.Load()) if form == "pairs" else found


def measure(selector: str, items: ast.expr) -> ast.expr:
    from .compiler import call

    if selector == "size":
        return call("len", items)  # type: ignore[no-any-return]
    empty = ast.UnaryOp(ast.Not(), items)
    return empty if selector == "isEmpty" else ast.UnaryOp(ast.Not(), empty)


class Lookup(Walk):
    """A message with a block for a key that is there, or is not::

        %1 = MISSING; %2 = $sent ...
        if not %2:
            try: %1 = d._v_table.get(k, MISSING)
            except NotThere: %2 = $noted(...)
        if %1 is not MISSING: ...   # found
        elif %2: ...                # the message, with the block as a function
        else: ...                   # the block, in line
    """

    def emit(self) -> ast.expr | None:
        from .compiler import call, const, load, located
        from .control import fix

        em, node, selector = self.em, self.node, self.node.selector
        plain = [arg for arg in node.args if not isinstance(arg, n.Block)]
        self.parts = [fix(em, part) for part in em.expressions([node.receiver, *plain])]
        here = form(em, node)
        if not here or isinstance(self.parts[0], ast.Constant):
            self._sent()
            return load(self.target) if self.wanted else None
        receiver, told = self.parts[0], em.temp()
        place, name = flag(em, node, here)
        how = "pop" if selector.startswith("remove") else "get"
        table = ast.Attribute(contents(receiver, here, how == "pop"), how, ast.Load())
        key = key_of(here, self.parts[1], node.args[0])
        em.emit(assign(self.found, load("MISSING")), node)
        em.emit(assign(told, load(name)), node)
        noted = call("$noted", const(place), const(name), em.site(), again(receiver))
        look = assign(self.found, located(ast.Call(table, [key, load("MISSING")], []), node))
        handler = ast.ExceptHandler(load("NotThere"), None, [assign(told, noted)])
        em.emit(ast.If(ast.UnaryOp(ast.Not(), load(told)), [ast.Try([look], [handler], [], [])], []), node)
        found, _ = em.nested(lambda: self._found(here))
        sent, _ = em.nested(self._sent)
        absent, _ = em.nested(self._absent)
        test = ast.Compare(load(self.found), [ast.IsNot()], [load("MISSING")])
        otherwise = ast.If(load(told), sent or [ast.Pass()], absent or [ast.Pass()])
        em.emit(ast.If(test, found or [ast.Pass()], [otherwise]), node)
        return load(self.target) if self.wanted else None

    def _found(self, form: str) -> None:
        from .compiler import load
        from .control import inline_body

        found = load(self.found)
        match self.node.selector:
            case "at:ifPresent:":
                value = inline_body(self.em, self.blocks[0], [_value(found, form)], self.wanted)
                if self.wanted and value is not None:
                    self._answer(value)
            case "remove:ifAbsent:" if self.wanted:
                self._answer(again(self.parts[1]))
            case _ if self.wanted:
                self._answer(_value(found, form))

    def _absent(self) -> None:
        from .compiler import const, located
        from .control import inline_body

        em, selector = self.em, self.node.selector
        if selector == "at:ifPresent:":
            if self.wanted:
                self._answer(const(None))
            return
        value = inline_body(em, self.blocks[0], [], self.wanted or selector == "at:ifAbsentPut:")
        if value is None:
            return
        if selector == "at:ifAbsentPut:":
            receiver, key = map(again, self.parts)
            value = located(em.plain_send(receiver, "at:put:", [key, value]), self.node)
            if not self.wanted:
                em.emit(ast.Expr(value), self.node)
        if self.wanted:
            self._answer(value)
