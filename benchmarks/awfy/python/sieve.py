"""Sieve: the primes up to 5000 by Eratosthenes."""

from __future__ import annotations

from .som import Benchmark


class Sieve(Benchmark):
    def run(self) -> int:
        return self.sieve([True] * 5000, 5000)

    def sieve(self, flags: list[bool], size: int) -> int:
        prime_count = 0
        for i in range(2, size + 1):
            if flags[i - 1]:
                prime_count += 1
                for k in range(i + i, size + 1, i):
                    flags[k - 1] = False
        return prime_count

    def verify(self, result: int) -> bool:
        return result == 669
