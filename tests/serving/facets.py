"""Adapters made by hand, with the standard library alone: small ones in both forms, for a base of any size."""

from __future__ import annotations

import hashlib
import json
import struct
from array import array
from pathlib import Path
from typing import Any

from batos.jit.serving.base import BaseShape, base_shape
from batos.jit.serving.forms import PEFT_NAMES, Tensor, gguf_name

SMOLLM2 = {
    "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_attention_heads": 9,
    "num_key_value_heads": 3, "num_hidden_layers": 30,
}  # fmt: skip
TINY = {
    "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "num_attention_heads": 2,
    "num_key_value_heads": 1, "num_hidden_layers": 2,
}  # fmt: skip


def tiny_base() -> BaseShape:
    return base_shape(TINY, "tiny")


def small_lora(
    base: BaseShape, seed: int = 1, rank: int = 2, modules: tuple[str, ...] = ("attn_q", "ffn_down")
) -> list[Tensor]:
    """Tensors, as a GGUF names them, of an adapter that changes `modules` of every layer a little."""
    made = []
    for layer in range(base.layers):
        for module in modules:
            takes, gives = base.sizes[PEFT_NAMES[module]]
            for half, shape in (("a", (rank, takes)), ("b", (gives, rank))):
                numbers = array("f", ((seed * 7 + i * 13 + layer) % 17 / 1000 for i in range(shape[0] * shape[1])))
                made.append(Tensor(f"blk.{layer}.{module}.weight.lora_{half}", shape, "F32", numbers.tobytes()))
    return made


def write_gguf(path: Path, tensors: list[Tensor], alpha: float = 4.0, **settings: str) -> Path:
    """A GGUF file (version 3) with those tensors, as llama.cpp's own converter names things."""
    texts = {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora", **settings}
    kinds = {"F32": 0, "F16": 1, "BF16": 30}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(texts) + 1)
    for key, value in texts.items():
        head += _text(key) + struct.pack("<I", 8) + _text(value)
    head += _text("adapter.lora.alpha") + struct.pack("<If", 6, alpha)
    body = b""
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack("<I", len(tensor.shape))
        head += b"".join(struct.pack("<Q", extent) for extent in reversed(tensor.shape))
        head += struct.pack("<IQ", kinds[tensor.kind], len(body))
        body += tensor.data + b"\0" * (-len(tensor.data) % 32)
    head += b"\0" * (-len(head) % 32)
    path.write_bytes(head + body)
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def put(
    adapters: Path, facet: str, tensors: list[Tensor], alpha: float = 4.0, card: dict[str, Any] | None = None
) -> str:
    """Write `ADAPTERS/NAME.gguf` and its card; the name."""
    adapters.mkdir(parents=True, exist_ok=True)
    draft = write_gguf(adapters / f"draft-{facet}", tensors, alpha)
    name = gguf_name(facet, draft)
    made = draft.replace(adapters / f"{name}.gguf")
    told = {
        "name": name,
        "facet": facet,
        "style": "tuned",
        "base": "",
        "sha256": hashlib.sha256(made.read_bytes()).hexdigest(),
        **(card or {}),
    }
    made.with_suffix(".json").write_text(json.dumps(told))
    return name
