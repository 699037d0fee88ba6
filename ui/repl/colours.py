"""Colours of source in a terminal: the terminal's own sixteen, so that they suit its ground, dark or light."""

from __future__ import annotations

from typing import ClassVar

from pygments.style import Style
from pygments.token import Comment, Error, Generic, Keyword, Literal, Name, Number, Operator, String, _TokenType


class TerminalStyle(Style):
    styles: ClassVar[dict[_TokenType, str]] = {
        Comment: "italic ansibrightblack",
        Keyword: "bold ansimagenta",
        Literal: "ansigreen",
        String: "ansigreen",
        String.Symbol: "ansicyan",
        Number: "ansicyan",
        Operator: "ansiyellow",
        Name.Function: "ansiblue",
        Name.Class: "bold",
        Name.Builtin: "bold ansimagenta",
        Name.Builtin.Pseudo: "bold ansimagenta",
        Generic.Error: "ansired",
        Error: "ansired",
    }
