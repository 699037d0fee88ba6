"""Is this adapter one that a server may be told to load? Its name, where it lies, and every tensor in it, looked at
before anything is loaded: vLLM takes tensors of a wrong shape without a word, and answers with them.

An adapter for a server is a folder in PEFT's form, inside the folder of adapters that the server serves from:

    ADAPTERS/jit@0123456789ab/adapter_config.json
                              adapter_model.safetensors

The twelve digits are of the GGUF beside it (forms.py), or, where there is none, of adapter_model.safetensors.

Only the standard library is used: a safetensors file begins with its table of contents, as JSON.
"""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from ..errors import AdapterRefused
from .base import BaseShape
from .forms import CONFIG, TENSORS, gguf_name, peft_files

NAME = re.compile(r"[a-z0-9@._-]{1,64}")
IMMUTABLE = re.compile(r"[a-z0-9][a-z0-9._-]*@[0-9a-f]{12}")
FILES = {CONFIG, TENSORS, "README.md", "loss.svg", ".gitattributes"}
"""What may lie in an adapter's folder. A server also reads tokenizers and pickles it finds there: none may be."""
MAX_CONFIG = 1_000_000
ANY_RANK = 1_024
MAX_HEADER = 16_000_000
MAX_FILE = 4_000_000_000
WIDTH = {"F32": 4, "F16": 2, "BF16": 2}
# PEFT features that change what the tensors mean, and that vLLM or llama.cpp ignores or refuses.
UNWANTED = (
    "use_dora", "use_rslora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "lora_bias",
    "trainable_token_indices", "target_parameters", "use_qalora", "alora_invocation_tokens", "layer_replication",
)  # fmt: skip
TENSOR = re.compile(r"base_model\.model\.model\.layers\.(\d{1,4})\.(\w+\.\w+)\.lora_([AB])\.weight")


def check_name(name: str) -> str:
    """The name, if it is immutable: `facet@` and twelve digits of its content's SHA-256. Raises AdapterRefused."""
    if not NAME.fullmatch(name):
        raise AdapterRefused(f"an adapter's name is 1 to 64 of a-z 0-9 @ . _ -, not {name[:80]!r}")
    if not IMMUTABLE.fullmatch(name):
        raise AdapterRefused(
            f"an adapter is named facet@ and twelve hexadecimal digits of its content's SHA-256, not {name!r}"
        )
    return name


def adapter_folder(adapters: Path, name: str) -> Path:
    """Where the adapter `name` really lies: a folder inside `adapters`, and so is each of its files, links followed.
    Raises AdapterRefused."""
    check_name(name)
    try:
        root = adapters.resolve(strict=True)
        folder = (root / name).resolve(strict=True)
        inside = sorted(folder.iterdir())
        real = [path.resolve(strict=True) for path in inside]
    except NotADirectoryError:
        raise AdapterRefused(f"{name} in {adapters} is no folder") from None
    except (OSError, RuntimeError) as problem:  # RuntimeError: links in a circle
        told = problem.strerror if isinstance(problem, OSError) else problem
        raise AdapterRefused(f"there is no adapter {name} in {adapters}: {told}") from None
    if not folder.is_relative_to(root) or folder == root:
        raise AdapterRefused(f"the adapter {name} lies outside {adapters}, at {folder}")
    for path, where in zip(inside, real, strict=True):
        if not where.is_relative_to(root):
            raise AdapterRefused(f"the adapter {name} has {path.name} outside {adapters}, at {where}")
        if path.name not in FILES or not where.is_file():
            raise AdapterRefused(f"the adapter {name} holds {path.name}; only {CONFIG} and {TENSORS} belong there")
    missing = {CONFIG, TENSORS} - {path.name for path in inside}
    if missing:
        raise AdapterRefused(f"the adapter {name} has no {' and no '.join(sorted(missing))}")
    return folder


def check_adapter(adapters: Path, name: str, base: BaseShape, max_rank: int = 16) -> Path:
    """The folder to load the adapter `name` from, once it is sure that it fits: name, place, rank, and the shape, kind,
    extent and finiteness of every tensor. Raises AdapterRefused, and says which of these it was."""
    folder = adapter_folder(adapters, name)
    try:
        rank, targets = _check_config(name, folder / CONFIG, max_rank)
        with (folder / TENSORS).open("rb") as file:
            _check_tensors(name, file, base, rank, targets)
        _check_content(name, adapters, folder, base)
    except OSError as problem:
        raise AdapterRefused(f"the adapter {name} cannot be read: {problem.strerror}") from None
    return folder


def check_form(name: str, folder: Path) -> None:
    """Whether it is a LoRA adapter in PEFT's form at all; whether it fits a base model is seen before it is loaded.
    Raises AdapterRefused, OSError."""
    _check_config(name, folder / CONFIG, ANY_RANK)
    with (folder / TENSORS).open("rb") as file:
        _table(name, file)


def _check_config(name: str, path: Path, max_rank: int) -> tuple[int, set[str]]:
    if path.stat().st_size > MAX_CONFIG:
        raise AdapterRefused(f"the adapter {name} has a {CONFIG} of {path.stat().st_size:,} bytes")
    try:
        config = from_json(path.read_bytes())
    except (ValueError, RecursionError) as problem:
        raise AdapterRefused(f"the adapter {name} has a {CONFIG} that is no JSON: {problem}") from None
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise AdapterRefused(f"the adapter {name} is no LoRA adapter, by its {CONFIG}")
    rank, alpha, targets = config.get("r"), config.get("lora_alpha"), config.get("target_modules")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 0 < rank <= max_rank:
        raise AdapterRefused(f"the adapter {name} has the rank {rank!r}; this server takes 1 to {max_rank}")
    if not isinstance(alpha, (int, float)) or isinstance(alpha, bool) or not math.isfinite(alpha):
        raise AdapterRefused(f"the adapter {name} has the lora_alpha {alpha!r}, which is no number")
    if config.get("bias", "none") != "none":
        raise AdapterRefused(f"the adapter {name} trains biases, which servers do not take")
    for key in UNWANTED:
        if config.get(key):
            raise AdapterRefused(f"the adapter {name} uses {key}, which servers do not take")
    if not isinstance(targets, list) or not all(isinstance(each, str) for each in targets):
        raise AdapterRefused(f"the adapter {name} does not list its target_modules")
    return rank, set(targets)


def _check_tensors(name: str, file: BinaryIO, base: BaseShape, rank: int, targets: set[str]) -> None:
    table, start, size = _table(name, file)
    halves: dict[tuple[int, str], set[str]] = {}
    extents = []
    for key, entry in table.items():
        if key == "__metadata__":
            continue
        layer, module, half = _place(name, key, base, targets)
        takes, gives = base.sizes[module]
        wanted = [rank, takes] if half == "A" else [gives, rank]
        try:
            shape, kind, (begin, end) = entry["shape"], entry["dtype"], entry["data_offsets"]
        except (KeyError, TypeError, ValueError):
            raise AdapterRefused(f"the adapter {name} has a broken entry for {key}") from None
        if shape != wanted:
            raise AdapterRefused(f"the adapter {name} has {key} of the shape {shape}; {base.model} takes {wanted}")
        if kind not in WIDTH:
            raise AdapterRefused(f"the adapter {name} has {key} as {kind}; it may be {', '.join(WIDTH)}")
        whole = all(type(each) is int for each in (begin, end)) and 0 <= begin and end <= size
        if not whole or end - begin != rank * (takes if half == "A" else gives) * WIDTH[kind]:
            raise AdapterRefused(f"the adapter {name} is cut off or broken at {key}")
        file.seek(start + begin)
        if not _finite(file.read(end - begin), kind):
            raise AdapterRefused(f"the adapter {name} has something in {key} that is no finite number")
        halves.setdefault((layer, module), set()).add(half)
        extents.append((begin, end))
    if not halves:
        raise AdapterRefused(f"the adapter {name} holds no tensors")
    for (layer, module), both in halves.items():
        if both != {"A", "B"}:
            raise AdapterRefused(f"the adapter {name} has only one half of layer {layer}'s {module}")
    extents.sort()
    if [begin for begin, _ in extents] != [0, *(end for _, end in extents[:-1])] or extents[-1][1] != size:
        raise AdapterRefused(f"the adapter {name} has tensors that overlap, or bytes that belong to none")


def _check_content(name: str, adapters: Path, folder: Path, base: BaseShape) -> None:
    """Whether the folder holds what the name says. A name never means two things."""
    facet, _, digits = name.partition("@")
    with (folder / TENSORS).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest().startswith(digits):
            return
    gguf = adapters / f"{name}.gguf"
    if not gguf.is_file() or gguf_name(facet, gguf) != name:
        raise AdapterRefused(f"the adapter {name} does not hold what its name says: its content has other digits")
    if peft_files(gguf, base) != ((folder / CONFIG).read_bytes(), (folder / TENSORS).read_bytes()):
        raise AdapterRefused(f"the adapter {name} is not what its GGUF makes; remove {folder} and it is made anew")


def _table(name: str, file: BinaryIO) -> tuple[dict[str, Any], int, int]:
    """The table of contents of a safetensors file; where its data begin; how many bytes of them there are."""
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size > MAX_FILE or not 2 <= length <= min(MAX_HEADER, size - 8):
        raise AdapterRefused(f"the adapter {name} has no whole safetensors file")
    try:
        table = from_json(file.read(length))
    except (ValueError, RecursionError):
        raise AdapterRefused(f"the adapter {name} has no whole safetensors file") from None
    if not isinstance(table, dict):
        raise AdapterRefused(f"the adapter {name} has no whole safetensors file")
    return table, 8 + length, size - 8 - length


def _place(name: str, key: str, base: BaseShape, targets: set[str]) -> tuple[int, str, str]:
    found = TENSOR.fullmatch(key)
    if found is None or found[2] not in base.sizes:
        raise AdapterRefused(f"the adapter {name} changes {key[:120]!r}, which servers do not take")
    if int(found[1]) >= base.layers:
        raise AdapterRefused(f"the adapter {name} changes layer {found[1]}; {base.model} has 0 to {base.layers - 1}")
    if found[2].rpartition(".")[2] not in targets and found[2] not in targets:
        raise AdapterRefused(f"the adapter {name} changes {found[2]}, which its target_modules do not name")
    return int(found[1]), found[2], found[3]


def _finite(data: bytes, kind: str) -> bool:
    """Whether no NaN and no infinity is among the numbers. At C's pace: a sum is not finite if a part of it is not,
    and 16 bits have few values to look at."""
    if kind == "F32":
        return math.isfinite(sum(array("f", data)))
    exponent = 0x7C00 if kind == "F16" else 0x7F80
    return all(value & exponent != exponent for value in set(array("H", data)))
