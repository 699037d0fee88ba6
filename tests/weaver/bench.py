"""A CognitiveWeaver on either engine, with facets whose answers can be told apart: what the tests stand on.

Served: the double of vLLM, which answers with the name it was asked by. Embedded: llama.cpp with adapters made by hand;
what each of them says is found out first, one after another, by an engine of its own.
"""

from __future__ import annotations

import json
import random
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from batos.jit.embedded import EmbeddedEngine
from batos.jit.engine import Message, Options
from batos.jit.http_client import HttpClient, place_of
from batos.jit.serving.base import base_shape
from batos.jit.serving.forms import Tensor
from batos.jit.weaver.cognitive import CognitiveWeaver
from batos.jit.weaver.library import Library
from batos.jit.weaver.link import Link
from batos.jit.weaver.llama import LlamaLink
from batos.jit.weaver.vllm import VllmLink

from ..serving.double import Double
from ..serving.facets import SMOLLM2, TINY, put, small_lora, tiny_base

ASK = (Message("user", "Say hi."),)
SHORT = Options(max_tokens=6)
STRENGTH = 60.0
"""The adapters' alpha: enough that each says something of its own, not so much that all of it is noise."""


@dataclass
class Bench:
    """`expected(name)` is what a facet (or None, the base) answers to ASK under SHORT; `loads()`: how often adapters
    were loaded so far; `double`: the server, where there is one."""

    weaver: CognitiveWeaver
    names: list[str]
    room: int
    expected: Callable[[str | None], str]
    loads: Callable[[], int]
    double: Double | None = None
    close: list[Callable[[], Any]] = field(default_factory=list)

    def ask(self, name: str | None, **more: Any) -> str:
        return self.weaver.complete(name, ASK, SHORT, **more).text

    def held(self) -> set[str]:
        return {name for server in self.weaver.status()["servers"] for name in server["held"]}


def model_folder(folder: Path, config: dict[str, Any]) -> Path:
    """A base model of which only the configuration is there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def facets(folder: Path, count: int, rank: int = 2) -> list[str]:
    """Adapters for the tiny base, which no model has."""
    return [put(folder, f"facet{i}", small_lora(tiny_base(), seed=i + 1, rank=rank)) for i in range(count)]


def bent_facets(folder: Path, count: int) -> list[str]:
    """Adapters for SmolLM2 that push its last layers somewhere, each elsewhere: it says other things with each."""
    shape = base_shape(SMOLLM2)
    names = []
    for number in range(count):
        chance = random.Random(number)
        tensors = []
        for layer in range(shape.layers - 2, shape.layers):
            takes, gives = shape.sizes["mlp.down_proj"]
            for half, extent in (("a", (1, takes)), ("b", (gives, 1))):
                numbers = array("f", (chance.gauss(0, 0.05) for _ in range(extent[0] * extent[1])))
                tensors.append(Tensor(f"blk.{layer}.ffn_down.weight.lora_{half}", extent, "F32", numbers.tobytes()))
        names.append(put(folder, f"facet{number}", tensors, STRENGTH))
    return names


def link_to(double: Double, http: Any, tmp_path: Path, room: int = 4, key: str = "secret", **place: Any) -> VllmLink:
    model = model_folder(tmp_path / "model", TINY)
    return VllmLink(http, lambda: place_of(double.url, key, **place), room, model=model)


def served(tmp_path: Path, count: int = 12, room: int = 4, patience: float = 10.0) -> Bench:
    double = Double(key="secret").start()
    names = facets(tmp_path / "adapters", count)
    library = Library([tmp_path / "adapters"])
    weaver = CognitiveWeaver(library, once(lambda http: [link_to(double, http, tmp_path, room)]), patience)
    return Bench(
        weaver,
        names,
        room,
        lambda name: " ".join(f"{name or double.model} says: Say hi.".split(" ")[:6]),
        lambda: double.count("/v1/load_lora_adapter"),
        double,
        [weaver.close, double.stop],
    )


def once(make: Callable[[HttpClient], Sequence[Link]]) -> Callable[[HttpClient], Sequence[Link]]:
    """The same links each time they are asked for."""
    return cache(make)


class Spoken:
    """The embedded model with six bent adapters, and what each says when it alone is asked; made once."""

    def __init__(self, folder: Path) -> None:
        self.names = bent_facets(folder, 6)
        self.library = Library([folder])
        self.engine = Counting(threads=2)
        self.said: dict[str | None, str] = {}
        for name in (None, *self.names):
            if name is not None:
                self.engine.add_adapter(name, self.library.gguf(name))
            self.said[name] = self.engine.complete(ASK, Options(max_tokens=6, adapter=name)).text

    def bench(self, room: int = 2) -> Bench:
        for name in self.engine.loaded_adapters():
            self.engine.unload_adapter(name).result()
        self.engine.loads = 0
        weaver = CognitiveWeaver(self.library, once(lambda http: [LlamaLink(self.engine, room)]))
        said = self.said.__getitem__
        return Bench(weaver, self.names, room, said, lambda: self.engine.loads, None, [weaver.close])


class Counting(EmbeddedEngine):
    """Knows how often it was told to load an adapter."""

    loads = 0

    def load_adapter(self, name: str, path: Path) -> Any:
        self.loads += 1
        return super().load_adapter(name, path)


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """work(0) ... work(count - 1), each on a thread of its own, begun at once; what they answer, or what they raise."""
    gate = threading.Barrier(count)
    found: list[Any] = [None] * count

    def run(number: int) -> None:
        gate.wait(30)
        try:
            found[number] = work(number)
        except Exception as problem:
            found[number] = problem

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a request hangs"
    return found


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for a condition that another thread brings about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.01)
