"""Worked examples for a small model: methods of one imaginary Bottle, and how to choose the few that help with a miss.

A model of 135 million parameters writes what it has just read. So it reads the examples whose words are nearest to
the selector it is asked for, the nearest last; the object is one that nobody's image has, and names in the answer that
come from it do not pass the gates. Tuned on the `TUNE` half of benchmarks/jit/everyday.py only.
"""

# ruff: noqa: E501
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Shot:
    """One example: its `def` head, its body, and the words of selectors it is an answer to."""

    head: str
    body: tuple[str, ...]
    words: str

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(w.lower() for w in self.words.split())

    @property
    def arity(self) -> int:
        return self.head.count(",")


SLOTS = ("volume: int", "limit: int", "sealed: bool", "name: str")
SHOTS: tuple[Shot, ...] = (
    Shot("pour_(self, amount)", ("self.volume = self.volume - amount", "return self"),
         "withdraw drain remove subtract take lose consume use left down hit discount lower drop sell pay decrease reduce"
         " cool minus shrink eat burn back deduct cost debit"),
    Shot("refill_(self, amount)", ("self.volume = self.volume + amount", "return self"),
         "deposit add fill increase gain earn heal restock warmer up right put plus charge heat load receive move"
         " forward by credit bonus"),
    Shot("useOne(self)", ("self.volume = self.volume - 1", "return self"), "decrement down tick less pop previous undo"),
    Shot("addOne(self)", ("self.volume = self.volume + 1", "return self"),
         "increment next birthday bump step advance up more count older"),
    Shot("empty(self)", ("self.volume = 0", "return self"), "reset clear zero wipe restart forget"),
    Shot("setVolume_(self, amount)", ("self.volume = amount", "return self"),
         "set change assign become update level to replace"),
    Shot("seal(self)", ("self.sealed = True", "return self"), "on open activate enable lock turnOn begin show"),
    Shot("unseal(self)", ("self.sealed = False", "return self"), "off stop close disable unlock turnOff end hide pause"),
    Shot("turnCap(self)", ("self.sealed = not self.sealed", "return self"), "toggle switch invert"),
    Shot("isEmpty(self)", ("return self.volume == 0",), "is empty zero done over out"),
    Shot("isFull(self)", ("return self.volume == self.limit",), "is full complete square equal same max"),
    Shot("hasSome(self)", ("return self.volume > 0",), "has alive some any is positive"),
    Shot("hasSpace(self)", ("return self.volume < self.limit",), "has can more space low below"),
    Shot("holds_(self, amount)", ("return self.volume >= amount",),
         "can afford has enough than more above least covers older over exceeds greater"),
    Shot("room(self)", ("return self.limit - self.volume",), "space free left difference rest missing available gap"),
    Shot("together(self)", ("return self.volume + self.limit",), "sum together both all weight perimeter"),
    Shot("value(self)", ("return self.volume * self.price",), "area value cost product times worth price"),
    Shot("doubled(self)", ("return self.volume * 2",), "double twice half scaled convert"),
    Shot("enlarge_(self, factor)",
         ("self.volume = self.volume * factor", "self.limit = self.limit * factor", "return self"),
         "scale multiply times enlarge zoom stretch"),
    Shot("label(self)", ("return 'Bottle of ' + self.name",), "greet describe say hello label text introduce"),
    Shot("shiftBy_y_(self, dx, dy)", ("self.x = self.x + dx", "self.y = self.y + dy", "return self"),
         "move shift translate"),
)  # fmt: skip
QUESTION_WORDS = frozenset({"is", "has", "can", "needs", "should", "was"})


def selector_words(selector: str) -> tuple[str, ...]:
    """`canAfford:` is ("can", "afford")."""
    return tuple(w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", selector))


def asks_a_question(selector: str) -> bool:
    """Whether the selector is one that true or false answers: `isEmpty`, `canAfford:`, `olderThan:`."""
    words = selector_words(selector)
    return bool(words) and (words[0] in QUESTION_WORDS or words[-1] == "than")


def nearest_shots(selector: str, kinds: frozenset[str], count: int) -> tuple[Shot, ...]:
    """The `count` shots nearest to the selector, the nearest last. `kinds`: of the receiver's slots ("bool", ...)."""
    words, arity = selector_words(selector), selector.count(":")

    def score(shot: Shot) -> float:
        points = 1.5 if shot.arity == arity else 0.0
        for word in words:
            if word in shot.keys:
                points += 3
            elif len(word) > 3 and any(len(k) > 3 and (word.startswith(k) or k.startswith(word)) for k in shot.keys):
                points += 2
        told = " ".join(shot.body)
        if "sealed" in told and "bool" not in kinds:
            points -= 3
        asks = shot.body[0].startswith("return") and any(sign in told for sign in ("==", "<", ">"))
        if asks_a_question(selector) and asks:
            points += 1
        return points

    ranked = sorted(range(len(SHOTS)), key=lambda i: (-score(SHOTS[i]), i))[:count]
    return tuple(SHOTS[i] for i in reversed(ranked))


def shots_text(shots: tuple[Shot, ...]) -> str:
    """The examples as one Python class."""
    lines = ["class Bottle:", *("    " + slot for slot in SLOTS), ""]
    for shot in shots:
        lines += [f"    def {shot.head}:", *("        " + line for line in shot.body), ""]
    return "\n".join(lines) + "\n"
