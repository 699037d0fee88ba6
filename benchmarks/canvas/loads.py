"""What the canvas must bear, each as a function of a window and of somebody at a REPL: tests run them short, the
benchmark long."""

from __future__ import annotations

import time
from typing import Any

from batos.bridge.client import Client
from tests.ui.xwindow import Canvas

THOUSAND = (
    "1 to: 1000 do: [:i | World addMorph: (ButtonMorph clone label: 'morph ', i printString; "
    "position: (i \\\\ 40 * 130) @ (i // 40 * 46); yourself)]"
)


def say(client: Client, source: str) -> str:
    outcome = client.evaluate(source).outcomes[-1]
    if outcome.error is not None:
        raise AssertionError(outcome.error.text)
    return outcome.printed or ""


def event(name: str, **facts: Any) -> Any:
    return lambda line: line["event"] == name and all(line.get(key) == value for key, value in facts.items())


def pan(window: Canvas, seconds: float) -> float:
    """Frames a second while the world is dragged to and fro, without a pause, for so long."""
    before = window.said()
    window.x("mousemove", "--window", window.window, 600, 400)
    window.x("mousedown", 2)
    time.sleep(0.2)  # Kivy reports a press at the last place of its frame: two frames must go by
    end = time.monotonic() + seconds
    place, step = 600, -7
    while time.monotonic() < end:
        words: list[object] = []
        for _ in range(20):
            place += step
            if not 100 < place < 1000:
                step = -step
            words += ["mousemove", "--window", window.window, place, 400 + place // 8, "sleep", "0.01"]
        window.x(*words)
    window.x("mouseup", 2)
    return float(window.until(event("moved"), after=before)["fps"])


def latency(window: Canvas, client: Client, times: int) -> list[float]:
    """Milliseconds from sending a message that moves a morph until the window has taken it in, sorted."""
    say(client, "mover := Morph clone. mover openAt: 20@20")
    found = []
    for number in range(times):
        before, began = window.said(), time.time()
        say(client, f"mover x: {1000 + number}")
        found.append((window.until(event("morph", x=1000 + number), after=before)["at"] - began) * 1000)
    return sorted(found)


def inspect_large(window: Canvas, client: Client, slots: int) -> dict[str, Any]:
    """Opening an inspector on an object with so many slots: from the key until the rows are there."""
    say(client, f"large := Object clone. 1 to: {slots} do: [:i | large setSlot: 'slot', i printString value: i]")
    window.key("Escape")
    window.type("large")
    before = window.said()
    window.key("F7")
    key = window.until(event("busy"), after=before)  # when the window has it: xdotool takes its time to start
    shown = window.until(lambda line: line["event"] == "object" and line["rows"] >= slots, 60, after=before)
    return {"ms": shown["ms"], "from the key": round((shown["at"] - key["at"]) * 1000), "rows": shown["rows"]}


def search_large(window: Canvas, slots: int) -> dict[str, Any]:
    """In the inspector that `inspect_large` opened: the last row by one key, then the slots of a name by typing it; how
    long each took, and for how long the window was not to be spoken to meanwhile."""
    before = window.said()
    window.key("ctrl+f", "Tab")
    pressed = time.time()
    window.key("End")
    last = window.until(event("detail"), 60, after=before)
    name = f"slot{slots}"
    window.key("ctrl+f")
    window.type(name)
    typed = time.time()
    found = window.until(event("found", names=[name]), 60, after=before)
    pulse = window.until(lambda line: line["event"] == "pulse" and line["at"] > found["at"], after=before)
    pulses = [line for line in window.lines()[before:] if line["event"] == "pulse" and line["at"] <= pulse["at"]]
    return {
        "last": last["name"],
        "end ms": round((last["at"] - pressed) * 1000),
        "found ms": round((found["at"] - typed) * 1000),
        "longest frame ms": max(line["longest"] for line in pulses),
    }


TICKERS = 20  # morphs that a transaction of the flood moves
STRIDE = 0.1  # seconds of updates that are sent together


def flood(window: Canvas, client: Client, seconds: float, rate: int = 1000) -> dict[str, Any]:
    """So many state updates a second for so long, twenty morphs to a transaction; how the window's frames went."""
    say(client, f"tickers := (1 to: {TICKERS}) collect: [:i | (LabelMorph text: 'tick') openAt: 20@(i * 20)]")
    before = window.said()
    sent, began = 0, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        due = min(int((passed + STRIDE) * rate / TICKERS) - sent, rate // TICKERS)
        if due < 1:
            time.sleep(STRIDE / 2)
            continue
        client.evaluate("tickers do: [:each | each x: each x + 1].\n" * due)
        sent += due
    say(client, f"tickers do: [:each | each x: {sent + 1000}]")
    took = time.monotonic() - began
    window.until(event("morph", x=sent + 1000), 30, after=before)
    pulses = [line for line in window.lines()[before:] if line["event"] == "pulse"]
    shown = [line for line in window.lines()[before:] if line["event"] == "scene"]
    return {
        "updates": sent * TICKERS,
        "a second": round(sent * TICKERS / took),
        "frames a second": round(sum(p["frames"] for p in pulses) / max(len(pulses), 1)),
        "longest frame ms": max((p["longest"] for p in pulses), default=0.0),
        "applied": len(shown),
    }
