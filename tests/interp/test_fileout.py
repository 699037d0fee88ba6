"""File-out: a random world, filed out and filed in to a fresh image, is the same world again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from batos.image import open_image
from batos.image.collections import Dictionary, OrderedCollection, Set, key_of
from batos.image.method import Method
from batos.image.object import is_object, own_slots, parents
from batos.image.values import Character, ScaledDecimal, Symbol
from batos.interp import Worker
from batos.interp.families import is_method
from batos.interp.fileout import file_out, own_names

from .conftest import Bench

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    texts,
    texts.map(Symbol),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0").map(lambda c: Character(ord(c))),
    st.binary(max_size=3),
)
finite = plain.filter(lambda v: v not in (float("inf"), float("-inf")))
written = st.recursive(finite, lambda v: st.lists(v, max_size=3).map(tuple))
values = st.one_of(
    plain,
    written,
    st.fractions(max_denominator=50).filter(lambda f: f.denominator > 1),
    st.builds(ScaledDecimal, st.fractions(max_denominator=9), st.integers(0, 4)),
)
NAMES = ("x", "y", "total", "at")
SOURCES = (
    ("x", "x [ ^x ]"),
    ("x", "x [ <category: 'it''s'> \"comment!\" ^42 ]"),
    ("at:put:", "at: a put: b [ ^{a. b. #(1 $a 'b')} ]"),
    ("+", "+ other [ ^[:e | e + other] ]"),
    ("total", "total ```python\n    return 3\n```"),
)
refs = st.integers(0, 7)
held = st.one_of(values, refs.map(lambda n: ("ref", n)))
KINDS = ("named", "named", "plain", "plain", "array", "ordered", "dictionary", "set", "string")
objects = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "slots": st.dictionaries(st.sampled_from(NAMES), held, max_size=3),
            "parents": st.lists(refs, max_size=2),
            "methods": st.lists(st.sampled_from(SOURCES), max_size=2, unique_by=lambda pair: pair[0]),
            "items": st.lists(held, max_size=3),
        }
    ),
    min_size=2,
    max_size=8,
)


def build(world: Any, recipes: list[dict[str, Any]]) -> None:
    """Make the objects of the recipes, and put them all within reach of the first, which is named."""
    made: list[Any] = []
    for index, recipe in enumerate(recipes):
        kind = "named" if not index else recipe["kind"]
        if kind in ("named", "plain"):
            thing = world.clone(world.genesis)
        elif kind == "array":
            thing = world.new_array([])
        elif kind == "string":
            thing = world.new_string("mutable ' text")
        else:
            made_as: Any = {"ordered": OrderedCollection, "dictionary": Dictionary, "set": Set}[kind]
            thing = world.families.new(made_as, made_as._p_empty())
        if kind == "named":
            world.set_name(f"Thing{index}", thing)
        made.append(thing)

    def value(of: Any) -> Any:
        return made[of[1] % len(made)] if isinstance(of, tuple) and len(of) == 2 and of[0] == "ref" else of

    for index, (recipe, thing) in enumerate(zip(recipes, made, strict=True)):
        kind = "named" if not index else recipe["kind"]
        items = own_slots(thing).get("_items")
        if kind in ("named", "plain"):
            above = [made[k % len(made)] for k in recipe["parents"]]
            above = [one for one in above if "_items" not in own_slots(one) and one is not thing]
            above = list({id(one): one for one in [*above, world.genesis]}.values())
            world.families.set_slot(thing, "parent*", above[0] if len(above) == 1 else tuple(above))
        elif kind in ("array", "ordered"):
            items.extend(value(one) for one in recipe["items"])
        elif kind == "dictionary":
            items.update((key_of(n), value(one)) for n, one in enumerate(recipe["items"]))
        elif kind == "set":
            items.update(dict.fromkeys(key_of(one) for one in recipe["items"] if isinstance(one, str | int)))
    for index, (recipe, thing) in enumerate(zip(recipes, made, strict=True)):
        for selector, source in recipe["methods"]:
            if selector == "at:put:" and "_items" in own_slots(thing):
                continue  # it would be filled by that
            category = "it's" if "<category:" in source else ""
            language = "python" if "```" in source else "smalltalk"
            world.define(thing, Method(selector, source, language, category=category))
        for name, one in recipe["slots"].items():
            world.families.set_slot(thing, name, value(one))
        if index:
            world.families.set_slot(made[0], f"keep{index}", thing)


def shape(world: Any, names: list[str]) -> list[Any]:
    """What can be reached from some names, as plain data: equal for two worlds that are structurally the same."""
    numbers: dict[int, int] = {}
    order: list[Any] = []

    def token(thing: Any) -> Any:
        if is_method(thing):
            slots = own_slots(thing)
            return ("method", slots["selector"], slots["source"], slots["language"], slots["category"])
        if not is_object(thing):
            return (type(thing).__name__, repr(thing))
        name = world.name_of(thing)
        if name and name not in names:
            return ("library", name)
        if id(thing) not in numbers:
            numbers[id(thing)] = len(order)
            order.append(thing)
        return ("object", numbers[id(thing)])

    found: list[Any] = [(name, token(own_slots(world.names)[name])) for name in names]
    for thing in order:
        slots = own_slots(thing)
        data = {name: token(value) for name, value in slots.items() if name != "parent*" and name[0] != "_"}
        items = slots.get("_items")
        contents: Any = items
        if isinstance(items, list):
            contents = [token(one) for one in items]
        elif isinstance(items, dict):
            contents = [(repr(key), token(one)) for key, one in items.items()]
        above = [token(one) for one in parents(thing)] if "parent*" in slots else None
        found.append((getattr(type(thing), "_p_ghost", type(thing)).__name__, above, data, contents))
    return found


@pytest.fixture
def two(seed_image: Path, tmp_path: Path) -> Any:
    """A context with a worker each on two fresh images."""

    @contextmanager
    def workers() -> Iterator[tuple[Worker, Worker]]:
        with ExitStack() as stack:
            made = []
            for name in ("one", "other"):
                for stale in tmp_path.glob(f"{name}.fs*"):
                    stale.unlink()
                image = stack.enter_context(open_image(shutil.copy(seed_image, tmp_path / f"{name}.fs")))
                made.append(Worker(image, name))
                stack.callback(made[-1].close)
            yield made[0], made[1]

    return workers


def test_a_world_filed_out_is_the_same_when_filed_in(two: Any) -> None:
    @given(objects)
    @settings(max_examples=12, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def check(recipes: list[dict[str, Any]]) -> None:
        with two() as (one, other):
            one.transact(lambda world: build(world, recipes))
            program = one.transact(file_out)
            names = one.transact(own_names)
            wanted = one.transact(lambda world: shape(world, names))
            for outcome in other.evaluate(program):
                assert outcome.error is None, f"{outcome.error.render()}\n\n{program}"
            assert other.transact(own_names) == names, program
            assert other.transact(lambda world: shape(world, names)) == wanted, program

    check()


CLASSES = """
Object subclass: Animal [
    | name sound |
    Count := 3.
    <comment: 'I am''t'>
    Animal class [ | kept | ]
    Animal class >> kept [ ^kept ifNil: [kept := OrderedCollection new] ]
    Animal class >> count [ ^Count ]
    name: x [ <category: 'accessing'> name := x ]
    name [ ^name ]
]
Animal subclass: Dog [ | bone | bone: b [ bone := b ] speak [ ^'wuff ', name ] ]
Error subclass: Bite [ messageText [ ^'ouch' ] ]
OrderedCollection subclass: Pack [ | leader | leader: d [ leader := d ] leader [ ^leader ] ]
Integer extend [ animals [ ^(1 to: self) collect: [:i | Dog new name: i printString; yourself] ] ]
Integer class extend [ ofDogs [ ^101 ] ]
Smalltalk at: #Rex put: (Dog new name: 'Rex'; bone: (1/2); yourself).
Animal kept add: Rex.
Smalltalk at: #ThePack put: (Pack new leader: Rex; add: Rex; add: (Dog new name: 'Two'); yourself).
Limit := 3.14s2.
Rule := [:a :b | a > b].
"""


def test_classes_their_variables_and_instances(two: Any) -> None:
    with two() as (one, other):
        assert {outcome.error for outcome in one.evaluate(CLASSES)} == {None}
        program = one.transact(file_out)
        for outcome in other.evaluate(program):
            assert outcome.error is None, f"{outcome.error.render()}\n\n{program}"
        asked = (
            "{Animal count. Animal comment. Rex speak. Animal kept first == Rex. ThePack leader == Rex. ThePack size. "
            "ThePack last name. ThePack class. Bite new messageText. 2 animals first name. Integer ofDogs. Limit. "
            "(#(1 3 2) asSortedCollection: Rule) asArray. Dog superclass. (Animal >> #name:) category. "
            "Animal instanceVariableNames. Animal class instanceVariableNames. 3 respondsTo: #ofDogs}"
        )
        printed = other.evaluate(asked)[0].printed
        assert printed == (
            "(3 'I am''t' 'wuff Rex' true true 2 'Two' Pack 'ouch' '1' 101 3.14s2 (3 2 1 ) Animal 'accessing' "
            "(#name #sound ) (#kept ) false )"
        )
        assert printed == one.evaluate(asked)[0].printed
        assert other.transact(file_out) == program


def test_one_object_by_message(bench: Bench) -> None:
    bench.well("Account := Object clone. Account setSlot: 'balance' value: 3. Account >> double [ ^balance * 2 ]")
    assert bench("Account fileOut lines size") == "4"
    assert bench("Object clone fileOut") == "!error"
    assert bench("Smalltalk fileOut: #(Nowhere)") == "!not-found"


def test_what_cannot_be_written_is_told(bench: Bench) -> None:
    bench.well("Keeper := Object clone. Keeper >> hold: n [ ^[n] ]. Keeper setSlot: 'block' value: (Keeper hold: 3)")
    assert bench("Keeper fileOut includesSubstring: 'Not written: a block of hold:'") == "true"
