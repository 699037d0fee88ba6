"""Permute: all permutations of six elements by recursive swaps; counts the calls."""

from __future__ import annotations

from .som import Benchmark


class Permute(Benchmark):
    def __init__(self) -> None:
        self.count = 0
        self.values: list[int] = []

    def run(self) -> int:
        self.count = 0
        self.values = [0] * 6
        self.permute(6)
        return self.count

    def permute(self, n: int) -> None:
        self.count += 1
        if n != 0:
            n1 = n - 1
            self.permute(n1)
            for i in range(n1, -1, -1):
                self.swap(n1, i)
                self.permute(n1)
                self.swap(n1, i)

    def swap(self, i: int, j: int) -> None:
        saved = self.values[i]
        self.values[i] = self.values[j]
        self.values[j] = saved

    def verify(self, result: int) -> bool:
        return result == 8660
