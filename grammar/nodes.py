"""The tree of a message program: small frozen nodes, each with its place in the source.

Two trees are equal when they mean the same text: places do not take part in
comparison, so that ``parse(format(tree)) == tree`` is a law and can be tested.
"""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from .record import Record, record


class Span(NamedTuple):
    """Where a node stands: offsets in characters, lines from 1, columns from 1."""

    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int


NOWHERE = Span(0, 0, 1, 1, 1, 1)


@record
class Node(Record):
    span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


# --- literals -----------------------------------------------------------------


class Scaled(NamedTuple):
    """A ScaledDecimal as written: ``numerator / 10**digits`` shown with ``scale`` digits.

    ``3.14s2`` is Scaled(314, 2, 2); ``3s`` has scale 0, ``3.1s`` takes the scale 1 of its digits.
    """

    unscaled: int
    digits: int
    scale: int


@record
class Number(Node):
    """An Integer, Float or ScaledDecimal literal. ``text`` keeps how it was written (``16r1F``)."""

    value: int | float | Scaled
    text: str = field(default="", compare=False)


@record
class String(Node):
    value: str


@record
class Symbol(Node):
    value: str


@record
class Character(Node):
    """One character; ``value`` is a str of length 1."""

    value: str


@record
class Array(Node):
    """``#(...)``. Items are literal nodes; ``true false nil`` inside are Pseudo, bare words Symbol."""

    items: tuple[Node, ...]


@record
class Bytes(Node):
    """``#[1 2 255]``"""

    value: bytes


@record
class Brace(Node):
    """``{1 + 1. x}``: an Array built at run time."""

    items: tuple[Node, ...]


# --- expressions --------------------------------------------------------------


@record
class Name(Node):
    """An identifier, possibly dotted between capitalised parts (``SystemExceptions.NotFound``)."""

    name: str


@record
class Pseudo(Node):
    """``nil true false self super thisContext``"""

    name: str


@record
class Assign(Node):
    name: str
    value: Node


@record
class Send(Node):
    """A message send. ``selector_span`` covers the selector's (first) token."""

    receiver: Node
    selector: str
    args: tuple[Node, ...] = ()
    selector_span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@record
class Message(Node):
    """One part of a cascade: selector and arguments without a receiver."""

    selector: str
    args: tuple[Node, ...] = ()


@record
class Cascade(Node):
    """``receiver first; second; ...``: at least two messages to one receiver."""

    receiver: Node
    messages: tuple[Message, ...]


@record
class Block(Node):
    params: tuple[str, ...]
    temps: tuple[str, ...]
    body: tuple[Node, ...]


# --- statements and definitions -----------------------------------------------


@record
class Return(Node):
    value: Node


@record
class Variables(Node):
    """``| a b |`` as a statement at the top level: declares variables of the workspace."""

    names: tuple[str, ...]


@record
class Pragma(Node):
    """``<category: 'x'>``: a selector with literal arguments at a body's head."""

    selector: str
    args: tuple[Node, ...] = ()


@record
class Method(Node):
    """A method: pattern and body, without the object that it is for.

    ``language`` is ``"smalltalk"`` (then temps, pragmas and body hold the tree) or ``"python"``
    (then ``text`` holds the dedented Python statements and body is empty). For smalltalk ``text`` is the source
    between the brackets as written. ``comment`` is the first comment of the body, or "".
    """

    selector: str
    params: tuple[str, ...]
    temps: tuple[str, ...] = ()
    pragmas: tuple[Pragma, ...] = ()
    body: tuple[Node, ...] = ()
    language: str = "smalltalk"
    text: str = field(default="", compare=False)
    comment: str = field(default="", compare=False)


@record
class Define(Node):
    """``target >> pattern [ body ]``. Target is an expression (a Name, or ``Foo class``, or any primary/unary send)."""

    target: Node
    method: Method


# --- classes, as other Smalltalks write them ------------------------------------


@record
class Member(Node):
    """A method inside a class's brackets. ``source`` is its whole text; ``meta``: it is the class's own, and not its
    instances'. ``target`` is None, or the object it is for where that is neither (``Other >> foo [ ]``)."""

    method: Method
    meta: bool = False
    category: str = ""
    target: Node | None = None
    source: str = field(default="", compare=False)


@record
class Shared(Node):
    """``Count := 0.`` in a class's brackets: a class variable, with the expression for its first value (or None)."""

    name: str
    value: Node | None = None


@record
class Extend(Node):
    """``target extend [ items ]``; ``Foo class [ items ]`` inside a class's brackets is one too.

    Items are Variables (of the instances), Pragma (``<comment: 'x'>``), Shared, Member and Extend, in the order
    written.
    """

    target: Node
    items: tuple[Node, ...] = ()


@record
class Class(Node):
    """``superclass subclass: name [ items ]``: a class, made or changed. ``superclass`` None: nil."""

    superclass: Node | None
    name: str
    items: tuple[Node, ...] = ()


@record
class Eval(Node):
    """``Eval [ | temps | body ]``: statements that are one message."""

    temps: tuple[str, ...] = ()
    body: tuple[Node, ...] = ()


@record
class Bad(Node):
    """A statement that did not parse, kept so that the others can still run (``recover=True``)."""

    problem: object = field(compare=False)


@record
class Program(Node):
    """What was typed: statements in order, each a message and a transaction of its own.

    ``text`` is what the places count in, where that is not the text that was read (a doubled ``!!`` is made single).
    """

    statements: tuple[Node, ...]
    text: str | None = field(default=None, compare=False, repr=False)
