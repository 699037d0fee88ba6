"""Messages that have to leave the image: to a model server, say. No transaction is open while the answer is awaited.

Such a send ends the transaction, as a miss does (`flow.Missed`); the worker has it answered by whoever it was given
(`Worker.outside`), and the statement runs again from its start. This time the send finds its answer in the statement's
journal and goes on to the next one. So a statement sees one state of the image and may send out as often as it likes;
what it did before is done again, not kept from the time before. A conflict's retry asks nobody twice.

Arguments and answers are plain: nil, booleans, numbers, texts, lists and maps of these.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..image.collections import text_of
from ..image.object import is_object
from .flow import Fault

if TYPE_CHECKING:
    from .worker import Worker
    from .world import World

MAX_CALLS = 1_000
"""Sends out of the image in one statement: the n-th runs the statement for the n-th time."""
MAX_ITEMS = 100_000
MAX_DEPTH = 20


@dataclass(frozen=True)
class Called:
    """One send that leaves the image: what is to be done, with plain arguments; who asks, from where."""

    action: str
    arguments: tuple[Any, ...]
    workspace: str = "default"

    @property
    def key(self) -> str:
        return json.dumps([self.action, self.arguments], sort_keys=True, default=repr)


@dataclass(frozen=True)
class Answer:
    """What came of it: a plain value; or, with `error`, the name of an exception of the language, its text and code."""

    value: Any = None
    error: str = ""
    message: str = ""
    code: str = ""


class Outside(Protocol):
    """Who answers. `approve` as for a miss: asks a person, is told how far things are, knows who lost patience. None:
    nobody is there to be asked, and what wants a person's word is refused unless `policy` is "auto"."""

    def answer(self, called: Called, worker: Worker, approve: Any, policy: str) -> Answer: ...


@dataclass
class Journal:
    """What one statement asked outside so far. Equal questions have their answers in the order they were asked in."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def begin_again(self) -> None:
        self.asked.clear()

    def next(self, called: Called) -> Answer | None:
        """The answer to this send, None where it is not known yet."""
        key = called.key
        known = self.answers.get(key, [])
        number = self.asked.get(key, 0)
        if number >= len(known):
            return None
        self.asked[key] = number + 1
        return known[number]

    def keep(self, called: Called, answer: Answer) -> None:
        self.answers.setdefault(called.key, []).append(answer)

    def __len__(self) -> int:
        return sum(map(len, self.answers.values()))


def plain(world: World, value: Any, depth: int = 0) -> Any:
    """A value of the image as plain data. Fault for what is none."""
    if depth > MAX_DEPTH:
        raise Fault("SystemExceptions.InvalidArgument", "what is sent outside is nested too deep")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, tuple):
        return [plain(world, item, depth + 1) for item in value[:MAX_ITEMS]]
    if is_object(value):
        if getattr(type(value), "_p_traits", "") in ("String", "Symbol"):
            return text_of(value)
        if world.understands(value, "keysAndValuesDo:") and world.understands(value, "includesKey:"):
            found: dict[str, Any] = {}

            def pair(key: Any, item: Any) -> None:
                name = plain(world, key, depth + 1)
                found[name if isinstance(name, str) else str(name)] = plain(world, item, depth + 1)

            world.send(value, "keysAndValuesDo:", pair)
            return found
        if world.understands(value, "do:"):
            items: list[Any] = []
            world.send(value, "do:", lambda item: items.append(plain(world, item, depth + 1)))
            return items
    raise Fault(
        "SystemExceptions.WrongClass",
        f"{world.describe(value)} cannot be sent outside the image: texts, numbers, Booleans, nil, and collections of "
        "these can",
    )


def into_world(world: World, value: Any) -> Any:
    """Plain data as values of the image."""
    if isinstance(value, list | tuple):
        return world.new_array([into_world(world, item) for item in value])
    if isinstance(value, dict):
        return world.new_dictionary({str(key): into_world(world, item) for key, item in value.items()})
    return value
