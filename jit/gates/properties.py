"""Gate 5: what the methods beside it, the selector and the slots lead one to expect holds of the new method, too.

Inferred, never written down by anybody, so each is narrow: it speaks only where it is sure, and says what it saw.

    a question (`isEmpty`, `canAfford:`) changes nothing, and true or false answers it
    a slot that holds a number, a text or a Boolean still does after the trial
    `withdraw:` changes a slot that its opposite beside it, `deposit:`, changes
    `moveY:` changes y, where `moveX:` beside it changes x
    `transfer:to:` takes from one what it gives to the other, and it is the receiver that gives
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..shots import asks_a_question, selector_words
from .allow import python_name
from .effects import Effects
from .verdict import Candidate, Refused, Surroundings

OPPOSITES = """\
add remove|deposit withdraw|put take|put spend|put remove|fill drain|fill empty|open close|open shut
lock unlock|start stop|begin end|on off|up down|left right|push pop|increase decrease|increment decrement
hit heal|raise lower|raise cut|sell restock|sell buy|grow shrink|show hide|enable disable|arm disarm
mute unmute|enter leave|join leave|earn spend|lend return|warmer cooler|heat cool|activate deactivate
connect disconnect|insert remove|charge discharge|charge use|load unload|give take|borrow return|gain lose
more less|forward back|louder softer|expand collapse|freeze thaw|enroll drop|check uncheck"""
PAIRS = frozenset(frozenset(pair.split()) for line in OPPOSITES.splitlines() for pair in line.split("|"))
HANDS_OVER = frozenset({"transfer", "give", "pay", "lend", "donate", "hand"})
SEVERAL = frozenset({"all", "each", "every", "both"})
PLAIN = ("number", "text", "bool")


def check_properties(
    candidate: Candidate, effects: Effects, world: Surroundings, trial: Mapping[str, Any], statement: str
) -> list[str]:
    """What was held to, in words. Raises Refused at the first property that does not hold.

    trial: the details of the trial's verdict; {} where there was none.
    """
    held = []
    question = asks_a_question(candidate.selector)
    if question:
        if effects.writes:
            slot = effects.writes[0]
            raise Refused(f"{candidate.selector} asks a question and must change nothing; it writes {slot}")
        answer = trial.get("answer_kind")
        if answer not in (None, "bool") and is_the_message(statement, candidate.selector):
            raise Refused(f"{candidate.selector} asks a question and must answer True or False, not {trial['answer']}")
        held.append("a question changes nothing")
    held += _kinds(effects, trial)
    held += _handed_over(candidate.selector, trial, world.receiver, statement)
    written = set(effects.writes)
    if written:
        held += _neighbours(candidate.selector, written, world)
    return held


def _kinds(effects: Effects, trial: Mapping[str, Any]) -> list[str]:
    kept = []
    for change in trial.get("changed", ()):
        was, now = change.get("was_kind"), change.get("is_kind")
        slot = str(change.get("slot"))
        if change.get("new") or was not in PLAIN or now in (None, "nil") or python_name(slot) not in effects.writes:
            continue
        if was != now:
            old, new = change.get("was"), change.get("is")
            raise Refused(f"slot {slot} holds a {was} ({old}), and the method would put {new} there")
        kept.append(slot)
    return [f"{', '.join(kept)}: still the same kind of value"] if kept else []


def _handed_over(selector: str, trial: Mapping[str, Any], receiver: str, statement: str) -> list[str]:
    words = frozenset(selector_words(selector))
    changed = [c for c in trial.get("changed", ()) if c.get("kind") == "data"]
    if not words & HANDS_OVER or not words & {"to", "from"} or words & SEVERAL or len(changed) != 2:
        return []
    if changed[0].get("slot") != changed[1].get("slot"):
        return []
    try:
        one, other = (float(c["is"]) - float(c["was"]) for c in changed)
    except (TypeError, ValueError):
        return []
    slot = changed[0]["slot"]
    told = " and ".join(f"{c['was']} -> {c['is']}" for c in changed)
    if one * other > 0:
        raise Refused(f"{selector} takes {slot} from one and gives it to the other; both change the same way: {told}")
    gains = next((by for by, c in zip((one, other), changed, strict=True) if receiver and c.get("oid") == receiver), 0)
    if gains > 0 and "to" in words and "from" not in words and "-" not in statement:
        raise Refused(f"{selector} gives {slot} of the receiver to the other, and the receiver gains: {told}")
    return [f"{slot} goes from one to the other"]


def _neighbours(selector: str, written: set[str], world: Surroundings) -> list[str]:
    held = []
    for other, writes in world.neighbour_writes.items():
        theirs = {python_name(s) for s in writes}
        differing = _differing(selector, other)
        if differing is None or not theirs:
            continue
        mine, its = differing
        slot, other_slot = _slot_called(mine, world.data_slots), _slot_called(its, world.data_slots)
        if frozenset((mine, its)) in PAIRS and not written & theirs:
            shown = ", ".join(sorted(theirs))
            raise Refused(f"{other}, its opposite, changes {shown}; {selector} must, too, and changes {_any(written)}")
        if frozenset((mine, its)) in PAIRS:
            held.append(f"changes what its opposite {other} changes")
        elif slot and other_slot and slot != other_slot and python_name(other_slot) in theirs:
            if python_name(slot) not in written:
                raise Refused(f"{other} changes {other_slot}, so {selector} should change {slot}, not {_any(written)}")
            held.append(f"changes {slot} as {other} changes {other_slot}")
    return held


def _differing(selector: str, other: str) -> tuple[str, str] | None:
    """The one word in which two selectors of the same shape differ."""
    if selector == other or selector.count(":") != other.count(":"):
        return None
    mine, theirs = selector_words(selector), selector_words(other)
    if len(mine) != len(theirs):
        return None
    differing = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    return differing[0] if len(differing) == 1 else None


def _slot_called(word: str, slots: Iterable[str]) -> str:
    return next((slot for slot in slots if slot.lower() == word), "")


def is_the_message(statement: str, selector: str) -> bool:
    """Whether the statement's value is what that selector answers, as far as its text tells."""
    argument = r"\s+[\w'.-]+"
    if ":" in selector:
        message = r"\s+".join(re.escape(part) + ":" + argument for part in selector.split(":") if part)
    else:
        message = re.escape(selector)
    return re.fullmatch(r"[A-Za-z][\w ]*\s+" + message, statement.strip().rstrip(".")) is not None


def _any(names: set[str]) -> str:
    return ", ".join(sorted(names))
