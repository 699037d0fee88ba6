"""`batos weaver`, the kernel's panel and its metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from batos.bridge.client import Client
from batos.bridge.covenant import Metrics, WeaverCommand
from batos.cli import main

from ..kernel.conftest import KernelProcess
from ..serving.double import Double
from ..serving.facets import TINY, put, small_lora, tiny_base
from .bench import facets, model_folder


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """A server that the settings name, and an empty home for everything else."""
    with Double(key="secret") as server:
        monkeypatch.setenv("BATOS_WEAVER", server.url)
        monkeypatch.setenv("BATOS_MODEL_KEY", "secret")
        monkeypatch.setenv("BATOS_WEAVER_BASE", str(model_folder(tmp_path / "model", TINY)))
        monkeypatch.setenv("BATOS_ADAPTERS", str(tmp_path / "adapters"))
        monkeypatch.setenv("BATOS_SERVING", str(tmp_path / "serving"))
        monkeypatch.setenv("HOME", str(tmp_path))
        yield server


def batos(image: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["-i", str(image), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_from_an_adapter_in_a_file_to_its_answer(double: Double, fresh_image: Path, tmp_path: Path) -> None:
    made = put(tmp_path / "made", "draft", small_lora(tiny_base()))
    told = batos(fresh_image, "weaver", "publish", str(tmp_path / "made" / f"{made}.gguf"), "robin")
    name = f"robin@{made.partition('@')[2]}"
    assert told == f"robin means {name}\n"
    assert batos(fresh_image, "weaver", "ask", "robin", "hi") == f"{name} says: hi\n"
    assert batos(fresh_image, "weaver", "load", "robin").startswith("robin is held by 127.0.0.1:")
    assert batos(fresh_image, "weaver", "alias") == f"robin means {name}\n"
    assert name in batos(fresh_image, "weaver", "facets")
    assert f"holds  1 of 4: {name}" in batos(fresh_image, "weaver", "status")
    assert batos(fresh_image, "weaver", "unload", "robin") == "robin is let go\n"
    batos(fresh_image, "weaver", "alias", "robin", "--remove")
    assert batos(fresh_image, "weaver", "alias") .startswith("no word means an adapter")
    assert "answers" in batos(fresh_image, "weaver", "bench", "--facet", name, "--requests", "6")


def test_what_cannot_be_is_one_line(double: Double, fresh_image: Path) -> None:
    for arguments in (("load", "nobody"), ("ask", "nobody", "hi"), ("alias", "x", "nobody"), ("bench", "--facet", "n")):
        result = CliRunner().invoke(main, ["-i", str(fresh_image), "weaver", *arguments])
        assert (result.exit_code, result.output.count("\n")) == (1, 1) and "there is no" in result.output


def test_a_kernel_tells_its_weaver_in_its_panel_and_in_its_metrics(
    double: Double, fresh_image: Path, tmp_path: Path
) -> None:
    one, two = facets(tmp_path / "adapters", 2)
    kernel = KernelProcess(fresh_image)
    try:
        with Client(kernel.endpoint) as client:
            told = client.evaluate(f"CognitiveWeaver publish: '{one}' as: #robin. CognitiveWeaver load: #robin")
            assert not told.failed
            assert ("/v1/load_lora_adapter", one) in [(path, body.get("lora_name")) for path, body in double.asked]
            for name in ("robin", "robin", two):
                answer = client.evaluate(f"CognitiveWeaver facet: '{name}' complete: 'hi'").outcomes[-1]
                assert answer.printed == f"'{one if name == 'robin' else two} says: hi'"
            panel = client.call(WeaverCommand()).data
            assert panel["aliases"] == {"robin": one} and panel["totals"]["loads"] == 2
            robin = next(each for each in panel["facets"] if each["name"] == one)
            assert (robin["requests"], robin["aliases"]) == (2, ["robin"])
            assert robin["servers"] == [panel["servers"][0]["name"]]
            assert json.loads(json.dumps(panel)) == panel
            text = client.call(Metrics()).data
    finally:
        kernel.kill()
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["batos_weaver_requests_total", (("facet", one),)] == 2
    assert samples["batos_weaver_answer_seconds_count", (("facet", two),)] == 1
    server = (("server", panel["servers"][0]["name"]),)
    assert samples["batos_weaver_loads_total", server] == 2 and samples["batos_weaver_server_up", server] == 1


def test_before_there_is_an_image_the_library_and_the_servers_are_told(tmp_path: Path, double: Double) -> None:
    nowhere = tmp_path / "nowhere.fs"
    assert "rules    0" in batos(nowhere, "weaver", "status")
    assert "jit@" in batos(nowhere, "weaver", "facets")
    assert "no word means an adapter" in batos(nowhere, "weaver", "alias")
    assert not nowhere.exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "it has no adapter_config.json"),
        ({"adapter_config.json": "{}"}, "it has no adapter_model.safetensors"),
        ({"adapter_config.json": "x", "adapter_model.safetensors": "y"}, "that is no JSON"),
        ({"adapter_config.json": '{"peft_type": "LORA", "r": 8, "lora_alpha": 8, "target_modules": []}',
          "adapter_model.safetensors": "y"}, "no whole safetensors file"),
    ],
)  # fmt: skip
def test_what_is_no_adapter_is_not_published(
    tmp_path: Path, double: Double, fresh_image: Path, files: dict[str, str], says: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    result = CliRunner().invoke(main, ["-i", str(fresh_image), "weaver", "publish", str(source), "robin"])
    assert result.exit_code == 1 and says in result.output
    assert list((tmp_path / "adapters").iterdir()) == []


def test_a_file_that_is_no_adapter_is_not_published(tmp_path: Path, double: Double, fresh_image: Path) -> None:
    result = CliRunner().invoke(main, ["-i", str(fresh_image), "weaver", "publish", "/dev/zero", "robin"])
    assert result.exit_code == 1 and "/dev/zero is no adapter" in result.output


@pytest.mark.parametrize("word", ["../x", "Robin", "a" * 52, "", "-x", "r@b"])
def test_a_word_that_is_no_name_becomes_no_alias(double: Double, fresh_image: Path, word: str) -> None:
    result = CliRunner().invoke(main, ["-i", str(fresh_image), "eval", f"CognitiveWeaver alias: '{word}' to: 'x@y'"])
    assert result.exit_code == 1 and "an alias is 1 to 51 of a-z" in result.output
