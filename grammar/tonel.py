"""Tonel, the files that Pharo's packages are kept in: a class a file, with a header in STON.

``Class { #name : #Foo, #superclass : #Object, #instVars : [ 'a' ] }``, and then each method behind its own small
header, ``{ #category : #x }`` and ``Foo >> bar [ ... ]``. A folder holds such files (``Foo.class.st``,
``Bar.extension.st``).
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from .brackets import Cursor
from .nodes import (
    Bad,
    Class,
    Extend,
    Member,
    Name,
    Node,
    Pragma,
    Program,
    Send,
    Shared,
    Span,
    String,
    Variables,
)
from .problem import SyntaxProblem
from .reader import parse, text_at

_HEAD = re.compile(r"(?:\ufeff)?(?:\s|\"(?:[^\"]|\"\")*+\")*+(Class|Trait|Extension|Package)\s*\{")
SHAPES = {"variable": "pointer", "bytes": "byte", "words": "word", "doubleBytes": "word", "doubleWords": "word",
          "weak": "pointer", "ephemeron": "pointer"}  # fmt: skip
HEADS = ((None, ">>"), (None, "class", ">>"), (None, "classSide", ">>"))


def looks_like_tonel(source: str) -> bool:
    return _HEAD.match(source) is not None


def read_tonel(source: str, origin: str = "<input>", initialize: bool = True) -> Program:
    """What a Tonel file defines, as one Class or Extend (or none); with ``initialize`` the class is sent initialize if
    it has such a method, as Pharo does when it has loaded a package. What is at fault becomes a Bad."""
    return _File(source, origin).read(initialize)


def arrange(files: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str], list[tuple[str, str]]]:
    """Tonel files (path, text) in an order in which they can be read: traits and classes, each behind what it inherits
    from, then extensions; the names of the classes to be sent initialize then; and the files that are no Tonel."""
    found: dict[str, tuple[str, str]] = {}
    needs: dict[str, list[str]] = {}
    later: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    initialized = []
    for path, text in files:
        head = _HEAD.match(text)
        if head is None:
            if PurePath(path).stem != "package":
                others.append((path, text))
            continue
        try:
            header = Ston(text, head.end() - 1).value()
        except SyntaxProblem:
            header = None
        name = str(header.get("name", "")) if isinstance(header, dict) else ""
        if head[1] in ("Class", "Trait") and isinstance(header, dict) and name and name not in found:
            found[name] = (path, text)
            needs[name] = [str(header.get("superclass") or ""), *re.findall(r"\w+", str(header.get("traits") or ""))]
            if re.search(rf"(?m)^{re.escape(name)} (?:class|classSide) >> initialize\s*\[", text):
                initialized.append(name)
        elif head[1] != "Package":
            later.append((path, text))
    order: list[str] = []

    def put(name: str, trail: tuple[str, ...]) -> None:
        if name in found and name not in order and name not in trail:
            for other in needs[name]:
                put(other, (*trail, name))
            order.append(name)

    for name in sorted(found):
        put(name, ())
    names = [name for name in order if name in initialized]
    return [found[name] for name in order] + sorted(later), names, sorted(others)


class Ston:
    """STON, as far as headers have it: maps, lists, strings, symbols, numbers, true, false, nil. Other values are read
    and kept as their text."""

    _TOKEN = re.compile(
        r"\s*(?:(?P<open>[{\[])|(?P<close>[}\]])|(?P<comma>,)|(?P<colon>:)|'(?P<string>(?:[^'\\]|\\(?s:.)|'')*+)'"
        r"|\#'(?P<quoted>(?:[^'\\]|\\(?s:.))*+)'|\#(?P<symbol>[\w:/.+*<>=~-]+?)(?=\s*[,:\]}]|\s|$)|(?P<word>[\w.+-]+))"
    )

    def __init__(self, source: str, at: int, origin: str = "<input>") -> None:
        self.source, self.at, self.origin = source, at, origin

    def token(self) -> tuple[str, str]:
        match = self._TOKEN.match(self.source, self.at)
        if match is None or match.lastgroup is None:
            raise self.problem("this is not STON")
        self.at = match.end()
        return match.lastgroup, match[match.lastgroup]

    def problem(self, message: str) -> SyntaxProblem:
        return SyntaxProblem(message, origin=self.origin, source=self.source, offset=min(self.at, len(self.source)))

    def value(self, depth: int = 0) -> Any:
        kind, text = self.token()
        if depth > 50:
            raise self.problem("nested too deeply")
        if text == "{" and kind == "open":
            return self.map(depth)
        if text == "[" and kind == "open":
            return self.list(depth)
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text).replace("''", "'")
        if kind in ("symbol", "quoted"):
            return text
        if kind == "word":
            return {"true": True, "false": False, "nil": None}.get(text, text)
        raise self.problem("expected a value")

    def map(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            start = self.at
            kind, text = self.token()
            if kind == "close":
                return found
            if kind == "comma":
                continue
            self.at = start
            key = self.value(depth + 1)
            if self.token()[0] != "colon":
                raise self.problem("expected ':' behind a key")
            found[str(key)] = self.value(depth + 1)

    def list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while True:
            start = self.at
            kind, _ = self.token()
            if kind == "close":
                return found
            if kind != "comma":
                self.at = start
                found.append(self.value(depth + 1))


class _File:
    def __init__(self, source: str, origin: str) -> None:
        self.source, self.origin = source, origin
        self.text = text_at(source, origin)
        self.items: list[Node] = []
        self.bad: list[Node] = []

    def read(self, initialize: bool) -> Program:
        head = _HEAD.match(self.source)
        start = head.start(1) if head is not None else 0
        try:
            if head is None:
                raise SyntaxProblem("a Tonel file begins with Class {", origin=self.origin, source=self.source)
            ston = Ston(self.source, head.end() - 1, self.origin)
            header = ston.value()
        except SyntaxProblem as problem:
            return Program((Bad(problem, span=self.text.span(start, len(self.source))),))
        if head[1] == "Package":
            return Program(())
        name = str(header.get("name", ""))
        here = self.text.span(start, ston.at)
        self.methods(ston.at, name)
        span = self.text.span(start, len(self.source))
        node: Node
        if head[1] == "Extension":
            node = Extend(Name(name, span=here), tuple(self.items), span=span)
        else:
            node = self.definition(head, header, name, here, span)
        found: list[Node] = [node, *self.bad]
        members = [one for one in self.items if isinstance(one, Member)]
        meta = [one for one in members if one.meta and one.method.selector == "initialize"]
        if initialize and meta and head[1] == "Class":
            found.append(Send(Name(name, span=here), "initialize", span=meta[0].span, selector_span=meta[0].span))
        return Program(tuple(found))

    def definition(self, head: re.Match[str], header: dict[str, Any], name: str, here: Span, span: Span) -> Node:
        above = header.get("superclass")
        items: list[Node] = [Variables(tuple(_names(header.get("instVars"))), span=here)]
        items += [Shared(one, span=here) for one in _names(header.get("classVars"))]
        own = _names(header.get("classInstVars"))
        if own:
            this = Send(Name(name, span=here), "class", span=here, selector_span=here)
            items.append(Extend(this, (Variables(tuple(own), span=here),), span=here))
        said = re.match(r"(?:\ufeff)?\s*\"((?:[^\"]|\"\")*+)\"", self.source)
        comment = said[1].replace('""', '"').strip() if said is not None else header.get("comment")
        category = header.get("category") or "-".join(
            str(header[key]) for key in ("package", "tag") if header.get(key)
        )
        shape = SHAPES.get(str(header.get("type") or ""))
        for keyword, value in (("comment:", comment), ("category:", category), ("shape:", shape)):
            if value:
                items.append(Pragma(keyword, (String(str(value), span=here),), span=here))
        pools = _names(header.get("pools"))
        if pools:
            items.append(Pragma("import:", (String(" ".join(pools), span=here),), span=here))
        traits = str(header.get("traits") or "").strip()
        if traits and traits != "{}":
            items.append(Pragma("uses:", parse(traits, self.origin).statements[:1], span=here))
        if head[1] == "Trait":
            items.insert(0, Pragma("trait", span=here))
        superclass = Name(str(above), span=here) if above else None
        return Class(superclass, name, (*items, *self.items), span=span)

    def methods(self, at: int, name: str) -> None:
        category = ""
        while True:
            gap = re.compile(r"(?:\s|\"[^\"]*+\")*+").match(self.source, at)
            at = gap.end() if gap is not None else at
            if at >= len(self.source):
                return
            if self.source[at] == "{":
                ston = Ston(self.source, at, self.origin)
                try:
                    header = ston.value()
                except SyntaxProblem as problem:
                    self.wrong(problem, at)
                    return
                category = str(header.get("category") or "")
                at = ston.at
                continue
            cursor = Cursor(self.source, at)
            if not any(cursor.words(*head) for head in HEADS):
                self.wrong(
                    SyntaxProblem(
                        f"expected a method, as in {name} >> foo [ ... ]",
                        origin=self.origin, source=self.source, offset=at,
                    ),
                    at,
                )  # fmt: skip
                return
            begin = at
            meta = not cursor.words(None, ">>")
            for _ in range(2 + meta):
                cursor.next()
            start = cursor.peek().start
            while cursor.peek().kind not in ("LBRACKET", "FENCE", "END"):
                cursor.next()
            fence = cursor.peek().kind == "FENCE"
            end = cursor.next().end if fence else None if cursor.peek().kind == "END" else cursor.close()
            if end is None:
                self.wrong(
                    SyntaxProblem(
                        "this method has no end", origin=self.origin, source=self.source, offset=begin, at_end=True
                    ),
                    begin,
                )
                return
            try:
                method = self.text.method(start, end)
                source = self.source[start:end]
                self.items.append(Member(method, meta, category, None, source, span=self.text.span(start, end)))
            except SyntaxProblem as problem:
                self.bad.append(Bad(problem, span=self.text.span(begin, end)))
            category = ""
            at = end

    def wrong(self, problem: SyntaxProblem, at: int) -> None:
        self.bad.append(Bad(problem, span=self.text.span(at, len(self.source))))


def _names(value: Any) -> list[str]:
    """Names of variables: a list of texts (``'#a => Slot'`` in newer files), or one text."""
    if isinstance(value, str):
        return value.split()
    found = [re.match(r"#?(\w+)", str(one).strip()) for one in value or ()]
    return [one[1] for one in found if one is not None]


__all__ = ["arrange", "looks_like_tonel", "read_tonel"]
