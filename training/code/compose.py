"""One object with a few methods, drawn at random from a seed: a noun, some of its slots, skills, and their names."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...image.method import python_name
from ...interp.misses import parameters
from . import verbs
from .described import DESCRIBED
from .others import Kind
from .skills import SKILLS, Skill
from .things import THINGS, Thing

WORDS = "apple pear bread milk lamp soap rope piano chess tulip maple tiger copper violin paper candle".split()
NAMES = "Ann Bo Carl Dora Emil Fay Gus Hana Ida Jan Kim Lea Max Nora Omar Pia Quin Ravi Sue Tom".split()
TITLES = ("Blue", "North", "Emma", "Sunset", "River House", "Oak", "Delta", "First", "Old Town", "Silver", "Nova")
KINDS = {"flag": "bool", "text": "str", "list": "list", "names": "list", "dict": "dict", "part": "part"}
COMMENTS = (
    "A {n} with its {s}.",
    "Keeps the {s} of a {n}.",
    "One {n}.",
    "{N}: knows its {s}.",
    "A simple {n} for the demo.",
)


@dataclass(frozen=True, slots=True)
class Made:
    """One method: what was sent with which arguments, and its body twice. `arguments` are samples, one set a run."""

    family: str
    selector: str
    parameters: tuple[str, ...]
    python: tuple[str, ...]
    message: str
    arguments: tuple[tuple[Any, ...], ...]
    intent: str = ""

    @property
    def name(self) -> str:
        return python_name(self.selector)

    @property
    def head(self) -> str:
        return f"def {self.name}({', '.join(('self', *self.parameters))}):"

    @property
    def source(self) -> str:
        return self.head + "\n" + "".join(f"    {line}\n" for line in self.python)

    @property
    def pattern(self) -> str:
        """`at: key put: value`, the head in message syntax."""
        if not self.parameters:
            return self.selector
        keywords = self.selector.split(":")[:-1]
        return " ".join(f"{k}: {p}" for k, p in zip(keywords, self.parameters, strict=True))


@dataclass(frozen=True, slots=True)
class Subject:
    """An object: its prototype's name, slots with theme and values (one set a run), and the methods to write."""

    prototype: str
    comment: str
    slots: tuple[tuple[str, str, str], ...]  # name, theme, kind
    states: tuple[dict[str, Any], ...]
    methods: tuple[Made, ...] = field(default=())
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """What is in the slots that hold other objects, or lists of them."""
    given: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Methods that were there before, heads and bodies: to be read, not learnt."""

    def holds(self, name: str) -> str:
        """What is in a slot, as the JIT tells of it (`jit.situate.holds`)."""
        value = self.states[0][name]
        if name in self.kinds:
            kind = self.kinds[name]
            return f"{kind.name}: {kind.told}" if isinstance(value, list) else kind.told
        if isinstance(value, list):
            return type(value[0]).__name__ if value else ""
        if isinstance(value, dict):
            return f"str: {type(next(iter(value.values()))).__name__}" if value else ""
        return ""


@dataclass(frozen=True, slots=True)
class Part:
    """The state of an object beside the receiver: what kind it is, and the values of its slots in their order."""

    kind: Kind
    values: tuple[Any, ...]

    def get(self, name: str) -> Any:
        return self.values[[n for n, _ in self.kind.slots].index(name)]


PART = Kind(
    "Part", (("name", "text"), ("size", "size"), ("power", "power"), ("ready", "flag")),
    (
        ("start", "ready := true. ^self"), ("stop", "ready := false. ^self"), ("area", "^size * size"),
        ("grow:", "size := size + n. ^self"),
    ),
)  # fmt: skip
"""What is in the slots that `things` calls a part."""


STATES = 3


def subjects(seed: int, things: tuple[Thing, ...] = THINGS) -> Iterator[Subject]:
    """Without end, the same for the same seed."""
    rng = random.Random(seed)
    while True:
        made = compose(rng, things)
        if made is not None:
            yield made


def compose(rng: random.Random, things: tuple[Thing, ...]) -> Subject | None:
    """One subject with two to nine methods; None where the draw led nowhere."""
    thing = rng.choices(things, [_interest(t) for t in things])[0]
    noun = rng.choice(thing.nouns)
    count = min(len(thing.slots), rng.choice((1, 2, 2, 3, 3, 4, 5)))
    chosen = rng.sample(thing.slots, count)
    if rng.random() < 0.7:
        chosen = [s for s in thing.slots if s in chosen]
    themes = {theme for _, theme in chosen}
    if "capacity" in themes and not any(is_number(t) and t != "capacity" for t in themes):
        return None  # a bound without what it bounds
    float_slot = rng.random() < 0.12
    slots = tuple((n, t, _capital(n) if t == "part" else kind_of(t, float_slot)) for n, t in chosen)
    states = tuple(state_of(rng, slots, number) for number in range(STATES))
    methods: list[Made] = []
    taken = {n for n, _, _ in slots}
    wanted = rng.choice((2, 3, 4, 5, 6, 7, 8, 9))
    told: list[str] = []
    if rng.random() < 0.35:
        fitting = [s for s in DESCRIBED if _pick(rng, s, slots) is not None]
        for skill in rng.choices(fitting, [s.weight for s in fitting], k=rng.choice((1, 1, 2, 3))) if fitting else ():
            made = _method(rng, skill, slots, states)
            text = made.intent if made is not None else ""
            if made is None or {made.selector, made.name} & taken or len("; ".join((*told, text))) > 150:
                continue
            if skill.family.startswith("rule") and told and text not in told:
                continue  # two rules may contradict each other
            told += [text] if text not in told else []
            taken |= {made.selector, made.name}
            methods.append(made)
    ruled = any(m.family.startswith(("rule", "d-list-once", "d-list-limit")) for m in methods)
    fitting = [s for s in SKILLS if _pick(rng, s, slots) is not None and not (ruled and s.changes)]
    for skill in rng.choices(fitting, [s.weight for s in fitting], k=wanted * 3) if fitting else ():
        if len(methods) >= wanted:
            break
        made = _method(rng, skill, slots, states)
        if made is None or {made.selector, made.name} & taken:
            continue
        taken |= {made.selector, made.name}
        methods.append(made)
    if len(methods) < 2:
        return None
    rng.shuffle(methods)
    comment = ""
    if told:
        comment = "; ".join(
            ([f"{rng.choice(('a', 'one', 'the'))} {noun.lower()}"] if rng.random() < 0.6 else []) + told
        )
    elif rng.random() < 0.15:
        comment = rng.choice(COMMENTS).format(n=noun.lower(), N=noun, s=slots[0][0])
    kinds = {n: replace(PART, name=_capital(n)) for n, theme, _ in slots if theme == "part"}
    return Subject(noun, comment, slots, states, tuple(methods), kinds)


def everyday(
    rng: random.Random, slots: tuple[tuple[str, str, str], ...], states: tuple[dict[str, Any], ...], read_only: bool
) -> Made | None:
    """One of the common skills for such slots; None where the draw led nowhere."""
    fitting = [s for s in SKILLS if s.needs and not (read_only and s.changes) and _pick(rng, s, slots) is not None]
    if not fitting:
        return None
    return _method(rng, rng.choices(fitting, [s.weight for s in fitting])[0], slots, states)


def _interest(thing: Thing) -> float:
    """Things with places and sizes are few, and much is asked of them."""
    themes = [theme for _, theme in thing.slots]
    return 4.0 if "across" in themes else 2.5 if themes.count("size") > 1 or "part" in themes else 1.0


def is_number(theme: str) -> bool:
    return theme not in KINDS


def kind_of(theme: str, floats: bool = False) -> str:
    return KINDS.get(theme) or ("float" if floats and theme in ("money", "price", "weight", "heat") else "int")


def state_of(rng: random.Random, slots: tuple[tuple[str, str, str], ...], number: int) -> dict[str, Any]:
    """Values: the first state is anybody's, the second has equal and empty ones, the third large ones."""
    state: dict[str, Any] = {}
    same = rng.randrange(2, 40)
    for name, theme, kind in slots:
        value: Any
        if kind in ("int", "float"):
            value = (rng.randrange(1, 90), same, rng.randrange(60, 400))[number]
            if number == 1 and rng.random() < 0.4:
                value = 0
            if kind == "float":
                value = float(value) + 0.5
        elif kind == "bool":
            value = number == 1
        elif kind == "str":
            value = rng.choice(NAMES if name in ("name", "first", "last", "owner") else TITLES)
        elif theme == "list":
            value = [rng.randrange(1, 60) for _ in range(rng.randrange(2, 5))]
        elif theme == "names":
            value = rng.sample(WORDS, rng.randrange(2, 5))
        elif theme == "part":
            value = Part(
                replace(PART, name=_capital(name)),
                (rng.choice(NAMES), rng.randrange(1, 30), rng.randrange(1, 60), number == 1),
            )
        else:
            value = {word: rng.randrange(1, 60) for word in rng.sample(WORDS, rng.randrange(2, 4))}
        state[name] = value
    return state


def _method(
    rng: random.Random, skill: Skill, slots: tuple[tuple[str, str, str], ...], states: tuple[dict[str, Any], ...]
) -> Made | None:
    picked = _pick(rng, skill, slots)
    if picked is None:
        return None
    names, obvious = picked
    themes = {n: t for n, t, _ in slots}
    pool = _names(skill, names, themes, slots) if obvious else ()
    use_named = bool(skill.named) and (not pool or rng.random() < 0.35)
    pool = skill.named if use_named else pool
    if not pool:
        return None
    words = dict(zip("stu", names, strict=False))
    selector = _spelled(rng.choice(pool), words)
    if selector.count(":") != len(skill.takes) or not re.fullmatch(r"[a-zA-Z][A-Za-z0-9:]*", selector):
        return None
    element_of = words.get("s", "") if set(skill.takes) & set("xeq") else ""
    element_kind = themes.get(element_of, "")
    drawn = [_arguments(rng, skill.takes, state, element_of, element_kind) for state in states]
    arguments = tuple(a for a in drawn if a is not None)
    if len(arguments) < len(drawn):
        return None
    told = parameters(selector, [None if a is OTHER else a for a in arguments[0]])
    words |= dict(zip("ab", told, strict=False))
    if set(told) & set(themes):
        return None  # the parameter would hide the slot in message syntax
    small = rng.choice((2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30))
    fill = {**words, "m": str(small), "k": str(small + rng.choice((1, 2, 5, 10, 20, 30, 50))), "name": selector}
    return Made(
        skill.family, selector, told,
        tuple(_filled(line, fill) for line in skill.python), _filled(skill.message, fill),
        arguments, _filled(skill.intent, fill),
    )  # fmt: skip


def _pick(rng: random.Random, skill: Skill, slots: tuple[tuple[str, str, str], ...]) -> tuple[list[str], bool] | None:
    """Slots for the skill's needs, and whether a name without them would be understood."""
    names: list[str] = []
    obvious = True
    numbers = [n for n, t, _ in slots if is_number(t) and t != "capacity"]
    for need in skill.needs:
        free = [(n, t) for n, t, _ in slots if n not in names]
        base, _, hint = need.partition("?")
        base, _, theme = base.rstrip("!").partition(":")
        primary = need.endswith("!")
        if base == "n":
            fits = [n for n, t in free if is_number(t) and t != "capacity" and (not theme or t == theme)]
        elif base == "cap":
            fits = [n for n, t in free if t == "capacity"]
        elif base == "lw":
            fits = [n for n, t in free if t in ("list", "names")]
        else:
            want = {"b": "flag", "t": "text", "l": "list", "w": "names", "d": "dict", "p": "part"}[base]
            fits = [n for n, t in free if t == want]
        if hint:
            fits = [n for n in fits if n == hint]
        if not fits:
            return None
        if primary:
            first = numbers[0] if base == "n" and numbers else fits[0]
            slot = first if first in fits and rng.random() < 0.6 else rng.choice(fits)
            obvious &= slot == first
        else:
            slot = rng.choice(fits)
            alone = len(fits) == 1 or bool(theme or hint)
            if base == "n" and not theme and not hint:
                alone = len(numbers) == sum(1 for n in skill.needs if n == "n")
            obvious &= alone
        names.append(slot)
    if len(skill.needs) > 1 and all(n in ("n", "n:side", "n:size") for n in skill.needs):
        names.sort(key=[n for n, _, _ in slots].index)  # `difference` is first minus second
    return names, obvious


def _names(
    skill: Skill, names: list[str], themes: dict[str, str], slots: tuple[tuple[str, str, str], ...]
) -> tuple[str, ...]:
    pool: list[str] = []
    for name in skill.names:
        if name.strip(":") in TABLES:
            table = TABLES[name.strip(":")]
            slot = names[0]
            if name.startswith(("{ON", "{OFF")):
                found = verbs.FLAGS.get(slot, ((), ()))[name == "{OFF}"]
            else:
                alone = [t for _, t, _ in slots].count(themes[slot]) == 1
                found = table.get(themes[slot], ()) if alone else ()
            pool += [v + (":" if name.endswith(":") else "") for v in found]
        else:
            pool.append(name)
    return tuple(pool)


TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "{ADD}": verbs.ADD, "{TAKE}": verbs.TAKE, "{ONE_MORE}": verbs.ONE_MORE, "{ONE_LESS}": verbs.ONE_LESS,
    "{NONE}": verbs.NEUTRAL_NONE, "{SOME}": verbs.NEUTRAL_SOME, "{ON}": {}, "{OFF}": {},
}  # fmt: skip


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


IRREGULAR = {"people": "person", "entries": "entry", "memories": "memory"}


def _singular(word: str) -> str:
    return IRREGULAR.get(word) or (word[:-1] if word.endswith("s") and not word.endswith("ss") else word)


def _spelled(pattern: str, words: dict[str, str]) -> str:
    for letter, slot in words.items():
        pattern = pattern.replace(f"{{{letter}}}", slot).replace(f"{{{letter.upper()}}}", _capital(slot))
    if "t" in words:
        pattern = pattern.replace("{W}", _capital(_singular(words["t"])))
    if "s" in words:
        one = _singular(words["s"])
        pattern = pattern.replace("{z}", one).replace("{Z}", _capital(one))
    return pattern


def _filled(text: str, words: dict[str, str]) -> str:
    for letter, word in words.items():
        text = text.replace(f"{{{letter}}}", word)
    return text


class _Other:
    """Stands for another object of the same prototype, as an argument."""

    def __repr__(self) -> str:
        return "other"


OTHER = _Other()


def _arguments(
    rng: random.Random, takes: str, state: dict[str, Any], element_of: str, theme: str
) -> tuple[Any, ...] | None:
    values: list[Any] = []
    for code in takes:
        if code == "i":
            near = [v for v in state.values() if type(v) is int]
            values.append(rng.choice(near) if near and rng.random() < 0.3 else rng.randrange(1, 40))
        elif code == "t":
            values.append(rng.choice(WORDS + NAMES))
        elif code == "f":
            values.append(rng.random() < 0.5)
        elif code == "o":
            values.append(OTHER)
        elif code == "x":
            values.append(rng.choice(WORDS) if theme == "names" else rng.randrange(1, 60))
        elif code in "eq":
            options = list(state[element_of])
            if not options:
                return None
            values.append(rng.choice(options))
    return tuple(values)
