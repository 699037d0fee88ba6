"""Morphs that are broken or mean harm, used as a person would: the person is told, and the window lives.

Each text here once froze the window, filled the memory, or left it dark.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from batos.bridge.client import Client

from .conftest import Kernel, OpenCanvas
from .test_morphs import bare, person, say, spot
from .test_window import connected, event
from .xwindow import Canvas

pytestmark = pytest.mark.window

RULES = {  # the body of a rule, and what is said of it
    "    canvas\n  x": "only if you allow it",
    "    opacity: len([0] * 1000000000)": "a product of more than",
    "    Label:\n        text: '%1000000000d' % 3": "% is for numbers",
    "    opacity: sum([[0], [1]], [])": "numbers",
    "    canvas:\n        Triangle:\n            points: 1, 2": "cannot be drawn: IndexError",
    "    canvas:\n        StencilPop:\n        StencilPush:": "cannot be drawn",
    "    canvas:\n        PushMatrix:": "go together",
    "    canvas:\n        Mesh:\n            indices: [400]": "Mesh",
    "    canvas:\n" + "        Ellipse:\n" * 2000: "2,000 widgets and instructions",
    "    width: self.height * 2\n    height: self.width * 2": "depends on itself",
    "    opacity: 1 if root.radius > 'x' else 0": "TypeError",
}
BOUNDED = (  # these are drawn, at a size that a window can bear
    "    Label:\n        text: 'x'\n        text_size: 100000, 100000",
    "    Label:\n        text: 'x'\n        font_size: 100000",
    "    GridLayout:\n        cols: 1000000000",
    "    canvas:\n        Ellipse:\n            segments: 1000000000",
    "    canvas:\n        Line:\n            circle: 1, 1, 5, 0, 360, 1000000000\n            dash_length: 1000000000",
    "    canvas:\n        Rectangle:\n            size: float('nan'), float('inf')",
)
STRUCTURES = {
    "a circle": "a := Morph clone. b := Morph clone. a openAt: 9@9. a addMorph: b. "
    "a setSlot: 'owner' value: b. b setSlot: 'children' value: (OrderedCollection with: a)",
    "in itself": "s := Morph clone. s openAt: 9@9. s setSlot: 'children' value: (OrderedCollection with: s)",
    "in two owners": "p := Morph clone. q := Morph clone. k := Morph clone. p openAt: 9@9. q openAt: 9@90. "
    "p addMorph: k. q setSlot: 'children' value: (OrderedCollection with: k)",
    "no morphs": "p setSlot: 'children' value: (OrderedCollection with: 3 with: nil with: 'x' with: World)",
    "no collection": "q setSlot: 'children' value: 7",
    "parents in a circle": "n1 := Morph clone. n2 := n1 clone. n2 openAt: 70@70. n1 setSlot: 'parent*' value: n2",
    "strange slots": "n3 := Morph clone. n3 openAt: 9@9. n3 x: 'a'; y: nil; width: World; height: -5; color: 7; "
    "borderWidth: 'x'; radius: nil; text: 3; fontSize: 'big'; visible: 3; draggable: nil; bold: World",
    "no picture": "i := ImageMorph clone. i png: '/no/picture.png'. i openAt: 9@9. i png: (ByteArray new: 100)",
    "no pixels": "i png: nil. i pixels: (ByteArray new: 3). i columns: 100000; rows: -1",
    "ten million letters": "t := String new: 10000000 withAll: $w. (LabelMorph text: t) openAt: 9@9. "
    "(ButtonMorph label: t do: [nil]) openAt: 9@90. (TextMorph clone text: t; yourself) openAt: 9@190",
    "three thousand submorphs": "f := Morph clone. f openAt: 9@9. "
    "1 to: 3000 do: [:i | f addMorph: (Morph clone extent: 4@4; position: (i \\\\ 100 * 5) @ (i // 100); yourself)]",
    "three hundred deep": "e := Morph clone. e openAt: 5@5. "
    "1 to: 300 do: [:i | | n | n := Morph clone. e addMorph: n. e := n]",
    "and gone": "World removeAllMorphs",
}


def lives(window: Canvas, what: str) -> None:
    """A key is answered, and nothing of the canvas itself has failed."""
    before = window.said()
    window.key("ctrl+t")
    window.until(event("theme"), 20, after=before)
    assert window.errors() == "", what
    assert not [line for line in window.lines() if "canvas failed" in str(line.get("text"))], what


def test_rules_that_mean_harm(live: Kernel, canvas: OpenCanvas) -> None:
    with person(live) as repl:
        say(repl, "h := Morph clone. h openAt: 20@20. h extent: 300@80")
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        for rule, told in RULES.items():
            before = window.said()
            quoted = rule.replace("'", "''")
            say(repl, f"h kv: '<M>:\n{quoted}'")
            assert told in window.until(event("broken"), 60, after=before)["message"], rule
            lives(window, rule)
        for rule in BOUNDED:
            before = window.said()
            quoted = rule.replace("'", "''")
            say(repl, f"h kv: '<M>:\n{quoted}'")
            window.until(lambda line: line["event"] == "drawn" and not line["broken"], 60, after=before)
            lives(window, rule)


def test_a_value_that_fails_later_stops_no_other_rule(live: Kernel, canvas: OpenCanvas) -> None:
    """A slot becomes what the rule of its canvas cannot bear, while rules of other morphs wait for their turn."""
    with person(live) as repl:
        say(repl, "all := (1 to: 30) collect: [:i | (Morph clone) openAt: 9@(i * 20); yourself]")
        window = canvas(live.endpoint, "policy='off'")
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 30)
        for value in ("'x'", "World", "(String new: 9)"):
            before = window.said()
            say(repl, f"all do: [:each | each borderWidth: {value}]")
            window.until(event("drawn"), after=before)
            lives(window, value)
        before = window.said()
        say(repl, "all do: [:each | each borderWidth: 1]")
        window.until(lambda line: line["event"] == "drawn" and line["broken"] == [], after=before)
        lives(window, "mended")


def test_structures_that_make_no_sense(live: Kernel, canvas: OpenCanvas) -> None:
    with person(live) as repl:
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        for what, source in STRUCTURES.items():
            repl.evaluate(source)  # some of them the image itself refuses
            before = window.said()
            say(repl, "(LabelMorph text: 'and another') openAt: 300@300")
            window.until(event("drawn"), 60, after=before)
            lives(window, what)
            if what == "a circle":
                window.until(lambda line: line["event"] == "said" and "in a circle" in line["text"])


def hold(window: Canvas, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Take what is there and carry it, without letting go."""
    window.x("mousemove", "--window", window.window, *start)
    window.x("mousedown", 1)
    time.sleep(0.15)  # Kivy reports a press at the last place of its frame: two frames must go by
    for step in range(1, 6):
        x, y = (round(a + (b - a) * step / 5) for a, b in zip(start, end, strict=True))
        window.x("mousemove", "--window", window.window, x, y)


def let_go(window: Canvas) -> dict[str, Any]:
    before = window.said()
    window.x("mouseup", 1)
    return window.until(event("moved"), after=before)


def ready(live: Kernel, canvas: OpenCanvas, repl: Client) -> Canvas:
    say(repl, "m := ButtonMorph label: 'one' do: [nil]. m openAt: 40@40. n := Morph clone. n openAt: 300@300")
    window = canvas(live.endpoint, "policy='off'")
    window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 2)
    bare(window)
    return window


def test_a_morph_is_deleted_changed_and_put_elsewhere_while_it_is_dragged(live: Kernel, canvas: OpenCanvas) -> None:
    with person(live) as repl:
        window = ready(live, canvas, repl)
        before = window.said()
        hold(window, spot(window, 60, 50), spot(window, 160, 150))
        say(repl, "m label: 'two'; kv: '<M>:\n    opacity: .5'")
        window.until(event("morph", label="two"), after=before)
        say(repl, "n addMorph: m")
        window.until(event("drawn"), after=before)
        say(repl, "m delete")
        window.until(lambda line: line["event"] == "scene" and line["removed"] == 1, after=before)
        let_go(window)
        lives(window, "deleted while it was dragged")
        say(repl, "m openAt: 40@40. m kv: nil")
        window.until(event("morph", label="two", x=40), after=before)


def test_two_windows_drag_one_morph(live: Kernel, canvas: OpenCanvas) -> None:
    """The last one to let go wins, and both show the same."""
    with person(live) as repl:
        one = ready(live, canvas, repl)
        other = canvas(live.endpoint, "policy='off'")
        other.until(lambda line: line["event"] == "drawn" and line["morphs"] == 2)
        other.x("windowfocus", "--sync", other.window)
        bare(other)
        one.x("windowraise", one.window)
        hold(one, spot(one, 60, 50), spot(one, 160, 150))
        before = one.said()
        say(repl, "m droppedAt: 200@90")  # what the other window sends when it lets go
        other.until(event("morph", label="one", x=200, y=90))
        one.until(event("scene"), after=before)
        let_go(one)
        for window in (one, other):
            window.until(event("morph", label="one", x=140, y=140))
        assert say(repl, "m position") == "140@140"
        one.x("windowfocus", "--sync", one.window)
        lives(one, "two windows")


def test_the_kernel_is_killed_while_a_morph_is_dragged(live: Kernel, canvas: OpenCanvas) -> None:
    """Let go while nobody is there: the morph goes back to where it was, and the person is told. Let go when it is
    back: it is dropped."""
    with person(live) as repl:
        window = ready(live, canvas, repl)
        before = window.said()
        hold(window, spot(window, 60, 50), spot(window, 160, 150))
        live.kill()
        window.until(event("connection", lamp="bad"), after=before)
        let_go(window)
        window.until(lambda line: line["event"] == "said" and "not answered" in line["text"], after=before)
        live.start()
        window.until(event("connection", lamp="good"), 30, after=before)
        window.still()
    with person(live) as repl:
        assert say(repl, "World submorphs last position") == "40@40"
        before = window.said()
        hold(window, spot(window, 60, 50), spot(window, 160, 150))
        live.kill()
        window.until(event("connection", lamp="bad"), after=before)
        live.start()
        window.until(event("connection", lamp="good"), 30, after=before)
        window.until(event("drawn"), after=before)
        let_go(window)
        window.until(event("morph", label="one", x=140, y=140), after=before)
    lives(window, "killed while dragging")
