"""A model in a GGUF file as a folder that vLLM reads: `python convert_model.py MODEL.gguf FOLDER`.

Runs in the server's environment, by its path: torch and transformers are there, and nothing of ours. 20 seconds for
SmolLM2-135M. FOLDER is whole or not there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path


def convert(gguf: Path, folder: Path, digest: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    model.hf_quantizer, model.is_quantized = None, False  # else saving would want the quantised format back
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    model.save_pretrained(draft)
    AutoTokenizer.from_pretrained(**source).save_pretrained(draft)
    (draft / "made-from.json").write_text(json.dumps({"file": gguf.name, "digest": digest}) + "\n")
    draft.chmod(0o755)
    os.rename(draft, folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
