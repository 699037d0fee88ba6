"""The Persona Codex as it is shipped: what ROBIN and BRICK are, in files beside the genesis world.

The awakening makes objects of it (`ROBIN`, `BRICK`), which people may change; training data are made from the files.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

PAGES = ("robin", "brick", "contrapunto")


@cache
def page(name: str) -> dict[str, Any]:
    """One file of the codex. Raises KeyError where there is none of that name."""
    if name not in PAGES:
        raise KeyError(name)
    file = resources.files(__package__).joinpath("genesis", f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
