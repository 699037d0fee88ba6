"""What a server is not given: all that can be wrong with an adapter, met by name before it is loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batos.jit.errors import AdapterRefused
from batos.jit.serving.base import base_shape, read_base_shape
from batos.jit.serving.check_adapter import adapter_folder, check_adapter, check_name
from batos.jit.serving.forms import CONFIG, TENSORS, Tensor, peft_files, peft_folder, safetensors

from .facets import SMOLLM2, TINY, put, small_lora, tiny_base

BASE = tiny_base()


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    return tmp_path / "adapters"


@pytest.fixture
def name(adapters: Path) -> str:
    name = put(adapters, "robin", small_lora(BASE))
    peft_folder(adapters, name, BASE)
    return name


def refused(adapters: Path, name: str, max_rank: int = 16) -> str:
    with pytest.raises(AdapterRefused) as caught:
        check_adapter(adapters, name, BASE, max_rank)
    assert caught.value.code == "adapter-refused"
    return str(caught.value)


def renamed(adapters: Path, name: str) -> str:
    """What is in the folder of `name`, under the name that its content has and without a GGUF beside it."""
    digits = hashlib.sha256((adapters / name / TENSORS).read_bytes()).hexdigest()[:12]
    shutil.copytree(adapters / name, adapters / f"copy@{digits}", dirs_exist_ok=True)
    return f"copy@{digits}"


def with_tensors(adapters: Path, name: str, data: bytes) -> str:
    (adapters / name / TENSORS).write_bytes(data)
    return renamed(adapters, name)


def test_an_adapter_that_fits_is_taken(adapters: Path, name: str) -> None:
    assert check_adapter(adapters, name, BASE) == (adapters / name).resolve()
    assert check_adapter(adapters, renamed(adapters, name), BASE).name.startswith("copy@")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x@0123456789ab", "a/b@0123456789ab", "Robin@0123456789ab", "robin", "robin@123",
     "robin@0123456789ag", "@0123456789ab", "x" * 60 + "@0123456789ab", "robin@0123456789ab\n",
     "röbin@0123456789ab", "a@b@0123456789ab", ".robin@0123456789ab", "-r@0123456789ab"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(AdapterRefused, match="name"):
        check_name(name)


def test_what_is_not_there_is_told(adapters: Path, name: str) -> None:
    assert "there is no adapter gone@0123456789ab" in refused(adapters, "gone@0123456789ab")
    assert "there is no adapter" in refused(adapters / "nowhere", name)
    (adapters / "file@0123456789ab").write_text("")
    assert "is no folder" in refused(adapters, "file@0123456789ab")


def test_links_may_not_lead_out(adapters: Path, name: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(adapters / name, outside)
    (adapters / "link@0123456789ab").symlink_to(outside)
    assert "lies outside" in refused(adapters, "link@0123456789ab")
    (adapters / "up@0123456789ab").symlink_to(adapters)
    assert "lies outside" in refused(adapters, "up@0123456789ab")
    (adapters / name / TENSORS).unlink()
    (adapters / name / TENSORS).symlink_to(outside / TENSORS)
    assert f"has {TENSORS} outside" in refused(adapters, name)
    (adapters / "loop@0123456789ab").symlink_to(adapters / "loop@0123456789ab")
    assert "there is no adapter" in refused(adapters, "loop@0123456789ab")
    (adapters / "inside@0123456789ab").symlink_to(adapters / renamed_source(adapters, outside))
    assert adapter_folder(adapters, "inside@0123456789ab").name == "whole@0123456789ab"  # a link inside is no harm


def renamed_source(adapters: Path, source: Path) -> str:
    shutil.copytree(source, adapters / "whole@0123456789ab")
    return "whole@0123456789ab"


@pytest.mark.parametrize("stranger", ["adapter_model.bin", "tokenizer.json", "evil.py", "sub/x"])
def test_nothing_else_may_lie_in_its_folder(adapters: Path, name: str, stranger: str) -> None:
    """A server reads pickles and tokenizers that it finds there."""
    path = adapters / name / stranger
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    assert "holds" in refused(adapters, name) and "belong there" in refused(adapters, name)


def test_a_missing_part_is_told(adapters: Path, name: str) -> None:
    (adapters / name / CONFIG).unlink()
    assert f"has no {CONFIG}" in refused(adapters, name)


CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({"r": 17}, "rank 17; this server takes 1 to 16"),
    ({"r": 0}, "rank 0"),
    ({"r": True}, "rank True"),
    ({"r": "2"}, "rank '2'"),
    ({"r": 3}, "of the shape"),
    ({"lora_alpha": "4"}, "lora_alpha"),
    ({"lora_alpha": float("inf")}, "lora_alpha"),
    ({"peft_type": "IA3"}, "is no LoRA"),
    ({"bias": "all"}, "biases"),
    ({"use_dora": True}, "use_dora"),
    ({"use_rslora": True}, "use_rslora"),
    ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
    ({"rank_pattern": {"q_proj": 4}}, "rank_pattern"),
    ({"target_modules": "all-linear"}, "does not list"),
    ({"target_modules": ["q_proj"]}, "which its target_modules do not name"),
]


@pytest.mark.parametrize(("change", "told"), CONFIGS, ids=[str(next(iter(change.items()))) for change, _ in CONFIGS])
def test_a_configuration_that_does_not_fit(adapters: Path, name: str, change: dict[str, Any], told: str) -> None:
    path = adapters / name / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert told in refused(adapters, name)


def test_a_rank_above_what_this_server_takes(adapters: Path, name: str) -> None:
    assert "rank 2; this server takes 1 to 1" in refused(adapters, name, max_rank=1)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "null", "\0"])
def test_a_configuration_that_is_none(adapters: Path, name: str, text: str) -> None:
    (adapters / name / CONFIG).write_text(text)
    assert CONFIG in refused(adapters, name)


def peft(adapters: Path, name: str) -> list[Tensor]:
    """The tensors of a folder, to be spoilt."""
    data = (adapters / name / TENSORS).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    table = json.loads(data[8 : 8 + length])
    table.pop("__metadata__")
    cut = {key: entry["data_offsets"] for key, entry in table.items()}
    return [
        Tensor(key, tuple(entry["shape"]), entry["dtype"], data[8 + length + cut[key][0] : 8 + length + cut[key][1]])
        for key, entry in table.items()
    ]


def one(change: Callable[[Tensor], Tensor]) -> Callable[[list[Tensor]], list[Tensor]]:
    return lambda tensors: [change(tensors[0]), *tensors[1:]]


def number(value: float, kind: str) -> bytes:
    return {"F32": struct.pack("<f", value), "F16": struct.pack("<e", value), "BF16": struct.pack("<f", value)[2:]}[
        kind
    ]


def poisoned(value: float, kind: str) -> Callable[[Tensor], Tensor]:
    def spoil(tensor: Tensor) -> Tensor:
        count = tensor.shape[0] * tensor.shape[1]
        return Tensor(tensor.name, tensor.shape, kind, number(0.5, kind) * (count - 1) + number(value, kind))

    return spoil


SPOILT: list[tuple[Callable[[list[Tensor]], list[Tensor]], str]] = [
    (one(lambda t: Tensor(t.name, (t.shape[1], t.shape[0]), t.kind, t.data)), "of the shape"),
    (one(lambda t: Tensor(t.name, (t.shape[0], t.shape[1] // 2), t.kind, t.data)), "of the shape"),
    (one(lambda t: Tensor(t.name, (*t.shape, 1), t.kind, t.data)), "of the shape"),
    (one(lambda t: Tensor(t.name, t.shape, "I64", t.data)), "as I64"),
    (one(lambda t: Tensor(t.name, t.shape, t.kind, t.data[:-4])), "cut off or broken"),
    (
        one(lambda t: Tensor(t.name.replace("layers.0", "layers.7"), t.shape, t.kind, t.data)),
        "changes layer 7; tiny has 0 to 1",
    ),
    (one(lambda t: Tensor("base_model.model.lm_head.lora_A.weight", t.shape, t.kind, t.data)), "lm_head"),
    (one(lambda t: Tensor(t.name + ".bak", t.shape, t.kind, t.data)), "which servers do not take"),
    (one(poisoned(float("nan"), "F32")), "no finite number"),
    (one(poisoned(float("inf"), "F16")), "no finite number"),
    (one(poisoned(float("-inf"), "BF16")), "no finite number"),
    (lambda tensors: tensors[1:], "only one half"),
    (lambda tensors: [], "holds no tensors"),
]


@pytest.mark.parametrize(("spoil", "told"), SPOILT, ids=[f"{i}-{told}" for i, (_, told) in enumerate(SPOILT)])
def test_tensors_that_do_not_fit(
    adapters: Path, name: str, spoil: Callable[[list[Tensor]], list[Tensor]], told: str
) -> None:
    assert told in refused(adapters, with_tensors(adapters, name, safetensors(spoil(peft(adapters, name)))))


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_half_precision_is_taken(adapters: Path, name: str, kind: str) -> None:
    tensors = safetensors(one(poisoned(0.25, kind))(peft(adapters, name)))
    assert check_adapter(adapters, with_tensors(adapters, name, tensors), BASE)


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
def test_a_file_that_is_cut_off(adapters: Path, name: str, kept: int) -> None:
    data = (adapters / name / TENSORS).read_bytes()
    assert "whole" in (told := refused(adapters, with_tensors(adapters, name, data[:kept]))) or "cut off" in told


def test_bytes_that_belong_to_no_tensor(adapters: Path, name: str) -> None:
    data = (adapters / name / TENSORS).read_bytes()
    assert "belong to none" in refused(adapters, with_tensors(adapters, name, data + b"hidden"))


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"a":1}', b'{"base_model.model.model.layers.0.mlp.down_proj.lora_A.weight":{}}']
)
def test_a_table_of_contents_that_is_none(adapters: Path, name: str, header: bytes) -> None:
    told = refused(adapters, with_tensors(adapters, name, struct.pack("<Q", len(header)) + header))
    assert "whole" in told or "do not take" in told or "broken entry" in told


def test_a_name_never_means_two_things(adapters: Path, name: str) -> None:
    other = put(adapters, "robin", small_lora(BASE, seed=2))
    peft_folder(adapters, other, BASE)
    shutil.copy(adapters / other / TENSORS, adapters / name / TENSORS)
    assert "is not what its GGUF makes" in refused(adapters, name)
    (adapters / f"{name}.gguf").unlink()
    assert "has other digits" in refused(adapters, name)
    assert check_adapter(adapters, other, BASE)


def test_a_scaling_changed_in_the_folder_is_noticed(adapters: Path, name: str) -> None:
    path = adapters / name / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | {"lora_alpha": 400}))
    assert "is not what its GGUF makes" in refused(adapters, name)


def test_a_base_of_another_kind_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(AdapterRefused, match="of the kind 'mamba'"):
        base_shape(TINY | {"model_type": "mamba"})
    with pytest.raises(AdapterRefused, match="does not tell its sizes"):
        base_shape({"model_type": "llama"})
    with pytest.raises(AdapterRefused, match="holds no model"):
        read_base_shape(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(SMOLLM2))
    shape = read_base_shape(tmp_path)
    assert shape.sizes["self_attn.k_proj"] == (576, 192) and shape.layers == 30


def test_the_shipped_adapter_becomes_a_folder_that_fits(adapters: Path) -> None:
    from batos.jit.adapter import shipped_adapter

    shipped = shipped_adapter()
    assert shipped is not None
    adapters.mkdir()
    shutil.copy(shipped.path, adapters)
    base = base_shape(SMOLLM2, "SmolLM2-135M")
    assert peft_folder(adapters, shipped.name, base) == check_adapter(adapters, shipped.name, base)


@pytest.mark.parametrize("kept", [0, 3, 20, 60, 200, 900, -1])
def test_half_a_gguf_is_refused(adapters: Path, name: str, kept: int) -> None:
    half = adapters / "half.gguf"
    half.write_bytes((adapters / f"{name}.gguf").read_bytes()[:kept])
    with pytest.raises(AdapterRefused, match="no whole GGUF"):
        peft_files(half, BASE)


def test_a_gguf_that_is_no_adapter_is_refused(adapters: Path) -> None:
    adapters.mkdir()
    from .facets import write_gguf

    with pytest.raises(AdapterRefused, match="is no LoRA adapter"):
        peft_files(write_gguf(adapters / "x.gguf", small_lora(BASE), **{"adapter.type": "other"}), BASE)
    with pytest.raises(AdapterRefused, match="changes 'token_embd"):
        peft_files(
            write_gguf(adapters / "y.gguf", [Tensor("token_embd.weight.lora_a", (1, 1), "F32", b"\0" * 4)]), BASE
        )
    with pytest.raises(AdapterRefused, match="of the ranks"):
        peft_files(
            write_gguf(adapters / "z.gguf", [*small_lora(BASE), *small_lora(BASE, rank=4, modules=("attn_v",))]), BASE
        )


def test_training_makes_the_same_gguf_of_the_folder_again(adapters: Path) -> None:
    """There and back, by two programs: rows of q and k are where both think they are."""
    for module in ("torch", "safetensors", "gguf"):
        pytest.importorskip(module, reason="needs the tools that train (make train-tools)")
    from batos.jit.adapter import shipped_adapter
    from batos.training.export import write_gguf as made_by_training

    shipped = shipped_adapter()
    assert shipped is not None
    adapters.mkdir()
    shutil.copy(shipped.path, adapters)
    folder = peft_folder(adapters, shipped.name, base_shape(SMOLLM2, "SmolLM2-135M"))
    made_by_training(folder, SMOLLM2, adapters / "again.gguf")
    assert (adapters / "again.gguf").read_bytes() == shipped.path.read_bytes()
