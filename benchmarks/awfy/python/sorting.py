"""Sorting: quicksort by hand with a comparing block, and the library's sort with one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key

from .som import Benchmark, Random


class Sorting(Benchmark):
    def run(self) -> bool:
        random = Random()
        numbers = [random.next() for _ in range(1000)]
        by_hand = list(numbers)
        self.quicksort(by_hand, 0, len(by_hand) - 1, lambda a, b: a <= b)

        def compare(a: int, b: int) -> int:
            return -1 if a <= b else 1

        by_library = sorted(numbers, key=cmp_to_key(compare))
        for i in range(len(numbers)):
            if by_hand[i] != by_library[i]:
                return False
        return by_hand[0] == 0 and by_hand[-1] == 65505

    def quicksort(self, array: list[int], low: int, high: int, in_order: Callable[[int, int], bool]) -> None:
        if low >= high:
            return
        pivot = array[(low + high) // 2]
        i = low
        j = high
        while i <= j:
            while not in_order(pivot, array[i]):
                i += 1
            while not in_order(array[j], pivot):
                j -= 1
            if i <= j:
                array[i], array[j] = array[j], array[i]
                i += 1
                j -= 1
        self.quicksort(array, low, j, in_order)
        self.quicksort(array, i, high, in_order)

    def verify(self, result: bool) -> bool:
        return result
