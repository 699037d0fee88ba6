"""What the house knows of a miss, as plain bounded values: taken from the world once, used with no transaction open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Slot:
    """A data slot: name, kind ("int", "float", "bool", "str", "nil", "list", "dict", "block", or a prototype's name),
    and its value as printed, bounded. `holds` says what is inside: `int` of a list of numbers, `str: int` of a dict,
    `Wheel: size int, turn()` of a list of such objects, `size int, turn()` of a Wheel."""

    name: str
    kind: str
    printed: str = ""
    holds: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the send: the parameter's name, and kind and print of the value it had."""

    name: str
    kind: str
    printed: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A method that is there already: on the receiver's chain, or elsewhere under the same selector."""

    prototype: str
    selector: str
    source: str
    language: Literal["smalltalk", "python"] = "smalltalk"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A candidate that a gate sent back, and that gate's reason."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a prompt is made of. `prototype` gets the method; `chain` is what it delegates to, nearest first."""

    prototype: str
    selector: str
    name: str
    arguments: tuple[Argument, ...]
    statement: str
    receiver: str = ""
    chain: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    intent: str = ""
    comment: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    elsewhere: tuple[Neighbour, ...] = ()
    rejected: tuple[Attempt, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.arguments)

    @property
    def head(self) -> str:
        return f"def {self.name}({', '.join(('self', *self.parameters))}):"
