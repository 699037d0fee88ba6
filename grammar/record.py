"""``@record``: frozen dataclasses with slots that are cheap to define and to make.

There are 22 kinds of node, and whoever starts pays for them: ``@dataclass(frozen=True)`` compiles six methods for each,
19 ms in all, and its ``__init__`` sets fields through ``object.__setattr__``. Here only ``__init__`` is compiled, the
rest is inherited from Record (3 ms), and fields are set by their slots. ``dataclasses.fields`` and ``replace`` work.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


class Record:
    """What all records share: equality and hash by the fields that take part in comparison, repr, no assignment."""

    __slots__ = ()
    _compared: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        for name in self._compared:
            if getattr(self, name) != getattr(other, name):
                return False
        return True

    def __hash__(self) -> int:
        return hash((self.__class__, *[getattr(self, name) for name in self._compared]))

    def __repr__(self) -> str:
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr]  # type: ignore[arg-type]
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {self.__class__.__name__} is frozen: {name} cannot be assigned")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {self.__class__.__name__} is frozen: {name} cannot be deleted")

    def __getstate__(self) -> list[object]:
        return [getattr(self, f.name) for f in fields(self)]  # type: ignore[arg-type]

    def __setstate__(self, state: list[object]) -> None:
        for f, value in zip(fields(self), state, strict=True):  # type: ignore[arg-type]
            object.__setattr__(self, f.name, value)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make ``cls``, a subclass of Record, a frozen dataclass with slots."""
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    every = fields(made)
    made._compared = tuple([f.name for f in every if f.compare])
    setters = {f"set_{f.name}": getattr(made, f.name).__set__ for f in every}
    defaults = {f"default_{f.name}": f.default for f in every if f.default is not MISSING}
    by_place = [f.name for f in every if not f.kw_only]
    by_name = [f.name for f in every if f.kw_only]
    parameters = ["self", *by_place, *(["*", *by_name] if by_name else [])]
    head = ", ".join(f"{p}=default_{p}" if f"default_{p}" in defaults else p for p in parameters)
    body = "; ".join(f"set_{f.name}(self, {f.name})" for f in every)
    scope: dict[str, Any] = {**setters, **defaults}
    exec(f"def __init__({head}): {body}", scope)
    made.__init__ = scope["__init__"]
    return made
