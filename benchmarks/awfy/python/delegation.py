"""Delegation: methods and data found far up a chain of parents, and a parent that changes as it runs."""

from __future__ import annotations

from typing import Any

from .som import Benchmark


class Base:
    base = 7

    def step(self, n: int) -> int:
        return n + self.base + self.bonus()

    def bonus(self) -> int:
        return 1


class Second(Base):
    pass


class Third(Second):
    def bonus(self) -> int:
        return super().bonus() + 1


class Fourth(Third):
    pass


class Fifth(Fourth):
    def bonus(self) -> int:
        return super().bonus() + 1


class Delegation(Benchmark):
    def run(self) -> int:
        total = 0
        for _ in range(10):
            objects: list[Any] = [Base(), Second(), Third(), Fourth(), Fifth()]
            for _ in range(100):
                for each in objects:
                    total = each.step(total) % 1000003
            for each in objects:
                each.base = 1
                total = each.step(total)
        return total

    def verify(self, result: int) -> bool:
        return result == 44140
