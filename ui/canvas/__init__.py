"""The canvas: a window on the living image. Kivy is imported here and nowhere else, and only when the window opens."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .settings import Settings, SettingsProblem, load_settings, load_state, with_state

if TYPE_CHECKING:
    from ...bridge.covenant import Policy


def main(
    endpoint: str,
    *,
    workspace: str = "default",
    policy: Policy = "ask",
    theme: str | None = None,
    text_size: int | None = None,
    welcome: bool | None = None,
    settings: Settings | None = None,
    trace: Path | None = None,
) -> int:
    """Open the window on the kernel at ``endpoint``; answers when it is closed.

    0: closed by the person; 1: no window could be opened; 2: a setting is wrong. ``trace`` names a file to which what
    the window shows is appended as JSON lines.
    """
    try:
        state = load_state() if settings is None else {}
        settings = settings or with_state(load_settings(), state)
        size = settings.text_size if text_size is None else text_size
        greets = settings.welcome if welcome is None else welcome
        settings = replace(settings, theme=theme or settings.theme, text_size=size, welcome=greets).check()
    except SettingsProblem as problem:
        print(problem, file=sys.stderr)
        return 2
    prepare_kivy(settings)
    try:
        from . import app, telling
    except ImportError as problem:
        print(f"the canvas needs Kivy ({problem}): pip install 'bat-os[canvas]'", file=sys.stderr)
        return 1
    from kivy.core.window import Window

    from ..link import Link

    if Window is None:
        print(
            "no window can be opened here: is there a display (DISPLAY, WAYLAND_DISPLAY) and OpenGL?", file=sys.stderr
        )
        return 1
    window = app.CanvasApp(
        lambda client: Link(endpoint, client=client),
        settings,
        workspace=workspace,
        policy=policy,
        trace=telling.tracer(trace),
        state=state,
    )
    try:
        asyncio.run(app.run(window))
    except KeyboardInterrupt:
        return 130
    return 0


def prepare_kivy(settings: Settings) -> None:
    """What must stand before Kivy is imported: it would read our arguments, write a configuration, and log a page."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "batos" / "kivy"
    for name, value in {
        "KIVY_NO_ARGS": "1",
        "KIVY_NO_CONFIG": "1",
        "KIVY_NO_FILELOG": "1",
        "KIVY_LOG_MODE": "PYTHON",
        "KIVY_HOME": str(state),
    }.items():
        os.environ.setdefault(name, value)
    state.mkdir(parents=True, exist_ok=True)
    logging.getLogger("kivy").setLevel(logging.CRITICAL + 1)  # what goes wrong is told in the window
    from kivy.config import Config

    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "log_level", "critical")
    Config.set("graphics", "width", str(settings.width))
    Config.set("graphics", "height", str(settings.height))
    Config.set("graphics", "multisamples", "0")
    Config.remove_section("input")
    Config.add_section("input")
    Config.set("input", "mouse", "mouse,disable_multitouch")
