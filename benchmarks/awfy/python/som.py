"""The suite's own small library: every program brings its collections along.

The published rules of Are-We-Fast-Yet ask each language to use these instead of its built-in
collections, so that what is measured is the language and not its library's C code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class Benchmark:
    """One program: ``run`` computes, ``verify`` says whether the result is the published one."""

    def benchmark(self, inner: int) -> bool:
        """Run ``inner`` times; False as soon as one result is wrong."""
        for _ in range(inner):
            if not self.verify(self.run()):
                return False
        return True

    def run(self) -> Any:
        raise NotImplementedError

    def verify(self, result: Any) -> bool:
        raise NotImplementedError


class Random:
    """The suite's 16-bit linear congruential generator: the same numbers on every machine."""

    def __init__(self) -> None:
        self.seed = 74755

    def next(self) -> int:
        self.seed = ((self.seed * 1309) + 13849) & 65535
        return self.seed


class Vector(Generic[T]):
    """A growing array with a moving first index, so that it serves as a queue too. Indexes from 0."""

    def __init__(self, capacity: int = 50) -> None:
        self.storage: list[Any] = [None] * capacity
        self.first_index = 0
        self.last_index = 0

    @classmethod
    def of(cls, element: T) -> Vector[T]:
        vector = cls(1)
        vector.append(element)
        return vector

    def at(self, index: int) -> Any:
        if index >= len(self.storage):
            return None
        return self.storage[index]

    def at_put(self, index: int, value: T) -> None:
        if index >= len(self.storage):
            capacity = len(self.storage)
            while capacity <= index:
                capacity *= 2
            self.grow_to(capacity)
        self.storage[index] = value
        if self.last_index < index + 1:
            self.last_index = index + 1

    def append(self, element: T) -> None:
        if self.last_index >= len(self.storage):
            self.grow_to(2 * len(self.storage))
        self.storage[self.last_index] = element
        self.last_index += 1

    def grow_to(self, capacity: int) -> None:
        storage: list[Any] = [None] * capacity
        for i in range(len(self.storage)):
            storage[i] = self.storage[i]
        self.storage = storage

    def is_empty(self) -> bool:
        return self.last_index == self.first_index

    def size(self) -> int:
        return self.last_index - self.first_index

    def for_each(self, action: Callable[[T], Any]) -> None:
        for i in range(self.first_index, self.last_index):
            action(self.storage[i])

    def has_some(self, test: Callable[[T], bool]) -> bool:
        for i in range(self.first_index, self.last_index):
            if test(self.storage[i]):
                return True
        return False

    def get_one(self, test: Callable[[T], bool]) -> T | None:
        for i in range(self.first_index, self.last_index):
            element: T = self.storage[i]
            if test(element):
                return element
        return None

    def remove_first(self) -> Any:
        if self.is_empty():
            return None
        self.first_index += 1
        return self.storage[self.first_index - 1]

    def remove(self, element: T) -> bool:
        """Take out every occurrence of this very object; True if there was one."""
        if self.is_empty():
            return False
        storage: list[Any] = [None] * len(self.storage)
        last = 0
        found = False
        for i in range(self.first_index, self.last_index):
            each = self.storage[i]
            if each is element:
                found = True
            else:
                storage[last] = each
                last += 1
        self.storage = storage
        self.first_index = 0
        self.last_index = last
        return found

    def remove_all(self) -> None:
        self.storage = [None] * len(self.storage)
        self.first_index = 0
        self.last_index = 0


class Set(Generic[T]):
    """A set by linear search with ``==``, as small sets in the suite are."""

    def __init__(self, capacity: int = 10) -> None:
        self.items: Vector[T] = Vector(capacity)

    def size(self) -> int:
        return self.items.size()

    def for_each(self, action: Callable[[T], Any]) -> None:
        self.items.for_each(action)

    def has_some(self, test: Callable[[T], bool]) -> bool:
        return self.items.has_some(test)

    def get_one(self, test: Callable[[T], bool]) -> T | None:
        return self.items.get_one(test)

    def add(self, element: T) -> None:
        if not self.contains(element):
            self.items.append(element)

    def contains(self, element: T) -> bool:
        return self.items.has_some(lambda each: each == element)


class IdentitySet(Set[T]):
    def contains(self, element: T) -> bool:
        return self.items.has_some(lambda each: each is element)


class Entry:
    """One link of a bucket's chain."""

    def __init__(self, hash_: int, key: Any, value: Any, next_: Entry | None) -> None:
        self.hash = hash_
        self.key = key
        self.value = value
        self.next = next_

    def match(self, hash_: int, key: Any) -> bool:
        return self.hash == hash_ and bool(self.key == key)


class IdentityEntry(Entry):
    def match(self, hash_: int, key: Any) -> bool:
        return self.hash == hash_ and self.key is key


class Dictionary(Generic[K, V]):
    """A hash table of chained buckets, a power of two of them. Keys answer ``custom_hash()``."""

    def __init__(self, capacity: int = 16) -> None:
        self.buckets: list[Entry | None] = [None] * capacity
        self.count = 0

    def size(self) -> int:
        return self.count

    def hash_of(self, key: Any) -> int:
        if key is None:
            return 0
        hash_: int = key.custom_hash()
        return hash_ ^ (hash_ >> 16)

    def bucket_index(self, hash_: int) -> int:
        return (len(self.buckets) - 1) & hash_

    def at(self, key: K) -> Any:
        hash_ = self.hash_of(key)
        entry = self.buckets[self.bucket_index(hash_)]
        while entry is not None:
            if entry.match(hash_, key):
                return entry.value
            entry = entry.next
        return None

    def contains_key(self, key: K) -> bool:
        hash_ = self.hash_of(key)
        entry = self.buckets[self.bucket_index(hash_)]
        while entry is not None:
            if entry.match(hash_, key):
                return True
            entry = entry.next
        return False

    def new_entry(self, hash_: int, key: K, value: V) -> Entry:
        return Entry(hash_, key, value, None)

    def at_put(self, key: K, value: V) -> None:
        hash_ = self.hash_of(key)
        index = self.bucket_index(hash_)
        current = self.buckets[index]
        if current is None:
            self.buckets[index] = self.new_entry(hash_, key, value)
            self.count += 1
        else:
            self.put_in_chain(hash_, key, value, current)
        if self.count > len(self.buckets):
            self.resize()

    def put_in_chain(self, hash_: int, key: K, value: V, head: Entry) -> None:
        current = head
        while True:
            if current.match(hash_, key):
                current.value = value
                return
            if current.next is None:
                current.next = self.new_entry(hash_, key, value)
                self.count += 1
                return
            current = current.next

    def resize(self) -> None:
        """Double the buckets; each chain splits in two, keeping its order."""
        old = self.buckets
        self.buckets = [None] * (2 * len(old))
        for i in range(len(old)):
            head = old[i]
            if head is not None:
                old[i] = None
                if head.next is None:
                    self.buckets[head.hash & (len(self.buckets) - 1)] = head
                else:
                    self.split_chain(len(old), i, head)

    def split_chain(self, old_capacity: int, index: int, head: Entry) -> None:
        low_head: Entry | None = None
        low_tail: Entry | None = None
        high_head: Entry | None = None
        high_tail: Entry | None = None
        current: Entry | None = head
        while current is not None:
            if current.hash & old_capacity == 0:
                if low_tail is None:
                    low_head = current
                else:
                    low_tail.next = current
                low_tail = current
            else:
                if high_tail is None:
                    high_head = current
                else:
                    high_tail.next = current
                high_tail = current
            current = current.next
        if low_tail is not None:
            low_tail.next = None
            self.buckets[index] = low_head
        if high_tail is not None:
            high_tail.next = None
            self.buckets[index + old_capacity] = high_head

    def keys(self) -> Vector[K]:
        keys: Vector[K] = Vector(self.count)
        for bucket in self.buckets:
            current = bucket
            while current is not None:
                keys.append(current.key)
                current = current.next
        return keys


class IdentityDictionary(Dictionary[K, V]):
    def new_entry(self, hash_: int, key: K, value: V) -> Entry:
        return IdentityEntry(hash_, key, value, None)
