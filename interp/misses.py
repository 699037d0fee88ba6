"""doesNotUnderstand: at the genesis object: a near miss is reported, and the rest is for the policy to decide."""

from __future__ import annotations

import re
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from ..grammar.words import words_of
from ..image.collections import text_of
from ..image.method import python_name
from ..image.object import is_object, own_slots
from .families import is_method
from .flow import Missed

if TYPE_CHECKING:
    from .world import World

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
PREFIXES = ("un", "re", "de", "dis", "in", "is", "im", "pre", "co")


@dataclass(frozen=True)
class Miss:
    """A message that nobody understands, told in plain values (no transaction is open when it is answered)."""

    prototype: bytes  # oid of the object the method is for; b"" when it was never committed
    receiver: bytes
    prototype_name: str
    selector: str
    python_name: str
    parameters: tuple[str, ...]
    arguments: tuple[str, ...]  # printed, bounded
    statement: str
    workspace: str
    handle: str = ""  # for duplicates: prototype name or oid, and selector
    policy: str = ""  # what the prototype says of itself (jitPolicy:): "ask", "auto", or "" for nothing


@dataclass(frozen=True)
class Asked:
    """A question to the model in words, `genesis ask: 'Create a button'`; answered while no transaction is open."""

    said: str
    receiver: bytes  # oid; b"" when it was never committed
    receiver_name: str
    workspace: str = "default"


def default(world: World, receiver: Any, message: Any) -> Any:
    selector = text_of(message.selector)
    near = near_miss(world, receiver, selector)
    advice = ""
    # The program may deal with it itself: then nobody is asked to write anything.
    if is_object(receiver) and not _handled(world, receiver, message):
        if is_prose(world, receiver, selector):
            near, advice = None, "say"
        elif near is None and world.policy is None:
            advice = "write"
        elif near is None:
            miss = world.policy(receiver, message)
            if miss is not None:
                raise Missed(miss)
    return signal(world, receiver, message, near, advice)


def signal(world: World, receiver: Any, message: Any, near: str | None, advice: str = "") -> Any:
    """MessageNotUnderstood, in the receiver's name. ``advice``: as in `Report`."""
    selector = text_of(message.selector)
    text = f"{world.describe(receiver)} does not understand #{selector}"
    if near:
        text += f"; did you mean #{near}?" if not near.startswith("'") else f"; did you mean {near[1:]}?"
    said = f"did not understand #{selector}"  # GNU Smalltalk's words, which programs print
    exception = world.signals.make("MessageNotUnderstood", said, text, message=message, receiver=receiver)
    exception._v_advice = advice
    return world.signals.signal(exception)


def is_prose(world: World, receiver: Any, selector: str) -> bool:
    """Whether the statement that runs is a sentence rather than messages: nothing but words, of which this workspace
    does not know the first, and no prototype two of the others, nor most of them."""
    first, *rest = words_of(world.said) or [""]
    if first != selector or world.root["workspaces"].get(world.workspace) is not receiver:
        return False
    named = [one for one in own_slots(world.names).values() if is_object(one)]
    unknown = sum(not any(word in own_slots(one) for one in named) for word in rest)
    return unknown >= 2 and 2 * unknown >= len(rest)


def _handled(world: World, receiver: Any, message: Any) -> bool:
    chain = world.signals.chain
    if chain is None:
        return False
    probe = world.signals.make("MessageNotUnderstood", "", message=message, receiver=receiver)
    while chain is not None:
        if any(world.signals.matches(selector, probe) for selector, _ in chain.cases):
            return True
        chain = chain.outer
    return False


def near_miss(world: World, receiver: Any, selector: str) -> str | None:
    """A selector the receiver understands, two edits away or less and with as many arguments; the closest, or None."""
    limit = 2 if len(selector) > 4 else 1 if len(selector) > 2 else 0
    best: tuple[int, str] | None = None
    arity = selector.count(":")
    names: set[str] = set()
    if is_object(receiver):
        names.update(own_slots(receiver))
    for one in world.family(receiver).order:
        names.update(own_slots(one))
    data = [name for name in names if name[0] not in "_&" and not name.endswith("*")]
    candidates = {name for name in data if name.count(":") == arity}
    candidates.update(name[1:] for name in names if name[0] == "&" and arity == 0)
    if arity == 1:
        candidates.update(
            name + ":" for name in data if ":" not in name and not is_method(world.family(receiver).find(name)[1])
        )
    if world.names is not None and receiver is not None and arity == 0 and selector[:1].isupper():
        candidates.update(own_slots(world.names))
    candidates.discard(selector)  # super may not find what the receiver itself understands
    for candidate in candidates:
        if abs(len(candidate) - len(selector)) <= limit and candidate[:1].isalpha() == selector[:1].isalpha():
            edits = distance(selector, candidate, limit)
            if edits <= limit and (best is None or (edits, candidate) < best) and not other_word(selector, candidate):
                best = edits, candidate
    return best[1] if best else None


def other_word(a: str, b: str) -> bool:
    """Whether two selectors that are spelled alike differ in a word rather than in its spelling, as `turnOn` and
    `turnOff`, `moveX:` and `moveY:`, `lock` and `unlock`, `open` and `openUp`, `heal:` and `halt:` do."""
    ours, theirs = WORD.findall(a), WORD.findall(b)
    if len(ours) != len(theirs):
        short, long = sorted((ours, theirs), key=len)
        return short == long[: len(short)] or [w.lower() for w in short] == [w.lower() for w in long[-len(short) :]]
    for mine, other in zip(ours, theirs, strict=True):
        x, y = sorted((mine.lower(), other.lower()), key=len)
        if x == y:
            continue
        longer_by = len(y) - len(x)
        grown = y.startswith(x) and longer_by > 1 or any(y == prefix + x for prefix in PREFIXES)
        edits = distance(x, y, len(y))
        if grown or (2 * edits >= len(y) if len(y) > 2 else edits >= len(y)):
            return True
    return False


def distance(a: str, b: str, limit: int) -> int:
    """Edits between two words (insert, delete, replace, swap neighbours), or limit + 1 when there are more.

    Optimal string alignment; row by row, given up as soon as a whole row is over the limit.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before = previous
    return row[-1]


def describe(world: World, receiver: Any, message: Any, statement: str, workspace: str) -> Miss:
    """The miss in plain values: which prototype should learn the method, and what it was asked."""
    selector = text_of(message.selector)
    arguments = tuple(_bounded(world, value) for value in message.arguments._items)
    prototype = home_for(world, receiver)
    name = world.name_of(prototype)
    return Miss(
        prototype=prototype._p_oid or b"",
        receiver=receiver._p_oid or b"",
        prototype_name=name,
        selector=selector,
        python_name=python_name(selector),
        parameters=parameters(selector, message.arguments._items),
        arguments=arguments,
        statement=statement,
        workspace=workspace,
        handle=f"{name or (prototype._p_oid or b'').hex()}>>{selector}",
        policy=policy_of(world, receiver),
    )


def home_for(world: World, receiver: Any) -> Any:
    """The prototype that should learn: the receiver if it has a name, else the nearest named one it delegates to."""
    if world.name_of(receiver):
        return receiver
    for one in world.family(receiver).order:
        if world.name_of(one):
            return one
    return receiver


def policy_of(world: World, receiver: Any) -> str:
    """What the receiver, or the nearest object that it delegates to and that says anything, said with jitPolicy:."""
    for one in (receiver, *world.family(receiver).order):
        said = own_slots(one).get("jitPolicy")
        if isinstance(said, str):
            return text_of(said)
    return ""


def parameters(selector: str, values: list[Any]) -> tuple[str, ...]:
    """Names for a method's parameters: from the keywords where they read as nouns, else from the kinds of the
    arguments."""
    keywords = [part for part in selector.split(":") if part] if selector.endswith(":") else []
    names: list[str] = []
    for index, value in enumerate(values):
        base = keywords[index] if index < len(keywords) and index > 0 else _noun(value)
        if iskeyword(base):  # `between:and:` would have a parameter that Python cannot have
            base = _noun(value)
        name = base if base not in names and base.isidentifier() else f"{base}{index + 1}"
        names.append(name)
    return tuple(names)


def _noun(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "amount"
    if isinstance(value, str):
        return "text"
    return "other"


def _bounded(world: World, value: Any, limit: int = 200) -> str:
    text = world.describe(value) if is_object(value) else world.print_string(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
