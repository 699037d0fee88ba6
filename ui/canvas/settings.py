"""What a person may set about the canvas: theme, contrast, text size, window size.

Settings live in ``canvas.toml`` in the user's configuration folder
(``$XDG_CONFIG_HOME/batos``, by default ``~/.config/batos``)::

    theme = "light"      # or "dark"
    contrast = "high"    # or "usual"
    text_size = 18       # in points scaled by the screen (Kivy's sp), 8 to 48
    width = 1100         # of the window, in pixels
    height = 720
    welcome = false      # true: an image that has never shown anything greets in its first window

The command line overrides the file. What a person changes in the window (text size, theme, where the cards are, which
texts of an image may run) is kept for the next one, in ``canvas.json`` in the user's state folder
(``$XDG_STATE_HOME/batos``, by default ``~/.local/state/batos``), and stands above the file's and below the command
line's.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

SMALLEST_TEXT, LARGEST_TEXT = 8, 48


class SettingsProblem(ValueError):
    """A setting is of the wrong kind or out of range; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Settings:
    theme: str = "dark"
    contrast: str = "usual"
    text_size: int = 15
    width: int = 1100
    height: int = 720
    welcome: bool = True

    def check(self, where: str = "canvas setting") -> Settings:
        """Answer myself, or raise SettingsProblem naming what is wrong."""
        if self.theme not in ("dark", "light"):
            raise SettingsProblem(f'{where}: theme is "dark" or "light", not {self.theme!r}')
        if self.contrast not in ("usual", "high"):
            raise SettingsProblem(f'{where}: contrast is "usual" or "high", not {self.contrast!r}')
        if type(self.welcome) is not bool:
            raise SettingsProblem(f"{where}: welcome is true or false, not {self.welcome!r}")
        for name, low, high in (
            ("text_size", SMALLEST_TEXT, LARGEST_TEXT),
            ("width", 320, 16384),
            ("height", 240, 16384),
        ):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise SettingsProblem(f"{where}: {name} is a whole number from {low} to {high}, not {value!r}")
        return self


def settings_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "batos" / "canvas.toml"


def load_settings(path: Path | None = None) -> Settings:
    """The person's settings, or the defaults where there is no file. SettingsProblem if the file is wrong."""
    path = path or settings_file()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise SettingsProblem(f"{path}: {problem}") from None
    known = {field.name for field in fields(Settings)}
    unknown = sorted(set(found) - known)
    if unknown:
        raise SettingsProblem(f"{path}: unknown setting {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return replace(Settings(), **found).check(str(path))


def state_file() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "batos" / "canvas.json"


def load_state() -> dict[str, Any]:
    """What was kept of the last window; nothing, if that cannot be read."""
    try:
        found = json.loads(state_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep_state(state: dict[str, Any]) -> None:
    """Keep it for the next window: wholly or, if the disk will not have it, not at all."""
    path = state_file()
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(state, indent=1), "utf-8")
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)


def with_state(settings: Settings, state: dict[str, Any]) -> Settings:
    """The settings with what was kept of theme, contrast and text size, where that makes sense."""
    kept = {name: state[name] for name in ("theme", "contrast", "text_size", "welcome") if name in state}
    try:
        return replace(settings, **kept).check()
    except (SettingsProblem, TypeError):
        return settings
