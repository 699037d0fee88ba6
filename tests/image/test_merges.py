"""The merges against a naive model: every interleaving of small histories, through a real storage.

A history is a few transactions of a few steps each. An interleaving says when each begins and when it tries to commit;
all of them are run. A transaction that is refused has had no effect. Those that were let through must come out as if
the net effect of each, as it saw it, had been applied in the order of their commits: that is what the model does.
"""

import itertools
from collections import Counter as Plain

import pytest
import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from ZODB.POSException import ConflictError

from batos.image import open_image
from batos.image import shards as shards_module
from batos.image import shared as shared_module
from batos.image.shared import Counter, SharedBag, SharedDictionary, SharedQueue

KEYS = "abc"


def interleavings(count):
    """Every order of `count` beginnings and commits in which each begins before it commits."""
    events = [("begin", n) for n in range(count)] + [("commit", n) for n in range(count)]
    return [
        order
        for order in itertools.permutations(events)
        if all(order.index(("begin", n)) < order.index(("commit", n)) for n in range(count))
        # Beginnings next to each other see the same image: one order of them stands for all.
        and all(not (a[0] == b[0] == "begin" and a[1] > b[1]) for a, b in itertools.pairwise(order))
    ]


ORDERS = {count: interleavings(count) for count in (2, 3)}


@pytest.fixture(scope="module")
def image():
    with open_image("memory:") as image:
        yield image


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Blocks and leaves of two or three entries, so that small histories meet their borders."""
    monkeypatch.setattr(shared_module, "BLOCK_SIZE", 3)
    monkeypatch.setattr(shards_module, "LEAF", 2)


def run(image, thing, histories, order, act):
    """Runs one interleaving; the effects of the transactions that were let through, in the order of their commits."""
    with image.db.transaction() as connection:
        connection.root()["thing"] = thing
    open_now, kept = {}, []
    for what, number in order:
        if what == "begin":
            manager = transaction.TransactionManager()
            manager.begin()
            connection = image.db.open(manager)
            ours = connection.root()["thing"]
            open_now[number] = manager, connection, [act(ours, step, number) for step in histories[number]]
            continue
        manager, connection, effects = open_now.pop(number)
        try:
            manager.commit()
            kept.append(effects)
        except ConflictError:
            manager.abort()
        connection.close()
    return kept


def seen(image, question):
    with image.db.transaction() as connection:
        return question(connection.root()["thing"])


def histories(step, most=3):
    one = st.lists(step, min_size=1, max_size=3)
    return st.lists(one, min_size=2, max_size=most)


@settings(max_examples=12, deadline=None)
@given(histories(st.integers(-3, 3)))
def test_counters(image, works):
    for order in ORDERS[len(works)]:
        kept = run(image, Counter(5), works, order, lambda counter, by, _: (counter.increase(by), by)[1])
        assert len(kept) == len(works), "a counter never conflicts"
        assert seen(image, lambda counter: counter.value) == 5 + sum(map(sum, kept))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(KEYS), max_size=3), histories(st.tuples(st.booleans(), st.sampled_from(KEYS))))
def test_bags(image, start, works):
    def act(bag, step, _):
        adding, key = step
        if adding:
            bag.add(key)
            return (key, 1)
        if key in bag:
            bag.remove(key)
            return (key, -1)
        return (key, 0)

    for order in ORDERS[len(works)]:
        bag = SharedBag()
        for key in start:
            bag.add(key)
        kept = run(image, bag, works, order, act)
        model = Plain(start)
        for effects in kept:
            for key, by in effects:
                model[key] += by
            assert min(model.values(), default=0) >= 0, "more was removed than there was"
        assert kept, "one of them must come through"
        model = +model
        assert seen(image, lambda bag: (Plain(dict(bag.counts())), len(bag))) == (model, model.total())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 4), histories(st.booleans()))
def test_queues(image, start, works):
    def act(queue, adding, number, fresh=itertools.count()):
        if adding:
            item = (number, next(fresh))
            queue.add(item)
            return ("add", item)
        return ("take", queue.take(None))

    for order in ORDERS[len(works)]:
        queue = SharedQueue(range(start))
        kept = run(image, queue, works, order, act)
        model = list(range(start))
        for effects in kept:
            added = [item for what, item in effects if what == "add"]
            taken = [item for what, item in effects if what == "take" and item is not None]
            for item in taken:
                if item not in added:  # not one of its own
                    assert item in model, "an item was taken twice"
                    model.remove(item)
            model += [item for item in added if item not in taken]
        assert kept
        assert seen(image, lambda queue: (list(queue), len(queue))) == (model, len(model))


@settings(max_examples=20, deadline=None)
@given(
    st.sets(st.sampled_from(KEYS)),
    histories(st.tuples(st.sampled_from(["put", "remove"]), st.sampled_from(KEYS))),
)
def test_dictionaries(image, start, works):
    def act(table, step, number, fresh=itertools.count()):
        what, key = step
        before, after = table.get(key), None
        if what == "put":
            after = table[key] = (number, next(fresh))
        else:
            table.pop(key, None)
        return key, before, after

    for order in ORDERS[len(works)]:
        table = SharedDictionary()
        for key in sorted(start):
            table[key] = "old"
        kept = run(image, table, works, order, act)
        model = dict.fromkeys(start, "old")
        for effects in kept:
            for key in KEYS:
                mine = [(before, after) for name, before, after in effects if name == key]
                if mine and mine[0][0] != mine[-1][1]:
                    assert model.get(key) == mine[0][0], "two wrote one key, and neither was refused"
                    model[key] = mine[-1][1]
        model = {key: value for key, value in model.items() if value is not None}
        assert kept
        assert seen(image, lambda table: (dict(table.items()), len(table))) == (model, len(model))


def test_every_interleaving_is_there():
    """Of two: one after the other both ways, and overlapping with either commit first."""
    assert len(ORDERS[2]) == 4 and len(ORDERS[3]) > 20
