"""The loads of benchmarks/canvas, short: the bounds leave room for a machine that others use."""

from __future__ import annotations

import pytest

from batos.bridge.client import Client
from benchmarks.canvas.loads import THOUSAND, event, flood, inspect_large, pan, say, search_large

from .conftest import Kernel, OpenCanvas
from .test_window import connected

pytestmark = pytest.mark.window


def test_a_large_object_and_a_flood(live: Kernel, canvas: OpenCanvas) -> None:
    with Client(live.endpoint, "repl") as client:
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        large = inspect_large(window, client, 100_000)
        assert large["rows"] == 100_001 and large["ms"] < 5000
        found = search_large(window, 100_000)
        assert found["last"] == "slot100000" and found["found ms"] < 5000 and found["longest frame ms"] < 2000
        told = flood(window, client, 3)
        assert told["updates"] > 500 and told["frames a second"] > 3 and told["longest frame ms"] < 3000
        before = window.said()
        window.key("ctrl+t")
        window.until(event("theme"), 5, after=before)
        assert window.errors() == ""


def test_a_thousand_morphs_pan(live: Kernel, canvas: OpenCanvas) -> None:
    with Client(live.endpoint, "repl") as client:
        say(client, THOUSAND)
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] >= 1000, 60)
        window.key("ctrl+w", "ctrl+w")
        window.until(event("card", kind="inspector", open=False))
        assert pan(window, 2) > 3  # 30 and more on a machine of one's own: benchmarks/canvas
