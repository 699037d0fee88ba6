"""Primitives of text as people write it: patterns, regular expressions (Python's), numbers and texts filled in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...image.collections import String, text_of
from ..flow import Fault
from . import primitive
from .elements import elements, like, new_ordered, out_of_range
from .text import need_text, own_text

if TYPE_CHECKING:
    from ..world import World


def pattern_of(world: World, thing: Any) -> re.Pattern[str]:
    text = need_text(world, thing)
    try:
        return re.compile(text)
    except re.error as problem:
        raise Fault("SystemExceptions.InvalidArgument", f"{text!r} is no regular expression: {problem}") from None


@primitive("string.trimmedLeft", world=True)
def trimmed_left(world: World) -> Any:
    return lambda self: like(world, self, own_text(self).lstrip(), String)


@primitive("string.trimmedRight", world=True)
def trimmed_right(world: World) -> Any:
    return lambda self: like(world, self, own_text(self).rstrip(), String)


@primitive("string.squeezed", world=True)
def squeezed(world: World) -> Any:
    """The words with one space between them."""
    return lambda self: like(world, self, " ".join(own_text(self).split()), String)


@primitive("string.matchesPattern", world=True)
def matches_pattern(world: World) -> Any:
    """Is the receiver, in which ``*`` stands for any text and ``#`` for any Character, the form of another text?"""

    def matches(self: Any, other: Any, ignore_case: Any = True) -> bool:
        form = "".join({"*": ".*", "#": "."}.get(c) or re.escape(c) for c in own_text(self))
        flags = re.DOTALL | (re.IGNORECASE if ignore_case is True else 0)
        return re.fullmatch(form, need_text(world, other), flags) is not None

    return matches


@primitive("string.matchesRegex", world=True)
def matches_regex(world: World) -> Any:
    def matches(self: Any, regex: Any, ignore_case: Any = False) -> bool:
        compiled = pattern_of(world, regex)
        flags = re.IGNORECASE if ignore_case is True else 0
        return re.fullmatch(compiled.pattern, own_text(self), flags) is not None

    return matches


@primitive("string.searchRegex", world=True)
def search_regex(world: World) -> Any:
    """Of the first match from an index on, an Array: bounds and text, then those of each group; nil for none."""

    def search(self: Any, regex: Any, start: Any = 1) -> Any:
        found = pattern_of(world, regex).search(own_text(self), max(0, start - 1))
        if found is None:
            return None
        groups = range(found.re.groups + 1)
        spans = [(found.start(n) + 1, found.end(n), None if found[n] is None else found[n]) for n in groups]
        return world.new_array([world.new_array(list(span)) for span in spans])

    return search


@primitive("string.allRegexMatches", world=True)
def all_matches(world: World) -> Any:
    return lambda self, regex: new_ordered(
        world, [world.new_string(one[0]) for one in pattern_of(world, regex).finditer(own_text(self))]
    )


@primitive("string.replaceRegex", world=True)
def replace_regex(world: World) -> Any:
    """A copy with the first match (count 1) or all (0) replaced by a text, in which %1 is the first group."""

    def replace(self: Any, regex: Any, new: Any, count: Any = 0) -> Any:
        text = need_text(world, new)

        def put(match: re.Match[str]) -> str:
            return re.sub(r"%(\d)", lambda m: match[int(m[1])] or "" if int(m[1]) <= match.re.groups else m[0], text)

        return like(world, self, pattern_of(world, regex).sub(put, own_text(self), count), String)

    return replace


@primitive("string.splitRegex", world=True)
def split_regex(world: World) -> Any:
    """The pieces between matches, none of them empty."""

    def split(self: Any, regex: Any) -> Any:
        text, pieces, at = own_text(self), [], 0
        for match in pattern_of(world, regex).finditer(text):
            pieces.append(text[at : match.start()])
            at = match.end()
        pieces.append(text[at:])
        return new_ordered(world, [world.new_string(piece) for piece in pieces if piece])

    return split


@primitive("string.format", world=True)
def format_(world: World) -> Any:
    """``{1} {2}``: the elements' display strings put in their places; a backslash before a brace keeps it."""

    def format_(self: Any, values: Any) -> Any:
        items = list(elements(world, values))

        def put(match: re.Match[str]) -> str:
            if match[0][0] == "\\":
                return match[0][1]
            at = int(match[1])
            if not 0 < at <= len(items):
                raise out_of_range(world, at, len(items))
            return text_of(world.send(items[at - 1], "displayString"))

        return world.new_string(re.sub(r"\\[{}\\]|\{(\d+)\}", put, own_text(self)))

    return format_


@primitive("string.expandMacros", world=True)
def expand_macros(world: World) -> Any:
    """``<n>`` a new line, ``<t>`` a tabulator, ``<1s>`` an argument's text, ``<1p>`` its printString, ``<1?y:n>``."""

    def expand(self: Any, values: Any) -> Any:
        items = list(elements(world, values))

        def put(match: re.Match[str]) -> str:
            word = match[1]
            if word in ("n", "N"):
                return "\n"
            if word in ("t", "T"):
                return "\t"
            value = items[int(match[2]) - 1]
            kind = match[3]
            if kind in "pP":
                return text_of(world.send(value, "printString"))
            if kind in "sS":
                return text_of(world.send(value, "displayString"))
            yes, _, no = kind[1:].partition(":")
            return yes if value is True else no

        return world.new_string(re.sub(r"<([nNtT]|(\d+)([pPsS]|\?[^>]*))>", put, own_text(self)))

    return expand


@primitive("string.distance", world=True)
def distance(world: World) -> Any:
    """In how many single changes one text becomes the other (Levenshtein)."""

    def distance(self: Any, other: Any) -> int:
        first, second = own_text(self), need_text(world, other)
        row = list(range(len(second) + 1))
        for n, a in enumerate(first, 1):
            before, row[0] = row[0], n
            for m, b in enumerate(second, 1):
                before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (a != b))
        return row[-1]

    return distance
