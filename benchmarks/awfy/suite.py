"""What there is to run, and how much of it makes one measured iteration.

Python side: class ``NAME`` of ``python/name.py``; message side: the object ``NAME`` that ``messages/name.st`` makes.
Both answer ``benchmark(inner)`` with whether the result was right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE / "document.json"


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    inner: int
    """Inner iterations (or the problem's size) of one measured iteration: 100 to 300 ms in Python."""
    quick: int
    """The smallest size that still verifies."""

    @property
    def module(self) -> str:
        return f"benchmarks.awfy.python.{self.name.lower()}"

    @property
    def sources(self) -> tuple[Path, Path]:
        """The message side's files, in the order to load them."""
        return HERE / "messages" / "som.st", HERE / "messages" / f"{self.name.lower()}.st"


AWFY = (
    Program("Richards", 4, 1),
    Program("DeltaBlue", 4000, 10),
    Program("Json", 20, 1),
    Program("Bounce", 120, 1),
    Program("List", 200, 1),
    Program("Permute", 60, 1),
    Program("Queens", 180, 1),
    Program("Sieve", 160, 1),
    Program("Storage", 50, 1),
    Program("Towers", 60, 1),
    Program("NBody", 20000, 1),
    Program("Mandelbrot", 200, 8),
    Program("CD", 10, 2),
)

EXTRA = (
    Program("Fib", 120, 1),
    Program("Tak", 350, 1),
    Program("Strings", 320, 1),
    Program("WordCount", 50, 1),
    Program("Sorting", 80, 1),
    Program("Pipeline", 600, 1),
    Program("Exceptions", 350, 1),
    Program("Delegation", 90, 1),
    Program("Shapes", 200, 1),
    Program("Closures", 550, 1),
    Program("Matrix", 30, 1),
    Program("Ledger", 230, 1),
    Program("Collatz", 17, 1),
    Program("BigNumbers", 800, 1),
)

PROGRAMS = {program.name.lower(): program for program in AWFY + EXTRA}
