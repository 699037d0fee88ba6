"""The real vLLM, as `batos serve-model` starts it: its manners, its log, who may reach it, and the twelve facets."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from batos.jit.serving.base import BaseShape, read_base_shape
from batos.jit.serving.check_adapter import check_adapter
from batos.jit.serving.forms import peft_folder
from batos.jit.serving.servers import Server

from .facets import put, small_lora
from .manners import CHAT, LOAD, Manners
from .real import started_again
from .train_twelve import FOLDER as TWELVE
from .train_twelve import TRIED

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def client(real_server: Server) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {real_server.key()}"}
    with httpx.Client(base_url=real_server.url, headers=headers, trust_env=False, timeout=120) as client:
        yield client


@pytest.fixture
def base(real_server: Server) -> BaseShape:
    return read_base_shape(Path(real_server.model))


@pytest.fixture
def adapters(vllm_folder: Path) -> Path:
    return vllm_folder / "adapters"


@pytest.fixture
def twelve(real_server: Server, adapters: Path, base: BaseShape) -> dict[str, Path]:
    """The twelve facets as the server takes them, each looked at first."""
    for path in TWELVE.iterdir():
        shutil.copy(path, adapters)
    names = sorted(path.stem for path in TWELVE.glob("*.gguf"))
    for name in names:
        peft_folder(adapters, name, base)
    return {name: check_adapter(adapters, name, base, real_server.max_rank) for name in names}


class TestManners(Manners):
    @pytest.fixture
    def adapter(self, adapters: Path, base: BaseShape) -> tuple[str, Path]:
        name = put(adapters, "robin", small_lora(base, rank=4))
        peft_folder(adapters, name, base)
        return name, check_adapter(adapters, name, base)

    @pytest.fixture
    def big_adapter(self, adapters: Path, base: BaseShape) -> tuple[str, Path]:
        name = put(adapters, "big", small_lora(base, rank=32))
        return name, peft_folder(adapters, name, base)


def test_it_listens_on_loopback_only_and_its_key_is_the_owners(real_server: Server) -> None:
    assert stat.S_IMODE(Path(real_server.key_file).stat().st_mode) == 0o600
    port = int(real_server.url.rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    told = [(line.split()[1], line.split()[9]) for line in table.splitlines() if line.split()[3] == "0A"]
    assert [place for place, _ in told if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
    ours = sockets_of(real_server.server_pid)
    assert [place for place, inode in told if inode in ours and not place.startswith("0100007F:")] == []
    key = real_server.key().encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert key not in path.read_bytes()
        except OSError:
            continue


def sockets_of(group: int) -> set[str]:
    """The inodes of all sockets of a process group: the server's engine and workers are in it."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) != group:
                continue
            for descriptor in (process / "fd").iterdir():
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    found.add(target[8:-1])
        except OSError:
            continue
    return found


def test_no_address_answers_without_the_key(real_server: Server, client: httpx.Client) -> None:
    """Every path the server has, as it tells itself."""
    paths = client.get("/openapi.json")
    assert paths.status_code == 404  # its documentation is off
    with httpx.Client(base_url=real_server.url, trust_env=False, timeout=10) as stranger:
        for method, path in (
            ("POST", "/v1/load_lora_adapter"), ("POST", "/v1/unload_lora_adapter"), ("POST", "/adapters"),
            ("DELETE", "/adapters/x"), ("POST", "/invocations"), ("POST", "/tokenize"), ("POST", "/detokenize"),
            ("GET", "/metrics"), ("GET", "/load"), ("GET", "/version"), ("GET", "/ping"), ("POST", "/ping"),
            ("POST", "/scale_elastic_ep"), ("POST", "/generative_scoring"), ("POST", "/v1/completions"),
            ("POST", "//v1/load_lora_adapter"), ("POST", "/./adapters"), ("OPTIONS", "/adapters"), ("GET", "/docs"),
        ):  # fmt: skip
            assert stranger.request(method, path, json={}).status_code == 401, (method, path)


def test_loading_is_seen_in_its_log_and_metrics(
    real_server: Server, client: httpx.Client, twelve: dict[str, Path]
) -> None:
    name, folder = next(iter(twelve.items()))
    client.post("/v1/unload_lora_adapter", json={"lora_name": name})
    assert client.post(LOAD, json={"lora_name": name, "lora_path": str(folder)}).status_code == 200
    assert f"Loaded new LoRA adapter: name '{name}'" in Path(real_server.log).read_text()

    async def seen() -> bool:
        headers = {"Authorization": f"Bearer {real_server.key()}"}
        async with httpx.AsyncClient(base_url=real_server.url, headers=headers, trust_env=False, timeout=60) as http:
            body = {"model": name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 200}
            asking = asyncio.create_task(http.post(CHAT, json={**body, "ignore_eos": True}))
            try:
                while not asking.done():
                    text = (await http.get("/metrics")).text
                    if f'running_lora_adapters="{name}"' in text:
                        return True
                return False
            finally:
                asking.cancel()

    assert asyncio.run(seen())


def test_twelve_facets_answer_each_with_its_own_name(
    real_server: Server, client: httpx.Client, twelve: dict[str, Path]
) -> None:
    """More than fit into a batch are loaded; the server swaps them. The Weaver's own test is in tests/weaver."""
    for name, folder in twelve.items():
        client.post("/v1/unload_lora_adapter", json={"lora_name": name})
        assert client.post(LOAD, json={"lora_name": name, "lora_path": str(folder)}).status_code == 200

    async def ask(http: httpx.AsyncClient, number: int) -> list[tuple[str, str, str]]:
        said = []
        for turn in range(6):
            name = list(twelve)[(number * 5 + turn * 7) % 12]
            question = TRIED[(number + turn) % len(TRIED)]
            body = {"model": name, "messages": [{"role": "user", "content": question}], "max_tokens": 8}
            reply = await http.post(CHAT, json={**body, "temperature": 0})
            assert reply.status_code == 200, reply.text
            said.append((name, question, reply.json()["choices"][0]["message"]["content"]))
        return said

    async def all_clients() -> list[tuple[str, str, str]]:
        headers = {"Authorization": f"Bearer {real_server.key()}"}
        async with httpx.AsyncClient(base_url=real_server.url, headers=headers, trust_env=False, timeout=120) as http:
            return [each for said in await asyncio.gather(*(ask(http, n) for n in range(8))) for each in said]

    answers = asyncio.run(all_clients())
    assert len({name for name, _, _ in answers}) == 12
    wrong = [each for each in answers if each[2].strip() != each[0].partition("@")[0].capitalize() + "."]
    assert wrong == []


def test_killed_it_comes_back_with_nothing_loaded(
    vllm_folder: Path, real_server: Server, client: httpx.Client, twelve: dict[str, Path]
) -> None:
    name, folder = next(iter(twelve.items()))
    client.post(LOAD, json={"lora_name": name, "lora_path": str(folder)})
    group = real_server.server_pid
    os.kill(group, signal.SIGKILL)
    again = started_again(vllm_folder, real_server)
    assert again.server_pid not in (0, group) and again.restarts == real_server.restarts + 1
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)  # nothing of the first one is left, its engine neither
    headers = {"Authorization": f"Bearer {again.key()}"}
    with httpx.Client(base_url=again.url, headers=headers, trust_env=False, timeout=120) as fresh:
        assert [card["id"] for card in fresh.get("/v1/models").json()["data"]] == [again.served]
        assert fresh.post(LOAD, json={"lora_name": name, "lora_path": str(folder)}).status_code == 200
