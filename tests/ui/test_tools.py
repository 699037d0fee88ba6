"""The tools at work, in a real window: slots written in place, methods saved, the past looked at, proposals decided."""

from __future__ import annotations

import json

import pytest

from .conftest import Kernel, OpenCanvas
from .test_morphs import person, say, spot
from .test_window import connected, event

pytestmark = pytest.mark.window


def test_inspector_browser_and_history(live: Kernel, canvas: OpenCanvas) -> None:
    with person(live) as repl:
        say(repl, "Account := Object clone. Account setSlot: 'balance' value: 1. savings := Account clone")
        say(repl, "savings balance: 70. m := Morph clone. m openAt: 40@40")
        window = canvas(live.endpoint, "policy='off'")
        connected(window)
        window.type("savings")
        window.key("F7")
        window.until(event("object", title="an Account"))
        window.key("End", "F2")  # balance, to the text below
        window.until(event("detail", name="balance"))
        window.key("ctrl+a")
        window.type("balance + 5")
        window.key("ctrl+s")
        assert window.until(event("accepted"))["text"] == "balance is 75"
        window.until(event("changed", slots={"balance": "75"}))
        window.key("Tab")
        window.type("balance * 2")
        window.key("Return")
        assert window.until(event("evaluated"))["text"] == "150"
        # the browser: a method is written anew, and both versions are there
        window.key("ctrl+3")
        window.until(event("prototypes"))
        before = window.said()
        window.key("ctrl+f")
        window.type("account")
        window.key("Tab", "Down")
        window.until(event("methods", of="Account"), after=before)
        for body in ("double [ ^balance * 2 ]", "double [ ^balance + balance ]"):
            before = window.said()
            window.key(*["Tab"] * 1)
            window.click(*BROWSER_SOURCE)
            window.key("ctrl+a")
            window.type(body)
            window.key("ctrl+s")
            assert window.until(event("accepted"), after=before)["text"] == "Account>>double"
            window.until(event("detail", text=body), after=before)
        assert say(repl, "savings double") == "150"
        assert say(repl, "(Account >> #double) history size") == "1"
        # the past: the world as it was, then now again
        say(repl, "m x: 500")
        window.key("ctrl+8")
        window.until(event("history"))
        before = window.said()
        window.key("Down", "Down")
        past = window.until(event("past"), after=before)
        assert past["morphs"] >= 2
        window.key("Home")
        assert say(repl, "m x") == "500"
        window.key("ctrl+t")
        window.until(event("theme", name="light"))
        assert window.errors() == ""
        window.key("ctrl+q")
        assert window.process.wait(15) == 0
        kept = json.loads((window.folder / "state" / "batos" / "canvas.json").read_text())
        assert kept["theme"] == "light"
        assert {card["kind"] for card in kept["cards"]} == {"conversation", "inspector", "browser", "history"}


BROWSER_SOURCE = (350, 560)


def test_words_lists_and_rules_that_fail_later(live: Kernel, canvas: OpenCanvas) -> None:
    with person(live) as repl:
        say(repl, "t := TextMorph clone. t text: 'old'. t openAt: 40@40")
        say(repl, "l := ListMorph clone. l items: #('one' 'two' 'three'). l onChoose: [:item | Chosen := item]")
        say(repl, "Chosen := nil. l openAt: 40@200")
        say(repl, "b := Morph clone. b openAt: 40@420. b extent: 120@40")
        say(
            repl,
            "b kv: '<Morph>:\n    Button:\n        pos: root.pos\n        size: root.size\n        on_press: 1 / 0'",
        )
        window = canvas(live.endpoint, "policy='off'")
        window.until(lambda line: line["event"] == "drawn" and line["morphs"] == 3)
        window.key("ctrl+w", "ctrl+w")
        window.until(event("card", kind="inspector", open=False))
        window.click(*spot(window, 100, 60))
        window.key("ctrl+a")
        window.type("new")
        window.click(*spot(window, 500, 500))  # leave it
        window.until(event("did", source="self accept: 'new'"))
        assert say(repl, "t text") == "'new'"
        window.click(*spot(window, 100, 240))
        window.until(event("did", source="self choose: 2"))
        assert say(repl, "Chosen") == "'two'"
        window.click(*spot(window, 100, 440))
        assert "ZeroDivisionError" in window.until(event("mishap"))["message"]
        window.until(event("broken"))
        before = window.said()
        say(repl, "b kv: '<Morph>:\n    opacity: .9'")
        assert window.until(event("drawn"), after=before)["broken"] == []
        assert window.errors() == ""


def test_the_models_panel_decides(puppet: Kernel, canvas: OpenCanvas) -> None:
    """A hint brings another proposal; Install installs it. The evaluation that missed goes on."""
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("savings withdraw: 30")
    window.key("Return")
    window.until(event("proposal"))
    before = window.said()
    window.key("ctrl+6")
    rows = window.until(event("model"), after=before)["rows"]
    assert rows[:2] == ["waiting for you (1)", "Account>>withdraw:"]
    before = window.said()
    window.click(*HINT)
    window.type("mind the limit")
    window.key("Return")
    window.until(event("decided", decision="retry"), after=before)
    window.until(event("proposal"), after=before)
    again = [number for number, line in enumerate(window.lines()) if line["event"] == "proposal"][-1]
    window.until(event("model", rows=rows), after=again)
    before = window.said()
    window.click(*INSTALL)
    window.until(event("decided", decision="yes"), after=before)
    assert window.until(event("said", ink="good"), after=before)["text"] == "=> yes"


def test_the_weavers_panel(live: Kernel, canvas: OpenCanvas) -> None:
    """What the kernel says of servers and facets, asked for again and again while the card is open."""
    window = canvas(live.endpoint, "policy='off'")
    connected(window)
    window.key("F8")
    rows = window.until(event("weaver"))["rows"]
    assert "in all" in rows and any(row.startswith("rules") for row in rows)
    before = window.said()
    window.until(event("weaver"), after=before)
    window.key("F8")
    window.until(event("card", kind="weaver", open=False))
    assert window.errors() == ""


HINT, INSTALL = (300, 655), (103, 655)
