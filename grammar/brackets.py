"""Classes in GNU Smalltalk's brackets: ``Object subclass: Foo [ ... ]``, ``Foo extend [ ... ]``, ``Eval [ ... ]``.

They are read where the parser stumbles over their ``[``, so that whoever writes none pays nothing for them. What stands
between the brackets is found by lexemes (scan.py); each method and expression in it is then parsed by the one
grammar, so that a fault in one method costs that method and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .nodes import (
    Bad,
    Block,
    Class,
    Eval,
    Extend,
    Member,
    Method,
    Name,
    Node,
    Pragma,
    Pseudo,
    Shared,
    Span,
    Symbol,
    Variables,
)
from .problem import SyntaxProblem
from .scan import Lexeme, scan


@dataclass
class Text:
    """A source, and the reader's ways to parse a piece of it."""

    source: str
    origin: str
    span: Callable[[int, int], Span]  # of an offset and another
    method: Callable[[int, int], Method]  # these two raise SyntaxProblem
    statements: Callable[[int, int], list[Node]]  # Bad ones among them


class Cursor:
    """The lexemes of a text from an offset on, gaps left out, with as much looking ahead as is asked for."""

    def __init__(self, source: str, start: int, limit: int | None = None) -> None:
        self.source = source
        self.limit = len(source) if limit is None else limit
        self.lexemes = (one for one in scan(source, start, self.limit) if one.kind not in ("SPACE", "COMMENT"))
        self.ahead: list[Lexeme] = []

    def peek(self, index: int = 0) -> Lexeme:
        while len(self.ahead) <= index:
            end = self.limit
            self.ahead.append(next(self.lexemes, Lexeme("END", end, end)))
        return self.ahead[index]

    def next(self) -> Lexeme:
        found = self.peek()
        self.ahead.pop(0)
        return found

    def kinds(self, *wanted: str) -> bool:
        """Are the next lexemes of these kinds?"""
        return all(self.peek(index).kind == kind for index, kind in enumerate(wanted))

    def text(self, index: int = 0) -> str:
        one = self.peek(index)
        return self.source[one.start : one.end]

    def words(self, *wanted: str | None) -> bool:
        """Do the next lexemes read like that? None: any name."""
        for index, word in enumerate(wanted):
            named = self.peek(index).kind in ("IDENT", "DOTTED")
            if not (named if word is None else self.text(index) == word):
                return False
        return True

    def close(self) -> int | None:
        """Pass a square bracket that is next, and all in it; the offset behind its closing one, or None if there is
        none."""
        depth = 0
        while True:
            one = self.next()
            if one.kind in ("LBRACKET", "HASH_BRACKET"):
                depth += 1
            elif one.kind == "RBRACKET":
                depth -= 1
                if not depth:
                    return one.end
            elif one.kind == "END":
                return None


def read_brackets(text: Text, begin: int, limit: int) -> tuple[list[Node], int] | None:
    """The class, extension or Eval that begins at an offset (with what is at fault in it, each as a Bad behind it), and
    where it ends. None if nothing of the kind begins there."""
    cursor = Cursor(text.source, begin, limit)
    head = _head(text, cursor)
    if head is None:
        return None
    opening = cursor.peek()
    if head[0] in ("eval", "namespace"):
        end = cursor.close()
        if end is None:
            return [_unclosed(text, begin, opening, limit)], limit
        if head[0] == "namespace":
            return text.statements(opening.end, end - 1), end
        return _eval(text, begin, opening.start, end), end
    cursor.next()
    bad: list[Node] = []
    items, stop = _items(text, cursor, bad, (head[2],))
    if stop is None:
        return [_unclosed(text, begin, opening, limit)], limit
    span = text.span(begin, stop)
    made: Node
    if head[0] == "subclass":
        made = Class(head[1], head[2], tuple(items), span=span)
    else:
        made = Extend(head[1], tuple(items), span=span)
    return [made, *bad], stop


def _head(text: Text, cursor: Cursor) -> tuple[str, Any, str] | None:
    """What stands before the bracket: (kind, receiver, name). The cursor is left at the bracket."""
    if cursor.words("Eval", "["):
        cursor.next()
        return "eval", None, ""
    if cursor.words("Namespace", "current:", None, "["):
        _skip(cursor, 3)
        return "namespace", None, ""
    if cursor.words("Namespace", "current:"):
        index = 2
        while cursor.peek(index).kind in ("IDENT", "DOTTED", "KEYWORD", "SYMBOL", "LPAREN", "RPAREN"):
            index += 1
        if cursor.text(index) == "[":
            _skip(cursor, index)
            return "namespace", None, ""
    if not cursor.words(None):
        return None
    receiver = _name(text, cursor.peek())
    if cursor.words(None, "subclass:") and cursor.text(3) == "[":
        name = cursor.text(2)
        if cursor.peek(2).kind in ("IDENT", "DOTTED", "SYMBOL") and name.strip("#'").isidentifier():
            _skip(cursor, 3)
            superclass = None if isinstance(receiver, Pseudo) and receiver.name == "nil" else receiver
            return "subclass", superclass, name.strip("#'")
    if cursor.words(None, "extend", "["):
        _skip(cursor, 2)
        return "extend", receiver, _last(receiver)
    for head in ((None, "class", "extend", "["), (None, "class", "[")):
        if cursor.words(*head):
            _skip(cursor, len(head) - 1)
            return "extend", _class_of(text, receiver), ""
    return None


def _skip(cursor: Cursor, count: int) -> None:
    for _ in range(count):
        cursor.next()


def _name(text: Text, one: Lexeme) -> Node:
    name = text.source[one.start : one.end]
    kind = Pseudo if name in ("nil", "true", "false", "self", "super", "thisContext") else Name
    return kind(name, span=text.span(one.start, one.end))


def _last(receiver: Node) -> str:
    return receiver.name.rpartition(".")[2] if isinstance(receiver, Name) else ""


def _class_of(text: Text, receiver: Node) -> Node:
    from .nodes import Send

    return Send(receiver, "class", span=receiver.span, selector_span=receiver.span)


def _unclosed(text: Text, begin: int, opening: Lexeme, limit: int) -> Node:
    line = text.span(opening.start, opening.end).line
    problem = SyntaxProblem(
        f"this bracket [ opened at line {line} was never closed",
        origin=text.origin,
        source=text.source,
        offset=opening.start,
        at_end=True,
    )
    return Bad(problem, span=text.span(begin, limit))


def _eval(text: Text, begin: int, start: int, end: int) -> list[Node]:
    found = text.statements(start, end)
    if len(found) == 1 and isinstance(block := found[0], Block) and not block.params:
        return [Eval(block.temps, block.body, span=text.span(begin, end))]
    bad: list[Node] = [one for one in found if isinstance(one, Bad)]
    return bad or [_fault(text, "expected statements in Eval [ ... ]", begin, start)]


def _fault(text: Text, message: str, begin: int, end: int) -> Node:
    problem = SyntaxProblem(message, origin=text.origin, source=text.source, offset=begin, length=max(1, end - begin))
    return Bad(problem, span=text.span(begin, end))


# --- between the brackets --------------------------------------------------------------------------------------------


def _items(text: Text, cursor: Cursor, bad: list[Node], own: tuple[str, ...]) -> tuple[list[Node], int | None]:
    """What a class's brackets hold, and the offset behind the closing one (None if there is none)."""
    items: list[Node] = []
    while True:
        one = cursor.peek()
        word = cursor.text()
        if one.kind == "END":
            return items, None
        if one.kind == "RBRACKET":
            cursor.next()
            return items, one.end
        if one.kind in ("DOT", "STRING") or set(word) == {"!"}:
            cursor.next()  # a string by itself is a comment
        elif word.strip("|") == "" and one.kind == "OPERATOR" and not cursor.kinds("OPERATOR", "IDENT", "LBRACKET"):
            _variables(text, cursor, items, bad)
        elif word == "<" and (cursor.peek(1).kind == "KEYWORD" or cursor.words("<", None, ">")):
            _pragma(text, cursor, items, bad)
        elif cursor.kinds("IDENT", "ASSIGN") or cursor.kinds("IDENT", "DOT"):
            _shared(text, cursor, items, bad)
        elif cursor.words(None, "class", "["):
            target = _class_of(text, _name(text, one))
            _skip(cursor, 3)
            inner, end = _items(text, cursor, bad, ())
            if end is None:
                return items, None
            items.append(Extend(target, tuple(inner), span=text.span(one.start, end)))
        else:
            end = _member(text, cursor, items, bad, own)
            if end is None:
                return items, None


def _variables(text: Text, cursor: Cursor, items: list[Node], bad: list[Node]) -> None:
    first = cursor.next()
    if first.end - first.start > 1:  # ||
        return
    names = []
    while cursor.peek().kind in ("IDENT", "KEYWORD", "STRING"):
        if cursor.peek().kind == "IDENT":
            names.append(cursor.text())
        cursor.next()
    last = cursor.peek()
    if cursor.text() == "|":
        cursor.next()
    else:
        bad.append(_fault(text, "this list of variables is not closed by '|'", first.start, last.end))
    items.append(Variables(tuple(names), span=text.span(first.start, last.end)))


def _pragma(text: Text, cursor: Cursor, items: list[Node], bad: list[Node]) -> None:
    """``<comment: 'x'>``; a name for an argument (``<import: Foo>``) is taken as its symbol."""
    first = cursor.next()
    selector, args = "", []
    while cursor.peek().kind == "KEYWORD" or (not selector and cursor.peek().kind == "IDENT"):
        selector += cursor.text()
        start = cursor.next().end
        depth = 0
        end = start
        while cursor.peek().kind not in ("KEYWORD", "END") and not (cursor.text()[:1] == ">" and not depth):
            one = cursor.next()
            depth += one.kind in ("LPAREN", "HASH_PAREN", "LBRACE", "LBRACKET", "HASH_BRACKET")
            depth -= one.kind in ("RPAREN", "RBRACE", "RBRACKET")
            end = one.end
        if end > start:
            value = _value(text, start, end, bad)
            if value is None:
                return
            args.append(value)
    last = cursor.peek()
    if cursor.text()[:1] == ">":
        cursor.next()
    else:
        bad.append(_fault(text, "this pragma is not closed by '>'", first.start, last.end))
        return
    items.append(Pragma(selector, tuple(args), span=text.span(first.start, last.end)))


def _value(text: Text, start: int, end: int, bad: list[Node]) -> Node | None:
    found = text.statements(start, end)
    wrong = [one for one in found if isinstance(one, Bad)]
    if wrong or len(found) != 1:
        bad.extend(wrong or [_fault(text, "expected one expression", start, end)])
        return None
    value = found[0]
    return Symbol(value.name, span=value.span) if isinstance(value, Name) else value


def _shared(text: Text, cursor: Cursor, items: list[Node], bad: list[Node]) -> None:
    """``Name := expression.``"""
    first = cursor.next()
    name = text.source[first.start : first.end]
    if cursor.next().kind == "DOT":
        items.append(Shared(name, span=text.span(first.start, first.end)))
        return
    start = end = cursor.peek().start
    depth = 0
    while True:
        one = cursor.peek()
        if one.kind == "END" or (not depth and one.kind in ("DOT", "RBRACKET")):
            break
        depth += one.kind in ("LPAREN", "HASH_PAREN", "LBRACE", "LBRACKET", "HASH_BRACKET")
        depth -= one.kind in ("RPAREN", "RBRACE", "RBRACKET")
        end = cursor.next().end
    found = text.statements(start, end)
    wrong = [one for one in found if isinstance(one, Bad)]
    if wrong or len(found) != 1:
        bad.extend(wrong or [_fault(text, "expected an expression after ':='", first.start, end)])
        return
    items.append(Shared(name, found[0], span=text.span(first.start, end)))


def _member(text: Text, cursor: Cursor, items: list[Node], bad: list[Node], own: tuple[str, ...]) -> int | None:
    """A method, perhaps with ``Foo class >>`` before it; the offset behind it, or None if the text ends in it."""
    first = cursor.peek()
    meta, target = False, None
    if cursor.words(None, "class", ">>"):
        name = _name(text, cursor.peek())
        if cursor.text() in own:
            meta = True
        else:
            target = _class_of(text, name)
        _skip(cursor, 3)
    elif cursor.words(None, ">>"):
        target = None if cursor.text() in own else _name(text, cursor.peek())
        _skip(cursor, 2)
    start = cursor.peek().start
    while cursor.peek().kind not in ("LBRACKET", "FENCE", "RBRACKET", "END", "DOT"):
        cursor.next()
    if cursor.peek().kind == "FENCE":
        end: int | None = cursor.next().end
    elif cursor.peek().kind == "LBRACKET":
        end = cursor.close()
    else:
        stop = cursor.peek()
        bad.append(_fault(text, "expected a method: a pattern and its body, in [ ]", first.start, stop.start))
        if stop.kind == "DOT":
            cursor.next()
        return stop.end
    if end is None:
        return None
    try:
        method = text.method(start, end)
    except SyntaxProblem as problem:
        bad.append(Bad(problem, span=text.span(first.start, end)))
        return end
    source = text.source[start:end]
    items.append(Member(method, meta, "", target, source, span=text.span(first.start, end)))
    return end


__all__ = ["Cursor", "Text", "read_brackets"]
