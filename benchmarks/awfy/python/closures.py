"""Closures: blocks made, kept, shared, curried, and left early."""

from __future__ import annotations

from collections.abc import Callable

from .som import Benchmark


class Closures(Benchmark):
    def run(self) -> int:
        counter = self.make_counter()
        for i in range(500):
            counter(i)
        adders = [self.adder(i) for i in range(1, 51)]
        total = 0
        for add in adders:
            total += self.compose(add, add)(1)
        for i in range(1, 101):
            total += self.first_over(i, adders)
        return total + counter(0)

    def make_counter(self) -> Callable[[int], int]:
        count = 0

        def increase(amount: int) -> int:
            nonlocal count
            count += amount
            return count

        return increase

    def adder(self, n: int) -> Callable[[int], int]:
        return lambda x: x + n

    def compose(self, f: Callable[[int], int], g: Callable[[int], int]) -> Callable[[int], int]:
        return lambda x: f(g(x))

    def first_over(self, limit: int, adders: list[Callable[[int], int]]) -> int:
        for add in adders:
            if add(0) > limit:
                return add(0)
        return 0

    def verify(self, result: int) -> bool:
        return result == 128624
