"""The same work by hand, on Python's list, dict, set and io.StringIO."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import cmp_to_key, reduce
from typing import Any

Functions = dict[str, Callable[[], Any]]


def functions(random_order: list[int]) -> tuple[Functions, Functions]:
    """The same by hand: with a function where there is a block, and some of these as a plain loop."""
    n = len(random_order)
    array, ordered, mixed = list(range(1, n + 1)), list(range(1, n + 1)), random_order
    words = [f"word{x}" for x in mixed]
    dictionary = {x: x for x in array}
    members = set(array)

    def array_do() -> int:
        total = 0
        for x in array:
            total += x
        return total

    def do_with_index() -> int:
        total = 0
        for i, _ in enumerate(array, 1):
            total += i
        return total

    def reverse_do() -> int:
        total = 0
        for x in reversed(ordered):
            total += x
        return total

    def with_do() -> int:
        total = 0
        for _, y in zip(array, mixed, strict=True):
            total += y
        return total

    def interval_do() -> int:
        total = 0
        for x in range(1, n + 1):
            total += x
        return total

    def inject() -> int:
        total = 0
        for x in array:
            total = total + x
        return total

    def count() -> int:
        total = 0
        for x in array:
            if x % 2 == 0:
                total += 1
        return total

    def add() -> list[int]:
        found = []
        for i in range(1, n + 1):
            found.append(i)
        return found

    def add_first() -> list[int]:
        found: list[int] = []
        for i in range(1, 20_001):
            found.insert(0, i)
        return found

    def remove_last() -> list[int]:
        found = ordered.copy()
        for _ in range(n):
            found.pop()
        return found

    def remove_first() -> list[int]:
        found = ordered.copy()
        for _ in range(n):
            found.pop(0)
        return found

    def queue() -> list[int]:
        found = ordered.copy()
        for _ in range(n):
            found.append(found.pop(0))
        return found

    def at() -> int:
        total = 0
        for i in range(n):
            total += array[i]
        return total

    def at_put() -> list[Any]:
        found: list[Any] = [None] * n
        for i in range(n):
            found[i] = i + 1
        return found

    def dictionary_at_put() -> dict[int, int]:
        found = {}
        for i in range(1, n + 1):
            found[i] = i
        return found

    def dictionary_at() -> int:
        total = 0
        for i in range(1, n + 1):
            total += dictionary[i]
        return total

    def dictionary_get() -> int:
        total = 0
        for i in range(1, n + 1):
            default = lambda: 0  # noqa: E731  a block in messages
            total += dictionary[i] if i in dictionary else default()
        return total

    def dictionary_includes() -> int:
        total = 0
        for i in range(1, n + 1):
            if i in dictionary:
                total += 1
        return total

    def items() -> int:
        total = 0
        for _, value in dictionary.items():
            total += value
        return total

    def set_add() -> set[int]:
        found = set()
        for i in range(1, n + 1):
            found.add(i)
        return found

    def set_includes() -> int:
        total = 0
        for i in range(1, n + 1):
            if i in members:
                total += 1
        return total

    def set_remove() -> set[int]:
        found = members.copy()
        for i in range(1, n + 1):
            found.remove(i)
        return found

    def by_comparing(before: Callable[[int, int], bool]) -> list[int]:
        return sorted(mixed, key=cmp_to_key(lambda a, b: -1 if before(a, b) else 1))

    def by_size() -> list[str]:
        return sorted(words, key=cmp_to_key(lambda a, b: -1 if len(a) < len(b) else 1 if len(b) < len(a) else 0))

    def stream_put() -> str:
        out = io.StringIO()
        for _ in range(n):
            out.write("a")
        return out.getvalue()

    def stream_print() -> str:
        out = io.StringIO()

        def block(x: int) -> None:
            out.write(str(x))
            out.write(" ")

        for x in array:
            block(x)
        return out.getvalue()

    def stream_put_all() -> str:
        out = io.StringIO()

        def block(word: str) -> None:
            out.write(word)

        for word in words:
            block(word)
        return out.getvalue()

    def stream_next() -> int:
        total, place = 0, 0
        while place < len(array):
            total += array[place]
            place += 1
        return total

    def string_do() -> int:
        total = 0
        for char in "a" * n:
            if char in "aeiouAEIOU":
                total += 1
        return total

    def bag() -> dict[str, int]:
        counts: dict[str, int] = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        return counts

    def detect(wanted: Callable[[int], bool]) -> int:
        for x in array:
            if wanted(x):
                return x
        return 0

    by_loop = {
        "arrayDo": array_do,
        "orderedDo": array_do,
        "doWithIndex": do_with_index,
        "reverseDo": reverse_do,
        "withDo": with_do,
        "intervalDo": interval_do,
        "select": lambda: [x for x in array if x % 3 == 0],
        "reject": lambda: [x for x in ordered if not x % 3 == 0],
        "collect": lambda: [x + 1 for x in array],
        "inject": inject,
        "count": count,
        "keysAndValuesDo": items,
        "stringDo": string_do,
    }

    def each(values: Iterable[Any]) -> Callable[[], int]:
        def run() -> int:
            total = 0

            def block(x: int) -> None:
                nonlocal total
                total = total + x

            for value in values:
                block(value)
            return total

        return run

    def each_two(values: Callable[[], Iterable[tuple[Any, Any]]]) -> Callable[[], int]:
        def run() -> int:
            total = 0

            def block(x: int, y: int) -> None:
                nonlocal total
                total = total + y

            for first, second in values():
                block(first, second)
            return total

        return run

    def vowels() -> int:
        total = 0

        def block(char: str) -> None:
            nonlocal total
            if is_vowel(char):
                total = total + 1

        for char in "a" * n:
            block(char)
        return total

    def is_vowel(char: str) -> bool:
        return char in "aeiouAEIOU"

    def is_even(x: int) -> bool:
        return x % 2 == 0

    def mapped(values: Iterable[int]) -> list[int]:
        block = lambda x: x + 1  # noqa: E731
        return [block(x) for x in values]

    def filtered(values: Iterable[int]) -> list[int]:
        block = lambda x: x % 3 == 0  # noqa: E731
        return [x for x in values if block(x)]

    def refused(values: Iterable[int]) -> list[int]:
        block = lambda x: x % 3 == 0  # noqa: E731
        return [x for x in values if not block(x)]

    big = "a" * n
    by_hand: dict[str, Callable[[], Any]] = {
        "arrayDo": each(array),
        "orderedDo": each(ordered),
        "doWithIndex": each_two(lambda: ((x, i) for i, x in enumerate(array, 1))),
        "reverseDo": each(ordered[::-1]),
        "withDo": each_two(lambda: zip(array, mixed, strict=True)),
        "intervalDo": each(range(1, n + 1)),
        "collect": lambda: mapped(array),
        "orderedCollect": lambda: mapped(ordered),
        "intervalCollect": lambda: mapped(range(1, n + 1)),
        "select": lambda: filtered(array),
        "reject": lambda: refused(ordered),
        "inject": lambda: reduce(lambda a, x: a + x, array, 0),
        "detect": lambda: detect(lambda x: x == n),
        "detectIfNone": lambda: detect(lambda x: x > n),
        "anySatisfy": lambda: detect(lambda x: x > n),
        "count": lambda: sum(1 for x in array if is_even(x)),
        "add": add,
        "addFirst": add_first,
        "removeLast": remove_last,
        "removeFirst": remove_first,
        "queue": queue,
        "at": at,
        "orderedAt": at,
        "atPut": at_put,
        "orderedAtPut": at_put,
        "dictionaryAtPut": dictionary_at_put,
        "dictionaryAt": dictionary_at,
        "dictionaryAtIfAbsent": dictionary_get,
        "dictionaryIncludesKey": dictionary_includes,
        "keysAndValuesDo": each_two(dictionary.items),
        "setAdd": set_add,
        "setIncludes": set_includes,
        "setRemove": set_remove,
        "sort": lambda: sorted(mixed),
        "sortWords": lambda: sorted(words, key=lambda word: (word.lower(), word)),
        "sortBlock": lambda: by_comparing(lambda a, b: a > b),
        "asSortedCollection": lambda: by_comparing(lambda a, b: a < b),
        "sortByKey": by_size,
        "indexOf": lambda: array.index(n) + 1,
        "includes": lambda: 0 in ordered,
        "copy": array.copy,
        "concatenate": lambda: array + mixed,
        "reverse": lambda: array[::-1],
        "streamPut": stream_put,
        "streamPrint": stream_print,
        "streamPutAll": stream_put_all,
        "streamNext": stream_next,
        "stringConcatenate": lambda: len((big + big + big) + big),
        "stringDo": vowels,
        "asBag": bag,
    }
    return by_hand, by_loop
