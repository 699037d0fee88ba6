"""Towers: Hanoi with thirteen disks on linked piles."""

from __future__ import annotations

from .som import Benchmark


class Disk:
    def __init__(self, diameter: int) -> None:
        self.diameter = diameter
        self.next: Disk | None = None


class Towers(Benchmark):
    def __init__(self) -> None:
        self.piles: list[Disk | None] = []
        self.moves_done = 0

    def run(self) -> int:
        self.piles = [None] * 3
        self.build_tower(0, 13)
        self.moves_done = 0
        self.move_disks(13, 0, 1)
        return self.moves_done

    def push(self, disk: Disk, pile: int) -> None:
        top = self.piles[pile]
        if top is not None and disk.diameter >= top.diameter:
            raise ValueError("Cannot put a big disk on a smaller one")
        disk.next = top
        self.piles[pile] = disk

    def pop(self, pile: int) -> Disk:
        top = self.piles[pile]
        if top is None:
            raise ValueError("Attempting to remove a disk from an empty pile")
        self.piles[pile] = top.next
        top.next = None
        return top

    def move_top_disk(self, source: int, target: int) -> None:
        self.push(self.pop(source), target)
        self.moves_done += 1

    def build_tower(self, pile: int, disks: int) -> None:
        for diameter in range(disks, -1, -1):
            self.push(Disk(diameter), pile)

    def move_disks(self, disks: int, source: int, target: int) -> None:
        if disks == 1:
            self.move_top_disk(source, target)
        else:
            other = 3 - source - target
            self.move_disks(disks - 1, source, other)
            self.move_top_disk(source, target)
            self.move_disks(disks - 1, other, target)

    def verify(self, result: int) -> bool:
        return result == 8191
