"""Fib: doubly recursive Fibonacci; nothing but sends and small integers."""

from __future__ import annotations

from .som import Benchmark


class Fib(Benchmark):
    def run(self) -> int:
        return self.fib(20)

    def fib(self, n: int) -> int:
        if n < 2:
            return n
        return self.fib(n - 1) + self.fib(n - 2)

    def verify(self, result: int) -> bool:
        return result == 6765
