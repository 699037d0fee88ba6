"""BigNumbers: factorials, powers and exact fractions; where the runtime's own arithmetic carries the weight."""

from __future__ import annotations

from fractions import Fraction

from .som import Benchmark


class BigNumbers(Benchmark):
    def run(self) -> int:
        factorial = 1
        for i in range(1, 201):
            factorial *= i
        digits = 0
        rest = factorial
        while rest > 0:
            digits += rest % 10
            rest //= 10
        harmonic = Fraction(0)
        for i in range(1, 41):
            harmonic += Fraction(1, i)
        return digits + harmonic.numerator % 1000 + 3**100 % 1000

    def verify(self, result: int) -> bool:
        return result == 2218
