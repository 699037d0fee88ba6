"""Method: behaviour as an object, with where it came from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from .object import Body, UvmObject, own_slots, set_dict


class Method(UvmObject):
    """Source of one method and its story; the running code is made from it on demand and never stored.

    Slots: ``selector``; ``source`` (pattern and body for message syntax; a ``def`` for Python); ``language``
    ("smalltalk" or "python"); ``author`` (a person's name, "genesis", or ``model:NAME``); ``intent`` (why it exists);
    ``category``; ``comment``; ``made`` (seconds since the epoch, UTC); ``provenance`` (a dict of plain values: model
    and adapter digest, prompt hash, gates ..., empty for people); ``before*`` (a tuple of the Method whose place it
    took, empty for the first; ``earlier`` follows it); ``place*``, of one that was read from a file: the file's name as
    it was given, and the line and column that the source begins at.
    """

    _p_traits = "Method"

    def __init__(
        self,
        selector: str,
        source: str,
        language: str = "smalltalk",
        author: str = "",
        intent: str = "",
        category: str = "",
        comment: str = "",
        provenance: dict[str, Any] | None = None,
    ) -> None:
        set_dict(
            self,
            {
                "selector": selector,
                "source": source,
                "language": language,
                "author": author,
                "intent": intent,
                "category": category,
                "comment": comment,
                "made": time.time(),
                "provenance": dict(provenance or {}),
                "before*": (),
            },
        )

    def __repr__(self) -> str:
        slots = own_slots(self)
        return f"<Method {slots['selector']} by {slots['author'] or 'nobody'}>"


def earlier(method: Body) -> Iterator[Body]:
    """The methods that were in a method's place before it, newest first.

    Each knows the one before it alone: with all of them in each, a method written n times would take room for n * n.
    That is how images of the first format have it, under ``history``, oldest first.
    """
    seen = {id(method)}
    while True:
        slots = own_slots(method)
        before = slots["before*"] if "before*" in slots else slots.get("history", ())[-1:]
        if not before or id(before[0]) in seen:
            return
        method = before[0]
        seen.add(id(method))
        yield method


def python_name(selector: str) -> str:
    """The Python name of a selector, by PyObjC's rule: each colon becomes an underscore.

    >>> python_name("at:put:")
    'at_put_'
    >>> python_name("+")
    '__add__'
    """
    return BINARY.get(selector) or selector.replace(":", "_")


def selector_of(name: str, arity: int) -> str:
    """The selector that a Python name with that many arguments (self not counted) stands for.

    >>> selector_of("at_put_", 2)
    'at:put:'
    >>> selector_of("display_yourself", 0)
    'display_yourself'
    """
    if name in SPELLED:
        return SPELLED[name]
    if arity and name.endswith("_"):
        parts = name[:-1].split("_")
        if len(parts) >= arity:
            head = "_".join(parts[: len(parts) - arity + 1])
            return ":".join([head, *parts[len(parts) - arity + 1 :]]) + ":"
    return name


BINARY = {
    "+": "__add__",
    "-": "__sub__",
    "*": "__mul__",
    "/": "__truediv__",
    "//": "__floordiv__",
    "\\\\": "__mod__",
    "<": "__lt__",
    ">": "__gt__",
    "<=": "__le__",
    ">=": "__ge__",
    "=": "__eq__",
    "~=": "__ne__",
    "&": "__and__",
    "|": "__or__",
    "@": "__matmul__",
    ">>": "__rshift__",
    "<<": "__lshift__",
    "==": "__is__",
    "~~": "__is_not__",
    ",": "__comma__",
    "->": "__arrow__",
}
SPELLED = {name: selector for selector, name in BINARY.items()}
