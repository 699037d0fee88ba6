"""When things go wrong: the server is down, dies, restarts, is full, refuses; each of its error answers by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batos.jit.errors import (
    AdapterHeld,
    AdapterMissing,
    AdapterRefused,
    AdapterUnknown,
    EngineDown,
    EngineFull,
    EngineProblem,
    EngineRefused,
    RankTooHigh,
)
from batos.jit.http_client import HttpClient, place_of
from batos.jit.weaver.cognitive import CognitiveWeaver
from batos.jit.weaver.health import FIRST, LONGEST, Health
from batos.jit.weaver.library import Library
from batos.jit.weaver.vllm import VllmLink

from ..serving.double import Double
from ..serving.facets import put, small_lora, tiny_base
from .bench import ASK, SHORT, Bench, facets, link_to, once, served, together, until


@contextmanager
def impatient(tmp_path: Path, patience: float = 0.3) -> Iterator[Bench]:
    made = served(tmp_path, patience=patience)
    yield made
    for close in made.close:
        close()


def test_a_server_that_is_down_is_said_in_one_line_that_helps(tmp_path: Path) -> None:
    with impatient(tmp_path) as bench:
        assert bench.double is not None
        bench.double.stop()
        started = time.monotonic()
        with pytest.raises(EngineDown, match=r"does not answer.*batos serve-model"):
            bench.ask(bench.names[0])
        assert time.monotonic() - started < 10


def test_who_comes_after_the_circuit_is_open_is_told_at_once(tmp_path: Path) -> None:
    with impatient(tmp_path, patience=0.5) as bench:
        assert bench.double is not None
        bench.ask(bench.names[0])
        bench.double.stop()
        with pytest.raises(EngineDown):
            bench.ask(bench.names[0])
        started = time.monotonic()
        found = together(8, lambda _: bench.ask(bench.names[0]))
        assert all(isinstance(problem, EngineDown) for problem in found)
        assert time.monotonic() - started < 0.5, "each of them waited as if it were the first"
        bench.double.start()
        until(lambda: bench.weaver.status(wait=0)["servers"][0]["state"] == "up")
        assert bench.ask(bench.names[0]) == bench.expected(bench.names[0])


def test_a_server_killed_in_the_middle_and_restarted_fails_nobody_who_can_wait(server: Bench) -> None:
    double = server.double
    assert double is not None
    going = threading.Event()

    def client(number: int) -> list[tuple[str, str]]:
        answers = []
        for turn in range(12):
            name = server.names[(number * 5 + turn * 7) % 12]
            answers.append((name, server.ask(name)))
            if turn == 2:
                going.set()
        return answers

    def kill() -> None:
        going.wait(30)
        double.stop()
        assert double.loaded == {}
        double.start()

    killer = threading.Thread(target=kill)
    killer.start()
    found = together(8, client)
    killer.join()
    for answers in found:
        assert not isinstance(answers, Exception), answers
        assert [answer for _, answer in answers] == [server.expected(name) for name, _ in answers]
    assert double.unloaded_while_running == []
    assert server.weaver.status()["servers"][0]["state"] == "up"


def test_what_breaks_off_in_the_middle_of_a_shown_answer_is_not_told_twice(server: Bench) -> None:
    assert server.double is not None
    pieces: list[str] = []
    double = server.double

    def break_off(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 1:
            double.stop()
            double.start()

    try:
        text = server.ask(server.names[0], on_text=break_off)
    except EngineDown as problem:
        assert "broke off" in str(problem)
    else:  # all of it was in the socket's buffer already
        assert text == "".join(pieces)
    assert server.ask(server.names[0]) == server.expected(server.names[0])


def test_who_waits_for_a_facet_to_be_let_go_is_told_when_the_whole_server_is_gone(server: Bench) -> None:
    double, name = server.double, server.names[0]
    assert double is not None
    double.hold.clear()
    asking = threading.Thread(target=server.ask, args=(name,))
    asking.start()
    until(lambda: double.count("/v1/chat/completions") == 1)
    unloading = threading.Thread(target=server.weaver.unload, args=(name,))
    unloading.start()
    until(lambda: server.weaver.status(wait=0)["servers"][0]["held"][name]["state"] == "leaving")
    double.stop()
    double.start()
    for thread in (asking, unloading):
        thread.join(30)
        assert not thread.is_alive()


def test_an_adapter_that_somebody_unloaded_is_loaded_again(server: Bench) -> None:
    assert server.double is not None
    name = server.names[0]
    server.ask(name)
    server.double.loaded.clear()
    assert server.ask(name) == server.expected(name)
    assert server.loads() == 2


def test_an_adapter_that_somebody_loaded_is_used_and_may_be_let_go(server: Bench) -> None:
    assert server.double is not None
    for name in server.names[:5]:  # one more than there is room
        server.double.loaded[name] = "/elsewhere"
    assert server.ask(server.names[0]) == server.expected(server.names[0])
    assert server.loads() == 0
    server.ask(server.names[6])
    assert len(server.held()) == 4 and server.names[6] in server.held()


@pytest.mark.parametrize("trouble", [[503], [429, 503], ["cut"], [500, "cut"]])
def test_what_passes_is_tried_again(server: Bench, trouble: list[int | str]) -> None:
    assert server.double is not None
    server.ask(server.names[0])
    server.double.trouble = list(trouble)
    assert server.ask(server.names[0]) == server.expected(server.names[0])


def test_a_server_that_stays_full_says_so(server: Bench) -> None:
    assert server.double is not None
    server.double.trouble = [503] * 4
    with pytest.raises(EngineFull, match="ask again later"):
        server.ask(None)
    assert server.ask(None) == server.expected(None)


def test_a_load_that_passes_is_tried_again_and_one_failure_is_everybodys(server: Bench) -> None:
    assert server.double is not None
    server.double.load_trouble = [503]
    assert server.ask(server.names[0]) == server.expected(server.names[0])
    server.double.load_trouble = ["cut"]
    assert server.ask(server.names[1]) == server.expected(server.names[1])


def test_a_wrong_key_is_refused_and_said(server: Bench, tmp_path: Path) -> None:
    double = server.double
    assert double is not None
    weaver = CognitiveWeaver(
        server.weaver.library, once(lambda http: [link_to(double, http, tmp_path, key="wrong")]), patience=5
    )
    try:
        for name in (None, server.names[0]):
            with pytest.raises(EngineRefused, match="refuses the key; set BATOS_MODEL_KEY"):
                weaver.complete(name, ASK, SHORT)
    finally:
        weaver.close()


def test_a_server_that_takes_too_long_is_left(tmp_path: Path) -> None:
    with Double(key="secret") as double:
        names = facets(tmp_path / "adapters", 1)
        library = Library([tmp_path / "adapters"])
        weaver = CognitiveWeaver(library, once(lambda http: [link_to(double, http, tmp_path, timeout=0.3)]), patience=5)
        double.hold.clear()
        try:
            with pytest.raises(EngineDown, match=r"took longer than 0\.3 s"):
                weaver.complete(names[0], ASK, SHORT)
            double.hold.set()
            assert weaver.complete(names[0], ASK, SHORT).text.startswith(names[0])
        finally:
            weaver.close()


# --- each of the server's error answers by name


@pytest.fixture
def link(server: Bench, tmp_path: Path) -> Iterator[tuple[HttpClient, VllmLink]]:
    http = HttpClient()
    assert server.double is not None
    yield http, link_to(server.double, http, tmp_path)
    http.close()


def test_each_error_answer_of_the_server_has_its_name(
    server: Bench, link: tuple[HttpClient, VllmLink], tmp_path: Path
) -> None:
    http, there = link
    name = server.names[0]
    folder = server.weaver.library.peft(name, tiny_base())
    http.call(there.names())
    http.call(there.load_once(name, folder))
    with pytest.raises(AdapterHeld, match="already"):
        http.call(there.load_once(name, folder))
    with pytest.raises(AdapterMissing, match="finds no adapter"):
        http.call(there.load_once("gone@0123456789ab", tmp_path / "gone"))
    big = put(tmp_path / "big", "big", small_lora(tiny_base(), rank=32))
    with pytest.raises(RankTooHigh, match=r"rank 32.*--max-lora-rank"):
        http.call(there.load_once(big, Library([tmp_path / "big"]).peft(big, tiny_base(), max_rank=64)))
    with pytest.raises(AdapterUnknown, match="does not hold"):
        http.call(there.unload_once("gone@0123456789ab"))
    codes = {AdapterHeld.code, AdapterMissing.code, RankTooHigh.code, AdapterUnknown.code, AdapterRefused.code}
    assert len(codes) == 5


def test_an_adapter_is_looked_at_before_the_server_is_told(server: Bench, tmp_path: Path) -> None:
    """Rank, shape and place: none of these reaches the server."""
    adapters = tmp_path / "adapters"
    big = put(adapters, "big", small_lora(tiny_base(), rank=32))
    with pytest.raises(AdapterRefused, match="rank 32"):
        server.ask(big)
    cut = server.names[1]
    path = adapters / f"{cut}.gguf"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(AdapterRefused, match="not the file its card describes"):
        server.ask(cut)
    outside = server.names[2]
    folder = server.weaver.library.peft(outside, tiny_base())
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AdapterRefused, match="outside"):
        server.ask(outside)
    assert server.loads() == 0


def test_a_server_whose_base_is_not_known_is_given_nothing(server: Bench) -> None:
    double = server.double
    assert double is not None
    place = place_of(double.url, "secret")
    weaver = CognitiveWeaver(server.weaver.library, once(lambda http: [VllmLink(http, lambda: place)]))
    try:
        with pytest.raises(AdapterRefused, match="BATOS_WEAVER_BASE"):
            weaver.complete(server.names[0], ASK, SHORT)
        assert weaver.complete(None, ASK, SHORT).text == server.expected(None)
    finally:
        weaver.close()


def test_no_server_at_all_is_said(tmp_path: Path) -> None:
    weaver = CognitiveWeaver(Library([tmp_path]), lambda http: [])
    try:
        with pytest.raises(EngineDown, match="no server is there"):
            weaver.complete(None, ASK)
    finally:
        weaver.close()


# --- several servers


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[CognitiveWeaver, list[Double], list[str]]]:
    doubles = [Double(key="secret").start(), Double(key="secret").start()]
    names = facets(tmp_path / "adapters", 4)
    library = Library([tmp_path / "adapters"])
    links = once(lambda http: [link_to(each, http, tmp_path) for each in doubles])
    weaver = CognitiveWeaver(library, links, patience=5)
    yield weaver, doubles, names
    weaver.close()
    for double in doubles:
        double.stop()


def test_a_request_goes_where_its_facet_is(two: Any) -> None:
    weaver, doubles, names = two
    doubles[1].loaded[names[0]] = "/there"
    for _ in range(5):
        weaver.complete(names[0], ASK, SHORT)
    assert [double.count("/v1/chat/completions") for double in doubles] == [0, 5]
    assert [double.count("/v1/load_lora_adapter") for double in doubles] == [0, 0]


def test_what_one_server_has_too_much_of_goes_to_the_other(two: Any) -> None:
    weaver, doubles, names = two
    for double in doubles:
        double.hold.clear()
    asking = [threading.Thread(target=weaver.complete, args=(None, ASK, SHORT)) for _ in range(8)]
    for thread in asking:
        thread.start()
    until(lambda: sum(double.count("/v1/chat/completions") for double in doubles) == 8)
    assert [double.count("/v1/chat/completions") for double in doubles] == [4, 4]
    for double in doubles:
        double.hold.set()
    for thread in asking:
        thread.join(30)


def test_when_one_server_is_gone_the_other_answers(two: Any) -> None:
    weaver, doubles, names = two
    weaver.complete(names[0], ASK, SHORT)
    gone = 0 if doubles[0].loaded else 1
    doubles[gone].stop()
    found = together(6, lambda number: weaver.complete(names[number % 4], ASK, SHORT).text)
    assert not [each for each in found if isinstance(each, Exception)], found
    states = {server["name"]: server["state"] for server in weaver.status(wait=0)["servers"]}
    assert states[doubles[1 - gone].url.removeprefix("http://")] == "up"


def test_closing_ends_what_is_under_way(tmp_path: Path) -> None:
    bench = served(tmp_path)
    assert bench.double is not None
    bench.double.hold.clear()
    found: list[BaseException] = []

    def ask() -> None:
        try:
            bench.ask(bench.names[0])
        except EngineProblem as problem:
            found.append(problem)
        except Exception as problem:
            found.append(problem)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: bench.double is not None and bench.double.count("/v1/chat/completions") == 1)
    bench.weaver.close()
    asking.join(10)
    assert not asking.is_alive() and len(found) == 1
    bench.double.stop()


def test_pauses_grow_and_are_bounded() -> None:
    health = Health()
    assert not health.open
    health.failed("refused")
    assert not health.open, "one failure is none: a kept connection may have been closed"
    health.failed("refused")
    assert health.open and health.reason == "refused"
    pauses = [max(health.pause(attempt) for _ in range(200)) for attempt in range(12)]
    assert FIRST / 2 <= pauses[0] <= FIRST and pauses[11] <= LONGEST
    assert pauses[6] > 4 * pauses[0]
    health.ok()
    assert not health.open
