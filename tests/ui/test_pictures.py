"""Pictures of the canvas for docs/, made in a real window with a real kernel, compared with those a person looked at.

    RENEW_PICTURES=1 python -m pytest tests/ui/test_pictures.py

writes them anew: look at them before you commit them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import Kernel, OpenCanvas
from .test_live import define
from .test_window import connected, event, send
from .xwindow import Canvas, difference

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
# The cursor blinks (0.001), and OpenGL drivers smooth letters their own way; another layout or theme is above 0.05.
DIFFERENCE = 0.03

pytestmark = pytest.mark.window


def first_day(window: Canvas) -> None:
    """What the pictures show: an account, its prototype with the method's source, a result and an error."""
    define(window)
    assert send(window, "(savings balance > 60) ifTrue: ['rich'] ifFalse: ['poor']")["text"] == "=> 'rich'"
    assert "zero" in send(window, "savings balance / 0")["text"]
    before = window.said()
    window.type("Account")
    window.key("F7")
    window.until(event("methods"), after=before)
    window.key("ctrl+f", "Tab", "End")
    window.until(event("detail"), after=before)
    before = window.said()
    window.key("Escape")
    window.until(event("line", focus=True), after=before)
    window.type("savings withdraw: [")
    window.until(event("typed", text="savings withdraw: ["))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_picture_in_the_docs_is_what_a_person_sees(
    theme: str, live: Kernel, canvas: OpenCanvas, tmp_path: Path
) -> None:
    window = canvas(live.endpoint, f"policy='off', theme={theme!r}")
    connected(window)
    first_day(window)
    seen = window.picture(tmp_path / f"{theme}.png")
    kept = PICTURES / f"canvas-{theme}.png"
    if os.environ.get("RENEW_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        shutil.copy(seen, kept)
    assert difference(seen, kept) < DIFFERENCE


def test_the_measure_sees_a_difference() -> None:
    assert difference(PICTURES / "canvas-dark.png", PICTURES / "canvas-light.png") > 10 * DIFFERENCE
