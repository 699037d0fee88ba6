"""Dispatch tables: for each selector, the function that answers a type of receiver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Table(dict[type, Any]):
    """The functions that answer one selector, by the receiver's type; an unknown type is looked up once."""

    __slots__ = ("selector", "find", "data", "globals", "guards")

    def __init__(self, selector: str, find: Callable[[Table, type], Any], scope: dict[str, Any] | None = None) -> None:
        self.selector = selector
        self.find = find
        self.globals = scope
        self.data: set[type] = set()  # types for which the send is a plain read or write of the slot
        self.guards: dict[str, Any] = {}  # globals that hold the first type while a certain method answers it

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
                self._guard()
            if function.__dict__.get("plain"):
                self.data.add(cls)
                first = scope["=" + self.selector]
                if first is None or (cls is not first and _twins(first, cls)):
                    scope["=" + self.selector] = cls

    def replace(self, old: Any, new: Any) -> None:
        for cls in [cls for cls, function in self.items() if function is old]:
            self[cls] = new
        if self.globals is not None and self.globals["!" + self.selector] is old:
            self.globals["!" + self.selector] = new

    def empty(self) -> None:
        self.clear()
        self.data.clear()
        if self.globals is not None:
            self.globals["?" + self.selector] = self.globals["!" + self.selector] = self.globals[
                "=" + self.selector
            ] = None
            self._guard()

    def guard(self, name: str, identity: Any) -> None:
        """Code has a method in line: keep the global by that name to the type that it answers, or None."""
        if name not in self.guards:
            self.guards[name] = identity
            self._guard()

    def unguard(self) -> None:
        """No code asks for those any more but such as is running, for which they are None."""
        if self.globals is not None:
            self.globals.update(dict.fromkeys(self.guards))
            self.guards.clear()

    def _guard(self) -> None:
        scope = self.globals
        if self.guards and scope is not None:
            function = scope["!" + self.selector]
            found = None if function is None else function.__dict__.get("identity")
            for name, identity in self.guards.items():
                scope[name] = scope["?" + self.selector] if found == identity else None


def _twins(clean: type, live: type) -> bool:
    """Are these the clean and the live type of one family?"""
    family = getattr(live, "_p_family", None)
    return family is not None and family.live is live and family.clean is clean
