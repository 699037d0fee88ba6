"""Settings that a person keeps for all images: a small JSON file, under what the environment says.

The file is $BATOS_CONFIG, or batos/jit.json in the folder where configuration goes ($XDG_CONFIG_HOME, ~/.config).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from .errors import SettingsProblem

NAMES: Mapping[str, str] = {
    "policy": "BATOS_JIT",
    "model": "BATOS_MODEL",
    "adapter": "BATOS_ADAPTER",
    "url": "BATOS_MODEL_URL",
    "model-name": "BATOS_MODEL_NAME",
    "key": "BATOS_MODEL_KEY",
    "timeout": "BATOS_MODEL_TIMEOUT",
    "temperature": "BATOS_JIT_TEMPERATURE",
    "repairs": "BATOS_JIT_REPAIRS",
    "tokens-per-hour": "BATOS_JIT_TOKENS_PER_HOUR",
    "probation": "BATOS_JIT_PROBATION",
    "review": "BATOS_JIT_REVIEW",
    "weaver": "BATOS_WEAVER",
    "adapters": "BATOS_ADAPTERS",
    "weaver-base": "BATOS_WEAVER_BASE",
    "room": "BATOS_WEAVER_ROOM",
    "patience": "BATOS_WEAVER_PATIENCE",
}
"""What `batos jit set` knows, and the variable that says the same."""


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """Where settings are kept; None where the environment tells of no home."""
    if environ.get("BATOS_CONFIG"):
        return Path(environ["BATOS_CONFIG"])
    home = environ.get("XDG_CONFIG_HOME") or (environ["HOME"] + "/.config" if environ.get("HOME") else "")
    return Path(home) / "batos" / "jit.json" if home else None


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """What the file says, as variables. Raises SettingsProblem where it is no such file."""
    path = settings_file(environ)
    try:
        data = json.loads(path.read_text("utf-8")) if path is not None else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise SettingsProblem(f"the settings in {path} cannot be read: {problem}") from None
    if not isinstance(data, dict) or not all(name in NAMES and isinstance(data[name], str) for name in data):
        raise SettingsProblem(f"{path} is no file of settings: it holds {', '.join(map(str, data))[:200]}")
    return {NAMES[name]: value for name, value in data.items()}


def kept_policy(environ: Mapping[str, str]) -> str | None:
    """What BATOS_JIT or the file says, None where neither does. Raises SettingsProblem."""
    said = environ.get("BATOS_JIT") or kept(environ).get("BATOS_JIT")
    if not said:
        return None
    from .settings import check_policy  # nothing that every command should wait for

    return check_policy(said)


def keep_setting(name: str, value: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Keep one setting, "" takes it back; the file. Raises SettingsProblem where the value has no meaning."""
    from .settings import read_settings

    path = settings_file(environ)
    if path is None:
        raise SettingsProblem("there is nowhere to keep it: set HOME, XDG_CONFIG_HOME or BATOS_CONFIG")
    known = {variable: each for each, variable in NAMES.items()}
    data = {known[variable]: said for variable, said in kept(environ).items()}
    data.pop(name, None)
    if value:
        data[name] = value
        read_settings({NAMES[name]: value})  # refuses what has no meaning, before it is kept
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # a key may be among them
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(data, indent=1, sort_keys=True) + "\n")
    os.replace(draft, path)
    return path


def describe_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A line for each setting: its value, and where that is from."""
    from .settings import read_settings

    settings, file = read_settings(environ), kept(environ)
    lines = []
    for name, variable in NAMES.items():
        value = getattr(settings, name.replace("-", "_"))
        shown = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        if name == "key" and shown:
            shown = "(set)"
        where = variable if environ.get(variable) else "kept" if variable in file else "default"
        lines.append(f"{name:16}{shown or '-':40}{where}")
    return lines
