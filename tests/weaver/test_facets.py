"""What the CognitiveWeaver does, the same on both engines: answers by the right facet, within the room there is."""

from __future__ import annotations

import threading

import pytest

from batos.jit.engine import Options
from batos.jit.errors import AdapterUnknown, Cancelled, EngineRefused

from .bench import ASK, Bench, together, until


def test_each_facet_answers_as_itself_and_the_base_as_itself(bench: Bench) -> None:
    answers = {name: bench.ask(name) for name in (None, *bench.names[:3])}
    assert answers == {name: bench.expected(name) for name in answers}
    assert len(set(answers.values())) == 4


def test_facets_beyond_the_room_take_turns_and_every_answer_is_right(bench: Bench) -> None:
    clients = 8 if bench.double else 4
    rounds = 6 if bench.double else 2

    def client(number: int) -> list[tuple[str, str]]:
        turns = [bench.names[(number * 5 + turn * 7) % len(bench.names)] for turn in range(rounds)]
        return [(name, bench.ask(name)) for name in turns]

    for answers in together(clients, client):
        assert not isinstance(answers, Exception), answers
        for name, answer in answers:
            assert answer == bench.expected(name)
    assert len(bench.held()) <= bench.room
    if bench.double:
        assert bench.double.unloaded_while_running == []


def test_many_who_want_one_facet_have_it_loaded_once(bench: Bench) -> None:
    name = bench.names[0]
    assert together(4, lambda _: bench.ask(name)) == [bench.expected(name)] * 4
    assert bench.loads() == 1


def test_the_least_recently_used_makes_room(bench: Bench) -> None:
    for name in bench.names[: bench.room]:
        bench.weaver.load(name)
    bench.ask(bench.names[0])
    bench.ask(bench.names[bench.room])
    assert bench.held() == {bench.names[0], *bench.names[2 : bench.room + 1]}


def test_load_and_unload_are_told_where(bench: Bench) -> None:
    name = bench.names[0]
    where = bench.weaver.load(name)
    assert bench.held() == {name}
    assert bench.weaver.unload(name) == [where]
    assert bench.held() == set()
    with pytest.raises(AdapterUnknown, match="no server holds"):
        bench.weaver.unload(name)


def test_a_facet_is_let_go_only_when_nobody_is_asking_it(bench: Bench) -> None:
    name = bench.names[0]
    writing, go_on = threading.Event(), threading.Event()

    def slowly(piece: str) -> None:
        writing.set()
        go_on.wait(30)

    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(bench.ask(name, on_text=slowly)))
    asking.start()
    assert writing.wait(60)
    if bench.double is None:
        # The engine itself waits in `slowly`; the double's answer waits on the client's loop, which must go on first.
        unloading = threading.Thread(target=lambda: bench.weaver.unload(name))
        unloading.start()
        unloading.join(0.2)
        assert unloading.is_alive(), "it was unloaded under the one who used it"
        go_on.set()
        unloading.join(60)
    go_on.set()
    asking.join(60)
    assert answers == [bench.expected(name)]
    if bench.double:
        assert bench.double.unloaded_while_running == []


def test_what_is_written_comes_piece_by_piece(bench: Bench) -> None:
    pieces: list[str] = []
    name = bench.names[1]
    assert bench.ask(name, on_text=pieces.append) == bench.expected(name) == "".join(pieces)
    assert len(pieces) > 1


def test_a_cancelled_question_ends_and_leaves_the_facet_free(bench: Bench) -> None:
    name = bench.names[0]
    cancelled = threading.Event()
    long = Options(max_tokens=1500, temperature=1.0)
    if bench.double is None:
        with pytest.raises(Cancelled):
            bench.weaver.complete(name, ASK, long, lambda piece: cancelled.set(), cancelled)
    else:
        double = bench.double
        double.hold.clear()

        def cancel() -> None:
            until(lambda: double.count("/v1/chat/completions") == 1)
            cancelled.set()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(Cancelled):
            bench.weaver.complete(name, ASK, long, None, cancelled)
        canceller.join()
        double.hold.set()
    assert bench.weaver.unload(name)
    assert bench.weaver.figures.facet(name).cancelled == 1
    assert bench.ask(None) == bench.expected(None)


def test_what_is_not_there_is_said_with_what_is(bench: Bench) -> None:
    with pytest.raises(AdapterUnknown, match="there is no facet nobody; there are: facet0@"):
        bench.weaver.library.resolve("nobody")
    with pytest.raises((AdapterUnknown, EngineRefused), match="no adapter"):
        bench.ask("nobody@0123456789ab")
    for word in ("", "a" * 65, "../etc", "A", "a b", "a/b"):
        with pytest.raises(AdapterUnknown, match="1 to 64 of a-z"):
            bench.weaver.library.resolve(word)


def test_what_was_done_is_counted(bench: Bench) -> None:
    first, second = bench.names[:2]
    for name in (first, first, second):
        bench.ask(name)
    told = bench.weaver.status()
    (counts,) = told["figures"]["servers"].values()
    assert (counts["loads"], counts["hits"], counts["waits"]) == (2, 1, 2)
    facet = told["figures"]["facets"][first]
    assert facet["requests"] == sum(facet["took"]) == 2 and facet["tokens"] > 0 and facet["seconds"] > 0
    (server,) = told["servers"]
    assert server["state"] == "up" and server["room"] == bench.room and set(server["held"]) == {first, second}
