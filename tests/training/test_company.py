"""Rows about objects in company: what is told of them is what the JIT tells, and each body was run."""

from __future__ import annotations

import json
import random
from itertools import islice

from batos.interp import deep
from batos.jit.bench import Stage
from batos.jit.bench.tasks import read_family
from batos.jit.prompt import build_prompt
from batos.jit.situation import Situation
from batos.training.code.company import gatherings
from batos.training.code.compose import OTHER, Made, Subject
from batos.training.code.others import Draft, Kind, in_list
from batos.training.code.rows import class_row, situation_of
from batos.training.code.verify import Scratch
from batos.training.judge import methods_in
from batos.training.leaks import held_out
from batos.training.schema import Row, parse_line

FAMILY = """
half = "public"
about = "What the JIT tells of objects inside of others."
[worlds]
market = '''
Stall := Object clone.
Stall setSlot: 'rent' value: 3. Stall setSlot: 'open' value: true. Stall setSlot: 'intent' value: 'no state'.
Stall >> shut [ open := false. ^self ].
Market := Object clone.
Market setSlot: 'stalls' value: nil. Market setSlot: 'keeper' value: nil. Market setSlot: 'corner' value: nil.
Market setSlot: 'fines' value: nil. Market setSlot: 'days' value: nil. Market setSlot: 'rest' value: nil.
market := Market clone.
market stalls: OrderedCollection new. market stalls add: Stall clone.
market corner: Stall clone. market fines: Dictionary new. market fines at: 'late' put: 4.
market days: (OrderedCollection new add: 7; yourself). market rest: OrderedCollection new
'''
[[task]]
world = "market"
send = "market allRent"
right = "return sum([each.rent for each in self.stalls])"
wrong = ["return 0"]
checks = ["market allRent => 3"]
"""


def test_the_jit_tells_what_is_in_a_list_a_dictionary_and_another_object() -> None:
    def look() -> Situation:
        stage = Stage()
        try:
            with stage.put_on(read_family("held", FAMILY)[0]) as scene:
                return scene.situation
        finally:
            stage.close()

    situation = deep(look)
    assert {s.name: (s.kind, s.holds) for s in situation.slots} == {
        "stalls": ("list", "Stall: rent int, open bool, shut()"),
        "keeper": ("nil", ""),
        "corner": ("Stall", "rent int, open bool, shut()"),
        "fines": ("dict", "str: int"),
        "days": ("list", "int"),
        "rest": ("list", ""),
    }
    tuned = build_prompt(situation, "tuned").options.prefill
    assert "    stalls: list  # Stall: rent int, open bool, shut()\n" in tuned and "    keeper: None\n" in tuned
    assert "#" not in build_prompt(situation, "small").options.prefill


def test_subjects_in_company_hold_and_are_told_as_the_jit_tells() -> None:
    def look() -> tuple[dict[str, str], int]:
        wrong: dict[str, str] = {}
        told = 0
        with Scratch() as scratch:
            for subject in islice(gatherings(4), 40):
                wrong |= scratch.failures(subject)
                # Else a parameter may be called otherwise, or the JIT shows the two in the order of their nearness.
                if "amount" not in subject.methods[0].parameters and len(subject.given) < 2:
                    text = class_row(subject, 1, random.Random(1))["messages"][-1]["content"]
                    prompt = build_prompt(situation_of(subject, subject.methods[0]), "tuned")
                    assert text.startswith(prompt.options.prefill + " " + subject.methods[0].python[0])
                    told += 1
        return wrong, told

    wrong, told = deep(look)
    assert wrong == {} and told > 20


def test_a_wrong_body_about_others_is_found_by_running() -> None:
    swapped = {"max(": "min(", " > ": " < ", "not each": "each", " + ": " - ", "== ": "!= "}
    found: set[str] = set()

    def look() -> None:
        with Scratch() as scratch:
            for subject in islice(gatherings(9), 25):
                for made in subject.methods:
                    old = next((o for o in swapped if any(o in line for line in made.python)), None)
                    if old is None or not made.family.startswith(("c-", "o-")) or made.family in found:
                        continue
                    python = tuple(line.replace(old, swapped[old]) for line in made.python)
                    broken = Made(made.family, made.selector, made.parameters, python, made.message, made.arguments)
                    one = Subject(subject.prototype, "", subject.slots, subject.states, (broken,), subject.kinds)
                    if made.selector in scratch.failures(one):
                        found.add(made.family)

    deep(look)
    assert len(found) > 12


def test_what_is_left_in_the_other_object_counts() -> None:
    """A method that gives away and takes nothing from the other leaves the same in the receiver."""
    states = tuple({"coins": n} for n in (5, 9, 30))
    right, wrong = ("self.coins = 0", "return self"), ("other.coins_(1)", "self.coins = 0", "return self")
    message = "coins := 0. ^self"

    def look() -> list[set[str]]:
        with Scratch() as scratch:
            made = [Made("o", "ruin:", ("other",), body, message, ((OTHER,),) * 3) for body in (right, wrong)]
            subjects = [Subject("Chest", "", (("coins", "money", "int"),), states, (m,)) for m in made]
            return [{r for r in scratch.failures(s).values() if "in Python" in r} for s in subjects]

    fine, spoilt = deep(look)
    assert not fine and spoilt


def test_a_recorded_row_runs_again_with_its_objects_and_a_changed_one_is_found() -> None:
    def look() -> list[str]:
        with Scratch() as scratch:
            subject = next(s for s in gatherings(12) if s.kinds and "c-" in str([m.family for m in s.methods]))
            said = parse_line(json.dumps(class_row(subject, 1, random.Random(1), scratch.trial(subject))))
            assert isinstance(said, Row) and said.trial is not None and said.trial.kinds
            methods = methods_in(said.messages[-1].content)
            spoilt = {name: source.partition("\n")[0] + "\n    return 'no'\n" for name, source in methods.items()}
            return [scratch.recheck(said.trial, methods), scratch.recheck(said.trial, spoilt)]

    good, bad = deep(look)
    assert good == "" and "answers no" in bad


def test_every_sentence_of_an_intent_names_its_method_or_is_a_rule() -> None:
    kind = Kind("Stall", (("name", "text"), ("rent", "price"), ("open", "flag")), (("cost", "^rent * 2"),))
    drafts: list[Draft] = list(in_list(random.Random(1), "stalls", kind))
    assert len(drafts) > 40
    assert all("{name}" in d.intent for d in drafts if d.intent)
    assert {"c-sum", "c-most", "c-find", "c-drop", "c-sum-sent", "c-mark"} <= {d.family for d in drafts}


def test_a_held_out_intent_is_a_leak() -> None:
    said = "what does not fit runs over: the level never exceeds the capacity and never falls below 0"
    row = {"messages": [{"role": "assistant", "content": f'class Vat:\n    """{said}"""\n'}]}
    assert "intends" in held_out().why(row)
    assert held_out().why({"messages": [{"role": "assistant", "content": "the level ends at the capacity"}]}) == ""
