"""The seeds' validation of the interface (seed 000, phase 4), sentence by sentence, in a real window and a real kernel.

How fast a change is shown is measured by `python -m benchmarks.canvas`; a test on a shared machine asserts no time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.bridge.covenant import GetFullStateCommand, Status, UvmStateUpdateEvent

from .conftest import Kernel, OpenCanvas
from .test_morphs import person, say, spot
from .test_window import distinct_colours, event

pytestmark = pytest.mark.window


def test_the_seeds_validation(live: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    with person(live) as repl:
        say(repl, "tool := ButtonMorph clone. tool label: 'New tool'; createMethod: 'new_tool' code: '^42' in: Object")
        say(repl, "press := ButtonMorph label: 'Press' do: [:it | Smalltalk at: #Pressed put: 1. it label: 'Thanks']")
        say(repl, "tool openAt: 40@40. press openAt: 40@100")

        # The window opens, and something is in it.
        window = canvas(live.endpoint, "policy='off'")
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 2)
        assert distinct_colours(window.picture(tmp_path / "window.png")) > 30

        # Its DEALER sockets are connected, and the kernel knows them.
        window.until(event("connection", lamp="good"))
        sessions = {each["name"] for each in repl.call(Status()).data["sessions"]}
        assert {"canvas", "canvas, hands", "canvas, looking", "canvas, scene"} <= sessions

        # GetFullStateCommand came back, and what it said stands in the bar.
        state = repl.call(GetFullStateCommand())
        assert isinstance(state, UvmStateUpdateEvent)
        assert window.until(event("state"))["shown"] == f"Object: {len(state.state)} slots"

        # A button's CreateMethodCommand makes a method, which is a method like any other.
        window.key("ctrl+w", "ctrl+w")
        window.until(event("card", kind="inspector", open=False))
        assert "does not understand" in str(repl.evaluate("Object new_tool").outcomes[0].error)
        window.click(*spot(window, 100, 58))
        window.until(event("created", selector="new_tool"))
        assert say(repl, "Object new_tool") == "42"

        # A button's message runs in the image, and what it changed comes back.
        window.click(*spot(window, 100, 118))
        window.until(event("morph", label="Thanks"))
        assert say(repl, "Pressed") == "1"

        # A change made in a REPL is shown.
        before = window.said()
        say(repl, "tool label: 'A tool'; x: 300")
        window.until(event("morph", label="A tool", x=300), after=before)
        assert window.errors() == ""
