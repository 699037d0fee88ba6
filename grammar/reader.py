"""parse and parse_method: from source text to a tree, or to a SyntaxProblem that says what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lark.exceptions import UnexpectedInput
from lark.lexer import LexerState, LexerThread, LineCounter
from lark.utils import TextSlice

from .build import Fault
from .depth import check_depth
from .nodes import Bad, Define, Method, Node, Program, Span
from .problem import SyntaxProblem
from .tables import parser

if TYPE_CHECKING:
    from .brackets import Text


def parse(source: str, origin: str = "<input>", recover: bool = False) -> Program:
    """The statements of ``source``.

    Raises SyntaxProblem at the first fault. With ``recover`` nothing is raised: a statement at fault
    becomes a Bad with its problem, and reading goes on behind its end.
    A byte order mark and a first line ``#!/...`` are passed over. Takes time linear in the text.
    """
    foreign = foreign_character(source, origin)
    if foreign is not None:
        if not recover:
            raise foreign
        everything = _span(_counter(source, 0), _counter(source, len(source)))
        return Program((Bad(foreign, span=everything),), span=everything)
    statements = _program(source, _counter(source, _preamble(source)), len(source), origin, recover)
    return Program(tuple(statements), span=_span(_counter(source, 0), _counter(source, len(source))))


def _program(source: str, at: LineCounter, limit: int, origin: str, recover: bool) -> list[Node]:
    """The statements between a place and the offset ``limit``."""
    statements: list[Node] = []
    while True:
        try:
            read = list(_run(source, at, "program", limit).statements)
            problem = None
        except UnexpectedInput as error:
            from .scan import statement_end  # what only faults need is imported when there is one

            read = _finished(error)
            begin = _counter(source, _next_token(source, read[-1].span.end if read else at.char_pos), at)
            bracketed = _brackets(error, source, begin, limit, origin)
            if bracketed is not None:
                found, end = bracketed
                statements += [_complete(one, source, origin, recover) for one in read]
                statements += found
                for one in found:
                    if isinstance(one, Bad) and not recover:
                        raise one.problem from None  # type: ignore[misc]
                at = _counter(source, end, begin)
                continue
            problem = _problem(error, source, begin.char_pos, origin, begin.line, limit)
        for index, statement in enumerate(read):
            read[index] = _complete(statement, source, origin, recover)
        statements += read
        if problem is None:
            return statements
        if not recover:
            raise problem from None
        at = _counter(source, min(limit, statement_end(source, begin.char_pos, problem.offset)), begin)
        statements.append(Bad(problem, span=_span(begin, at)))


def parse_method(source: str, origin: str = "<method>") -> Method:
    """One method: ``deposit: amount [ ... ]``, or with a Python fence for its body. Raises SyntaxProblem."""
    foreign = foreign_character(source, origin)
    if foreign is not None:
        raise foreign
    try:
        method = _run(source, _counter(source, 0), "method")
    except UnexpectedInput as error:
        raise _problem(error, source, 0, origin, 1) from None
    _complete(method, source, origin, recover=False)
    return method


def _brackets(
    error: UnexpectedInput, source: str, begin: LineCounter, limit: int, origin: str
) -> tuple[list[Node], int] | None:
    """What was found at fault may be the bracket that opens a class: the class, and where it ends."""
    if getattr(getattr(error, "token", None), "type", None) != "LBRACKET":
        return None
    from .brackets import read_brackets

    return read_brackets(text_at(source, origin, begin), begin.char_pos, limit)


def text_at(source: str, origin: str, since: LineCounter | None = None) -> Text:
    """A source whose pieces can be parsed by their offsets. Lines are counted from ``since``, and on from there."""
    from .brackets import Text

    known = [_counter(source, 0, None) if since is None else since]

    def place(offset: int) -> LineCounter:
        """Line and column of an offset; pieces come in order, so that the last place is a start for the next."""
        if offset < known[0].char_pos:
            return _counter(source, offset)
        known[0] = _counter(source, offset, known[0])
        return known[0]

    def span(start: int, end: int) -> Span:
        first = place(start)
        return _span(first, _counter(source, end, first))

    def method(start: int, end: int) -> Method:
        at = place(start)
        try:
            found = _run(source, at, "method", end)
        except UnexpectedInput as error:
            raise _problem(error, source, start, origin, at.line, end) from None
        done = _complete(found, source, origin, recover=False)
        assert isinstance(done, Method)
        return done

    def statements(start: int, end: int) -> list[Node]:
        return _program(source, place(start), end, origin, True)

    return Text(source, origin, span, method, statements)


def _preamble(source: str) -> int:
    """Where the text begins behind a byte order mark and a line for the shell."""
    start = int(source.startswith("\ufeff"))
    if source.startswith(("#!/", "#! /"), start):
        end = source.find("\n", start)
        return len(source) if end < 0 else end
    return start


def _run(source: str, at: LineCounter, start: str, end: int | None = None) -> Any:
    lark = parser()
    # The lexer counts on in the counter it is given.
    at = _counter(source, at.char_pos, at)
    state = LexerState(TextSlice(source, at.char_pos, len(source) if end is None else end), at)
    return lark.parser.parser.parse(LexerThread(lark.parser.lexer, state), start)


def _counter(source: str, offset: int, since: LineCounter | None = None) -> LineCounter:
    """Line and column of ``offset``, counted from an earlier place if one is given."""
    counter = LineCounter("\n")
    if since is not None:
        counter.char_pos, counter.line, counter.line_start_pos = since.char_pos, since.line, since.line_start_pos
    newline = source.rfind("\n", counter.char_pos, offset)
    if newline >= 0:
        counter.line += source.count("\n", counter.char_pos, offset)
        counter.line_start_pos = newline + 1
    counter.char_pos = offset
    counter.column = offset - counter.line_start_pos + 1
    return counter


def _span(first: LineCounter, last: LineCounter) -> Span:
    return Span(first.char_pos, last.char_pos, first.line, first.column, last.line, last.column)


def _finished(error: UnexpectedInput) -> list[Node]:
    """The statements that were read before the fault: the parser's lowest value is the list of them."""
    values = error.interactive_parser.parser_state.value_stack
    if not values or not isinstance(values[0], list):
        return []
    if len(values) == 3 and isinstance(values[1], Node) and getattr(values[2], "type", "") == "DOT":
        return [*values[0], values[1]]  # its period was the last that could be read
    return values[0]


def _problem(
    error: UnexpectedInput, source: str, begin: int, origin: str, line: int, limit: int | None = None
) -> SyntaxProblem:
    from .explain import explain

    if limit is None or limit >= len(source):
        return explain(error, source, begin, origin, line)
    problem = explain(error, source[:limit], begin, origin, line)
    problem.source = source  # not one copy for each of a hostile text's many problems
    return problem


def _next_token(source: str, offset: int) -> int:
    """The first token from ``offset`` on that is no period: where the statement at fault begins."""
    from .scan import scan

    for kind, start, _ in scan(source, offset):
        if kind not in ("SPACE", "COMMENT", "DOT"):
            return start
    return offset


def _complete(statement: Node, source: str, origin: str, recover: bool) -> Node:
    """The statement, its method's text filled in, or a Bad if it is nested beyond measure."""
    method = statement.method if isinstance(statement, Define) else statement
    if isinstance(method, Method) and method.language == "smalltalk":
        where: Any = method.text  # the builder knows where the text is, and not the text
        text = source[slice(*where)]
        object.__setattr__(method, "text", text)
        if '"' in text:
            object.__setattr__(method, "comment", _first_comment(text))
    try:
        check_depth(statement)
    except Fault as fault:
        problem = _problem(fault, source, statement.span.start, origin, statement.span.line)
        if not recover:
            raise problem from None
        return Bad(problem, span=statement.span)
    return statement


def _first_comment(text: str) -> str:
    match = re.match(r"""(?:[^'"$]|'[^']*'|\$(?s:.))*+"((?:[^"]|"")*+)\"""", text)
    return match[1].replace('""', '"') if match else ""


def foreign_character(source: str, origin: str) -> SyntaxProblem | None:
    # Neither belongs in a text: a NUL comes from a file that is none, a lone surrogate from a wrong decoding.
    if source.isascii() and "\0" not in source:
        return None
    match = re.search("[\0\ud800-\udfff]", source)
    if match is None:
        return None
    code = ord(match[0])
    what = "a NUL character" if code == 0 else f"half a character (the lone surrogate U+{code:04X})"
    return SyntaxProblem(f"{what} is no part of a text", origin=origin, source=source, offset=match.start())
