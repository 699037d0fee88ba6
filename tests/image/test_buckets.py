"""Large dictionaries in pieces: a Spread does what a dict does, and writes and loads only what it must."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage

from batos.image.buckets import BIG, Spread
from batos.image.collections import Dictionary, table_of
from batos.image.keys import Pairs, identity, key_of, of_key
from batos.image.object import UvmObject
from batos.image.values import Character, Symbol

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 300)
    | st.text(max_size=2)
    | st.text(max_size=2).map(Symbol)
    | st.integers(0, 99).map(Character)
    | st.fractions(max_denominator=3)
    | st.floats(allow_nan=False, width=16),
    lambda inner: st.tuples(inner, inner),
    max_leaves=3,
)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "pop", "get", "default"]), VALUES, st.integers()), max_size=200)


@given(st.dictionaries(VALUES.map(key_of), st.integers(), max_size=120), STEPS)
@settings(max_examples=60, deadline=None)
def test_a_spread_does_what_a_dict_does(start: dict[Any, int], steps: list[tuple[str, Any, int]]) -> None:
    spread, model = Spread(start), dict(start)
    for step, thing, number in steps:
        key = key_of(thing)
        if step == "put":
            spread[key] = model[key] = number
        elif step == "pop":
            assert spread.pop(key, None) == model.pop(key, None)
        elif step == "default":
            assert spread.setdefault(key, number) == model.setdefault(key, number)
        assert spread.get(key) == model.get(key)
        assert (key in spread) == (key in model)
        assert len(spread) == len(model)
    assert dict(spread.items()) == model
    assert set(spread) == set(model)
    assert dict(spread.copy().items()) == model
    spread.clear()
    assert len(spread) == 0
    assert list(spread.items()) == []


@given(VALUES)
def test_a_key_gives_its_value_back(value: Any) -> None:
    back = of_key(key_of(value))
    assert back == value
    assert type(back) is type(value)


def test_true_is_not_one_and_equal_numbers_are_one_key() -> None:
    spread = Spread({key_of(True): "true", 1: "one", key_of((True,)): "pair"})
    assert spread.get(key_of(True)) == "true"
    assert spread.get(1) == spread.get(1.0) == spread.get(Fraction(1)) == "one"
    assert spread.get(key_of((1,))) is None
    assert identity(True) != identity(1)
    assert identity(1) != identity(1.0)


def test_objects_are_keys_of_a_spread_too() -> None:
    first, second = UvmObject(), UvmObject()
    spread = Spread({n: n for n in range(BIG)})
    spread[first] = "first"
    assert spread.get(first) == "first"
    assert spread.get(second) is None
    assert len(spread) == BIG + 1
    assert spread.pop(first, None) == "first"
    assert len(spread) == BIG


class Saved:
    """A database in memory, and the sizes of what each commit writes to it."""

    def __init__(self) -> None:
        self.storage = MappingStorage()
        self.db = DB(self.storage)
        self.written: list[int] = []
        store = self.storage.store

        def count(oid: bytes, serial: bytes, data: bytes, version: str, txn: Any) -> Any:
            self.written.append(len(data))
            return store(oid, serial, data, version, txn)

        self.storage.store = count

    def commit(self, change: Any) -> list[int]:
        self.written.clear()
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        change(connection.root())
        manager.commit()
        connection.cacheMinimize()
        connection.close()
        return list(self.written)


def test_one_change_of_a_large_dictionary_writes_one_bucket() -> None:
    saved = Saved()

    def make(root: Any) -> None:
        root["big"] = Dictionary({n: str(n) for n in range(50_000)})

    def change(root: Any) -> None:
        table_of(root["big"])[77] = "changed"

    whole = sum(saved.commit(make))
    assert sum(saved.commit(change)) * 100 < whole

    def look(root: Any) -> None:
        assert len(root["big"]._items) == 50_000
        assert root["big"]._items.get(77) == "changed"
        assert root["big"]._items.get(78) == "78"
        root._p_jar.cacheMinimize()
        before = root._p_jar._cache.cache_non_ghost_count
        assert root["big"]._items.get(49_999) == "49999"
        assert root._p_jar._cache.cache_non_ghost_count - before < 12

    saved.commit(look)
    saved.db.close()


def test_a_small_dictionary_is_one_record() -> None:
    saved = Saved()

    def make(root: Any) -> None:
        root["small"] = Dictionary({n: n for n in range(BIG)})

    assert len(saved.commit(make)) == 2  # it and the root
    saved.db.close()


def test_object_keys_are_hashed_when_they_are_first_asked_for() -> None:
    saved = Saved()

    def make(root: Any) -> None:
        root["key"] = key = UvmObject()
        root["dictionary"] = Dictionary({key: "found", 3: "three"})

    saved.commit(make)

    def look(root: Any) -> None:
        dictionary = root["dictionary"]
        dictionary._p_activate()
        assert type(vars(dictionary)["_items"]) is Pairs
        assert table_of(dictionary)[root["key"]] == "found"
        assert table_of(dictionary)[3] == "three"
        assert not dictionary._p_changed

    saved.commit(look)
    saved.db.close()
