"""What a world keeps of compiled statements and blocks, for as long as their code can run.

Every distinct statement leaves a source, a list of resolutions and constants in its world, which a block that it made
may need for years: to run, to be stored, to show where it failed. A world that evaluates millions of distinct
statements must forget those of code that is gone. Whether it is gone, Python's weak references to code objects say;
they are looked at now and then, on the world's own thread.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from types import CodeType
from typing import TYPE_CHECKING

from .compiler import Compiled

if TYPE_CHECKING:
    from .world import World

OFTEN = 512  # new units between two looks


class Units:
    """The units of one world, by file name. All codes that ever had that name count."""

    def __init__(self, world: World) -> None:
        self._world = world
        # By id: equal code objects are not the same, and a set would take one for the other.
        self._codes: dict[str, dict[int, weakref.ref[CodeType]]] = {}
        self._constants: dict[str, set[str]] = {}
        self._new = 0

    def __len__(self) -> int:
        return len(self._codes)

    def keep(self, filename: str, compiled: Compiled) -> None:
        """What is known under this name is kept while any of this code lives."""
        codes = self._codes.get(filename)
        if codes is None:
            if self._new >= OFTEN:
                self.sweep()
            self._new += 1
            codes = self._codes[filename] = {}
        known = codes.get(id(compiled.code))
        if known is None or known() is not compiled.code:
            codes.update((id(code), weakref.ref(code)) for code in nested(compiled.code))
            if compiled.constants:
                self._constants.setdefault(filename, set()).update(compiled.constants)

    def sweep(self) -> None:
        """Forget the units whose code is gone."""
        self._new = 0
        world = self._world
        for filename in [name for name, codes in self._codes.items() if not any(ref() for ref in codes.values())]:
            del self._codes[filename]
            world.sources.pop(filename, None)
            world.resolutions.pop(filename, None)
            world.guesses.kept.pop(filename, None)
            world.globals.pop(f"$site {filename}", None)
            for name in self._constants.pop(filename, ()):
                world.globals.pop(name, None)


def nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are made inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)
