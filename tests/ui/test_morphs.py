"""The world of morphs in a real window, with a real kernel: seen, pressed, dragged, changed from outside, broken and
mended, and the same again after the window or the kernel was killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batos.bridge.client import Client

from .conftest import Kernel, OpenCanvas
from .test_window import connected, event
from .xwindow import Canvas, difference

pytestmark = pytest.mark.window

PANEL = """\
panel := ColumnMorph clone.
panel addMorph: (LabelMorph text: 'An account').
panel addMorph: (ButtonMorph label: 'Deposit 10' do: [:b | Smalltalk at: #Deposited put: 10. b label: 'Thanks']).
panel addMorph: (ButtonMorph clone label: 'Make a tool'; createMethod: 'new_tool' code: '^42' in: Object).
panel openAt: 40@40.
"""


@contextmanager
def person(kernel: Kernel) -> Iterator[Client]:
    """Somebody else at a REPL."""
    with Client(kernel.endpoint, "repl") as client:
        yield client


def say(client: Client, source: str) -> str:
    for outcome in client.evaluate(source).outcomes:
        assert outcome.error is None, outcome.error.text
    return outcome.printed or ""


def spot(window: Canvas, x: float, y: float) -> tuple[int, int]:
    """Where a place of the world is in the window."""
    camera = [line["camera"] for line in window.lines() if "camera" in line][-1]
    return (
        round((x - camera["left"]) * camera["scale"]),
        round(camera["bar"] + (y - camera["upper"]) * camera["scale"]),
    )


def drag(
    window: Canvas, start: tuple[int, int], end: tuple[int, int], button: int = 1, steps: int = 8
) -> dict[str, Any]:
    """Press, move, let go; the trace's word on the drag. A press is seen before the pointer moves on."""
    before = window.said()
    window.x("mousemove", "--window", window.window, *start)
    window.x("mousedown", button)
    time.sleep(0.15)  # Kivy reports a press at the last place of its frame: two frames must go by
    for step in range(1, steps + 1):
        x, y = (round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))
        window.x("mousemove", "--window", window.window, x, y)
    time.sleep(0.1)
    window.x("mouseup", button)
    return window.until(event("moved"), after=before)


def bare(window: Canvas) -> None:
    """Close the cards: only the world is left."""
    window.key("ctrl+w", "ctrl+w")
    window.until(event("card", kind="inspector", open=False))


def test_hands(live: Kernel, canvas: OpenCanvas) -> None:
    """Drag, drop, undo; the halo by a right click and by keys; clone, edit, delete; pan."""
    with person(live) as repl:
        say(repl, "m := ButtonMorph label: 'one' do: [nil]. m openAt: 40@40. n := Morph clone. n openAt: 300@300")
        window = canvas(live.endpoint, "policy='off'")
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 2)
        bare(window)
        drag(window, spot(window, 60, 50), spot(window, 160, 150))
        window.until(event("morph", label="one", x=140, y=140))
        assert say(repl, "m position. World submorphs first == m") == "true"
        window.key("ctrl+z")
        window.until(event("undone"))
        window.until(event("morph", label="one", x=40, y=40), after=3)
        assert say(repl, "m position") == "40@40"
        before = window.said()
        window.x("mousemove", "--window", window.window, *spot(window, 60, 50))
        window.x("click", 3)
        assert window.until(event("chosen"), after=before)["title"] == "ButtonMorph  one"
        window.key("Right", "shift+Down")
        window.until(event("morph", label="one", x=48, height=44), after=before)
        window.key("c")
        window.until(event("did", source="self copyBeside"))
        assert say(repl, "World submorphs size") == "3"
        window.key("e")
        assert window.until(event("prompt"))["text"] == "'one'"
        window.type("'two'")
        window.key("Return")
        window.until(event("morph", label="two"), after=before)
        window.key("Delete")
        window.until(event("did", source="self delete"))
        assert say(repl, "World submorphs size") == "2"
        moved = drag(window, spot(window, 600, 300), spot(window, 500, 250))
        assert moved["frames"] > 1
        assert say(repl, "n position") == "300@300"
        assert window.errors() == ""


def test_a_look_is_changed_broken_and_mended(live: Kernel, canvas: OpenCanvas) -> None:
    """Kivy's side of a morph is text in its slots. A wrong one is a box in its place, and the window lives."""
    with person(live) as repl:
        say(repl, "m := Morph clone. m openAt: 40@40. (LabelMorph text: 'fine') openAt: 40@300")
        window = canvas(live.endpoint, "policy='off'")
        assert window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 2)["broken"] == []
        for text, problem in (
            ("<Morph>:\n    opacity: nonsense", "nonsense is no name"),
            ("<Morph>:\n    opacity: 1 / 0", "ZeroDivisionError"),
            ("<Morph>\n  opacity: : 1", ""),
            ("<Morph>:\n    opacity: len(open(0).read())", "may be called"),
        ):
            before = window.said()
            quoted = text.replace("'", "''")
            say(repl, f"m kv: '{quoted}'")
            broken = window.until(lambda line: line["event"] == "drawn" and line["broken"] != [], after=before)[
                "broken"
            ]
            assert len(broken) == 1 and problem in broken[0]
        before = window.said()
        say(repl, "m kv: '<Morph>:\n    canvas:\n        Color:\n            rgba: 1, 0, 0, 1'")
        assert window.until(event("drawn"), after=before)["broken"] == []
        before = window.said()
        say(repl, "m python: 'class View(Base):\n    pass'")
        assert "only if you allow it" in window.until(event("broken"), after=before)["message"]
        window.click(*spot(window, 60, 60))
        window.until(event("card", kind="allow"))
        before = window.said()
        window.key("Tab", "Tab", "Return")
        window.until(event("allowed"), after=before)
        assert window.until(event("drawn"), after=before)["broken"] == []
        assert window.errors() == ""


def test_the_same_picture_after_a_kill(live: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    with person(live) as repl:
        say(repl, PANEL + "(PlotMorph clone plot: [:x | x sin] from: 0 to: 7) openAt: 300@40.")
    window = canvas(live.endpoint, "policy='off'")
    window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 5)
    bare(window)
    first = window.picture(tmp_path / "first.png")
    before = window.said()
    live.kill()
    window.until(event("connection", lamp="bad"), after=before)
    live.start()
    window.until(event("connection", lamp="good"), 30, after=before)
    window.until(event("drawn"), after=before)
    assert difference(first, window.picture(tmp_path / "second.png")) < 0.002
    window.process.kill()
    window.process.wait(10)
    again = canvas(live.endpoint, "policy='off'")
    again.until(lambda line: line["event"] == "drawn" and line["morphs"] == 5)
    bare(again)
    assert difference(first, again.picture(tmp_path / "third.png")) < 0.002


def test_a_new_world_greets_once(live: Kernel, canvas: OpenCanvas) -> None:
    """The first window on an empty world finds a welcome there: ordinary morphs, which go when they are closed."""
    with person(live) as repl:
        window = canvas(live.endpoint, "policy='off', welcome=True")
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] >= 9)
        assert say(repl, "World submorphs first submorphs last text") == "'Welcome'"
        window.close()
        say(repl, "World submorphs first submorphs first submorphs first press")  # Close
        window = canvas(live.endpoint, "policy='off', welcome=True")
        window.until(event("scene", of=1))
        connected(window)
        assert say(repl, "World submorphs size") == "0"
        assert window.errors() == ""


HOSTILE = {
    "<M>:\n    opacity: len([x for x in range(3000) for y in range(3000) for z in range(3000)])": "it does not end",
    "<M>:\n    opacity: sum(range(root.n))": "a range of more than",
    "<M>:\n    x: self.y + 1\n    y: self.x + 1": "depends on itself",
    "<M>:\n    opacity: __import__(''os'').getpid()": "only if you allow it",
    "<M>:\n    opacity: 1 / 0": "ZeroDivisionError",
}


def test_hostile_rules_and_texts_do_not_stall_the_window(live: Kernel, canvas: OpenCanvas) -> None:
    """A rule that does not end, runs in circles, wants os; a text of millions of letters wherever one is shown."""
    with person(live) as repl:
        say(repl, "h := Morph clone. h openAt: 20@20. h extent: 300@80. h setSlot: 'n' value: 100000000000")
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        for rule, why in HOSTILE.items():
            before = window.said()
            say(repl, f"h kv: '{rule}'")
            broken = window.until(event("broken"), after=before)["message"]
            assert why in broken
        before = window.said()
        say(repl, "h text: (String new: 2000000 withAll: $w)")
        say(repl, "h kv: '<M>:\n    Label:\n        text: root.text'")
        say(repl, "(LabelMorph text: h text) openAt: 20@120. (TextMorph clone text: h text; yourself) openAt: 20@160")
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 3 and not line["broken"], after=before)
        # one that is quick at first, and never ends for another number
        say(repl, "h setSlot: 'n' value: 2")
        say(repl, f"h kv: '{next(iter(HOSTILE)).replace('3000', 'root.n')}'")
        before = window.said()
        say(repl, "h n: 5000")
        assert "does not end" in window.until(event("broken"), after=before)["message"]
        assert window.errors() == ""


def test_two_windows_show_one_world(live: Kernel, canvas: OpenCanvas) -> None:
    """What hands do in one is seen in the other; each looks where it likes; one that goes takes nothing with it."""
    with person(live) as repl:
        say(repl, "m := Morph clone. m openAt: 40@40")
        one, other = canvas(live.endpoint, "policy='off'"), canvas(live.endpoint, "policy='off', theme='light'")
        for window in (one, other):
            window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 1)
        one.x("windowfocus", "--sync", one.window)
        bare(one)
        before = other.said()
        one.x("windowraise", one.window)
        drag(one, spot(one, 60, 60), spot(one, 160, 60))
        other.until(event("morph", x=140, y=40), after=before)
        one.process.kill()
        before = other.said()
        say(repl, "m x: 7")
        other.until(event("morph", x=7), after=before)
        assert other.errors() == ""
