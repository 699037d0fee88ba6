"""What a person may set about the canvas: theme, text size, window size.

Settings live in ``canvas.toml`` in the user's configuration folder
(``$XDG_CONFIG_HOME/batos``, by default ``~/.config/batos``)::

    theme = "light"      # or "dark"
    text_size = 18       # in points scaled by the screen (Kivy's sp), 8 to 48
    width = 1100         # of the window, in pixels
    height = 720

The command line overrides the file; Ctrl-plus, Ctrl-minus and Ctrl-T change what is shown, for this window.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

SMALLEST_TEXT, LARGEST_TEXT = 8, 48


class SettingsProblem(ValueError):
    """A setting is of the wrong kind or out of range; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Settings:
    theme: str = "dark"
    text_size: int = 15
    width: int = 1100
    height: int = 720

    def check(self, where: str = "canvas setting") -> Settings:
        """Answer myself, or raise SettingsProblem naming what is wrong."""
        if self.theme not in ("dark", "light"):
            raise SettingsProblem(f'{where}: theme is "dark" or "light", not {self.theme!r}')
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
