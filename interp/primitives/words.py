"""Primitives of text as people write it: patterns, regular expressions (Python's), numbers and texts filled in.

What a person gives as an expression is matched by the library `regex`: Python's own `re` looks at nothing else until it
is done, which for `(a+)+$` may be never, and nothing in the process runs meanwhile. `regex` lets others run, and gives
up after PATIENCE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...image.collections import String, text_of
from ...image.object import is_object, own_slots
from ..flow import Fault, Unhandled
from . import primitive
from .elements import elements, like, new_ordered, out_of_range
from .text import need_text, own_text

if TYPE_CHECKING:
    from regex import Match, Pattern

    from ..world import World

PATIENCE = 5.0  # seconds for one search


def pattern_of(world: World, thing: Any, ignore_case: bool = False) -> Pattern[str]:
    import regex

    made = own_slots(thing).get("pattern") if is_object(thing) else None  # a Regex
    text = need_text(world, thing if made is None else made)
    try:
        return regex.compile(text, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, RecursionError, OverflowError) as problem:
        raise Fault("SystemExceptions.InvalidArgument", f"{text[:200]!r} is no regular expression: {problem}") from None


@contextmanager
def _patiently(pattern: Pattern[str]) -> Iterator[dict[str, Any]]:
    """What a search with the pattern is to be told. A Fault if it takes too long."""
    try:
        yield {"timeout": PATIENCE, "concurrent": True}
    except TimeoutError:
        told = f"looking for {pattern.pattern[:200]!r} took longer than {PATIENCE:g} s and was given up"
        raise Fault("Error", told) from None


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
        pattern = pattern_of(world, f"(?s:{form})", ignore_case is True)
        with _patiently(pattern) as bounded:
            return pattern.fullmatch(need_text(world, other), **bounded) is not None

    return matches


@primitive("string.matchesRegex", world=True)
def matches_regex(world: World) -> Any:
    def matches(self: Any, regex: Any, ignore_case: Any = False) -> bool:
        pattern = pattern_of(world, regex, ignore_case is True)
        with _patiently(pattern) as bounded:
            return pattern.fullmatch(own_text(self), **bounded) is not None

    return matches


@primitive("string.searchRegex", world=True)
def search_regex(world: World) -> Any:
    """Of the first match from an index on, an Array: bounds and text, then those of each group; nil for none."""

    def search(self: Any, regex: Any, start: Any = 1) -> Any:
        pattern = pattern_of(world, regex)
        with _patiently(pattern) as bounded:
            found = pattern.search(own_text(self), max(0, start - 1), **bounded)
        if found is None:
            return None
        return _groups(world, found)

    return search


def occurrences(pattern: Pattern[str], text: str) -> Iterator[Match[str]]:
    """All matches. Nothing is no match where another has just ended (as GNU Smalltalk has it, and Python not)."""
    end = -1
    with _patiently(pattern) as bounded:
        for match in pattern.finditer(text, **bounded):
            if match.end() > match.start() or match.start() != end:
                yield match
            end = match.end()


@primitive("string.allRegexMatches", world=True)
def all_matches(world: World) -> Any:
    return lambda self, regex: new_ordered(
        world, [world.new_string(one[0]) for one in occurrences(pattern_of(world, regex), own_text(self))]
    )


@primitive("string.regexSpans", world=True)
def regex_spans(world: World) -> Any:
    """Of each match what searchRegex: answers of the first."""

    def spans(self: Any, regex: Any) -> Any:
        return world.new_array(
            [_groups(world, match) for match in occurrences(pattern_of(world, regex), own_text(self))]
        )

    return spans


def _groups(world: World, match: Match[str]) -> Any:
    groups = range(match.re.groups + 1)
    spans = [(match.start(n) + 1, match.end(n), None if match[n] is None else match[n]) for n in groups]
    return world.new_array([world.new_array(list(span)) for span in spans])


@primitive("string.replaceRegex", world=True)
def replace_regex(world: World) -> Any:
    """A copy with the first match (count 1) or all (0) replaced by a text, in which %1 is the first group."""

    def replace(self: Any, regex: Any, new: Any, count: Any = 0) -> Any:
        text = need_text(world, new)

        def put(match: Match[str]) -> str:
            return re.sub(r"%(\d)", lambda m: match[int(m[1])] or "" if int(m[1]) <= match.re.groups else m[0], text)

        old, at = own_text(self), 0
        pieces: list[str] = []
        for number, match in enumerate(occurrences(pattern_of(world, regex), old)):
            if count and number >= count:
                break
            pieces += old[at : match.start()], put(match)
            at = match.end()
        return like(world, self, "".join([*pieces, old[at:]]), String)

    return replace


@primitive("string.splitRegex", world=True)
def split_regex(world: World) -> Any:
    """The pieces between matches; nothing behind the last one, and nothing before an empty one, is no piece (gst)."""

    def split(self: Any, regex: Any) -> Any:
        text, pieces, at = own_text(self), [], 0
        for match in occurrences(pattern_of(world, regex), text):
            if match[0] or match.start() > at:
                pieces.append(text[at : match.start()])
            at = match.end()
        if at < len(text):
            pieces.append(text[at:])
        return world.new_array([world.new_string(piece) for piece in pieces])

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


@primitive("string.fillIn", world=True)
def fill_in(world: World) -> Any:
    """``%1`` and ``%(key)``: the display string of a value; ``%<yes|no>1``: one of two texts for a Boolean (gst)."""

    def fill_in(self: Any, values: Any) -> Any:
        def put(match: re.Match[str]) -> str:
            if match[0] == "%%":
                return "%"
            key: Any = int(match[3]) if match[3] else world.new_string(match[4])
            try:
                value = world.send(values, "at:", key)
            except Unhandled:
                if match[3]:
                    return match[0]
                raise
            if match[1] is None or not isinstance(value, bool):
                return text_of(world.send(value, "displayString"))
            return match[1] if value else match[2]

        return world.new_string(re.sub(r"%(?:%|(?:<([^|>]*)\|([^>]*)>)?(?:(\d+)|\((\w+)\)))", put, own_text(self)))

    return fill_in


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
            index = int(match[2])
            if not 0 < index <= len(items):
                raise out_of_range(world, index, len(items))
            value = items[index - 1]
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
