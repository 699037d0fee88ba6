"""LoRA adapters as they lie in a folder: `NAME.gguf` beside its card `NAME.json`, NAME being `facet@` and twelve digits
of the file's SHA-256. The card says which model it was made for and how a prompt for it looks.

What is shipped lies in `adapters/`, and the embedded engine uses it unless told otherwise (BATOS_ADAPTER).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from .errors import EngineMissing
from .prompt import STYLES, Style

FOLDER = Path(__file__).with_name("adapters")
MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter that was found whole. `base`: `sha256:...` of the model file it was trained on, "" for any."""

    name: str
    path: Path
    style: Style
    base: str
    card: dict[str, Any]


def adapter_name(facet: str, path: Path) -> str:
    """`facet@0123456789ab`: the same bytes have the same name everywhere."""
    with path.open("rb") as file:
        return f"{facet}@{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"


def read_adapter(path: Path) -> Adapter:
    """The adapter whose GGUF or card that is. Raises EngineMissing, and says what is wrong with it: llama.cpp itself
    crashes the process on a missing file and answers nonsense with half of one."""
    file, card_file = path.with_name(path.name.removesuffix(".json").removesuffix(".gguf") + ".gguf"), None
    card_file = file.with_suffix(".json")
    try:
        with file.open("rb") as stream:
            if stream.read(4) != MAGIC:
                raise EngineMissing(f"the adapter {file} is not a GGUF file")
        card = from_json(card_file.read_text(encoding="utf-8"))
        name, style, digest = card["name"], card["style"], card["sha256"]
    except OSError as problem:
        raise EngineMissing(f"the adapter {problem.filename or file} cannot be read: {problem.strerror}") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise EngineMissing(f"the adapter's card {card_file} is no card: {problem}") from problem
    if style not in STYLES:
        raise EngineMissing(f"the adapter's card {card_file} asks for the prompt style {style!r}; there are: {STYLES}")
    if adapter_name(str(card.get("facet", "")), file) != name or not str(digest).startswith(name.partition("@")[2]):
        raise EngineMissing(f"the adapter {file} is not the file its card describes ({name})")
    return Adapter(name, file, style, str(card.get("base", "")), card)


@cache
def shipped_adapter() -> Adapter | None:
    """The adapter that comes with the package, or None. Raises EngineMissing where it is there and spoilt."""
    cards = sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else []
    return read_adapter(cards[-1]) if cards else None
