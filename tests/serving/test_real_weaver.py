"""The CognitiveWeaver on the real vLLM: facets rotated by many clients, a server killed in the middle, error answers by
name, an alias that flips, and a message from the REPL seen in the server's own log and metrics."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from batos.bridge.client import Client
from batos.jit.adapter import shipped_adapter
from batos.jit.engine import Message, Options
from batos.jit.errors import AdapterHeld, AdapterMissing, AdapterUnknown, EngineProblem, RankTooHigh
from batos.jit.http_client import HttpClient, Place
from batos.jit.serving.base import read_base_shape
from batos.jit.serving.forms import peft_folder
from batos.jit.serving.servers import Server
from batos.jit.settings import read_settings
from batos.jit.weaver.cognitive import CognitiveWeaver
from batos.jit.weaver.opening import open_weaver
from batos.jit.weaver.vllm import VllmLink

from .facets import put, small_lora
from .real import started_again
from .train_twelve import FOLDER as TWELVE
from .train_twelve import TRIED

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(1200)]
SHORT = Options(max_tokens=8)


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    """A library of the test's own, with the twelve."""
    return Path(shutil.copytree(TWELVE, tmp_path / "adapters"))


@pytest.fixture
def names(adapters: Path) -> list[str]:
    return sorted(path.stem for path in adapters.glob("*.gguf"))


def no_model() -> Any:
    raise AssertionError("no embedded model was asked for")


def environ_of(server: Server, adapters: Path) -> dict[str, str]:
    return {"BATOS_WEAVER": f"{server.url}={server.key_file}", "BATOS_ADAPTERS": str(adapters)}


@pytest.fixture
def weaver(real_server: Server, adapters: Path) -> Iterator[CognitiveWeaver]:
    """On a server that holds nothing at first."""
    settings = replace(read_settings(environ_of(real_server, adapters)), patience=240.0)
    made = open_weaver(settings, no_model)
    for server in made.status()["servers"]:
        for name in server["held"]:
            made.unload(name)
    yield made
    made.close()


def own_name(adapter: str) -> str:
    return adapter.partition("@")[0].capitalize() + "."


def rotate(
    weaver: CognitiveWeaver, names: list[str], turns: int, on_answer: Callable[[], None] = lambda: None
) -> list[Any]:
    """Eight clients, each asking facet after facet; what each was answered, or its problem."""

    def client(number: int) -> list[tuple[str, str]]:
        said = []
        for turn in range(turns):
            name = names[(number * 5 + turn * 7) % len(names)]
            question = TRIED[(number + turn) % len(TRIED)]
            said.append((name, weaver.complete(name, [Message("user", question)], SHORT).text.strip()))
            on_answer()
        return said

    def guarded(number: int) -> Any:
        try:
            return client(number)
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(guarded, range(8)))


def test_twelve_facets_and_eight_clients_within_room_for_four(weaver: CognitiveWeaver, names: list[str]) -> None:
    assert len(names) == 12
    all_said = rotate(weaver, names, 6)
    for said in all_said:
        assert not isinstance(said, Exception), said
        assert [answer for _, answer in said] == [own_name(name) for name, _ in said]
    assert {name for said in all_said for name, _ in said} == set(names)
    status = weaver.status()
    (server,) = status["servers"]
    assert server["room"] == 4 and len(server["held"]) <= 4
    counted = status["figures"]
    assert sum(facet["errors"] for facet in counted["facets"].values()) == 0


def test_killed_in_the_middle_requests_wait_and_come_through(
    weaver: CognitiveWeaver, names: list[str], real_server: Server, vllm_folder: Path
) -> None:
    answered = threading.Semaphore(0)

    def kill() -> None:
        for _ in range(8):
            assert answered.acquire(timeout=120)
        os.kill(real_server.server_pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    started = time.monotonic()
    all_said = rotate(weaver, names, 5, answered.release)
    killer.join()
    assert time.monotonic() - started < 600
    for said in all_said:
        # An answer that was being written when the server died may be lost, and says so; nothing hangs, nobody is
        # answered by another facet.
        assert isinstance(said, (list, EngineProblem)), said
        if isinstance(said, list):
            assert [answer for _, answer in said] == [own_name(name) for name, _ in said]
    started_again(vllm_folder, real_server)
    assert weaver.complete(names[0], [Message("user", TRIED[0])], SHORT).text.strip() == own_name(names[0])


def test_each_error_answer_is_met_by_name(real_server: Server, adapters: Path, names: list[str]) -> None:
    shape = read_base_shape(Path(real_server.model))
    name, folder = names[0], peft_folder(adapters, names[0], shape)
    big = put(adapters, "big", small_lora(shape, rank=32))
    too_big = peft_folder(adapters, big, shape)
    http = HttpClient()
    link = VllmLink(http, lambda: Place(real_server.url, real_server.key()))
    try:
        http.call(link.unload(name))
        http.call(link.load_once(name, folder))
        with pytest.raises(AdapterHeld, match="holds amber@"):
            http.call(link.load_once(name, folder))
        with pytest.raises(RankTooHigh, match="LoRA rank 32 is greater than max_lora_rank 16"):
            http.call(link.load_once(big, too_big))
        with pytest.raises(AdapterMissing, match="No adapter found for"):
            http.call(link.load_once("gone@0123456789ab", adapters / "gone@0123456789ab"))
        with pytest.raises(AdapterUnknown, match="does not hold gone@"):
            http.call(link.unload_once("gone@0123456789ab"))
        assert name in http.call(link.names())  # it goes on
    finally:
        http.close()


def test_after_an_alias_flips_answers_are_those_of_a_cold_server(
    fresh_image: Path, real_server: Server, vllm_folder: Path, adapters: Path, names: list[str]
) -> None:
    shipped = shipped_adapter()
    assert shipped is not None
    for path in (shipped.path, shipped.path.with_suffix(".json")):
        shutil.copy(path, adapters)
    ask = "CognitiveWeaver tokens: 24; facet: #speaker complete: 'Explain what an account is, in one sentence.'"

    def speak(*messages: str) -> list[str]:
        return [run_batos(real_server, adapters, fresh_image, message) for message in messages]

    first, before, second, after, again = speak(
        f"CognitiveWeaver alias: #speaker to: '{names[0]}'", ask,
        f"CognitiveWeaver alias: #speaker to: '{shipped.name}'", ask, ask,
    )  # fmt: skip
    assert names[0] in first and shipped.name in second
    assert before == "'Amber.'" and after == again != before
    os.kill(real_server.server_pid, signal.SIGKILL)  # cold: nothing is loaded, nothing is cached
    started_again(vllm_folder, real_server)
    assert run_batos(real_server, adapters, fresh_image, ask) == after


def run_batos(server: Server, adapters: Path, image: Path, message: str, command: str = "eval") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "batos.cli", "-i", str(image), command, message],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environ_of(server, adapters), "BATOS_WEAVER_PATIENCE": "240"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_load_sent_from_the_repl_is_seen_in_the_servers_log_and_metrics(
    fresh_image: Path, real_server: Server, adapters: Path
) -> None:
    shape = read_base_shape(Path(real_server.model))
    name = put(adapters, "test_lora", small_lora(shape, seed=int(time.time()) % 1000, rank=4))
    asked_for = f"name '{name}'"
    log = Path(real_server.log)
    assert f"Loaded new LoRA adapter: {asked_for}" not in log.read_text()
    running = f'running_lora_adapters="{name}"'
    seen = threading.Event()

    def look() -> None:
        headers = {"Authorization": f"Bearer {real_server.key()}"}
        with httpx.Client(headers=headers, trust_env=False, timeout=30) as http:
            while not seen.is_set() and not over.is_set():
                if running in http.get(f"{real_server.url}/metrics").text:
                    seen.set()

    over = threading.Event()
    looking = threading.Thread(target=look)
    looking.start()
    repl = subprocess.run(
        [sys.executable, "-m", "batos.cli", "-i", str(fresh_image)],
        input="CognitiveWeaver load: 'test_lora'.\n"
        "CognitiveWeaver loaded.\n"
        "(CognitiveWeaver tokens: 120; facet: 'test_lora' complete: 'Count from one to fifty.') notEmpty.\n",
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environ_of(real_server, adapters)},
    )
    over.set()
    looking.join()
    assert repl.returncode == 0 and name in repl.stdout, repl.stdout + repl.stderr
    assert f"Loaded new LoRA adapter: {asked_for}" in log.read_text()
    assert seen.is_set(), "the server's own metrics never told that the adapter was at work"


def test_the_image_is_whole_when_the_server_is_killed_under_a_kernel(
    fresh_image: Path, real_server: Server, vllm_folder: Path, adapters: Path, names: list[str]
) -> None:
    """Four clients of one kernel add answers to a collection; the server is killed meanwhile. What was acknowledged is
    there, once; what was not says so, in time; nothing else is there."""
    patience = 5.0  # shorter than the server needs: who asks meanwhile is told so
    kernel = subprocess.Popen(
        [sys.executable, "-m", "batos.cli", "-i", str(fresh_image), "kernel", "--workers", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environ_of(real_server, adapters), "BATOS_WEAVER_PATIENCE": str(patience)},
    )
    with kernel:
        assert kernel.stdout is not None
        endpoint = next(word for word in kernel.stdout.readline().split() if word.startswith("ipc://"))
        with Client(endpoint) as client:
            assert client.evaluate("Said := OrderedCollection new").outcomes[0].error is None
        acknowledged: list[str] = []
        refused: list[str] = []
        over = threading.Event()

        def talk(number: int) -> None:
            with Client(endpoint) as client:
                turn = 0
                while not over.is_set():
                    name = names[(number * 3 + turn) % len(names)]
                    turn += 1
                    source = f"Said add: (CognitiveWeaver facet: '{name}' complete: 'Who speaks?')"
                    (outcome,) = client.evaluate(source, workspace=f"talk{number}", timeout=120).outcomes
                    if outcome.error is None:
                        acknowledged.append(str(outcome.printed).strip("'"))
                        assert acknowledged[-1] == own_name(name)
                    else:
                        refused.append(outcome.error.message)
                        assert "does not answer" in refused[-1] or "went away" in refused[-1], refused[-1]
                        over.wait(0.5)

        with ThreadPoolExecutor(4) as pool:
            talking = [pool.submit(talk, number) for number in range(4)]
            try:
                until(lambda: len(acknowledged) >= 8, talking)
                os.kill(real_server.server_pid, signal.SIGKILL)
                before = len(refused)
                until(lambda: len(refused) > before, talking)
                started_again(vllm_folder, real_server)
                after = len(acknowledged)
                until(lambda: len(acknowledged) >= after + 8, talking)
            finally:
                over.set()
        for each in talking:
            each.result()
        with Client(endpoint) as client:
            (size,) = client.evaluate("Said size").outcomes
        kernel.terminate()
    assert int(str(size.printed)) == len(acknowledged)
    check = subprocess.run(
        [sys.executable, "-m", "batos.cli", "-i", str(fresh_image), "image", "check"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert check.returncode == 0 and "ok" in check.stdout, check.stdout + check.stderr


def until(true: Callable[[], object], working: list[Any], seconds: float = 300.0) -> None:
    """Wait for it, but not longer than those work who are to bring it about."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        for each in working:
            if each.done():
                each.result()
        time.sleep(0.05)
