"""format_tree: from a tree back to text, laid out as Smalltalkers write it.

What fits on a line stands on one; else a keyword message of several parts gets a line a part, a cascade a line a
message, a block a line a statement, indented by tabs. Parentheses stand where the tree needs them and nowhere else.
The law, ``parse(format_tree(t)) == t``, is tested over generated trees. Of the comments, which are no part of the tree,
a method's first one is kept.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

from .depth import MAX_DEPTH
from .literals import literal
from .nodes import (
    Array,
    Assign,
    Bad,
    Block,
    Brace,
    Bytes,
    Cascade,
    Class,
    Define,
    Eval,
    Extend,
    Member,
    Message,
    Method,
    Name,
    Node,
    Pragma,
    Program,
    Pseudo,
    Return,
    Send,
    Shared,
    Symbol,
    Variables,
)

WIDTH = 100
APART = (Define, Class, Extend, Eval)  # with an empty line around them, and no period behind
TAB = 4  # columns that a tab counts for when a line's width is measured

# How tightly an expression binds: what may stand bare where.
PRIMARY, UNARY, BINARY, KEYWORD, LOOSE = range(5)


def format_tree(node: Node) -> str:
    """The text of any node: a Program, a Method (for parse_method), or one expression.

    Raises ValueError for a tree that no text means (a Float that is no finite number, for example).
    """
    try:
        return _formatted(node)
    except RecursionError:
        # Deep, but not deeper than the parser allows. Frames of Python code live on the heap, so room is safe to give;
        # it is not taken back, since another thread may be just as deep.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 20 * MAX_DEPTH))
        return _formatted(node)


def _formatted(node: Node) -> str:
    writer = _Writer()
    if isinstance(node, Program):
        writer.program(node)
    elif isinstance(node, Method):
        writer.method(node)
    elif isinstance(node, Message):
        writer.message(node)
    elif isinstance(node, Pragma):
        writer.pragma(node)
    else:
        writer.statement(node)
    return "".join(writer.parts)


def binding(node: Node) -> int:
    """Which of PRIMARY, UNARY, BINARY, KEYWORD, LOOSE an expression is."""
    if isinstance(node, Send):
        return kind_of(node.selector)
    return LOOSE if isinstance(node, (Cascade, Assign)) else PRIMARY


def kind_of(selector: str) -> int:
    if selector.endswith(":"):
        return KEYWORD
    return UNARY if selector[0] == "_" or selector[0].isalpha() else BINARY


def keywords(selector: str) -> list[str]:
    """``at:put:`` as ``["at:", "put:"]``."""
    return [part + ":" for part in selector.split(":")[:-1]]


class _TooLong(Exception):
    """What was tried does not fit on the line."""


class _Writer:
    """Text as it grows. When ``room`` is a number, everything must fit into so many more columns of this line."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.column = 0
        self.indent = 0
        self.room: int | None = None

    def write(self, text: str) -> None:
        if self.room is not None:
            self.room -= len(text)
            if self.room < 0 or "\n" in text:
                raise _TooLong
        self.parts.append(text)
        newline = text.rfind("\n")
        self.column = self.column + len(text) if newline < 0 else len(text) - newline - 1

    def line(self) -> None:
        self.parts.append("\n" + "\t" * self.indent)
        self.column = self.indent * TAB

    # --- wholes

    def program(self, program: Program) -> None:
        for index, statement in enumerate(program.statements):
            apart = isinstance(statement, APART) or (index and isinstance(program.statements[index - 1], APART))
            if index:
                self.write("\n\n" if apart else "\n")
            self.statement(statement)
            if not isinstance(statement, (*APART, Variables, Bad)):
                self.write(".")
        if program.statements:
            self.write("\n")

    def statement(self, node: Node) -> None:
        match node:
            case Return(value):
                self.write("^")
                self.expression(value)
            case Variables(names):
                self.write(bars(names))
            case Define(target, method):
                self.expression(target, UNARY)
                self.write(" >> ")
                self.method(method)
            case Class(superclass, name, items):
                if superclass is None:
                    self.write("nil")
                else:
                    self.expression(superclass, UNARY)
                self.write(f" subclass: {name} [")
                self.members(items, name)
            case Extend(target, items):
                self.expression(target, UNARY)
                self.write(" extend [")
                self.members(items, target.name if isinstance(target, Name) else "")
            case Eval(temps, body):
                self.write("Eval [")
                self.indent += 1
                if temps:
                    self.line()
                    self.write(bars(temps))
                self.line()
                self.statements(body)
                self.indent -= 1
                self.line()
                self.write("]")
            case Bad():
                problem, span = node.problem, node.span
                self.write(problem.source[span.start : span.end])  # type: ignore[attr-defined]
            case _:
                self.expression(node)

    def members(self, items: tuple[Node, ...], name: str) -> None:
        """What stands in a class's brackets, and the closing one."""
        self.indent += 1
        for item in items:
            self.line()
            match item:
                case Variables(names):
                    self.write(bars(names))
                case Pragma():
                    self.pragma(item)
                case Shared(shared, value):
                    self.write(shared + (" := " if value is not None else ""))
                    if value is not None:
                        self.expression(value)
                    self.write(".")
                case Member(method, meta, _, target):
                    if target is not None:
                        self.expression(target, UNARY)
                        self.write(" >> ")
                    elif meta:
                        self.write(f"{name} class >> ")
                    self.method(method)
                case Extend(target, inner):
                    self.expression(target, UNARY)
                    self.write(" [")
                    self.members(inner, name)
        self.indent -= 1
        self.line()
        self.write("]")

    def statements(self, body: tuple[Node, ...]) -> None:
        """Separated by periods: on this line while it must fit, else each on its own."""
        for index, statement in enumerate(body):
            if index:
                self.write(".")
                if self.room is None:
                    self.line()
                else:
                    self.write(" ")
            self.statement(statement)

    def method(self, method: Method) -> None:
        self.write(pattern(method))
        if method.language == "python":
            self.write(" " + fenced(method.text))
            return
        short = not (method.comment or method.temps or method.pragmas or len(method.body) > 1)
        if short and self.try_flat(lambda: self.inside("[", method.body, "]")):
            return
        self.write(" [")
        self.indent += 1
        if method.comment:
            self.line()
            self.write('"' + method.comment.replace('"', '""') + '"')
        for pragma in method.pragmas:
            self.line()
            self.pragma(pragma)
        if method.temps:
            self.line()
            self.write(bars(method.temps))
        if method.body:
            self.line()
            self.statements(method.body)
        self.indent -= 1
        self.line()
        self.write("]")

    def inside(self, opening: str, body: tuple[Node, ...], closing: str) -> None:
        self.write(f" {opening} ")
        self.statements(body)
        self.write(f" {closing}" if body else closing)

    def pragma(self, pragma: Pragma) -> None:
        self.write("<")
        self.message(Message(pragma.selector, pragma.args))
        last = pragma.args[-1] if pragma.args else None
        # `#+>` would be read as one symbol
        self.write(" >" if isinstance(last, Symbol) and kind_of(last.value or "'") == BINARY else ">")

    # --- expressions

    def try_flat(self, write: Callable[[], None]) -> bool:
        """Write on this line if it fits; if not, leave everything as it was and answer False."""
        if self.room is not None:
            write()
            return True
        mark, column = len(self.parts), self.column
        self.room = max(WIDTH - self.column, 20)
        try:
            write()
            return True
        except _TooLong:
            del self.parts[mark:]
            self.column = column
            return False
        finally:
            self.room = None

    def expression(self, node: Node, loosest: int = LOOSE) -> None:
        """Write ``node``, in parentheses if it binds more loosely than ``loosest``."""
        if binding(node) > loosest:
            self.write("(")
            self.expression(node)
            self.write(")")
        elif self.room is not None:
            self.flat(node)
        elif not self.try_flat(lambda: self.flat(node)):
            self.broken(node)

    def flat(self, node: Node) -> None:
        """On one line. (Receivers without parentheses are followed in a loop: they may be hundreds deep.)"""
        spine: list[Send] = []
        while isinstance(node, Send) and binding(node.receiver) <= min(binding(node), BINARY):
            spine.append(node)
            node = node.receiver
        match node:
            case Send(receiver, selector, args):
                self.expression(receiver, min(kind_of(selector), BINARY))
                self.write(" ")
                self.message_parts(selector, args)
            case Cascade():
                self.cascade(node)
            case Assign(name, value):
                self.write(f"{name} := ")
                self.expression(value)
            case Block():
                self.write("[" + header(node))
                self.statements_in(node)
            case Brace(items):
                self.write("{")
                for index, item in enumerate(items):
                    self.write(". " if index else " ")
                    self.expression(item)
                self.write(" }")
            case _:
                self.leaf(node)
        for send in reversed(spine):
            self.write(" ")
            self.message_parts(send.selector, send.args)

    def statements_in(self, block: Block) -> None:
        if block.body:
            self.write(" ")
            self.statements(block.body)
        self.write(" ]")

    def leaf(self, node: Node) -> None:
        match node:
            case Name(name) | Pseudo(name):
                self.write(name)
            case Array(items):
                self.write("#(")
                for index, item in enumerate(items):
                    self.write(" " if index else "")
                    self.leaf(item)
                self.write(")")
            case Bytes(value):
                self.write("#[" + " ".join(map(str, value)) + "]")
            case _:
                self.write(literal(node))

    def message(self, message: Message) -> None:
        self.message_parts(message.selector, message.args)

    def message_parts(self, selector: str, args: tuple[Node, ...]) -> None:
        kind = kind_of(selector)
        if kind == UNARY:
            self.write(selector)
        elif kind == BINARY:
            self.write(selector + " ")
            self.expression(args[0], UNARY)
        else:
            for index, (keyword, arg) in enumerate(zip(keywords(selector), args, strict=True)):
                self.write(f" {keyword} " if index else f"{keyword} ")
                self.expression(arg, BINARY)

    def cascade(self, node: Cascade) -> None:
        first = node.messages[0]
        self.expression(node.receiver, min(kind_of(first.selector), BINARY))
        self.write(" ")
        for index, message in enumerate(node.messages):
            self.write("; " if index else "")
            self.message(message)

    def broken(self, node: Node) -> None:
        """Over several lines."""
        match node:
            case Send(receiver, selector, args):
                self.broken_send(receiver, selector, args)
            case Cascade(receiver, messages):
                self.expression(receiver, min(kind_of(messages[0].selector), BINARY))
                self.indent += 1
                for index, message in enumerate(messages):
                    self.write(";" if index else "")
                    self.line()
                    self.message(message)
                self.indent -= 1
            case Assign(name, value):
                self.write(f"{name} := ")
                self.expression(value)
            case Block():
                self.write("[" + header(node))
                self.indent += 1
                if node.body:
                    self.line()
                    self.statements(node.body)
                self.indent -= 1
                self.write(" ]")
            case Brace(items):
                self.write("{")
                self.indent += 1
                for index, item in enumerate(items):
                    self.write("." if index else "")
                    self.line()
                    self.expression(item)
                self.indent -= 1
                self.write(" }")
            case Array(items):
                self.filled("#(", items, ")")
            case Bytes(value):
                self.filled("#[", [str(byte) for byte in value], "]")
            case _:
                self.leaf(node)

    def broken_send(self, receiver: Node, selector: str, args: tuple[Node, ...]) -> None:
        kind = kind_of(selector)
        self.expression(receiver, min(kind, BINARY))
        if len(args) > 1:
            if isinstance(args[-1], Block) and self.try_flat(lambda: self.hang(selector, args)):
                self.broken(args[-1])
                return
            self.indent += 1
            for keyword, arg in zip(keywords(selector), args, strict=True):
                self.line()
                self.write(keyword + " ")
                self.expression(arg, BINARY)
            self.indent -= 1
            return
        if self.column > (WIDTH if kind == UNARY else WIDTH * 3 // 4):
            self.indent += 1
            self.line()
            self.message_parts(selector, args)
            self.indent -= 1
        else:
            self.write(" ")
            self.message_parts(selector, args)

    def hang(self, selector: str, args: tuple[Node, ...]) -> None:
        """All of a message on this line but its last argument, a block whose lines follow: ``1 to: 10 do: [ :i |``."""
        *earlier, last = zip(keywords(selector), args, strict=True)
        for keyword, arg in earlier:
            if isinstance(arg, Block):  # branches stand one under the other
                raise _TooLong
            self.write(f" {keyword} ")
            self.expression(arg, BINARY)
        self.write(f" {last[0]} ")

    def filled(self, opening: str, items: Sequence[Node | str], closing: str) -> None:
        """As many items a line as it takes."""
        self.write(opening)
        self.indent += 1
        for index, item in enumerate(items):
            if self.column > WIDTH * 3 // 4:
                self.line()
            elif index:
                self.write(" ")
            if isinstance(item, str):
                self.write(item)
            else:
                self.expression(item)
        self.indent -= 1
        self.write(closing)


def bars(names: tuple[str, ...]) -> str:
    return "| " + "".join(name + " " for name in names) + "|"


def header(block: Block) -> str:
    """What stands in a block before its statements: `` :x :y | | t |``."""
    params = "".join(f" :{name}" for name in block.params)
    return params + (" |" if params else "") + (" " + bars(block.temps) if block.temps else "")


def pattern(method: Method) -> str:
    """``at: key put: value``"""
    if not method.params:
        return method.selector
    parts = keywords(method.selector) if method.selector.endswith(":") else [method.selector]
    return " ".join(f"{part} {name}" for part, name in zip(parts, method.params, strict=True))


def fenced(text: str) -> str:
    """Python statements as a fence, longer than any that begins a line in them."""
    lines = text.split("\n") if text else []
    longest = max((len(run) for run in re.findall(r"^[ \t]*(`+)", text, re.M)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence + "python", *("    " + line if line.strip() else "" for line in lines), fence])
