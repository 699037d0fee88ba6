"""The whole chain on the real small model: rows, LoRA, export, llama.cpp. Two to three minutes on two cores; needs the
extra [train] (`make train-tools`) and the embedded model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from batos.jit.model_status import model_status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.model,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        find_spec("trl") is None or find_spec("torch") is None, reason="the extra [train] is not installed"
    ),
    pytest.mark.skipif(not model_status().ready, reason=str(model_status())),
]


def batos(*arguments: str) -> str:
    command = [sys.executable, "-W", "default", "-c", "from batos.cli import main; main()", "train", *arguments]
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=800, env=environ)
    assert ran.returncode == 0, ran.stderr[-4000:]
    return ran.stdout


def test_the_smoke_preset_learns_and_llama_answers_with_it(tmp_path: Path) -> None:
    work, out = tmp_path / "run", tmp_path / "adapters"
    batos("finetune", "--preset", "cpu-smoke", "--work", str(work))
    losses = [json.loads(line)["loss"] for line in (work / "log.jsonl").read_text().splitlines()]
    assert len(losses) >= 10
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4]), losses
    assert "<polyline" in (work / "loss.svg").read_text()

    told = batos("export", "--work", str(work), "--out", str(out), "--answer")
    (gguf,) = out.glob("*.gguf")
    card = json.loads(gguf.with_suffix(".json").read_text())
    assert card["name"] == gguf.name.removesuffix(".gguf") and card["rank"] == 8 and card["data"] and card["base"]
    assert f"{card['name']} answers: def deposit_(self, amount): " in told
    peft = out / card["name"]
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md", "loss.svg"} <= {
        p.name for p in peft.iterdir()
    }

    # A run that is whole has nothing left to do: given again, it trains no further step.
    batos("finetune", "--preset", "cpu-smoke", "--work", str(work))
    assert len((work / "log.jsonl").read_text().splitlines()) == len(losses)
