"""Pipeline: collect, select, inject and their kin, as a person would write them in each language."""

from __future__ import annotations

from functools import reduce

from .som import Benchmark


class Pipeline(Benchmark):
    def run(self) -> int:
        numbers = range(1, 2001)
        squares = [each * each for each in numbers]
        odd = [each for each in squares if each % 2 == 1]
        total = reduce(lambda sum_, each: sum_ + each % 97, odd, 0)
        first_large = next(each for each in odd if each > 1000000)
        any_divisible = any(each % 1009 == 0 for each in odd)
        small = [each for each in odd if not each > 10000]
        return total + first_large + (1 if any_divisible else 0) + len(small)

    def verify(self, result: int) -> bool:
        return result == 1050167
