"""List: Takeuchi's function on the lengths of linked lists; recursion and pointer chasing."""

from __future__ import annotations

from typing import Any

from .som import Benchmark


class Element:
    def __init__(self, value: int) -> None:
        self.value = value
        self.next: Element | None = None

    def length(self) -> int:
        if self.next is None:
            return 1
        return 1 + self.next.length()


class List(Benchmark):
    def run(self) -> int:
        result: Element = self.tail(self.make_list(15), self.make_list(10), self.make_list(6))
        return result.length()

    def make_list(self, length: int) -> Element | None:
        if length == 0:
            return None
        element = Element(length)
        element.next = self.make_list(length - 1)
        return element

    def is_shorter_than(self, x: Element | None, y: Element | None) -> bool:
        x_tail = x
        y_tail = y
        while y_tail is not None:
            if x_tail is None:
                return True
            x_tail = x_tail.next
            y_tail = y_tail.next
        return False

    def tail(self, x: Any, y: Any, z: Any) -> Any:
        if self.is_shorter_than(y, x):
            return self.tail(self.tail(x.next, y, z), self.tail(y.next, z, x), self.tail(z.next, x, y))
        return z

    def verify(self, result: int) -> bool:
        return result == 10
