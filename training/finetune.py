"""A LoRA adapter from rows: TRL's trainer, with the loss on the answers only. Resumable; the same seed, the same order.

torch, transformers, peft and trl are imported here and nowhere else in the house, when training begins.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .config import TrainConfig
from .encode import IGNORED, NothingToLearn, encode
from .errors import DataProblem, ToolsMissing

# Spinning OpenMP threads make torch twenty times slower on a busy machine; the runtime reads this once.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

Tell = Callable[[dict[str, Any]], None]
"""Told each log line: step, steps, loss, tokens, seconds."""


def check_tools() -> None:
    """Raise ToolsMissing unless what training needs is installed."""
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "trl", "peft", "gguf") if find_spec(name) is None]
    if missing:
        raise ToolsMissing(f"training needs {', '.join(missing)}: pip install 'bat-os[train]'")


def load_base(config: TrainConfig, work: Path) -> tuple[Any, Any]:
    """Model and tokenizer. 'embedded' is read from the packaged GGUF once and kept beside the run as safetensors."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if config.base == "embedded":
        folder = unpack_embedded(work / "base")
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    else:
        folder = Path(config.base)
    options: dict[str, Any] = {"dtype": torch.bfloat16 if config.device == "cuda" else torch.float32}
    if config.quantize == "nf4":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
        options["device_map"] = {"": config.device if config.device == "cpu" else 0}
    name = str(folder) if config.base == "embedded" or folder.exists() else config.base
    model = AutoModelForCausalLM.from_pretrained(name, **options)
    if config.quantize == "nf4":
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=config.device == "cuda")
    return model, AutoTokenizer.from_pretrained(name)


def unpack_embedded(folder: Path) -> Path:
    """The packaged GGUF as a folder that transformers reads: 20 seconds the first time."""
    if (folder / "ready").exists():
        return folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from ..jit.model_status import weights_path

    path = weights_path()
    if path is None:
        raise ToolsMissing("the embedded model's weights are not installed: python -m batos.jit.model_setup build")
    source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    model.hf_quantizer, model.is_quantized = None, False  # else saving would want the quantised format back
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    (folder / "ready").touch()
    return folder


def encode_rows(
    rows: Sequence[dict[str, Any]], tokenizer: Any, config: TrainConfig
) -> tuple[list[dict[str, Any]], int]:
    """Encoded rows in the order they are read, rows of like length side by side so that little is padded; and how
    many were left out because nothing of them could be learnt."""
    encoded, dropped = [], 0
    for row in rows[: config.rows or None]:
        try:
            encoded.append(encode(row, tokenizer, config.max_length))
        except NothingToLearn:
            dropped += 1
    if not encoded:
        raise DataProblem("no row is left to learn from")
    rng = random.Random(config.seed)
    rng.shuffle(encoded)
    ordered: list[dict[str, Any]] = []
    for start in range(0, len(encoded), config.batch * 32):
        part = sorted(encoded[start : start + config.batch * 32], key=lambda e: len(e["input_ids"]))
        batches = [part[i : i + config.batch] for i in range(0, len(part), config.batch)]
        rng.shuffle(batches)
        ordered += [row for batch in batches for row in batch]
    return ordered, dropped


def finished(config: TrainConfig, work: Path) -> dict[str, Any] | None:
    """The summary of a run in that folder that has made all the steps this configuration asks for, or None."""
    try:
        summary: dict[str, Any] = json.loads((work / "summary.json").read_text(encoding="utf-8"))
        rounds = math.ceil(summary["rows"] / (config.batch * config.accumulate))
        enough = summary["steps"] >= (config.max_steps or math.ceil(rounds * config.epochs))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return summary if enough and (work / "adapter" / "adapter_config.json").exists() else None


def finetune(
    config: TrainConfig, rows: Sequence[dict[str, Any]], work: Path, tell: Tell = lambda _: None, resume: bool = True
) -> dict[str, Any]:
    """Train; the adapter lies in `work/adapter` afterwards, its log in `work/log.jsonl`. Answers a summary.

    A run that was stopped goes on from its last checkpoint. Raises TrainingProblem.
    """
    check_tools()
    done = finished(config, work) if resume else None
    if done is not None:
        return done
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from torch.utils.data import SequentialSampler
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    work.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model, tokenizer = load_base(config, work)
    encoded, dropped = encode_rows(rows, tokenizer, config)
    tokens = sum(len(e["input_ids"]) for e in encoded)
    learnt = sum(label != IGNORED for e in encoded for label in e["labels"])
    cuda = config.device == "cuda"
    arguments = SFTConfig(
        output_dir=str(work / "checkpoints"),
        max_length=None,
        per_device_train_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulate,
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        logging_steps=config.log_every,
        save_steps=config.save_every,
        save_total_limit=2,
        report_to="none",
        use_cpu=not cuda,
        bf16=cuda,
        fp16=False,
        gradient_checkpointing=cuda,
        dataloader_pin_memory=cuda,
        disable_tqdm=True,
        seed=config.seed,
    )
    lora = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=list(config.lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    log = (work / "log.jsonl").open("a", encoding="utf-8")
    started = time.monotonic()

    class Telling(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                line = {
                    "step": state.global_step,
                    "steps": state.max_steps,
                    "loss": round(float(logs["loss"]), 5),
                    "learning_rate": logs.get("learning_rate"),
                    "seconds": round(time.monotonic() - started, 1),
                }
                log.write(json.dumps(line) + "\n")
                log.flush()
                tell(line)

    class Trainer(SFTTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
            return SequentialSampler(self.train_dataset)  # `encode_rows` has drawn the order

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """Cross-entropy over the answers' tokens. Logits are made for those only: of 49,000 words each, they and
            what TRL computes from all of them cost a third of the time on a CPU."""
            whole = model.get_base_model() if hasattr(model, "get_base_model") else model
            out = whole.model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
            wanted = inputs["labels"][:, 1:]
            keep = wanted != IGNORED
            logits = whole.lm_head(out.last_hidden_state[:, :-1][keep]).float()
            total = torch.nn.functional.cross_entropy(logits, wanted[keep], reduction="sum")
            loss = total / (num_items_in_batch if num_items_in_batch is not None else keep.sum())
            return (loss, out) if return_outputs else loss

    if config.start_from:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, config.start_from, is_trainable=True)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(encoded),
        processing_class=tokenizer,
        peft_config=None if config.start_from else lora,
        callbacks=[Telling()],
    )
    checkpoints = sorted((work / "checkpoints").glob("checkpoint-*"))
    result = trainer.train(resume_from_checkpoint=bool(resume and checkpoints))
    log.close()
    trainer.save_model(str(work / "adapter"))
    seconds = time.monotonic() - started
    summary = {
        "rows": len(encoded),
        "dropped": dropped,
        "tokens": tokens,
        "learnt_tokens": learnt,
        "steps": result.global_step,
        "loss": round(float(result.training_loss), 5),
        "seconds": round(seconds, 1),
    }
    (work / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary
