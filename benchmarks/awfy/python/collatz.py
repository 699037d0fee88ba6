"""Collatz: long while loops on integers; no allocation, no calls but arithmetic."""

from __future__ import annotations

from .som import Benchmark


class Collatz(Benchmark):
    def run(self) -> int:
        best = 0
        longest = 0
        for start in range(1, 2001):
            n = start
            steps = 0
            while n != 1:
                n = n // 2 if n % 2 == 0 else 3 * n + 1
                steps += 1
            if steps > longest:
                longest = steps
                best = start
        return best * 1000 + longest

    def verify(self, result: int) -> bool:
        return result == 1161181
