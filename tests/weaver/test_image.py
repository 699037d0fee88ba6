"""The CognitiveWeaver in the image: sends that leave it, aliases, rules, errors as exceptions, no transaction open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.image import open_image
from batos.image.history import undo
from batos.interp import Worker
from batos.interp.outside import Answer, Called
from batos.jit.settings import Settings
from batos.jit.weave import Weaver
from batos.jit.weaver.calls import Calls

from ..jit.conftest import last
from .bench import Bench, together


class Home:
    """An image whose CognitiveWeaver asks the bench's servers."""

    def __init__(self, path: Path, bench: Bench) -> None:
        self.bench = bench
        self.image = open_image(path)
        self.calls = Calls(lambda: bench.weaver)
        self.workers: list[Worker] = []
        self.worker = self.another()

    def another(self) -> Worker:
        worker = Worker(self.image, name=f"w{len(self.workers)}")
        worker.outside = self.calls
        self.workers.append(worker)
        return worker

    def value(self, source: str, **more: Any) -> str:
        outcome = last(self.worker, source, **more)
        assert outcome.error is None, outcome.error.message
        assert outcome.printed is not None
        return str(outcome.printed)

    def error(self, source: str, **more: Any) -> str:
        outcome = last(self.worker, source, **more)
        assert outcome.error is not None, outcome.printed
        return str(outcome.error.message)

    def close(self) -> None:
        for worker in self.workers:
            worker.close()
        self.image.close()


@pytest.fixture
def home(fresh_image: Path, bench: Bench) -> Iterator[Home]:
    made = Home(fresh_image, bench)
    yield made
    made.close()


@pytest.fixture
def served_home(fresh_image: Path, server: Bench) -> Iterator[Home]:
    made = Home(fresh_image, server)
    yield made
    made.close()


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- on both engines


def test_a_facet_answers_a_message(home: Home) -> None:
    name = home.bench.names[0]
    home.value("CognitiveWeaver tokens: 6. 1")
    assert home.value(f"CognitiveWeaver facet: '{name}' complete: 'Say hi.'") == quoted(home.bench.expected(name))
    assert home.value("CognitiveWeaver complete: 'Say hi.'") == quoted(home.bench.expected(None))


def test_loading_and_what_is_loaded(home: Home) -> None:
    home.value("CognitiveWeaver load: 'facet1'")
    assert home.value("CognitiveWeaver loaded") == f"('{home.bench.names[1]}' )"
    home.value("CognitiveWeaver unload: 'facet1'")
    assert home.value("CognitiveWeaver loaded") == "( )"
    assert home.value("CognitiveWeaver facets size") == str(len(home.bench.names))


def test_an_alias_flips_in_one_transaction_and_undo_flips_it_back(home: Home) -> None:
    one, two = home.bench.names[:2]
    home.value("CognitiveWeaver tokens: 6. 1")
    assert home.value(f"CognitiveWeaver publish: '{one}' as: #robin") == quoted(one)
    ask = "CognitiveWeaver facet: #robin complete: 'Say hi.'"
    assert home.value(ask) == quoted(home.bench.expected(one))
    home.value(f"CognitiveWeaver publish: '{two}' as: #robin")
    assert home.value(ask) == quoted(home.bench.expected(two))
    undo(home.image, 1)
    assert home.value("CognitiveWeaver named: #robin") == quoted(one)
    assert home.value(ask) == quoted(home.bench.expected(one))


def test_rules_in_the_image_choose_the_facet(home: Home) -> None:
    name = home.bench.names[0]
    home.value(f"CognitiveWeaver tokens: 6; when: [:said | said includesSubstring: 'hi'] use: '{name}'")
    assert home.value("CognitiveWeaver complete: 'Say hi.'") == quoted(home.bench.expected(name))
    assert home.value("CognitiveWeaver facetFor: 'No.'") == "nil"
    home.value("CognitiveWeaver forgetRules. 1")
    assert home.value("CognitiveWeaver complete: 'Say hi.'") == quoted(home.bench.expected(None))


def test_several_facets_are_asked_at_once(home: Home) -> None:
    names = home.bench.names[:2]
    home.value("CognitiveWeaver tokens: 6. 1")
    listed = " ".join(quoted(name) for name in names)
    told = " ".join(quoted(home.bench.expected(name)) for name in names)
    assert home.value(f"CognitiveWeaver facets: #({listed}) complete: 'Say hi.'") == f"({told} )"


def test_what_is_not_there_is_an_exception_that_can_be_handled(home: Home) -> None:
    assert "there is no facet nobody" in home.error("CognitiveWeaver facet: #nobody complete: 'hi'")
    handled = "[CognitiveWeaver load: #nobody] on: AdapterUnknown do: [:e | e return: e code]"
    assert home.value(handled) == "'adapter-unknown'"
    assert home.value("[CognitiveWeaver load: #nobody] on: ModelError do: [:e | e resume: 3]") == "3"
    assert "a facet's name is" in home.error("CognitiveWeaver load: '../../etc'")
    assert "an alias is 1 to 51" in home.error("CognitiveWeaver alias: 'a@b' to: 'c'")
    assert "lies outside" in home.error("CognitiveWeaver publish: '/etc' as: #robin")
    assert "temperature is a number" in home.error("CognitiveWeaver clone temperature: -1; complete: 'hi'")
    assert "a prompt is a text, or" in home.error("CognitiveWeaver complete: Object")
    assert "cannot be sent outside" in home.error("CognitiveWeaver clone tokens: Object; complete: 'x'")
    assert "Associations" in home.error("CognitiveWeaver complete: {#nobody -> 'x'}")


# --- on a server, where it can be seen what was asked


def test_nothing_is_kept_open_while_the_model_thinks(served_home: Home) -> None:
    """Another worker writes what the asking statement reads, meanwhile; the statement then sees it and conflicts with
    nobody, and the model was asked once."""
    home, double = served_home, served_home.bench.double
    assert double is not None
    home.value("Smalltalk at: #Seen put: 1")
    double.hold.clear()
    found: list[Any] = []
    asking = threading.Thread(
        target=lambda: found.append(
            last(home.worker, "Smalltalk at: #Seen put: Seen * 10. CognitiveWeaver complete: 'Say hi.'. Seen")
        )
    )
    asking.start()
    while not double.count("/v1/chat/completions"):
        threading.Event().wait(0.01)
    other = home.another()
    assert last(other, "Smalltalk at: #Seen put: 7").error is None
    double.hold.set()
    asking.join(60)
    assert found[0].error is None
    assert double.count("/v1/chat/completions") == 1


def test_a_statement_is_told_again_with_each_answer_and_its_effects_happen_once(served_home: Home) -> None:
    home, double = served_home, served_home.bench.double
    assert double is not None
    home.value("Smalltalk at: #Log put: OrderedCollection new")
    source = "#('a' 'b' 'a') do: [:each | Transcript showCr: each. Log add: (CognitiveWeaver complete: each)]"
    outcome = last(home.worker, source)
    assert outcome.error is None
    assert outcome.transcript == "a\nb\na\n"
    said = " ".join(f"'smollm2 says: {each}'" for each in "aba")
    assert home.value("Log") == f"OrderedCollection ({said} )"
    assert double.count("/v1/chat/completions") == 3, "the second 'a' is a question of its own"


def test_the_same_statement_again_asks_again(served_home: Home) -> None:
    double = served_home.bench.double
    assert double is not None
    for _ in range(2):
        served_home.value("CognitiveWeaver complete: 'a'. CognitiveWeaver complete: 'a'")
    assert double.count("/v1/chat/completions") == 4


def test_a_conflict_asks_nobody_twice(served_home: Home) -> None:
    home, double = served_home, served_home.bench.double
    assert double is not None
    home.value("Smalltalk at: #Count put: (Object clone setSlot: 'n' value: 0; yourself)")
    workers = [home.another() for _ in range(4)]
    source = "Count n: Count n + (CognitiveWeaver complete: 'x') size"
    found = together(4, lambda number: last(workers[number], source))
    assert [outcome.error for outcome in found] == [None] * 4
    assert home.value("Count n") == str(4 * len("smollm2 says: x"))
    assert double.count("/v1/chat/completions") == 4


def test_a_server_that_is_down_is_a_model_down(served_home: Home) -> None:
    double = served_home.bench.double
    assert double is not None
    served_home.bench.weaver._patience = 0.2
    double.stop()
    source = "[CognitiveWeaver complete: 'x'] on: ModelDown do: [:e | e return: e code]"
    assert served_home.value(source) == "'engine-down'"
    assert served_home.value("3 + 4") == "7"


def test_what_is_asked_can_be_cancelled(served_home: Home) -> None:
    home, double = served_home, served_home.bench.double
    assert double is not None
    double.hold.clear()
    found: list[Any] = []
    asking = threading.Thread(target=lambda: found.append(last(home.worker, "CognitiveWeaver complete: 'Say hi.'")))
    asking.start()
    while not double.count("/v1/chat/completions"):
        threading.Event().wait(0.01)
    assert home.calls.cancel() == 1
    asking.join(30)
    assert found[0].error.code == "interrupted"
    double.hold.set()


def test_options_and_turns_reach_the_server(served_home: Home) -> None:
    home, double = served_home, served_home.bench.double
    assert double is not None
    home.value(
        "(CognitiveWeaver clone temperature: 0.5; tokens: 9; seed: 3; system: 'Be brief.') "
        "facet: nil complete: {#user -> 'a'. #assistant -> 'b'. #user -> 'c'}"
    )
    body = double.asked[-1][1]
    assert (body["temperature"], body["max_tokens"], body["seed"]) == (0.5, 9, 3)
    assert [turn["content"] for turn in body["messages"]] == ["Be brief.", "a", "b", "c"]
    home.value("CognitiveWeaver facet: nil complete: 'Yes?' choosing: #('yes' 'no')")
    assert double.asked[-1][1]["structured_outputs"] == {"grammar": 'root ::= "yes" | "no"\n'}
    home.value("CognitiveWeaver facet: nil complete: 'x' startingWith: 'smollm2 says:'")
    assert double.asked[-1][1]["messages"][-1] == {"role": "assistant", "content": "smollm2 says:"}
    home.value("CognitiveWeaver facet: nil complete: 'x' until: #('.')")
    assert double.asked[-1][1]["stop"] == ["."]


def test_an_answer_held_to_a_schema_is_a_value(served_home: Home) -> None:
    home, double = served_home, served_home.bench.double
    assert double is not None
    source = "CognitiveWeaver facet: nil complete: 'x' schema: (Dictionary new at: 'type' put: 'object'; yourself)"
    assert "not JSON" in home.error(source)  # the double holds to no schema
    assert double.asked[-1][1]["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_an_atomic_program_and_a_worker_without_a_weaver_say_that_they_cannot(served_home: Home) -> None:
    home = served_home
    outcomes = home.worker.evaluate("1. CognitiveWeaver facets", atomic=True)
    assert "nothing outside the image can be asked from here" in outcomes[-1].error.message
    bare = Worker(home.image, name="bare")
    try:
        assert "nothing outside" in last(bare, "CognitiveWeaver facets").error.message
    finally:
        bare.close()


def test_a_fault_of_ours_costs_nobody_the_session(served_home: Home) -> None:
    assert "does not know how to 'fly'" in served_home.error("CognitiveWeaver outside: 'fly' with: #()")
    assert "it failed: " in served_home.error("CognitiveWeaver outside: 'load' with: #()")
    assert served_home.value("3 + 4") == "7"


def test_a_statement_that_asks_without_end_is_ended(served_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batos.interp.primitives.outside.MAX_CALLS", 5)
    assert "ask outside the image 5 times" in served_home.error("[true] whileTrue: [CognitiveWeaver facets]")


# --- the JIT by the alias


def test_the_jit_asks_by_its_alias_where_a_weaver_is_set(fresh_image: Path, server: Bench) -> None:
    one, two = server.names[:2]
    weaver = Weaver(Settings(weaver=("http://unused",)))
    weaver._facets = server.weaver
    image = open_image(fresh_image)
    worker = Worker(image, name="w", misses=weaver)
    worker.outside = weaver
    try:
        assert weaver.engine_for(worker).adapter is None  # type: ignore[attr-defined]
        for name in (one, two):
            assert last(worker, f"CognitiveWeaver publish: '{name}' as: #jit").error is None
            engine = weaver.engine_for(worker)
            assert engine.adapter == name and engine.style == "tuned"  # type: ignore[attr-defined]
        assert server.double is not None
        last(worker, "Account := Object clone. Account setSlot: 'balance' value: 3. Account double", policy="auto")
        assert last(worker, "Account double", policy="auto").error is not None  # the double writes no Python
        assert {body["model"] for path, body in server.double.asked if path == "/v1/chat/completions"} == {two}
    finally:
        weaver._facets = None
        weaver.close()
        worker.close()
        image.close()


def test_without_the_setting_the_jit_is_as_it_was() -> None:
    weaver = Weaver(Settings())
    try:
        assert weaver.engine_for(None) is weaver.engine and weaver.engine.name == "embedded"  # type: ignore[arg-type]
    finally:
        weaver.close()


def test_an_answer_is_a_value() -> None:
    assert Answer() == Answer(None, "", "", "")
    assert Called("a", ({"x": 1, "y": 2},)).key == Called("a", ({"y": 2, "x": 1},)).key
