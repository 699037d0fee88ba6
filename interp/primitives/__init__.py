"""Primitives: what the message library cannot say in messages. ``<primitive: 'name'>`` in a method names one.

A primitive is a Python function of the receiver and the arguments; it is entered into dispatch tables
directly. It raises flow.Fault (or lets a Python error go) and the method that called it signals the exception.

* ``@primitive("name")``: a plain function;
* ``@primitive("name", changes=True)``: it changes its receiver's hidden contents, and is called with the receiver
  registered;
* ``@primitive("name", world=True)``: a function of the world, called once per world, answering the primitive.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

REGISTRY: dict[str, Any] = {}
MODULES = (
    "objects",
    "copying",
    "numbers",
    "integers",
    "floats",
    "rounding",
    "numerals",
    "text",
    "characters",
    "words",
    "collections",
    "ordering",
    "sequences",
    "intervals",
    "growing",
    "making",
    "hashed",
    "sets",
    "shared",
    "streams",
    "writing",
    "printing",
    "chance",
    "times",
    "control",
    "exceptions",
    "processes",
    "reflection",
    "instances",
    "sources",
    "classes",
    "system",
    "asking",
    "files",
    "outside",
)


def primitive(name: str, *, world: bool = False, changes: bool = False) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        if name in REGISTRY:
            raise ValueError(f"two primitives are called {name}")
        made = function
        if world and changes:

            def made(w: Any) -> Any:
                result = function(w)
                result.changes_receiver = True
                return result

        if world:
            made.needs_world = True
        elif changes:
            made.changes_receiver = True
        REGISTRY[name] = made
        return function

    return register


def all_primitives() -> dict[str, Any]:
    for module in MODULES:
        import_module(f".{module}", __name__)
    return REGISTRY
