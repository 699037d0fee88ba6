"""The double has vLLM's manners: test_real_server.py asks the real one the same, and expects the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from batos.jit.serving.forms import peft_folder

from .double import MODEL, Double
from .facets import put, small_lora, tiny_base
from .manners import Manners


@pytest.fixture
def double() -> Iterator[Double]:
    with Double(key="secret") as server:
        yield server


class TestManners(Manners):
    @pytest.fixture
    def client(self, double: Double) -> Iterator[httpx.Client]:
        headers = {"Authorization": "Bearer secret"}
        with httpx.Client(base_url=double.url, headers=headers, trust_env=False, timeout=10) as client:
            yield client

    @pytest.fixture
    def adapter(self, tmp_path: Path) -> tuple[str, Path]:
        name = put(tmp_path, "robin", small_lora(tiny_base()))
        return name, peft_folder(tmp_path, name, tiny_base())

    @pytest.fixture
    def big_adapter(self, tmp_path: Path) -> tuple[str, Path]:
        name = put(tmp_path, "big", small_lora(tiny_base(), rank=32))
        return name, peft_folder(tmp_path, name, tiny_base())


def test_it_says_that_it_is_a_double(double: Double) -> None:
    reply = httpx.get(f"{double.url}/version", headers={"Authorization": "Bearer secret"}, trust_env=False)
    assert "double" in reply.json()["version"] and "Double" in reply.headers["Server"]


def test_it_dies_and_comes_back_with_nothing_loaded(double: Double, tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer secret"}
    double.loaded["x@0123456789ab"] = str(tmp_path)
    double.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{double.url}/v1/models", headers=headers, trust_env=False)
    double.start()
    reply = httpx.get(f"{double.url}/v1/models", headers=headers, trust_env=False)
    assert [model["id"] for model in reply.json()["data"]] == [MODEL]


def test_trouble_comes_as_ordered(double: Double) -> None:
    double.trouble = [503, "cut"]
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    with httpx.Client(base_url=double.url, headers={"Authorization": "Bearer secret"}, trust_env=False) as client:
        assert client.post("/v1/chat/completions", json=body).status_code == 503
        with pytest.raises(httpx.HTTPError):
            client.post("/v1/chat/completions", json=body)
        assert client.post("/v1/chat/completions", json=body).status_code == 200
