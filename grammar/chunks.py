"""The bang format: texts in chunks that end with ``!``, as Smalltalk-80, Squeak, Pharo and GNU Smalltalk file them out.

``!Foo methodsFor: 'x'!`` says that the chunks up to an empty one are methods of Foo; any other chunk is statements.
Squeak doubles every ``!`` that is text, GNU Smalltalk need not inside strings and comments: which one a file means is
told from it as a whole.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .loose import arrows, enclose
from .nodes import Bad, Extend, Member, Name, Node, Pragma, Program, Send, Span, String
from .problem import SyntaxProblem
from .reader import parse_method, text_at

# What a bang is looked for in: the first that matches is passed over, unless it is a bang.
_PARTS = re.compile(r"'(?:[^']|'')*+'|\"[^\"]*+\"|\$(?s:.)|!!|!")
_BANGS = re.compile(r"!!|!")
_SQUEAK = re.compile(r"commentStamp:|methodsFor:[^!]*\bstamp:|\A\s*'From [^']*'\s*!")
_GAP = re.compile(r"(?:\s|\"[^\"]*+\")*+")
_METHODS = re.compile(
    r"(?P<class>(?:Smalltalk\.)?[^\W\d][\w.]*)(?P<meta>\s+class(?:Side)?)?(?P<trait>\s+classTrait)?\s+"
    r"(?:(?P<for>methodsFor:|publicMethodsFor\b|publicMethods\b|privateMethods\b|methods\b)"
    r"|(?P<comment>commentStamp:|comment!)|(?P<skip>reorganize))"
    r"(?:\s*(?:'(?P<category>(?:[^']|'')*+)'|\#?(?P<word>[\w-]+)))?"
)
# GNU Smalltalk's condition of a group of methods. (Any other than false is not asked: the methods are read.)
_LEFT_OUT = re.compile(r"\s*ifTrue:\s*false\s*\Z")


class Chunk(NamedTuple):
    """A piece of the text, without its bang."""

    start: int
    end: int


def looks_chunked(source: str) -> bool:
    """Is this text in chunks: does a bang that is no part of a string or comment end a line?"""
    if "!" not in source:
        return False
    if re.search(r"(?m)^\s*![^\W\d][\w. ]*\s(methodsFor:|commentStamp:|publicMethods|privateMethods)", source):
        return True
    for match in _PARTS.finditer(source):
        if match[0] == "!" and re.compile(r"[ \t]*(?:!|\r|\n|\Z)").match(source, match.end()):
            return True
    return False


def read_chunks(source: str, origin: str = "<input>") -> Program:
    """The statements of a text in chunks; what is at fault becomes a Bad, and the rest is read."""
    text, chunks = split(arrows(source) if re.search(r"(?<!\w)_(?!\w)", source) else source)
    return Program(tuple(_Reader(text, origin, chunks).read()), text=text)


def split(source: str) -> tuple[str, list[Chunk]]:
    """The text with doubled bangs made single, on the same lines, and the chunks in it."""
    squeak = _SQUEAK.search(source) is not None
    # Where a string or comment holds a single bang, bangs are not doubled in this file.
    lone = not squeak and any(
        match[0][0] in "'\"" and re.search(r"(?<!!)!(?!!)", match[0]) for match in _PARTS.finditer(source)
    )
    pattern = _BANGS if squeak else _PARTS
    pieces: list[str] = []
    chunks: list[Chunk] = []
    length = start = at = 0
    for match in pattern.finditer(source):
        found = match[0]
        ends = found == "!" or (found == "!!" and not squeak)
        if not ends and (lone or "!!" not in found):
            continue
        between = source[at : match.start()]
        pieces += [between, " " * len(found) if ends else found.replace("!!", "!")]
        length += len(between)
        for _ in found if ends else ():
            chunks.append(Chunk(start, length))
            length += 1
            start = length
        if not ends:
            length += len(pieces[-1])
        at = match.end()
    pieces.append(source[at:])
    text = "".join(pieces)
    chunks.append(Chunk(start, len(text)))
    return text, chunks


class _Reader:
    def __init__(self, source: str, origin: str, chunks: list[Chunk]) -> None:
        self.source, self.origin, self.chunks = source, origin, chunks
        self.text = text_at(source, origin)
        self.at = 0

    def body(self, chunk: Chunk) -> str:
        return self.source[chunk.start : chunk.end]

    def read(self) -> list[Node]:
        found: list[Node] = []
        called = blank = False  # is there nothing between the bang before a chunk and the one before that?
        while self.at < len(self.chunks):
            chunk = self.chunks[self.at]
            self.at += 1
            text = self.body(chunk)
            called, blank = blank, not text.strip()
            if not text.strip() or text.lstrip().startswith("]style["):
                continue
            gap = _GAP.match(text)
            assert gap is not None
            match = _METHODS.match(text, gap.end())
            if match is None or not (called or match["for"] == "methodsFor:" or match["comment"]):
                found += self.text.statements(chunk.start, chunk.end)
            elif match["for"]:
                found += self.methods(chunk, match)
            elif match["comment"]:
                found += self.comment(chunk, match)
            else:
                self.at += 1  # an order of protocols
        return found

    def target(self, chunk: Chunk, match: re.Match[str]) -> Node:
        span = self.text.span(chunk.start + match.start("class"), chunk.start + match.end("class"))
        name = Name(match["class"], span=span)
        return Send(name, "class", span=span, selector_span=span) if match["meta"] or match["trait"] else name

    def methods(self, head: Chunk, match: re.Match[str]) -> list[Node]:
        target = self.target(head, match)
        category = (match["category"] or match["word"] or "").replace("''", "'")
        members: list[Node] = []
        bad: list[Node] = []
        end = head.end
        while self.at < len(self.chunks):
            chunk = self.chunks[self.at]
            self.at += 1
            text = self.body(chunk)
            if not text.strip():
                break
            end = chunk.end
            start = chunk.start + len(text) - len(text.lstrip())
            span = self.text.span(start, end)
            source = enclose(text)
            try:
                members.append(Member(parse_method(source, self.origin), False, category, None, source, span=span))
            except SyntaxProblem as problem:
                bad.append(Bad(self.moved(problem, span), span=span))
        if _LEFT_OUT.match(self.body(head), match.end()):
            return []
        span = self.text.span(head.start + match.start("class"), end)
        return [Extend(target, tuple(members), span=span), *bad]

    def moved(self, problem: SyntaxProblem, span: Span) -> SyntaxProblem:
        """A problem in a method that was put in brackets, told of the place in the file."""
        line = problem.line + span.line - 1
        start = 0
        for _ in range(line - 1):
            start = self.source.find("\n", start) + 1
        offset = min(start + problem.column - 1 + (span.column - 1 if problem.line == 1 else 0), len(self.source))
        return SyntaxProblem(
            problem.message,
            origin=self.origin,
            source=self.source,
            offset=offset,
            length=problem.length,
            expected=problem.expected,
        )

    def comment(self, head: Chunk, match: re.Match[str]) -> list[Node]:
        if self.at >= len(self.chunks):
            return []
        chunk = self.chunks[self.at]
        self.at += 1
        span = self.text.span(head.start, chunk.end)
        pragma = Pragma("comment:", (String(self.body(chunk).strip(), span=span),), span=span)
        return [Extend(self.target(head, match), (pragma,), span=span)]
