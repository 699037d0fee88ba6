"""A second opinion, by the personas that the image has: it is shown and recorded, and refuses nothing."""

from __future__ import annotations

import json

from batos.jit.settings import Settings
from batos.jit.weaver.facet_engine import FacetEngine

from .conftest import RIGHT, Says, Scripted, Weave, last

DOUBT = json.dumps({"fine": False, "remark": "It may fall\nbelow zero."})


def test_personas_of_the_image_are_asked_and_told(weave: Weave) -> None:
    engine = Scripted(RIGHT, DOUBT, "no JSON")
    worker, _ = weave(engine, Settings(review=("brick", "robin", "nobody")))
    last(worker, "BRICK voice at: 'about' put: 'Sums alone.'")
    person = Says()
    assert last(worker, "savings withdraw: 30", policy="ask", approve=person).error is None
    opinions = {g["name"]: g["detail"] for g in person.shown[0].gates if g["verdict"] == "advice"}
    assert opinions == {
        "review by brick": "doubtful: It may fall below zero.",
        "review by robin": "no opinion: the answer was none",
        "review by nobody": "no opinion: the image has no persona NOBODY",
    }
    system, asked = (message.content for message in engine.asked[1][0])
    assert system.startswith("You are BRICK") and "Sums alone." in system and "savings withdraw: 30" in asked
    story = "(Account getSlot: #withdraw:) story"
    gates = last(worker, f"({story} at: 'gates') collect: [:each | each at: 'gate']").printed
    assert "'review by brick'" in gates and last(worker, f"{story} at: 'model'").printed == "'script'"
    assert last(worker, "(Account getSlot: #deposit:) story isEmpty").printed == "true"


def test_the_policy_auto_asks_for_no_opinion(weave: Weave) -> None:
    engine = Scripted(RIGHT)
    worker, _ = weave(engine, Settings(review=("brick",)))
    assert last(worker, "savings withdraw: 30", policy="auto").error is None and len(engine.asked) == 1


def test_a_persona_speaks_by_the_adapter_that_its_alias_means(weave: Weave) -> None:
    engine = Scripted()
    worker, weaver = weave(engine, Settings(review=("brick",)))
    assert weaver.engine_as(worker, "brick") is engine
    assert last(worker, "CognitiveWeaver alias: #brick to: 'brick@0123456789ab'").error is None
    speaking = weaver.engine_as(worker, "brick")
    assert isinstance(speaking, FacetEngine) and speaking.adapter == "brick@0123456789ab"
    assert weaver.engine_as(worker, "robin") is engine
