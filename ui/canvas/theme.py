"""The looks of the canvas, dark and light: colours with enough contrast to read (at least 4.5:1 for text on its
ground), and of each a look of high contrast (at least 7:1) for who needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import ClassVar

from pygments.style import Style
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String, _TokenType

Colour = tuple[float, float, float, float]


def colour(text: str) -> Colour:
    """``"#rrggbb"`` as Kivy wants it: four floats from 0 to 1."""
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return (red, green, blue, 1.0)


class DarkSource(Style):
    """Source on a dark ground."""

    background_color = "#282c34"
    styles: ClassVar[dict[_TokenType, str]] = {
        Comment: "#9aa2b1",
        Keyword: "#d9a3f2",
        Name.Class: "#efd08a",
        Name.Namespace: "#efd08a",
        Name.Function: "#7cb7ff",
        Name.Function.Magic: "bold #7cb7ff",
        Number: "#f0b27a",
        Operator: "#f2a5a0",
        String: "#9ad48b",
        String.Symbol: "#74d3ca",
        Error: "#ff8f88",
    }


class LightSource(Style):
    """Source on a light ground."""

    background_color = "#ffffff"
    styles: ClassVar[dict[_TokenType, str]] = {
        Comment: "#5b6472",
        Keyword: "#7a2fa0",
        Name.Class: "#6a4b00",
        Name.Namespace: "#6a4b00",
        Name.Function: "#0b5cad",
        Name.Function.Magic: "bold #0b5cad",
        Number: "#8f4300",
        Operator: "#9c2a22",
        String: "#1b6e2c",
        String.Symbol: "#00696b",
        Error: "#b3261e",
    }


class SharpLightSource(LightSource):
    """Source in black on white, hardly coloured."""

    styles: ClassVar[dict[_TokenType, str]] = {
        Comment: "#3d4450",
        Keyword: "#5e1682",
        Name.Class: "#513900",
        Name.Namespace: "#513900",
        Name.Function: "#003f82",
        Name.Function.Magic: "bold #003f82",
        Number: "#6b3200",
        Operator: "#7d1710",
        String: "#0b4d18",
        String.Symbol: "#004a4c",
        Error: "#8c0f08",
    }


@dataclass(frozen=True, slots=True)
class Theme:
    """Every colour the canvas paints with, by what it means."""

    name: str
    ground: Colour  # behind everything
    panel: Colour  # a pane
    raised: Colour  # a field, a button
    line: Colour  # between panes
    ink: Colour  # text
    faint: Colour  # text that steps back
    accent: Colour  # focus, the object's name, links
    chosen: Colour  # the selected row
    good: Colour
    warn: Colour
    bad: Colour
    source: type[Style]
    contrast: str = "usual"


DARK = Theme(
    "dark",
    ground=colour("#16181d"),
    panel=colour("#1d2026"),
    raised=colour("#282c34"),
    line=colour("#343944"),
    ink=colour("#e4e6eb"),
    faint=colour("#9aa2b1"),
    accent=colour("#7cb7ff"),
    chosen=colour("#2b4568"),
    good=colour("#7fd18b"),
    warn=colour("#f0c063"),
    bad=colour("#ff8f88"),
    source=DarkSource,
)
LIGHT = Theme(
    "light",
    ground=colour("#eceef2"),
    panel=colour("#fbfbfd"),
    raised=colour("#ffffff"),
    line=colour("#cfd4dd"),
    ink=colour("#1c2029"),
    faint=colour("#5b6472"),
    accent=colour("#0b5cad"),
    chosen=colour("#cfe3fb"),
    good=colour("#1b6e2c"),
    warn=colour("#80560a"),
    bad=colour("#b3261e"),
    source=LightSource,
)
COLOURS = frozenset(each.name for each in fields(Theme)) - {"name", "source", "contrast"}
HEXADECIMAL = re.compile(r"#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?")
SHARP_DARK = replace(
    DARK,
    ground=colour("#000000"),
    panel=colour("#000000"),
    raised=colour("#14161a"),
    line=colour("#8b93a1"),
    ink=colour("#ffffff"),
    faint=colour("#c9ced8"),
    accent=colour("#a5d0ff"),
    chosen=colour("#0d3d73"),
    good=colour("#9ff0aa"),
    warn=colour("#ffd684"),
    bad=colour("#ffb3ae"),
    contrast="high",
)
SHARP_LIGHT = replace(
    LIGHT,
    ground=colour("#ffffff"),
    panel=colour("#ffffff"),
    line=colour("#5b6472"),
    ink=colour("#000000"),
    faint=colour("#3d4450"),
    accent=colour("#003f82"),
    chosen=colour("#b9d8ff"),
    good=colour("#0b4d18"),
    warn=colour("#573900"),
    bad=colour("#8c0f08"),
    source=SharpLightSource,
    contrast="high",
)
THEMES = {(theme.name, theme.contrast): theme for theme in (DARK, LIGHT, SHARP_DARK, SHARP_LIGHT)}


def paint(name: object, theme: Theme) -> Colour:
    """The colour that a morph's slot names: one of the theme's, or ``#rrggbb`` or ``#rrggbbaa``. Anything else:
    none."""
    if isinstance(name, str):
        found = getattr(theme, name, None) if name in COLOURS else None
        if found is not None:
            return found  # type: ignore[no-any-return]
        if HEXADECIMAL.fullmatch(name):
            alpha = int(name[7:9], 16) / 255 if len(name) == 9 else 1.0
            return (*colour(name[:7])[:3], alpha)
    return (0.0, 0.0, 0.0, 0.0)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG 2, from 1 (none) to 21 (black on white)."""

    def luminance(of: Colour) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in of[:3]]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
