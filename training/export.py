"""An adapter in the two forms that servers take: GGUF for llama.cpp, PEFT for vLLM and transformers; each named by its
content, with a card that says what it is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ..jit.adapter import adapter_name
from ..jit.serving.base import base_shape
from ..jit.serving.check_adapter import check_adapter
from ..jit.serving.forms import peft_folder
from .config import MAX_RANK, TrainConfig
from .errors import DataProblem

GGUF_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def check_peft(folder: Path, base_config: dict[str, Any]) -> dict[str, Any]:
    """The adapter's configuration, once it is sure that a server can take it: rank, no DoRA, no saved modules, and
    every tensor of the shape that the base has. Raises DataProblem: vLLM loads wrong shapes silently."""
    from safetensors import safe_open

    try:
        config: dict[str, Any] = from_json((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = safe_open(str(folder / "adapter_model.safetensors"), framework="pt")
    except (OSError, ValueError) as problem:
        raise DataProblem(f"{folder} holds no adapter: {problem}") from problem
    rank = config.get("r")
    if not isinstance(rank, int) or not 0 < rank <= MAX_RANK:
        raise DataProblem(f"the adapter's rank is {rank}; servers take up to {MAX_RANK}")
    for key in ("use_dora", "modules_to_save", "use_rslora"):
        if config.get(key):
            raise DataProblem(f"the adapter uses {key}, which servers do not take")
    hidden, inner = base_config["hidden_size"], base_config["intermediate_size"]
    heads = base_config["num_attention_heads"]
    head = base_config.get("head_dim") or hidden // heads
    wide, narrow = heads * head, base_config["num_key_value_heads"] * head
    sizes = {
        "self_attn.q_proj": (hidden, wide), "self_attn.k_proj": (hidden, narrow), "self_attn.v_proj": (hidden, narrow),
        "self_attn.o_proj": (wide, hidden), "mlp.gate_proj": (hidden, inner), "mlp.up_proj": (hidden, inner),
        "mlp.down_proj": (inner, hidden),
    }  # fmt: skip
    for key in tensors.keys():
        _, module, half = _parts(key)
        takes, gives = sizes[module]
        wanted = [rank, takes] if half == "A" else [gives, rank]
        if tensors.get_slice(key).get_shape() != wanted:
            raise DataProblem(f"{key} has the shape {tensors.get_slice(key).get_shape()}, not {wanted}")
    return config


def _parts(key: str) -> tuple[int, str, str]:
    match = re.fullmatch(r"base_model\.model\.model\.layers\.(\d+)\.(.+)\.lora_([AB])\.weight", key)
    if match is None or match[2] not in GGUF_NAMES:
        raise DataProblem(f"the adapter changes {key}, which llama.cpp does not take")
    return int(match[1]), match[2], match[3]


def write_gguf(peft: Path, base_config: dict[str, Any], out: Path) -> None:
    """The PEFT adapter as GGUF in half precision. Rows of q and k are put in the order of llama.cpp's rope (the same
    tensors come out as from its own converter)."""
    import numpy
    from gguf import GGUFWriter
    from safetensors.torch import load_file

    config = check_peft(peft, base_config)
    tensors = load_file(str(peft / "adapter_model.safetensors"))
    writer = GGUFWriter(str(out), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    heads = {"self_attn.q_proj": "num_attention_heads", "self_attn.k_proj": "num_key_value_heads"}
    for key in sorted(tensors):
        layer, module, half = _parts(key)
        tensor = tensors[key].float().numpy()
        if half == "B" and module in heads:
            tensor = _permuted(tensor, base_config[heads[module]])
        name = f"blk.{layer}.{GGUF_NAMES[module]}.weight.lora_{half.lower()}"
        writer.add_tensor(name, numpy.ascontiguousarray(tensor.astype(numpy.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _permuted(weights: Any, heads: int) -> Any:
    rows = weights.shape[0] // heads // 2
    return weights.reshape(heads, 2, rows, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def export(
    config: TrainConfig, peft: Path, base: Path, out: Path, base_digest: str, more: dict[str, Any] | None = None
) -> Path:
    """Write `NAME.gguf`, `NAME.json` and the folder `NAME/` (PEFT) into `out`; answer the GGUF. `base`: the folder of
    the model in transformers' form; `more`: what else the card is to say. Raises DataProblem."""
    out.mkdir(parents=True, exist_ok=True)
    base_config = from_json((base / "config.json").read_text(encoding="utf-8"))
    draft = out / ".draft.gguf"
    try:
        write_gguf(peft, base_config, draft)
        name = adapter_name(config.facet, draft)
        made = draft.replace(out / f"{name}.gguf")
    finally:
        draft.unlink(missing_ok=True)
    with made.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    card = {
        "name": name,
        "facet": config.facet,
        "style": config.prompt_style,
        "base": base_digest,
        "sha256": digest,
        "rank": config.lora.rank,
        "alpha": config.lora.alpha,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **(more or {}),
    }
    made.with_suffix(".json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    # From the GGUF and not from `peft`: one name, one content, the same numbers in both engines.
    shutil.rmtree(out / name, ignore_errors=True)
    shape = base_shape(base_config, base.name)
    peft_folder(out, name, shape)
    check_adapter(out, name, shape, MAX_RANK)
    return made
