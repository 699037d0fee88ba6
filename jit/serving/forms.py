"""One adapter in two forms: the GGUF that llama.cpp takes, and the PEFT folder that vLLM takes, made from it.

The GGUF is the adapter: its content gives the name. The folder is derived, always to the same bytes, so that both
engines answer with the same numbers and a name means one thing on both:

    ADAPTERS/jit@0123456789ab.gguf      the adapter; its card beside it as jit@0123456789ab.json
    ADAPTERS/jit@0123456789ab/          the same for vLLM

Only the standard library is used. Rows of q and k lie in the order of llama.cpp's rope and are put back.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import AdapterRefused
from .base import BaseShape

PEFT_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
KINDS = {0: ("F32", 4), 1: ("F16", 2), 30: ("BF16", 2)}
SCALARS = {0: "B", 1: "b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, LIST = 8, 9
CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as it lies in a file: `shape` in rows and columns, `kind` as safetensors names it."""

    name: str
    shape: tuple[int, ...]
    kind: str
    data: bytes


def gguf_name(facet: str, gguf: Path) -> str:
    """`facet@0123456789ab`: the same bytes have the same name everywhere."""
    with gguf.open("rb") as file:
        return f"{facet}@{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"


def peft_folder(adapters: Path, name: str, base: BaseShape) -> Path:
    """`ADAPTERS/NAME/`, made from `ADAPTERS/NAME.gguf` unless it is there. Whole or absent, whoever else makes it, too.
    Raises AdapterRefused."""
    folder = adapters / name
    if folder.is_dir():
        return folder
    config, tensors = peft_files(adapters / f"{name}.gguf", base)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=adapters))
    try:
        (draft / CONFIG).write_bytes(config)
        (draft / TENSORS).write_bytes(tensors)
        draft.chmod(0o755)
        os.rename(draft, folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():  # and nobody else has made it meanwhile
            raise
    return folder


def peft_files(gguf: Path, base: BaseShape) -> tuple[bytes, bytes]:
    """The contents of adapter_config.json and adapter_model.safetensors for that GGUF. Raises AdapterRefused."""
    try:
        with gguf.open("rb") as file:
            settings, tensors = read_gguf(file)
    except OSError as problem:
        raise AdapterRefused(f"the adapter {gguf} cannot be read: {problem.strerror}") from None
    except (ValueError, KeyError, struct.error, UnicodeDecodeError, MemoryError, OverflowError) as problem:
        raise AdapterRefused(f"the adapter {gguf} is no whole GGUF file: {problem!r}") from None
    if settings.get("adapter.type") != "lora":
        raise AdapterRefused(f"the adapter {gguf} is no LoRA adapter, by what it says")
    made = [_as_peft(tensor, gguf, base) for tensor in tensors]
    ranks = {tensor.shape[0 if tensor.name.endswith("lora_A.weight") else 1] for tensor in made}
    if len(ranks) != 1:
        raise AdapterRefused(f"the adapter {gguf} has tensors of the ranks {sorted(ranks)}; it may have one")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.model,
        "r": ranks.pop(),
        "lora_alpha": settings.get("adapter.lora.alpha"),
        "target_modules": sorted({tensor.name.split(".")[-3] for tensor in made}),
        "bias": "none",
    }
    return json.dumps(config, indent=1).encode() + b"\n", safetensors(made)


def _as_peft(tensor: Tensor, gguf: Path, base: BaseShape) -> Tensor:
    parts = tensor.name.split(".")
    if len(parts) != 5 or parts[0] != "blk" or parts[2] not in PEFT_NAMES or parts[4] not in ("lora_a", "lora_b"):
        raise AdapterRefused(f"the adapter {gguf} changes {tensor.name[:120]!r}, which servers do not take")
    if len(tensor.shape) != 2:
        raise AdapterRefused(f"the adapter {gguf} has {tensor.name} of the shape {list(tensor.shape)}")
    heads = {"attn_q": base.heads, "attn_k": base.kv_heads}.get(parts[2])
    data = tensor.data
    if heads is not None and parts[4] == "lora_b":
        if tensor.shape[0] % (2 * heads):
            raise AdapterRefused(f"the adapter {gguf} has {tensor.name} of {tensor.shape[0]} rows for {heads} heads")
        data = _rope_rows(data, tensor.shape[0], heads)
    half = parts[4][-1].upper()
    name = f"base_model.model.model.layers.{parts[1]}.{PEFT_NAMES[parts[2]]}.lora_{half}.weight"
    return Tensor(name, tensor.shape, tensor.kind, data)


def _rope_rows(data: bytes, rows: int, heads: int) -> bytes:
    """Each head's rows from pairs (llama.cpp's order) to halves (transformers')."""
    width, half = len(data) // rows, rows // heads // 2
    order = (head * 2 * half + row * 2 + part for head in range(heads) for part in range(2) for row in range(half))
    return b"".join(data[row * width : (row + 1) * width] for row in order)


def safetensors(tensors: list[Tensor]) -> bytes:
    """A safetensors file: a table of contents in JSON, then the data."""
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    ordered = sorted(tensors, key=lambda tensor: tensor.name)
    for tensor in ordered:
        ends = [place, place + len(tensor.data)]
        table[tensor.name] = {"dtype": tensor.kind, "shape": list(tensor.shape), "data_offsets": ends}
        place = ends[1]
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + b"".join(tensor.data for tensor in ordered)


def read_gguf(file: BinaryIO) -> tuple[dict[str, Any], list[Tensor]]:
    """The settings and tensors of a small GGUF file, an adapter. Raises ValueError and the like for what is none."""
    if file.read(4) != b"GGUF" or _number(file, "<I") not in (2, 3):
        raise ValueError("it does not begin as one")
    size = os.fstat(file.fileno()).st_size
    count, pairs = _number(file, "<Q"), _number(file, "<Q")
    if max(count, pairs) > 100_000:
        raise ValueError(f"it says it has {count} tensors and {pairs} settings")
    settings = {_text(file): _value(file, _number(file, "<I")) for _ in range(pairs)}
    entries = []
    for _ in range(count):
        name, dimensions = _text(file), _number(file, "<I")
        if dimensions > 4:
            raise ValueError(f"{name[:80]!r} has {dimensions} dimensions")
        shape = tuple(_number(file, "<Q") for _ in range(dimensions))[::-1]  # it names the fastest first
        entries.append((name, shape, *KINDS[_number(file, "<I")], _number(file, "<Q")))
    align = settings.get("general.alignment", 32)
    begin = -(-file.tell() // align) * align
    return settings, list(_tensors(file, entries, begin, size))


def _tensors(file: BinaryIO, entries: list[Any], begin: int, size: int) -> Iterator[Tensor]:
    for name, shape, kind, width, offset in entries:
        length = width
        for extent in shape:
            length *= extent
        if begin + offset + length > size:
            raise ValueError(f"it is cut off at {name[:80]!r}")
        file.seek(begin + offset)
        yield Tensor(name, shape, kind, file.read(length))


def _number(file: BinaryIO, form: str) -> Any:
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _text(file: BinaryIO) -> str:
    length = _number(file, "<Q")
    if length > 1_000_000:
        raise ValueError(f"a text of {length} bytes")
    return file.read(length).decode()


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == TEXT:
        return _text(file)
    if kind == LIST:
        inner, length = _number(file, "<I"), _number(file, "<Q")
        if length > 1_000_000 or inner == LIST:
            raise ValueError(f"a list of {length}")
        return [_value(file, inner) for _ in range(length)]
    return _number(file, SCALARS[kind])
