"""What of a base model an adapter has to fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ..errors import AdapterRefused

LLAMA_LIKE = ("llama", "mistral", "qwen2", "qwen3")


@dataclass(frozen=True, slots=True)
class BaseShape:
    """How many layers, how many heads, and what each module of a layer takes and gives."""

    model: str
    layers: int
    heads: int
    kv_heads: int
    sizes: dict[str, tuple[int, int]]


def base_shape(config: dict[str, Any], model: str = "the base model") -> BaseShape:
    """From a model's config.json, as transformers has it. Raises AdapterRefused for a kind of model not known here."""
    kind = config.get("model_type")
    if kind not in LLAMA_LIKE:
        raise AdapterRefused(f"{model} is of the kind {kind!r}; adapters can be checked for {', '.join(LLAMA_LIKE)}")
    try:
        hidden, inner = int(config["hidden_size"]), int(config["intermediate_size"])
        heads, layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
        head = int(config.get("head_dim") or hidden // heads)
        kv_heads = int(config.get("num_key_value_heads") or heads)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise AdapterRefused(f"the configuration of {model} does not tell its sizes: {problem!r}") from None
    wide, narrow = heads * head, kv_heads * head
    sizes = {
        "self_attn.q_proj": (hidden, wide),
        "self_attn.k_proj": (hidden, narrow),
        "self_attn.v_proj": (hidden, narrow),
        "self_attn.o_proj": (wide, hidden),
        "mlp.gate_proj": (hidden, inner),
        "mlp.up_proj": (hidden, inner),
        "mlp.down_proj": (inner, hidden),
    }
    return BaseShape(model, layers, heads, kv_heads, sizes)


def read_base_shape(model: Path) -> BaseShape:
    """Of a model's folder. Raises AdapterRefused."""
    try:
        config = from_json((model / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise AdapterRefused(f"{model} holds no model that an adapter could be checked against: {problem}") from None
    if not isinstance(config, dict):
        raise AdapterRefused(f"{model}/config.json is no configuration")
    return base_shape(config, model.name)
