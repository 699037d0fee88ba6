"""Pictures of the canvas for docs/, made in a real window with a real kernel, compared with those a person looked at.

    RENEW_PICTURES=1 python -m pytest tests/ui/test_pictures.py

writes them anew: look at them before you commit them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from batos.bridge.client import Client

from .conftest import Kernel, OpenCanvas
from .test_live import define
from .test_window import connected, event, send
from .xwindow import Canvas, difference

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
# The cursor blinks (0.001), clocks and process numbers differ, and OpenGL drivers smooth letters their own way; another
# layout or theme is above 0.05.
DIFFERENCE = 0.03

pytestmark = pytest.mark.window


def compare(window: Canvas, name: str, folder: Path) -> None:
    """The window now, against the picture in the docs."""
    seen = window.picture(folder / f"{name}.png")
    kept = PICTURES / f"{name}.png"
    if os.environ.get("RENEW_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        shutil.copy(seen, kept)
    assert difference(seen, kept) < DIFFERENCE, name


def first_day(window: Canvas) -> None:
    """What the first picture shows: an account, its prototype with the method's source, a result and an error."""
    define(window)
    assert send(window, "(savings balance > 60) ifTrue: ['rich'] ifFalse: ['poor']")["text"] == "=> 'rich'"
    assert "zero" in send(window, "savings balance / 0")["text"]
    before = window.said()
    window.type("Account")
    window.key("F7")
    window.until(event("methods"), after=before)
    window.key("ctrl+f", "Tab", "End")
    window.until(event("detail"), after=before)
    back_to_the_line(window)
    window.type("savings withdraw: [")
    window.until(event("typed", text="savings withdraw: ["))


def back_to_the_line(window: Canvas) -> None:
    before = window.said()
    window.key("Escape")
    window.until(event("line", focus=True), after=before)


def opened(window: Canvas, key: str, kind: str, shown: str) -> None:
    """Open a tool by its key, and wait for what it shows."""
    before = window.said()
    window.key(key)
    window.until(event("card", kind=kind, open=True), after=before)
    window.until(event(shown), after=before)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_first_picture(theme: str, live: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    window = canvas(live.endpoint, f"policy='off', theme={theme!r}")
    connected(window)
    first_day(window)
    compare(window, f"canvas-{theme}", tmp_path)


def test_the_first_window(asking: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    """The welcome; then display_yourself, which nobody has written, asked, shown and decided in the window."""
    window = canvas(asking.endpoint, "policy='ask', welcome=True")
    connected(window)
    window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 9)
    compare(window, "welcome-dark", tmp_path)
    window.type("Object display_yourself")
    window.key("Return")
    assert window.until(event("proposal"), 60)["name"] == "Object>>display_yourself"
    compare(window, "proposal-dark", tmp_path)
    before = window.said()
    window.key("shift+Tab", "Return")
    window.until(lambda line: line["event"] == "drawn" and line["morphs"] > 15, after=before)
    assert window.errors() == ""


def test_a_picture_of_each_tool(asking: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    """The world that display_yourself makes, and every tool on it, one after another."""
    with Client(asking.endpoint, "repl") as client:
        done = client.evaluate("Object display_yourself", policy="auto")
        assert not done.failed
        client.evaluate("Account := Object clone. Account setSlot: 'balance' value: 0")
        client.evaluate("Account >> deposit: amount [ balance := balance + amount ]")
        client.evaluate("Account >> deposit: amount [ amount > 0 ifTrue: [balance := balance + amount] ]")
        client.evaluate("savings := Account clone. savings deposit: 70. Smalltalk at: #Savings put: savings")
    window = canvas(asking.endpoint, "policy='off'")
    connected(window)
    window.until(lambda line: line["event"] == "drawn" and line["morphs"] > 5)
    window.key("ctrl+w", "ctrl+w")  # the world alone
    window.until(event("card", kind="inspector", open=False))
    window.key("ctrl+0", "a")
    compare(window, "world-dark", tmp_path)
    window.key("shift+Tab", "shift+Tab", "shift+Tab")  # a halo
    window.until(event("chosen", title="TextMorph  Write here. What you write is a slot of this morph, and stays."))
    compare(window, "halo-dark", tmp_path)
    before = window.said()
    window.key("i")
    window.until(event("object"), after=before)
    window.key("Down", "Down", "Down")
    window.until(event("detail"), after=before)
    compare(window, "inspector-dark", tmp_path)
    window.key("ctrl+w", "ctrl+3")
    window.until(event("prototypes"))
    window.key("ctrl+f")
    window.type("account")
    window.key("Tab", "Down")
    window.until(event("methods", of="Account"))
    before = window.said()
    window.key("Tab", "Down")
    window.until(event("detail"), after=before)
    window.key("Tab", "Return")
    window.until(event("difference"), after=before)
    compare(window, "browser-dark", tmp_path)
    window.key("ctrl+w", "ctrl+4")
    window.until(event("card", kind="workspace"))
    window.key("ctrl+End")
    window.type('"an account"')
    window.key("Return")
    window.type("Savings deposit: 30; balance")
    before = window.said()
    window.key("F6")
    assert window.until(event("worked"), after=before)["text"] == "100"
    window.key("End", "Return")
    window.type("Savings d")
    before = window.said()
    window.key("ctrl+space")
    window.until(event("completions"), after=before)
    compare(window, "workspace-dark", tmp_path)
    window.key("BackSpace", "ctrl+w")
    opened(window, "ctrl+6", "model", "model")
    compare(window, "model-dark", tmp_path)
    window.key("ctrl+w")
    opened(window, "ctrl+7", "map", "map")
    compare(window, "map-dark", tmp_path)
    window.key("ctrl+w")
    opened(window, "ctrl+8", "history", "history")
    before = window.said()
    window.key(*["Down"] * 8)
    window.until(event("past"), after=before)
    compare(window, "history-dark", tmp_path)
    window.key("ctrl+w")
    opened(window, "ctrl+9", "status", "status")
    window.key("ctrl+w", "F1")
    window.until(event("card", kind="keys"))
    compare(window, "keys-dark", tmp_path)
    window.key("ctrl+w")
    opened(window, "F9", "settings", "card")
    compare(window, "settings-dark", tmp_path)
    window.key("ctrl+w", "ctrl+t", "ctrl+0", "a")
    compare(window, "world-light", tmp_path)
    assert window.errors() == ""


def test_the_measure_sees_a_difference() -> None:
    assert difference(PICTURES / "canvas-dark.png", PICTURES / "canvas-light.png") > 10 * DIFFERENCE
