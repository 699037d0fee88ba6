"""Shared objects: whatever many writers do at once, the outcome is that of some order of their messages."""

import subprocess
import sys
import threading
from collections import Counter as Plain
from fractions import Fraction

import pytest
import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError

from batos.image import open_image
from batos.image import shards as shards_module
from batos.image.shards import stable_hash
from batos.image.shared import BLOCK_SIZE, Counter, Epoch, SharedBag, SharedDictionary, SharedQueue
from batos.image.values import Character, ScaledDecimal, Symbol

values = st.recursive(
    st.one_of(
        st.integers(),
        st.booleans(),
        st.none(),
        st.text(max_size=5),
        st.text(max_size=5).map(Symbol),
        st.integers(0, 300).map(Character),
        st.binary(max_size=4),
        st.floats(allow_nan=False),
        st.fractions(max_denominator=10),
        st.builds(ScaledDecimal, st.integers(-5, 5), st.integers(0, 3)),
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)


def told_apart(key):
    """A form of a key in which plain Python tells true from 1, as the language does."""
    if isinstance(key, bool):
        return ("a boolean", key)
    return ("an array", *map(told_apart, key)) if isinstance(key, tuple) else key


@pytest.fixture
def image(location):
    with open_image(location) as image:
        yield image


def put(image, thing):
    with image.db.transaction() as connection:
        connection.root()["thing"] = thing


def get(image, question):
    with image.db.transaction() as connection:
        return question(connection.root()["thing"])


def at_once(image, *works, repeat=1, retry=False):
    """Run each work(thing, n) on a thread and a connection of its own, ``repeat`` transactions each.

    Answers how often a ConflictError surfaced (with ``retry`` the transaction was then run again).
    """
    start = threading.Barrier(len(works))
    surfaced, broken = [], []

    def worker(work):
        manager = transaction.TransactionManager()
        connection = image.db.open(manager)
        try:
            start.wait()
            for number in range(repeat):
                while True:
                    manager.begin()
                    try:
                        work(connection.root()["thing"], number)
                        manager.commit()
                        break
                    except ConflictError as error:
                        manager.abort()
                        surfaced.append(error)
                        if not retry:
                            break
        except Exception as error:
            broken.append(error)
        finally:
            manager.abort()
            connection.close()

    threads = [threading.Thread(target=worker, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    return len(surfaced)


def in_two(image, first, second):
    """Two transactions that both begin before either commits; ``first`` commits first."""
    managers = [transaction.TransactionManager() for _ in range(2)]
    connections = [image.db.open(manager) for manager in managers]
    try:
        things = [connection.root()["thing"] for connection in connections]
        first(things[0])
        second(things[1])
        managers[0].commit()
        managers[1].commit()
    finally:
        for manager, connection in zip(managers, connections, strict=True):
            manager.abort()
            connection.close()


# ---------------------------------------------------------------- counter


def test_eight_writers_of_a_counter_a_thousand_times_each():
    """In memory, where commits come thickest; through a kernel to a disk: tests/kernel/test_concurrency.py."""
    with open_image("memory:") as image:
        put(image, Counter())
        assert at_once(image, *[lambda thing, n: thing.increase()] * 8, repeat=1000) == 0
        assert get(image, lambda thing: thing.value) == 8000


def test_an_epoch_moves_to_a_number_nobody_has_seen(image):
    put(image, Epoch())
    seen = []
    in_two(image, lambda epoch: seen.append(epoch.move()), lambda epoch: seen.append(epoch.move()))
    value, moves = get(image, lambda thing: (thing.value, thing.moves))
    assert moves == 2 and value not in (0, *seen) and len(set(seen)) == 2
    assert get(image, lambda thing: thing.value) == value


def test_counters_merge_on_any_storage_that_resolves():
    with open_image("memory:") as image:
        put(image, Counter(10))
        in_two(image, lambda c: c.increase(5), lambda c: c.increase(-3))
        assert get(image, lambda thing: thing.value) == 12


# ---------------------------------------------------------------- queue


@pytest.mark.parametrize("size", [1, 7, BLOCK_SIZE, 3 * BLOCK_SIZE + 1])
def test_a_queue_is_first_in_first_out(image, size):
    put(image, SharedQueue())
    with image.db.transaction() as connection:
        for number in range(size):
            connection.root()["thing"].add(number)
    with image.db.transaction() as connection:
        queue = connection.root()["thing"]
        assert (len(queue), list(queue), queue.peek()) == (size, list(range(size)), 0)
        assert [queue.take() for _ in range(size)] == list(range(size))
        assert (len(queue), list(queue)) == (0, [])
        assert queue.take(None) is None and queue.peek("none") == "none"
        with pytest.raises(LookupError):
            queue.take()
        queue.add("again")
        assert queue.take() == "again"


def test_adders_of_a_queue_do_not_conflict_while_a_block_has_room(image):
    put(image, SharedQueue())
    in_two(image, lambda q: q.add("a"), lambda q: q.add("b"))
    in_two(image, lambda q: q.take(), lambda q: q.add("c"))
    assert get(image, lambda q: (list(q), len(q))) == (["b", "c"], 2)


def test_two_takers_of_one_item_do_not_both_get_it(image):
    put(image, SharedQueue())
    with image.db.transaction() as connection:
        connection.root()["thing"].add("only")
    with pytest.raises(ConflictError):
        in_two(image, lambda q: q.take(), lambda q: q.take())
    assert get(image, len) == 0


@pytest.mark.parametrize("taker_first", [True, False])
def test_nothing_is_added_to_a_block_that_leaves_the_queue(image, taker_first):
    """Regression of the design: an adder who saw the block before its last place was taken must not lose its item."""
    put(image, SharedQueue())
    with image.db.transaction() as connection:
        for number in range(BLOCK_SIZE - 1):
            connection.root()["thing"].add(number)

    def fill_and_empty(queue):
        queue.add("last")
        while queue.take(None) is not None:
            pass

    def add(queue):
        queue.add("late")

    works = (fill_and_empty, add) if taker_first else (add, fill_and_empty)
    with pytest.raises(ConflictError):
        in_two(image, *works)
    in_two(image, works[1], lambda q: None)
    left = get(image, list)
    assert left == (["late"] if taker_first else [])


def test_eight_at_a_queue_lose_nothing_and_double_nothing(image):
    put(image, SharedQueue())
    taken = [[] for _ in range(4)]

    def adder(who):
        return lambda queue, number: queue.add((who, number))

    def run_takers():
        # What was taken counts only once its transaction is committed.
        start = threading.Barrier(4)

        def work(mine):
            manager = transaction.TransactionManager()
            connection = image.db.open(manager)
            start.wait()
            while sum(map(len, taken)) < 4 * 250:
                manager.begin()
                try:
                    item = connection.root()["thing"].take(None)
                    manager.commit()
                except ConflictError:
                    manager.abort()
                else:
                    if item is not None:
                        mine.append(item)
            connection.close()

        threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
        for thread in threads:
            thread.start()
        return threads

    threads = run_takers()
    at_once(image, *[adder(who) for who in range(4)], repeat=250, retry=True)
    for thread in threads:
        thread.join(60)
    everything = [item for mine in taken for item in mine]
    assert len(everything) == 1000 and set(everything) == {(who, n) for who in range(4) for n in range(250)}
    for who in range(4):  # each adder's items came out in order, as each taker saw them
        for mine in taken:
            numbers = [number for by, number in mine if by == who]
            assert numbers == sorted(numbers)
    assert get(image, lambda queue: (len(queue), list(queue))) == (0, [])


# ---------------------------------------------------------------- bag and dictionary


def test_eight_writers_of_a_bag(image):
    put(image, SharedBag())
    words = ["red", Symbol("red"), 1, True, Character("r")]
    works = [lambda bag, n: bag.add(words[n % 5]) if n % 4 else bag.add(f"own-{n}")] * 8
    at_once(image, *works, repeat=200, retry=True)
    counts = get(image, lambda bag: Plain({told_apart(value): count for value, count in bag.counts()}))
    expected = Plain(told_apart(words[n % 5] if n % 4 else f"own-{n}") for n in range(200) for _ in range(8))
    assert counts == expected and get(image, len) == 1600


def test_adding_to_one_element_of_a_bag_never_conflicts(image):
    put(image, SharedBag())
    with image.db.transaction() as connection:
        connection.root()["thing"].add("hits")
    assert at_once(image, *[lambda bag, n: bag.add("hits")] * 8, repeat=100) == 0
    assert get(image, lambda bag: bag.occurrences_of("hits")) == 801


def test_the_last_of_a_bag_is_taken_once(image):
    put(image, SharedBag())
    with image.db.transaction() as connection:
        connection.root()["thing"].add("ticket", 2)
    in_two(image, lambda bag: bag.remove("ticket"), lambda bag: bag.remove("ticket"))
    assert get(image, lambda bag: ("ticket" in bag, len(bag), list(bag))) == (False, 0, [])
    with image.db.transaction() as connection:
        connection.root()["thing"].add("ticket")
    with pytest.raises(ConflictError):
        in_two(image, lambda bag: bag.remove("ticket"), lambda bag: bag.remove("ticket"))
    with image.db.transaction() as connection, pytest.raises(KeyError):
        connection.root()["thing"].remove("ticket")


def test_eight_writers_of_a_dictionary(image):
    put(image, SharedDictionary())
    works = [lambda d, n, who=who: d.__setitem__((who, n), n * who) for who in range(8)]
    at_once(image, *works, repeat=100, retry=True)
    found = get(image, lambda d: (len(d), dict(d.items())))
    assert found == (800, {(who, n): n * who for who in range(8) for n in range(100)})


def test_writers_of_different_keys_merge_and_of_the_same_key_do_not(image):
    put(image, SharedDictionary())
    in_two(image, lambda d: d.__setitem__("a", 1), lambda d: d.__setitem__("b", 2))
    in_two(image, lambda d: d.__delitem__("a"), lambda d: d.__setitem__("c", 3))
    assert get(image, lambda d: (dict(d.items()), len(d))) == ({"b": 2, "c": 3}, 2)
    for second in (lambda d: d.__setitem__("b", 6), lambda d: d.__delitem__("b")):
        with pytest.raises(ConflictError):
            in_two(image, lambda d: d.__setitem__("b", d["b"] + 1), second)
    with pytest.raises(ConflictError):  # the same new key twice would be counted twice
        in_two(image, lambda d: d.__setitem__("new", 1), lambda d: d.__setitem__("new", 1))
    assert get(image, len) == 3


def test_objects_under_the_keys_merge_too(image):
    put(image, SharedDictionary())
    one, two = PersistentMapping(n=1), PersistentMapping(n=2)
    in_two(image, lambda d: d.__setitem__("one", one), lambda d: d.__setitem__("two", two))
    assert get(image, lambda d: (d["one"]["n"], d["two"]["n"])) == (1, 2)
    in_two(image, lambda d: d.__setitem__("two", d["one"]), lambda d: d.__setitem__("three", d["one"]))
    assert get(image, lambda d: d["two"] is d["one"] is d["three"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("put del get pop".split()), values, st.integers()), max_size=60))
def test_a_shared_dictionary_is_a_dictionary(steps):
    ours, plain = SharedDictionary(), {}
    old, shards_module.LEAF = shards_module.LEAF, 4
    try:
        for what, key, value in steps:
            name = told_apart(key)
            if what == "put":
                ours[key] = value
                plain[name] = value
            elif what == "get":
                assert ours.get(key) == plain.get(name) and (key in ours) == (name in plain)
            elif what == "pop":
                assert ours.pop(key, "none") == plain.pop(name, "none")
            elif name in plain:
                del ours[key], plain[name]
            else:
                with pytest.raises(KeyError):
                    del ours[key]
        assert len(ours) == len(plain) and {told_apart(k): v for k, v in ours.items()} == plain
        assert len(list(ours)) == len(plain)
    finally:
        shards_module.LEAF = old


class Key(str):
    """No value of the language."""


@pytest.mark.parametrize("bad", [object(), [], {}, {1}, Key("x"), float("nan"), (1, []), PersistentMapping()])
def test_what_is_no_value_is_no_key(bad):
    for attempt in (lambda: SharedDictionary().__setitem__(bad, 1), lambda: SharedBag().add(bad)):
        with pytest.raises(TypeError):
            attempt()


@given(values, values)
def test_equal_keys_have_equal_hashes(a, b):
    if told_apart(a) == told_apart(b):
        assert stable_hash(a) == stable_hash(b)


def test_the_hash_is_the_same_in_every_process():
    source = (
        "from batos.image.shards import stable_hash as h; from batos.image.values import *\n"
        "from fractions import Fraction\n"
        "print([h(x) for x in ['a', Symbol('a'), Character('a'), b'a', 1, 1.5, Fraction(1, 3), None, True, ('a', 1)]])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", source], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(printed) == 1
    assert stable_hash(1) == stable_hash(1.0) == stable_hash(Fraction(1)) == stable_hash(ScaledDecimal(1, 2))
    assert len({stable_hash(x) for x in ("a", Symbol("a"), Character("a"), b"a", True, 1)}) == 6


def test_a_hundred_thousand_keys_are_spread_evenly_and_read_by_few_objects(image):
    put(image, SharedDictionary())
    with image.db.transaction() as connection:
        thing = connection.root()["thing"]
        for number in range(100_000):
            thing[number] = number
    with image.db.transaction() as connection:
        connection.cacheMinimize()
        before = len(connection._cache)
        assert connection.root()["thing"][77_777] == 77_777
        assert len(connection._cache) - before < 150, "one path of the trie, and ghosts of its neighbours"
    with image.db.transaction() as connection:
        connection.cacheMinimize()
        assert sum(value for _, value in connection.root()["thing"].items()) == sum(range(100_000))
        assert connection._cache.cache_non_ghost_count < 2000
