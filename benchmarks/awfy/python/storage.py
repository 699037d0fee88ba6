"""Storage: builds a tree of arrays, four to a node; makes work for allocation and collection."""

from __future__ import annotations

from typing import Any

from .som import Benchmark, Random


class Storage(Benchmark):
    def __init__(self) -> None:
        self.count = 0

    def run(self) -> int:
        self.count = 0
        self.build_tree(7, Random())
        return self.count

    def build_tree(self, depth: int, random: Random) -> list[Any]:
        self.count += 1
        if depth == 1:
            return [None] * (random.next() % 10 + 1)
        tree: list[Any] = [None] * 4
        for i in range(4):
            tree[i] = self.build_tree(depth - 1, random)
        return tree

    def verify(self, result: int) -> bool:
        return result == 5461
