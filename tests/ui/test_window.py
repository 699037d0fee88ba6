"""The canvas in a real window (Xvfb), with real keys and clicks. The puppet kernel does what no real one would."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Kernel, OpenCanvas
from .xwindow import Canvas

pytestmark = pytest.mark.window


def event(kind: str, /, **facts: Any) -> Any:
    """Is this line of the trace that event, with these facts in it?"""
    return lambda line: line["event"] == kind and all(line.get(key) == value for key, value in facts.items())


def connected(window: Canvas) -> None:
    window.until(event("connection", text="connected"))
    window.until(event("methods"))


def send(window: Canvas, source: str) -> dict[str, Any]:
    """Type a message, press Enter; the first thing said in answer, when all of it is there."""
    before = window.said()
    window.type(source)
    window.key("Return")
    answer = window.until(event("said"), after=before)
    window.until(event("rest"), after=before)
    return answer


def test_it_connects_and_shows_the_genesis_object(puppet: Kernel, canvas: OpenCanvas, tmp_path: Path) -> None:
    window = canvas(puppet.endpoint)
    shown = window.until(event("object"))
    assert shown["slots"] == {"parent*": "nil", "greeting": "'it''s alive'", "answer": "42", "account": "an Account"}
    assert window.until(event("methods"))["names"] == ["clone", "double"]
    picture = window.picture(tmp_path / "canvas.png")
    assert distinct_colours(picture) > 30  # text and panes, and no empty window


def distinct_colours(picture: Path) -> int:
    import subprocess

    done = subprocess.run(["identify", "-format", "%k", str(picture)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_messages_results_and_errors(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    assert send(window, "3 + 4")["text"] == "=> 7"
    assert send(window, "show")["text"] == "hello\nworld"
    failed = send(window, "1 foo")
    assert (failed["text"], failed["ink"]) == ("ZeroDivide: 1 foo", "bad")
    before = window.said()
    window.key("Up", "Up", "Up", "Return")  # the history
    assert window.until(event("said"), after=before)["text"] == "=> 7"


def test_enter_sends_only_what_is_whole(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    before = window.said()
    window.type("Account >> foo [")
    window.key("Return")
    window.type("]")
    window.key("Return")
    assert "Account >> foo [" in window.until(event("said"), after=before)["text"]


def test_changes_made_elsewhere_are_shown(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    other = canvas(puppet.endpoint)
    connected(window)
    connected(other)
    send(other, "set answer 43")
    assert window.until(event("changed"))["slots"] == {"answer": "43"}


def test_walking_with_the_keyboard(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.key("ctrl+f")
    window.type("acc")
    window.until(event("found", names=["account"]))
    window.key("Tab")  # to the slots
    before = window.said()
    window.key("Down")
    assert window.until(event("detail"), after=before)["text"] == "an Account"
    window.key("Return")
    walked = window.until(event("object", title="account: an Account"), after=before)
    assert walked["slots"] == {"parent*": "Object", "balance": "70"}
    before = window.said()
    window.key("BackSpace")
    assert window.until(event("object"), after=before)["title"] == "Object"


def test_inspect_it_walks_to_the_result(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("savings")
    window.key("F7")
    assert window.until(event("object", title="an Account"))["slots"]["balance"] == "70"
    before = window.said()
    window.key("ctrl+Home", "Escape")
    window.until(event("line", focus=True), after=before)
    window.type("3 + 4")
    window.key("F7")
    assert "no object" in window.until(event("said", ink="warn"))["text"]


def test_a_large_object_is_searched_by_the_kernel(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    assert send(window, "grow 5000")["text"] == "=> 5000"
    window.key("ctrl+r", "ctrl+f")
    window.type("slot4999")
    assert window.until(event("found", names=["slot4999"]))


def test_a_click_shows_a_methods_source(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.click(100, 283)
    assert window.until(event("detail"))["text"] == "clone [\n    ^self * 2\n]"


def test_escape_does_not_close_and_ctrl_q_does(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.key("Escape")
    assert send(window, "3 + 4")["text"] == "=> 7"
    window.key("ctrl+q")
    assert window.process.wait(15) == 0
    assert window.errors() == ""


def test_text_size_and_theme(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint, 'theme="light", text_size=20')
    connected(window)
    window.key("ctrl+plus")
    assert window.until(event("text-size"))["size"] == 21
    window.key("ctrl+t")
    assert window.until(event("theme"))["name"] == "dark"
    assert send(window, "3 + 4")["text"] == "=> 7"


def test_an_evaluation_is_interrupted_and_the_window_lives_meanwhile(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("forever")
    window.key("Return")
    window.until(event("busy"))
    before = window.said()
    window.key("ctrl+r")  # the object is fetched while the message runs
    window.until(event("object"), after=before)
    window.key("ctrl+c")
    assert "interrupted" in window.until(event("said", ink="bad"))["text"]
    window.until(event("rest"))
    assert send(window, "3 + 4")["text"] == "=> 7"


def test_a_frozen_kernel_does_not_freeze_the_window(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    assert puppet.process is not None
    os.kill(puppet.process.pid, signal.SIGSTOP)
    try:
        window.type("3 + 4")
        window.key("Return")
        before = window.said()
        window.key("ctrl+t")
        window.until(event("theme"), seconds=5, after=before)
    finally:
        os.kill(puppet.process.pid, signal.SIGCONT)
    assert window.until(event("said", ink="good"))["text"] == "=> 7"
    assert window.errors() == ""


def test_the_kernel_dies_and_comes_back(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    puppet.kill()
    window.until(event("connection", lamp="bad"))
    before = window.said()
    puppet.start()
    window.until(event("connection", text="connected"), 30, after=before)
    window.until(event("object"), after=before)
    assert send(window, "3 + 4")["text"] == "=> 7"


def test_it_waits_for_a_kernel_that_comes_late(puppet: Kernel, canvas: OpenCanvas) -> None:
    puppet.kill()
    window = canvas(puppet.endpoint)
    window.until(event("connection", lamp="bad"))
    puppet.start()
    window.until(event("object"), 30)


def test_a_proposal_is_installed_only_on_purpose(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("savings withdraw: 30")
    window.key("Return")
    assert window.until(event("proposal"))["name"] == "Account>>withdraw:"
    window.key("Return")  # the focus is on Reject
    assert "declined" in window.until(event("said", ink="bad"))["text"]
    window.until(event("rest"))
    before = window.said()
    window.type("savings withdraw: 30")
    window.key("Return")
    window.until(event("proposal"), after=before)
    window.key("shift+Tab", "Return")
    assert window.until(event("said"), after=before)["text"] == "=> yes"


def test_a_proposal_is_edited_or_asked_for_again(puppet: Kernel, canvas: OpenCanvas) -> None:
    """In the conversation's own card, by keys alone: a hint, then another text."""
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("savings withdraw: 30")
    window.key("Return")
    window.until(event("proposal"))
    before = window.said()
    window.key("Tab")
    window.until(event("hint", focus=True), after=before)
    window.type("mind the limit")
    window.key("Return")
    window.until(event("proposal"), after=before)
    before = window.said()
    window.key("shift+Tab", "shift+Tab")
    window.until(event("code", focus=True), after=before)
    window.key("ctrl+a")
    window.type("withdraw: n [ ^nil ]")
    window.key("Tab", "Return")  # from the text to Install
    assert window.until(event("said", ink="good"), after=before)["text"] == "=> edit withdraw: n [ ^nil ]"


def test_a_wish_in_words(puppet: Kernel, canvas: OpenCanvas) -> None:
    """A line that begins with ? goes to the model as it is; what it would run is shown first."""
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("? it's a button [ I want")  # the brackets need not match: these are words
    window.key("Return")
    shown = window.until(event("proposal"))
    assert shown["title"] == "You asked the model." and "openInWorld" in shown["code"]
    before = window.said()
    window.key("shift+Tab", "Return")
    assert window.until(event("said"), after=before)["text"] == "made a ButtonMorph"
    window.until(event("rest"), after=before)
    before = window.said()
    window.type("? another")
    window.key("Return")
    window.until(event("proposal"), after=before)
    window.key("Return")
    assert window.until(event("said", ink="bad"), after=before)["text"] == "it was not run"
    assert window.errors() == ""


def test_a_flood_of_changes_does_not_stall_the_window(puppet: Kernel, canvas: OpenCanvas) -> None:
    window = canvas(puppet.endpoint)
    connected(window)
    window.type("flood")
    window.key("Return")
    window.until(lambda line: line["event"] == "changed" and line["slots"].get("tick") == "1999", 60)
    assert send(window, "3 + 4")["text"] == "=> 7"
    assert not re.search("failed at this", str(window.lines()))


def test_a_window_at_rest_draws_nothing_and_hardly_looks(puppet: Kernel, canvas: OpenCanvas) -> None:
    """Nothing changes and no cursor blinks: no frame is drawn and no key is polled for; what comes then is seen."""
    window = canvas(puppet.endpoint)
    connected(window)
    before = window.said()
    window.key("ctrl+0")  # the world has no cursor
    left = window.lines().index(window.until(event("line", focus=False), after=before))
    window.until(event("still"), after=left)
    calm = 0
    for line in pulses(window, left):
        calm = calm + 1 if line["drawn"] == 0 and line["frames"] <= 5 else 0  # sixty looks a second, else
        if calm == 3:
            break
    assert calm == 3
    before = window.said()
    window.key("ctrl+t")
    assert window.until(event("theme"), after=before)["name"] == "light"


def pulses(window: Canvas, after: int, most: int = 20) -> Iterator[dict[str, Any]]:
    """What the window says once a second of how much it did."""
    for _ in range(most):
        line = window.until(event("pulse"), after=after)
        after = window.lines().index(line) + 1
        yield line
