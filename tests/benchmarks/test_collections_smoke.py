"""The benchmark of collections measures the same work on both sides: they answer the same."""

from __future__ import annotations

from typing import Any

from batos.image import open_image
from batos.image.collections import items_of, text_of
from batos.interp import Worker
from batos.interp.primitives.elements import elements
from benchmarks.collections.__main__ import SOURCE, measure
from benchmarks.collections.by_hand import functions

ORDER = [3, 1, 2, 12, 11, 10, 9, 8, 7, 6, 5, 4]


def python_form(world: Any, value: Any) -> Any:
    """A value of the language as the one that the Python function answers."""
    ghost = getattr(getattr(type(value), "_p_ghost", type(value)), "__name__", "")
    if ghost == "String":
        return text_of(value)
    if ghost in ("Dictionary", "Bag"):
        return dict(items_of(value))
    if ghost in ("Array", "OrderedCollection", "SortedCollection", "Set", "tuple"):
        found = [python_form(world, one) for one in elements(world, value)]
        return set(found) if ghost == "Set" else found
    return value


def test_both_sides_answer_the_same(tmp_path: Any) -> None:
    by_hand, by_loop = functions(ORDER)
    with open_image("memory:") as image:
        worker = Worker(image)
        try:
            assert all(outcome.error is None for outcome in worker.evaluate(SOURCE.read_text(encoding="utf-8")))

            def compare(world: Any) -> None:
                bench = world.clone(world.lookup("CollectionBench"))
                world.send(bench, "prepare:", world.new_array(list(ORDER)))
                for name, function in by_hand.items():
                    if name in ("addFirst", "anySatisfy", "detectIfNone"):
                        continue  # a fixed size; false against 0
                    assert python_form(world, world.send(bench, name)) == function(), name
                    if name in by_loop:
                        assert python_form(world, world.send(bench, name)) == by_loop[name](), name

            outcome = worker.trial(compare)
            assert outcome.error is None, outcome.error.python or outcome.error.render()
        finally:
            worker.close()


def test_it_measures() -> None:
    by_hand, _ = functions(ORDER)
    times = measure(list(by_hand)[:2], 1, size=20)
    assert len(times) == 2 and all(ours > 0 and hand > 0 for ours, hand, _ in times.values())
