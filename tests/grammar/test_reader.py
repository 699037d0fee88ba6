"""What each form of the language means, as a tree."""

from __future__ import annotations

import threading

import pytest

from batos.grammar import parse, parse_method
from batos.grammar.nodes import (
    Array,
    Assign,
    Bad,
    Block,
    Brace,
    Bytes,
    Cascade,
    Character,
    Define,
    Message,
    Method,
    Name,
    Node,
    Number,
    Pragma,
    Program,
    Pseudo,
    Return,
    Scaled,
    Send,
    Span,
    String,
    Symbol,
    Variables,
)
from batos.grammar.tables import parser

a, b, c, x, y = map(Name, "abcxy")


def one(source: str) -> Node:
    (statement,) = parse(source).statements
    return statement


def send(receiver: Node, selector: str, *args: Node) -> Send:
    return Send(receiver, selector, args)


def n(value: int | float | Scaled) -> Number:
    return Number(value)


def s(*items: str) -> tuple[Symbol, ...]:
    return tuple(Symbol(item) for item in items)


NUMBERS = {
    "42": 42,
    "-7": -7,
    "16r1F": 31,
    "-16r1F": -31,
    "16r-1F": -31,
    "-16r-1F": 31,
    "2r1010": 10,
    "36rZZ": 1295,
    "16rff": 255,
    "16rfF": 255,
    "16r1e2": 256,  # an exponent, as in GNU Smalltalk: a digit E is a capital
    "16r1E2": 482,
    "2r1e4": 16,
    "2r1.1": 1.5,
    "1e100": 10**100,
    "5e0": 5,
    "3.5e10": 3.5e10,
    "3.5e-2": 0.035,
    "1.0": 1.0,
    "1e-2": 0.01,
    "2.5d3": 2500.0,
    "2.5q3": 2500.0,
    "1_000_000": 1000000,
    "-0.5": -0.5,
    "3.14s2": Scaled(314, 2, 2),
    "3.14s": Scaled(314, 2, 2),
    "3.14s4": Scaled(314, 2, 4),
    "3s": Scaled(3, 0, 0),
    "3s2": Scaled(3, 0, 2),
    "-1.5s1": Scaled(-15, 1, 1),
    "9" * 5000: 10**5000 - 1,
}


@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: text[:12])
def test_numbers(text: str) -> None:
    number = one(text)
    assert isinstance(number, Number)
    assert (number.value, type(number.value)) == (NUMBERS[text], type(NUMBERS[text]))
    assert number.text == text


MEANINGS: dict[str, Node] = {
    # minus signs
    "3-4": send(n(3), "-", n(4)),
    "3 - -4": send(n(3), "-", n(-4)),
    "3--4": send(n(3), "-", n(-4)),
    "x-1": send(x, "-", n(1)),
    "x -1": send(x, "-", n(1)),
    "x>-1": send(x, ">", n(-1)),
    "x>>-1": send(x, ">>", n(-1)),
    "#(1) -1": send(Array((n(1),)), "-", n(1)),
    "#[1] -1": send(Bytes(b"\1"), "-", n(1)),
    "[] -1": send(Block((), (), ()), "-", n(1)),
    "(x) -1": send(x, "-", n(1)),
    "{} -1": send(Brace(()), "-", n(1)),
    "#a -1": send(Symbol("a"), "-", n(1)),
    "#(-1 - 1 a-1 -)": Array((n(-1), Symbol("-"), n(1), Symbol("a"), n(-1), Symbol("-"))),
    "-3 abs": send(n(-3), "abs"),
    # operators
    "1/3": send(n(1), "/", n(3)),
    "a -> b": send(a, "->", b),
    "a->b": send(a, "->", b),
    "a ==> b": send(a, "==>", b),
    "a | b || c": send(send(a, "|", b), "||", c),
    "a ! b": send(a, "!", b),
    "a >>= b": send(a, ">>=", b),
    "a , b": send(a, ",", b),
    "a \\\\ b": send(a, "\\\\", b),
    # precedence
    "a b c": send(send(a, "b"), "c"),
    "a + b * c": send(send(a, "+", b), "*", c),
    "a + (b * c)": send(a, "+", send(b, "*", c)),
    "a x + b y": send(send(a, "x"), "+", send(b, "y")),
    "a at: b + 1 put: c x": send(a, "at:put:", send(b, "+", n(1)), send(c, "x")),
    "1to: 3do: x": send(n(1), "to:do:", n(3), x),
    "3s qrt": send(n(Scaled(3, 0, 0)), "qrt"),
    "3sqrt": send(n(3), "sqrt"),
    # strings, symbols, characters
    "'it''s'": String("it's"),
    "''''": String("'"),
    "''": String(""),
    "'two\nlines \"no comment\"'": String('two\nlines "no comment"'),
    "#sym": Symbol("sym"),
    "#with:with:": Symbol("with:with:"),
    "#+": Symbol("+"),
    "#->": Symbol("->"),
    "#'any text'": Symbol("any text"),
    "#'it''s'": Symbol("it's"),
    "$a": Character("a"),
    "$ ": Character(" "),
    "$'": Character("'"),
    '$"': Character('"'),
    "$.": Character("."),
    "$\N{PILE OF POO}": Character("\N{PILE OF POO}"),
    # literal arrays
    "#(1 $a foo #bar (1 2) #(3) true nil foo:bar: + #[1 2] [3] at: #'x y' >> | < Foo.Bar self)": Array(
        (
            n(1),
            Character("a"),
            *s("foo", "bar"),
            Array((n(1), n(2))),
            Array((n(3),)),
            Pseudo("true"),
            Pseudo("nil"),
            *s("foo:bar:", "+"),
            Bytes(b"\1\2"),
            Bytes(b"\3"),
            *s("at:", "x y", ">>", "|", "<", "Foo.Bar", "self"),
        )
    ),
    "#($a $  $))": Array((Character("a"), Character(" "), Character(")"))),
    "#()": Array(()),
    "#[]": Bytes(b""),
    "#[0 16rFF 2r1]": Bytes(b"\0\xff\1"),
    "{1+1. x}": Brace((send(n(1), "+", n(1)), x)),
    "{x.}": Brace((x,)),
    "{}": Brace(()),
    # cascades
    "a x; y: b; + c": Cascade(a, (Message("x"), Message("y:", (b,)), Message("+", (c,)))),
    "a + b x; y": Cascade(a, (Message("+", (send(b, "x"),)), Message("y"))),
    "(a x) y; b": Cascade(send(a, "x"), (Message("y"), Message("b"))),
    "x := a b; c": Assign("x", Cascade(a, (Message("b"), Message("c")))),
    # assignment, return
    "a := b := 3": Assign("a", Assign("b", n(3))),
    "a:=3": Assign("a", n(3)),
    "a := -3": Assign("a", n(-3)),
    "Smalltalk.Foo := 3": Assign("Smalltalk.Foo", n(3)),
    "^ a := 3": Return(Assign("a", n(3))),
    # names
    "SystemExceptions.NotFound new": send(Name("SystemExceptions.NotFound"), "new"),
    "thisContext": Pseudo("thisContext"),
    "super foo": send(Pseudo("super"), "foo"),
    "naïve": Name("naïve"),
    "nai\u0308ve": Name("na\u00efve"),
    "हिन्दी": Name("हिन्दी"),
    "x self": send(x, "self"),
    # blocks
    "[]": Block((), (), ()),
    "[:x]": Block(("x",), (), ()),
    "[:x|]": Block(("x",), (), ()),
    "[:x|x]": Block(("x",), (), (x,)),
    "[ : x :y | x. y. ]": Block(("x", "y"), (), (x, y)),
    "[:x||t|t]": Block(("x",), ("t",), (Name("t"),)),
    "[ || a ]": Block((), (), (a,)),
    "[ |a| |b c| . a. ^b ]": Block((), ("a", "b", "c"), (a, Return(b))),
    "[ | a | a | b ]": Block((), ("a",), (send(a, "|", b),)),
    "[ x. | a | a ]": Block((), ("a",), (x, a)),
    # sends of >> that define nothing
    "Integer >> #foo": send(Name("Integer"), ">>", Symbol("foo")),
    "x >> 2": send(x, ">>", n(2)),
    "x >> y": send(x, ">>", y),
    "x >> y z": send(x, ">>", send(y, "z")),
    "x >> y foo: 3": send(send(x, ">>", y), "foo:", n(3)),
    "x >> [ y ]": send(x, ">>", Block((), (), (y,))),
    "x >> y >> a": send(send(x, ">>", y), ">>", a),
    # comments and gaps anywhere
    '"c" a "c" + "it""s" b "c"': send(a, "+", b),
    "\ufeff\u00a0a\u2003b": send(a, "b"),
    "#! /usr/bin/env batos run\na": a,
}


@pytest.mark.parametrize("source", MEANINGS, ids=lambda text: text[:30])
def test_meaning(source: str) -> None:
    assert one(source) == MEANINGS[source]


def test_statements() -> None:
    program = parse(". . | a b | a := 3 . . ^a. | c | x foo | c..")
    assert program == Program(
        (
            Variables(("a", "b")),
            Assign("a", n(3)),
            Return(a),
            Variables(("c",)),
            send(send(x, "foo"), "|", c),
        )
    )
    assert parse("").statements == parse(' "only a comment" ').statements == ()
    assert parse("foo.Bar baz").statements == (Name("foo"), send(Name("Bar"), "baz"))


@pytest.mark.parametrize(
    ("source", "target", "selector", "params"),
    [
        ("Account >> deposit: amount [ ]", Name("Account"), "deposit:", ("amount",)),
        ("Account>>at: key put: value []", Name("Account"), "at:put:", ("key", "value")),
        ("Account class >> new [ ]", send(Name("Account"), "class"), "new", ()),
        ("Account >> + other [ ]", Name("Account"), "+", ("other",)),
        ("Account >> - other [ ]", Name("Account"), "-", ("other",)),
        ("Account >> >> other [ ]", Name("Account"), ">>", ("other",)),
        ("Account >> | other [ ]", Name("Account"), "|", ("other",)),
        ("Account >> < other [ ]", Name("Account"), "<", ("other",)),
        ("(a + b) >> x [ ]", send(a, "+", b), "x", ()),
        ("(Foo at: 3) >> x [ ]", send(Name("Foo"), "at:", n(3)), "x", ()),
        ("SystemExceptions.NotFound >> x [ ]", Name("SystemExceptions.NotFound"), "x", ()),
    ],
)
def test_definition(source: str, target: Node, selector: str, params: tuple[str, ...]) -> None:
    assert one(source) == Define(target, Method(selector, params))


def test_definitions_need_no_period() -> None:
    kinds = [type(statement) for statement in parse("A >> x [ ^1 ] A >> y [ ^2 ]. 3 + 4. A >> z [ ] a").statements]
    assert kinds == [Define, Define, Send, Define, Name]


def test_method_parts() -> None:
    text = """ "Put it ""in""."
    <primitive: 1> | old | <category: 'x' level: #(1 2)> <test>
    old := 'no "comment"'. "another" ^old """
    method = parse_method(f"deposit: amount [{text}]")
    assert method == Method(
        "deposit:",
        ("amount",),
        ("old",),
        (
            Pragma("primitive:", (n(1),)),
            Pragma("category:level:", (String("x"), Array((n(1), n(2))))),
            Pragma("test"),
        ),
        (Assign("old", String('no "comment"')), Return(Name("old"))),
    )
    assert method.text == text
    assert method.comment == 'Put it "in".'
    assert parse_method('x [ ^\'"no"\' , $" , "yes" x ]').comment == "yes"


def test_python_body() -> None:
    source = (
        "Account >> withdraw: amount ```python\r\n"
        "\t    if amount:\r\n"
        "\r\n"
        '\t        self.balance -= amount  # it\'s "quoted" ]\r\n'
        "\t    return self\r\n"
        "  ```. 3"
    )
    define, three = parse(source).statements
    assert isinstance(define, Define) and three == n(3)
    method = define.method
    assert (method.selector, method.params, method.language) == ("withdraw:", ("amount",), "python")
    assert method.text == 'if amount:\n\n    self.balance -= amount  # it\'s "quoted" ]\nreturn self'
    assert parse_method("x ```python\n```").text == ""
    assert parse_method('x ````python\n"""\n```\n"""\n````').text == '"""\n```\n"""'


def test_places() -> None:
    source = "a := 3.\r\n\t(b foo: 'x\r\ny') bar.\r\nc"
    first, second, third = parse(source).statements
    assert [source[node.span.start : node.span.end] for node in (first, second, third)] == [
        "a := 3",
        "(b foo: 'x\r\ny') bar",
        "c",
    ]
    assert second.span == Span(10, 29, 2, 2, 3, 8)
    assert isinstance(second, Send) and second.selector_span == Span(26, 29, 3, 5, 3, 8)
    assert third.span[2:] == (4, 1, 4, 2)
    keyword = one("a at: 1 put: 2")
    assert isinstance(keyword, Send) and keyword.selector_span == Span(2, 5, 1, 3, 1, 6)


def test_recovery() -> None:
    source = """a := 3. b := . c.
d foo ) bar: [ x. y ]. a.
A >> broken [ ( ]
A >> whole [ ^1 ]
nil := 3. b. [ never"""
    program = parse(source, origin="in", recover=True)
    kinds = [type(statement).__name__ for statement in program.statements]
    assert kinds == ["Assign", "Bad", "Name", "Bad", "Name", "Bad", "Define", "Bad", "Name", "Bad"]
    bad = [statement for statement in program.statements if isinstance(statement, Bad)]
    assert [source[node.span.start : node.span.end] for node in bad] == [
        "b := .",
        "d foo ) bar: [ x. y ].",
        "A >> broken [ ( ]",
        "nil := 3.",
        "[ never",
    ]
    assert [node.problem.line for node in bad] == [1, 2, 3, 5, 5]  # type: ignore[attr-defined]
    assert [node.span.line for node in bad] == [1, 2, 3, 5, 5]
    assert program.statements[6].span.line == 4


@pytest.mark.parametrize(
    "source, kinds",
    [
        ("a foo. ]\nb. c.", ["Send", "Bad", "Name", "Name"]),
        ("a. ) ] . )\nb.", ["Name", "Bad", "Name"]),
        ("(a foo.\nb. c.", ["Bad", "Name", "Name"]),
        ("#(1 2.\nb.", ["Bad", "Name"]),
        ("A >> b [ ^(3 . 4 ].\nc.", ["Bad", "Name"]),
    ],
)
def test_recovery_loses_no_whole_statement(source: str, kinds: list[str]) -> None:
    assert [type(one).__name__ for one in parse(source, recover=True).statements] == kinds


def test_recovery_keeps_what_parses() -> None:
    source = "a. 3 + 4. A >> x [ ^1 ]"
    assert parse(source, recover=True) == parse(source)


def test_threads_share_the_parser() -> None:
    source = "A >> x: y [ | t | t := y + 1. ^[ :z | t + z ] ] " * 50
    expected = parse(source)
    results: list[Program] = []
    threads = [threading.Thread(target=lambda: results.append(parse(source))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_no_state_of_the_parser_is_of_two_minds() -> None:
    """Only where no parser state takes both can the lexer tell `-1` from minus; and LALR merges states silently."""
    rivals = [{"NUMBER", "OPERATOR"}, {"BAR", "OPERATOR"}, {"LESS", "OPERATOR"}, {"GREATER", "OPERATOR"}]
    for row in parser().parser.parser._parse_table.states.values():
        in_array, in_definition = "KEYWORDS" in row, {"SHIFT", "KEYWORD", "NUMBER"} <= set(row)
        assert not ({"KEYWORDS", "KEYWORD"} <= set(row))
        assert in_array or in_definition or not any(rival <= set(row) for rival in rivals)
