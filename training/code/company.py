"""Objects in company, drawn at random from a seed: with a list of others, with one in a slot, meeting another, under a
rule, or with a memory. Their methods come from `others`, and a few everyday ones beside them from `skills`."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...interp.misses import parameters
from . import compose, others
from .compose import NAMES, OTHER, STATES, TITLES, WORDS, Made, Part, Subject
from .others import GATHERINGS, Draft, Kind
from .things import THINGS

SHARES = (36, 20, 31, 8, 5)
"""Of a hundred: with a list, meeting, under a rule, remembering, with a part."""
Slots = list[tuple[str, str, str]]
"""Name, theme, kind."""
BESIDE: Slots = [
    ("owner", "text", "str"), ("city", "text", "str"), ("fee", "price", "int"), ("budget", "money", "int"),
    ("open", "flag", "bool"), ("floor", "level", "int"), ("title", "text", "str"),
]  # fmt: skip
WITH_PART: Slots = [
    ("owner", "text", "str"), ("fee", "price", "int"), ("budget", "money", "int"), ("open", "flag", "bool"),
    ("weight", "weight", "int"), ("hours", "time", "int"),
]  # fmt: skip
OTHER_WORDS_FOR_A_LIST = ("entries", "members", "all", "stock", "content", "list")
PLACED = ("Marker", "Dot", "Spot", "Boat", "Pawn", "Player", "Sprite", "Rover", "Buoy")
FRIENDS = "friend mate rival spouse teacher leader twin host guide master parent ally owner captain".split()
RECORDERS = (
    "Recorder Logbook Protocol Sketchpad Thermograph Observer Register Journal Monitor Painter Draft Composer Barometer"
    " Tracker Chronicle Survey Form Story"
).split()
RECORDED = {
    True: "lines notes marks guests colours guesses sightings answers moods names".split(),
    False: "values scores levels prices temperatures counts weights speeds heights rates".split(),
}
CURRENT = {True: "label title state motto".split(), False: "value price level speed score".split()}
"""Of words (True) or numbers (False): the lists that remember them, and the slot whose earlier values they are."""
FORMER = "history former earlier log trail backups record".split()
TABLES = "totals counts tallies frequency statistics numbers".split()
PEOPLE = ("name", "owner", "customer", "sender", "patient", "bidder")
"""Slots that have a person's name."""


def gatherings(seed: int) -> Iterator[Subject]:
    """Without end, the same for the same seed."""
    rng = random.Random(f"company {seed}")
    shapes = (_with_list, _meeting, _under_rules, _remembering, _with_part)
    while True:
        made = rng.choices(shapes, SHARES)[0](rng)
        if made is not None:
            yield made


def _with_list(rng: random.Random) -> Subject | None:
    name, many, holders, pairs = rng.choice(GATHERINGS)
    kind = others.a_kind(rng, name, pairs)
    many = many if rng.random() < 0.8 else rng.choice(OTHER_WORDS_FOR_A_LIST)
    plain = rng.sample(BESIDE, rng.choice((0, 1, 1, 2)))
    slots: Slots = [(many, "company", "list"), *plain]
    states = tuple(_state(rng, slots, n, {many: kind}) for n in range(STATES))
    drafts = list(others.in_list(rng, many, kind))
    fees = [n for n, _, k in plain if k == "int"]
    worked_out = [selector for selector, body in kind.methods if body.startswith("^")]
    if fees and worked_out:
        drafts += list(others.with_a_fee(rng, many, worked_out[0], fees[0]))
    return _subject(rng, rng.choice(holders), slots, states, drafts, {many: kind}, rng.choice((4, 5, 6, 7, 8)), 0.1)


def _with_part(rng: random.Random) -> Subject | None:
    name, many, holders, pairs = rng.choice(GATHERINGS)
    kind = others.a_kind(rng, name, pairs)
    s = others.one_of(many)
    plain = rng.sample(WITH_PART, rng.choice((1, 2)))
    slots: Slots = [(s, "part", kind.name), *plain]
    states = tuple(_state(rng, slots, n, {s: kind}) for n in range(STATES))
    drafts = list(others.in_slot(rng, s, kind))
    for n, _, k in plain:
        drafts += list(others.of_both(rng, s, n, kind)) if k == "int" else []
    return _subject(rng, rng.choice(holders), slots, states, drafts, {s: kind}, rng.choice((3, 4, 5)), 0.2)


def _amounts(slots: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(n, theme) for n, theme in slots if compose.is_number(theme) and theme != "capacity"]


def _plain_slots(rng: random.Random, least: int = 1) -> tuple[str, Slots]:
    """A thing's noun and some of its slots, `least` numbers among them."""
    thing = rng.choice([t for t in THINGS if len(_amounts(t.slots)) >= least])
    chosen = rng.sample(thing.slots, min(len(thing.slots), rng.choice((1, 2, 2, 3, 4))))
    numbers = _amounts(thing.slots)
    chosen += [n for n in numbers if n not in chosen][: max(0, least - sum(p in numbers for p in chosen))]
    chosen = [p for p in thing.slots if p in chosen and p[1] not in ("list", "names", "dict", "part")]
    return rng.choice(thing.nouns), [(n, t, compose.kind_of(t)) for n, t in chosen]


def _meeting(rng: random.Random) -> Subject | None:
    noun, slots = _plain_slots(rng, rng.choice((1, 1, 2)))
    if rng.random() < 0.2:
        noun = rng.choice(PLACED)
        more: tuple[Slots, ...] = ([], [("name", "text", "str")], [("speed", "speed", "int")])
        slots = [("x", "across", "int"), ("y", "upward", "int"), *rng.choice(more)]
    friend = ""
    if rng.random() < 0.4:
        friend = rng.choice(FRIENDS)
        if friend in {n for n, _, _ in slots}:
            return None
        slots = [*slots, (friend, "friend", "None")]
        if rng.random() < 0.6 and not any(k == "str" for _, _, k in slots):
            slots = [("name", "text", "str"), *slots]
    states = tuple(_state(rng, slots, n, {}) for n in range(STATES))
    numbers, texts, caps = _named(slots, "int"), [n for n, _ in _named(slots, "str")], _capacities(slots)
    drafts = list(others.meeting(rng, numbers, texts, caps, friend))
    return _subject(rng, noun, slots, states, drafts, {}, rng.choice((3, 4, 5, 6)), 0.25)


def _under_rules(rng: random.Random) -> Subject | None:
    noun, slots = _plain_slots(rng)
    states = tuple(_state(rng, slots, n, {}) for n in range(STATES))
    numbers = _named(slots, "int")
    told = list(others.rules(rng, numbers, _capacities(slots), [n for n, _ in _named(slots, "bool")]))
    if not told:
        return None
    chosen = [rng.choice(told)]
    if len(numbers) > 1 and rng.random() < 0.35:  # two rules, of different slots
        second = rng.choice(told)
        about = [{n for n, _ in numbers if n in rule} for rule in (chosen[0][0], second[0])]
        if second[0].split()[:3] != chosen[0][0].split()[:3] and not about[0] & about[1]:
            chosen.append(second)
    drafts = [replace(d, intent=rule) for rule, kept in chosen for d in kept]
    return _subject(rng, noun, slots, states, drafts, {}, rng.choice((2, 2, 3, 3)), 0.3, least=1, least_all=2)


def _remembering(rng: random.Random) -> Subject | None:
    words = rng.random() < 0.5
    many = rng.choice(RECORDED[words])
    now = rng.choice(("", "", "one")) and rng.choice(CURRENT[words])
    table = rng.choice(("", "", "one")) and rng.choice(TABLES)
    if now and rng.random() < 0.7:
        many = rng.choice(FORMER)
    if len({many, now, table} - {""}) < 1 + bool(now) + bool(table):
        return None
    slots: Slots = [(many, "names" if words else "list", "list")]
    if now:
        slots.insert(0, (now, "text" if words else "level", "str" if words else "int"))
    if table:
        slots.append((table, "dict", "dict"))
    states = tuple(_state(rng, slots, n, {}) for n in range(STATES))
    noun = rng.choice(RECORDERS)
    drafts = list(others.histories(rng, many, words, now, table))
    return _subject(rng, noun, slots, states, drafts, {}, rng.choice((3, 4, 5, 6)), 0.1)


def _named(slots: Slots, kind: str) -> list[tuple[str, str]]:
    return [(n, theme) for n, theme, k in slots if k == kind and theme != "capacity"]


def _capacities(slots: Slots) -> list[str]:
    return [n for n, theme, _ in slots if theme == "capacity"]


def _state(rng: random.Random, slots: Slots, number: int, kinds: dict[str, Kind]) -> dict[str, Any]:
    plain = tuple(s for s in slots if s[1] not in ("company", "friend", "part"))
    state = compose.state_of(rng, plain, number)
    for name, theme, kind in slots:
        if theme == "friend":
            state[name] = None
        elif theme == "company":
            state[name] = _elements(rng, kinds[name], rng.choice((3, 3, 4)))
        elif theme == "part":
            state[name] = _elements(rng, kinds[name], 1)[0]
        elif kind == "list":  # some come more than once
            values = state[name]
            state[name] = [*values, rng.choice(values), rng.choice(values)][: rng.choice((4, 5))]
            if theme == "list":
                rng.shuffle(state[name])
    return {name: state[name] for name, _, _ in slots}


def _elements(rng: random.Random, kind: Kind, count: int) -> list[Part]:
    drawn: dict[str, list[Any]] = {}
    for name, theme in kind.slots:
        if theme == "text":
            drawn[name] = rng.sample(NAMES if name in PEOPLE else (*TITLES, *WORDS), count)
        elif theme == "flag":
            drawn[name] = [True, False, *(rng.random() < 0.5 for _ in range(count))][:count]
            rng.shuffle(drawn[name])
        elif theme == "year":
            drawn[name] = rng.sample(range(1850, 2024), count)
        else:
            drawn[name] = rng.sample(range(1, 60), count)  # all different, so that the most and the least are one
    return [Part(kind, tuple(drawn[n][i] for n, _ in kind.slots)) for i in range(count)]


def _subject(
    rng: random.Random, noun: str, slots: Slots, states: tuple[dict[str, Any], ...], drafts: list[Draft],
    kinds: dict[str, Kind], wanted: int, everyday: float, least: int = 2, least_all: int = 2,
) -> Subject | None:  # fmt: skip
    """The drafts as methods of one subject, with names that are not taken and intents that are not too long."""
    methods: list[Made] = []
    taken = {n for n, _, _ in slots}
    told: list[str] = []
    for draft in rng.choices(drafts, [d.weight for d in drafts], k=wanted * 4) if drafts else ():
        if len(methods) >= wanted:
            break
        made = _method(rng, draft, slots, states)
        if made is None or {made.selector, made.name} & taken:
            continue
        if made.intent and made.intent not in told:
            if len("; ".join((*told, made.intent))) > 170:
                continue
            told.append(made.intent)
        taken |= {made.selector, made.name}
        methods.append(made)
    if len(methods) < least:
        return None
    plain = tuple(s for s in slots if s[1] not in ("company", "friend", "part"))
    for _ in range(rng.choice((1, 2, 3)) if plain and (rng.random() < everyday * 2 or len(methods) < least_all) else 0):
        made = compose.everyday(rng, plain, states, read_only=bool(told))
        if made is not None and not {made.selector, made.name} & taken:
            taken |= {made.selector, made.name}
            methods.append(made)
    if len(methods) < least_all:
        return None
    rng.shuffle(methods)
    lists = [n for n, _, k in slots if k == "list"]
    given = _given(rng, lists[0], taken | {m.name for m in methods}) if lists and rng.random() < 0.6 else ()
    begin = [f"{rng.choice(('a', 'one', 'the'))} {noun.lower()}"] if told and rng.random() < 0.4 else []
    return Subject(noun, "; ".join((*begin, *told)), tuple(slots), states, tuple(methods), kinds, given)


def _given(rng: random.Random, s: str, taken: set[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """How such an object comes by its list, as people write it in message syntax and `jit.retell` retells it."""
    begin = rng.choice("open begin setUp prepare init create launch found".split())
    add = rng.choice("add join put take welcome enter include append receive store".split())
    who = rng.choice(("one", "it", "who", "thing", "n", "new", others.one_of(s)))
    both = (
        (f"def {begin}(self):", (f"self.{s} = OrderedCollection.new()", "return self")),
        (f"def {add}_(self, {who}):", (f"self.{s}.add_({who})", "return self")),
    )
    names = {selector.replace(":", "_") for selector in taken}
    free = tuple(given for given, name in zip(both, (begin, add + "_"), strict=True) if name not in names)
    return free if rng.random() < 0.5 else free[:1]


def _method(rng: random.Random, draft: Draft, slots: Slots, states: Sequence[dict[str, Any]]) -> Made | None:
    names = draft.names.split()
    if not names:
        return None
    selector = rng.choice(names)
    takes, field = draft.takes, ""
    if takes[:1] in ("i", "g") and len(takes) > 2:  # a value of that slot of an element's
        takes, field = takes[:1], takes[1:]
    if selector.count(":") != len(takes) or not re.fullmatch(r"[a-z][A-Za-z0-9:]*", selector):
        return None
    drawn = tuple(_arguments(rng, takes, field, slots, state) for state in states)
    told = parameters(selector, [None if a is OTHER else a for a in drawn[0]])
    if set(told) & {n for n, _, _ in slots}:
        return None
    words = dict(zip(("{a}", "{b}"), told, strict=False)) | {"{name}": selector}

    def filled(text: str) -> str:
        for key, word in words.items():
            text = text.replace(key, word)
        return text

    return Made(
        draft.family, selector, told, tuple(filled(line) for line in draft.python.split(" ; ")), filled(draft.message),
        drawn, filled(draft.intent),
    )  # fmt: skip


def _arguments(rng: random.Random, takes: str, field: str, slots: Slots, state: dict[str, Any]) -> tuple[Any, ...]:
    lists = [v for v in state.values() if isinstance(v, list)]
    values: list[Any] = []
    for code in takes:
        if code == "o":
            values.append(OTHER)
        elif code == "e":
            strange = rng.choice(WORDS) if isinstance(lists[0][0], str) else 7
            values.append(rng.choice(lists[0]) if rng.random() < 0.8 else strange)
        elif code == "g":
            values.append(rng.choice(lists[0]).get(field) if rng.random() < 0.8 else rng.choice(NAMES))
        elif code == "t":
            values.append(rng.choice(WORDS + NAMES))
        elif field:
            values.append(rng.choice(lists[0]).get(field) + rng.choice((-1, 0, 1, 3)))
        else:
            values.append(rng.choice((rng.randrange(1, 12), rng.randrange(1, 60), rng.randrange(50, 300))))
    return tuple(values)
