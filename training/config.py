"""How to train, in one file: `train.toml`, or a preset by name, or a preset with some of it said otherwise.

batos train finetune --preset smollm2-cpu --set epochs=2 --set rows=4000
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import ConfigProblem

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
MAX_RANK = 16
"""What a server takes by default (vLLM's `--max-lora-rank`)."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(Strict):
    """The adapter's shape. No DoRA and no `modules_to_save`: servers and llama.cpp take neither."""

    rank: int = Field(default=16, ge=1, le=MAX_RANK)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] = PROJECTIONS


class TrainConfig(Strict):
    """One training run. Times and tokens are measured where docs/training.md says so."""

    base: str = Field(description="'embedded' for the packaged SmolLM2-135M, or a folder or hub name for transformers")
    facet: str = Field(
        default="jit", pattern=r"[a-z][a-z0-9-]*", description="what the adapter is for; first part of its name"
    )
    prompt_style: Literal["tuned", "large"] = Field(
        default="tuned", description="how the JIT asks when this adapter is on"
    )
    quantize: Literal["none", "nf4"] = "none"
    device: Literal["cpu", "cuda"] = "cpu"
    lora: Lora = Lora()
    rows: int = Field(default=0, ge=0, description="at most so many rows of the file; 0: all")
    epochs: float = Field(default=1.0, gt=0, le=100)
    max_steps: int = Field(default=0, ge=0, description="0: as many as the epochs take")
    max_length: int = Field(default=512, ge=32, le=32_768, description="tokens; a longer row is cut from the right")
    batch: int = Field(default=4, ge=1, description="rows that are read at once")
    accumulate: int = Field(default=1, ge=1, description="batches to one step")
    learning_rate: float = Field(default=8e-4, gt=0, lt=1)
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = Field(
        default="cosine", description="how the learning rate goes; a constant one can be gone on with"
    )
    start_from: str = Field(default="", description="folder of an adapter (PEFT) to go on from; empty: a new one")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(default=0.0, ge=0)
    seed: int = 8
    log_every: int = Field(default=5, ge=1)
    save_every: int = Field(default=50, ge=1, description="steps between checkpoints")
    threads: int = Field(default=0, ge=0, description="0: what torch finds")

    @model_validator(mode="after")
    def _fits(self) -> TrainConfig:
        if self.quantize == "nf4" and self.lora.dropout > 0.2:
            raise ValueError("a dropout above 0.2 with nf4 does not learn")
        return self


PRESETS: dict[str, TrainConfig] = {
    # The seeds' recommendation, for one GPU of 24 GB or more.
    "llama-3.1-8b-qlora": TrainConfig(
        base="meta-llama/Llama-3.1-8B-Instruct",
        prompt_style="large",
        quantize="nf4",
        device="cuda",
        max_length=1024,
        batch=8,
        accumulate=4,
        learning_rate=2e-4,
        epochs=2,
        log_every=10,
        save_every=100,
        lora=Lora(rank=16, alpha=32, dropout=0.05),
    ),
    # The shipped adapter: about an hour on two cores.
    "smollm2-cpu": TrainConfig(base="embedded", epochs=1, batch=4, learning_rate=8e-4, max_length=448, save_every=25),
    # Proof that the whole chain works, in two minutes.
    "cpu-smoke": TrainConfig(
        base="embedded",
        epochs=1,
        max_steps=14,
        rows=64,
        batch=4,
        learning_rate=2e-3,
        max_length=128,
        log_every=1,
        save_every=10,
        lora=Lora(rank=8, alpha=16),
    ),
}


def read_config(preset: str = "", file: Path | None = None, settings: tuple[str, ...] = ()) -> TrainConfig:
    """The preset, then the TOML file's keys over it, then `key=value` over both. Raises ConfigProblem."""
    told: dict[str, Any] = {}
    if preset:
        if preset not in PRESETS:
            raise ConfigProblem(f"there is no preset {preset!r}; there are: {', '.join(PRESETS)}")
        told = PRESETS[preset].model_dump()
    if file is not None:
        try:
            with file.open("rb") as stream:
                _merge(told, tomllib.load(stream))
        except OSError as problem:
            raise ConfigProblem(f"{file} cannot be read: {problem.strerror}") from problem
        except tomllib.TOMLDecodeError as problem:
            raise ConfigProblem(f"{file} is no TOML: {problem}") from problem
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigProblem(f"--set takes KEY=VALUE, not {setting!r}")
        place = told
        *path, last = key.strip().split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[last] = _plain(value.strip())
    try:
        return TrainConfig.model_validate(told)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the configuration"
        raise ConfigProblem(f"{where}: {first['msg']}") from None


def _merge(told: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(told.get(key), dict):
            _merge(told[key], value)
        else:
            told[key] = value


def _plain(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text
