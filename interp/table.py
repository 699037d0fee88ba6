"""Dispatch tables: for each selector, the function that answers a type of receiver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Table(dict[type, Any]):
    """The functions that answer one selector, by the receiver's type; an unknown type is looked up once."""

    __slots__ = ("selector", "find", "data", "globals")

    def __init__(self, selector: str, find: Callable[[Table, type], Any], scope: dict[str, Any] | None = None) -> None:
        self.selector = selector
        self.find = find
        self.globals = scope
        self.data: set[type] = set()  # types for which the send is a plain read or write of the slot

    def __missing__(self, cls: type) -> Any:
        return self.find(self, cls)

    def add(self, cls: type, function: Any) -> None:
        """Remember a function; the first one also lies in globals of its own, for the calls that try that type
        first. A live type takes the place of its clean twin: what is worked on is live."""
        self[cls] = function
        scope = self.globals
        if scope is not None:
            first = scope["?" + self.selector]
            if first is None or (cls is not first and _twins(first, cls)):
                scope["?" + self.selector], scope["!" + self.selector] = cls, function
            if function.__dict__.get("plain"):
                self.data.add(cls)
                first = scope["=" + self.selector]
                if first is None or (cls is not first and _twins(first, cls)):
                    scope["=" + self.selector] = cls

    def empty(self) -> None:
        self.clear()
        self.data.clear()
        if self.globals is not None:
            self.globals["?" + self.selector] = self.globals["!" + self.selector] = self.globals[
                "=" + self.selector
            ] = None


def _twins(clean: type, live: type) -> bool:
    """Are these the clean and the live type of one family?"""
    family = getattr(live, "_p_family", None)
    return family is not None and family.live is live and family.clean is clean
