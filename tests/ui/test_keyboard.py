"""Everything by keyboard alone, in a real window with a real kernel: no pointer is moved here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Kernel, OpenCanvas
from .test_morphs import person, say
from .test_window import connected, event
from .xwindow import Canvas, pixels

pytestmark = pytest.mark.window

# Each tool: its key, and what the trace says when it has something to show.
TOOLS = {
    "browser": ("ctrl+3", "prototypes"),
    "workspace": ("ctrl+4", "card"),
    "transcript": ("ctrl+5", "card"),
    "model": ("ctrl+6", "model"),
    "map": ("ctrl+7", "map"),
    "history": ("ctrl+8", "history"),
    "status": ("ctrl+9", "status"),
    "weaver": ("F8", "weaver"),
    "settings": ("F9", "card"),
    "keys": ("F1", "card"),
}


def pressed(window: Canvas, *keys: str) -> int:
    """Press keys; where the trace was before."""
    before = window.said()
    window.key(*keys)
    return before


def test_a_morph_by_keyboard_alone(live: Kernel, canvas: OpenCanvas) -> None:
    """Reach it, move, resize, inspect, edit a slot, edit its text, press, bring to front, zoom, undo, delete."""
    with person(live) as repl:
        say(repl, "m := ButtonMorph label: 'one' do: [Pressed := Pressed + 1]. Pressed := 0. m openAt: 40@40")
        say(repl, "t := TextMorph clone. t text: 'old'. t openAt: 60@50")
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 2)
        before = pressed(window, "ctrl+0", "Tab")
        assert window.until(event("chosen"), after=before)["title"] == "ButtonMorph  one"
        before = pressed(window, "Right", "shift+Down")
        window.until(event("morph", label="one", x=48, height=44), after=before)
        before = pressed(window, "f")
        window.until(event("did", source="self bringToFront"), after=before)
        assert say(repl, "World submorphs first == m") == "true"
        before = pressed(window, "Return")
        window.until(event("did", source="self press"), after=before)
        assert say(repl, "Pressed") == "1"
        before = pressed(window, "i")
        assert window.until(event("object"), after=before)["title"] == "ButtonMorph  one"
        before = pressed(window, "Down", "Down")
        window.until(event("detail", name="height"), after=before)
        pressed(window, "F2", "ctrl+a")
        window.type("70")
        before = pressed(window, "ctrl+s")
        assert window.until(event("accepted"), after=before)["text"] == "height is 70"
        window.until(event("morph", label="one", height=70), after=before)
        # The halo is still there; the next morph is a text, which is written anew, and left by Escape.
        before = pressed(window, "ctrl+0", "shift+Tab")
        assert window.until(event("chosen"), after=before)["title"] == "TextMorph  old"
        pressed(window, "Return", "ctrl+a")
        window.type("new")
        before = pressed(window, "Escape")
        window.until(event("did", source="self accept: 'new'"), after=before)
        before = pressed(window, "Right")  # the keyboard is in the world again
        window.until(event("morph", kind="TextMorph", x=68), after=before)
        before = pressed(window, "plus")
        window.until(event("camera", zoom=1.15), after=before)
        before = pressed(window, "ctrl+z")
        window.until(event("morph", kind="TextMorph", x=60), after=before)
        before = pressed(window, "Delete")
        window.until(event("did", source="self delete"), after=before)
        assert say(repl, "World submorphs size") == "1"
        assert window.errors() == ""


def test_every_tool_by_keyboard_alone(live: Kernel, canvas: OpenCanvas) -> None:
    """Open, move, resize, and close each; set the theme; leave. What was moved is where it was next time."""
    window = canvas(live.endpoint, "policy='off'")
    connected(window)
    for kind, (key, shown) in TOOLS.items():
        before = pressed(window, key)
        window.until(event("card", kind=kind, open=True), after=before)
        window.until(event(shown), after=before)
        before = pressed(window, "ctrl+w")
        window.until(event("card", kind=kind, open=False), after=before)
    before = pressed(window, "F9", "Tab", "Return")
    window.until(event("theme", name="light", contrast="usual"), after=before)
    before = pressed(window, "Tab", "Tab", "Return")
    window.until(event("theme", name="light", contrast="high"), after=before)
    pressed(window, "alt+Right", "alt+Up", "alt+shift+Right", "ctrl+q")
    assert window.process.wait(15) == 0
    assert window.errors() == ""
    kept = json.loads((window.folder / "state" / "batos" / "canvas.json").read_text())
    assert (kept["theme"], kept["contrast"]) == ("light", "high")
    x, y, width, _ = next(card["share"] for card in kept["cards"] if card["kind"] == "settings")
    assert x > 0.12 and y > 0.45 and width > 0.4


def test_tab_goes_around_and_is_seen(live: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    """From the line by Tab alone through the bar, the world, the inspector with its line, and back to the line: nothing
    holds the keyboard, and each step can be seen."""
    with person(live) as repl:
        say(repl, "m := Morph clone. m openAt: 40@40")
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 1)
        places = []
        seen = window.picture(tmp_path / "0.png")
        for step in range(1, 40):
            before = pressed(window, "Tab")
            told = window.until(event("focus"), after=before)
            places.append((told["in"], told["what"]))
            if step < 4 or told["in"] != "bar":  # the bar's buttons are all alike
                now = window.picture(tmp_path / f"{step}.png")
                assert pixels(seen, now) > 40, told
                seen = now
            if places[-1] == ("conversation", "MessageLine"):
                break
        assert {place for place, _ in places} == {"conversation", "bar", "world", "inspector"}
        assert ("inspector", "MessageLine") in places and places[-1] == ("conversation", "MessageLine")
        assert [place for place, _ in places].count("bar") == 10
        assert window.errors() == "" and not [line for line in window.lines() if line["event"] == "mishap"]
