"""Tak: Takeuchi's function on integers; calls with three arguments."""

from __future__ import annotations

from .som import Benchmark


class Tak(Benchmark):
    def run(self) -> int:
        return self.tak(14, 9, 4)

    def tak(self, x: int, y: int, z: int) -> int:
        if y >= x:
            return z
        return self.tak(self.tak(x - 1, y, z), self.tak(y - 1, z, x), self.tak(z - 1, x, y))

    def verify(self, result: int) -> bool:
        return result == 9
