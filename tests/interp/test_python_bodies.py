"""Python's own words for collections work in a Python body on the collections of the image."""

from __future__ import annotations

import pytest

from .conftest import Bench

SHOP = """Shop := Object clone.
Shop setSlot: 'items' value: OrderedCollection new. Shop setSlot: 'prices' value: Dictionary new.
Shop items add: 3; add: 1; add: 2.
Shop prices at: 'pen' put: 4; at: 'ink' put: 7."""


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("return [x * 2 for x in self.items]", "OrderedCollection (6 2 4 )"),
        ("return {name: price + 1 for name, price in self.prices.items()}", "a Dictionary ('pen'->5 'ink'->8 )"),
        ("return (len(self.items), sum(self.items), max(self.items), sorted(self.items)[0])", "(3 6 3 1 )"),
        ("return (self.items[0], self.items[-1], self.items[1:])", "(3 2 OrderedCollection (1 2 ) )"),
        ("return (1 in self.items, 9 in self.items, 'pen' in self.prices, 'nib' not in self.prices)",
         "(true false true true )"),
        ("self.items[0] = 8; self.items[-1] += 1; self.items.append(5); return self.items",
         "OrderedCollection (8 1 3 5 )"),
        ("self.prices['nib'] = 1; self.prices['pen'] += 1; return self.prices",
         "a Dictionary ('pen'->5 'ink'->7 'nib'->1 )"),
        ("return (self.prices['ink'], self.prices.get('nib', 0), self.prices.pop('pen'), len(self.prices))",
         "(7 0 4 1 )"),
        ("return (self.items.pop(0), self.items)", "(3 OrderedCollection (1 2 ) )"),
        ("return ', '.join([name for name in self.prices])", "'pen, ink'"),
        ("return ', '.join(self.prices)", "'pen, ink'"),
        ("t = 0\n    for i, x in enumerate(self.items):\n        t += i * x\n    return t", "5"),
        ("return max(self.prices, key=lambda name: self.prices[name])", "'ink'"),
        ("return [x for xs in [self.items, (7,)] for x in xs]", "OrderedCollection (3 1 2 7 )"),
        ("for x in self.items:\n        self.items.remove(x)\n    return len(self.items)", "0"),
    ],
)  # fmt: skip
def test_the_worlds_collections_are_pythons_too(bench: Bench, body: str, answer: str) -> None:
    worker = bench.worker
    worker.evaluate(SHOP)
    assert worker.evaluate(f"Shop >> f ```python\n    {body}\n```")[-1].error is None
    outcome = worker.evaluate("Shop f")[-1]
    assert outcome.error is None, outcome.error.render()
    assert outcome.printed == answer


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return self.items[7]", "list index out of range"),
        ("return self.prices['nib']", "key not found: 'nib'"),
        ("return [x for x in self]", "Shop is no collection"),
    ],
)
def test_what_is_not_there_is_told(bench: Bench, body: str, message: str) -> None:
    worker = bench.worker
    worker.evaluate(SHOP)
    worker.evaluate(f"Shop >> f ```python\n    {body}\n```")
    assert message in worker.evaluate("Shop f")[-1].error.message
