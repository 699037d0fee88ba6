"""Exceptions: signalled and handled in a loop, through calls, with cleaning up on the way."""

from __future__ import annotations

from .som import Benchmark


class TooLarge(Exception):
    def __init__(self, amount: int) -> None:
        super().__init__("too large")
        self.amount = amount


class Exceptions(Benchmark):
    def __init__(self) -> None:
        self.cleaned = 0

    def run(self) -> int:
        self.cleaned = 0
        total = 0
        for i in range(1, 1001):
            try:
                total += self.guarded(i)
            except TooLarge as error:
                total -= error.amount
            try:
                total += 100 // (i % 4)
            except ZeroDivisionError:
                total += 1
        return total + self.cleaned

    def guarded(self, n: int) -> int:
        try:
            return self.check(n)
        finally:
            self.cleaned += 1

    def check(self, n: int) -> int:
        if n % 5 == 0:
            raise TooLarge(n)
        return n

    def verify(self, result: int) -> bool:
        return result == 346500
