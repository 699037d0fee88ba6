"""The settings of this room, in one place: what the environment says, and what the command line says over it.

| variable | meaning | default |
|---|---|---|
| BATOS_JIT | off, ask or auto: what happens to a message nobody understands | ask |
| BATOS_MODEL | path of a GGUF file for the embedded engine | the packaged SmolLM2-135M |
| BATOS_ADAPTER | the embedded engine's LoRA adapter: shipped, off, or a GGUF with its card beside it | shipped |
| BATOS_MODEL_URL | an OpenAI-compatible server, `http://127.0.0.1:8000/v1`: takes the embedded engine's place | |
| BATOS_MODEL_NAME | the model to ask that server for | the first it serves |
| BATOS_MODEL_KEY | the server's API key | |
| BATOS_MODEL_TIMEOUT | seconds one answer may take | 120 |
| BATOS_WEAVER | who serves the facets, with commas: `embedded`, NAMEs of batos serve-model, URLs, URL=KEYFILE; where \
it is set, the JIT asks its alias jit | the servers that run here; else BATOS_MODEL_URL; else embedded |
| BATOS_ADAPTERS | the folder of adapters | batos/adapters in $XDG_DATA_HOME (~/.local/share) |
| BATOS_WEAVER_BASE | a folder with the base model's config.json, where the server's is not on this machine | |
| BATOS_WEAVER_ROOM | adapters that one server holds at once (--max-loras) | 4 |
| BATOS_WEAVER_PATIENCE | seconds that a request waits for a server that does not answer | 10 |
| BATOS_CASSETTE | path of a recorded engine's cassette; takes the place of the others | |
| BATOS_CASSETTE_MODE | replay, or record: ask the real engine and keep its answer | replay |
| BATOS_JIT_TEMPERATURE | of the first answer; 0 is the likeliest one, and repairs are less greedy anyway | 0 |
| BATOS_JIT_REPAIRS | repair rounds after a failed gate | 2 |
| BATOS_JIT_TOKENS_PER_HOUR | budget of generated tokens, 0 for none | 0 |
| BATOS_JIT_PROBATION | sends for which a new method is watched; if it raises in them it is put back | 20 |
| BATOS_JIT_REVIEW | personas whose opinion is asked for first, e.g. `brick,robin`; each costs a question | none |
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import SettingsProblem

if TYPE_CHECKING:
    from .engine import Engine

POLICIES = ("off", "ask", "auto")
SERVER = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Settings:
    """See the table above; paths are as given, not resolved."""

    policy: str = "ask"
    model: Path | None = None
    adapter: str = "shipped"
    url: str = ""
    model_name: str = ""
    key: str = ""
    timeout: float = 120.0
    cassette: Path | None = None
    record: bool = False
    temperature: float = 0.0
    repairs: int = 2
    tokens_per_hour: int = 0
    probation: int = 20
    review: tuple[str, ...] = ()
    weaver: tuple[str, ...] = ()
    adapters: Path = Path("~/.local/share/batos/adapters")
    weaver_base: Path | None = None
    room: int = 4
    patience: float = 10.0

    def engine(self) -> Engine:
        """The engine these settings ask for. Nothing is loaded or connected yet."""
        if self.cassette is None:
            return self.live_engine()
        from .recorded import RecordedEngine

        return RecordedEngine(self.cassette, self.live_engine() if self.record else None)

    def live_engine(self) -> Engine:
        if self.url:
            from .server import ServerEngine

            return ServerEngine(self.url, self.model_name, self.key, self.timeout)
        from .adapter import read_adapter, shipped_adapter
        from .embedded import EmbeddedEngine

        if self.adapter == "off":
            return EmbeddedEngine(self.model)
        chosen = shipped_adapter() if self.adapter == "shipped" else read_adapter(Path(self.adapter).expanduser())
        return EmbeddedEngine(self.model, default=chosen)


def read_settings(environ: Mapping[str, str] = os.environ, policy: str | None = None) -> Settings:
    """Settings from the environment, over those that are kept (kept_settings.py); `policy` is the command line's
    `--jit` and wins. Raises SettingsProblem."""
    from .kept_settings import kept

    environ = {**kept(environ), **{name: value for name, value in environ.items() if value}}
    chosen = check_policy(policy or environ.get("BATOS_JIT") or "ask")
    mode = environ.get("BATOS_CASSETTE_MODE") or "replay"
    if mode not in ("replay", "record"):
        raise SettingsProblem(f"BATOS_CASSETTE_MODE is replay or record, not {mode!r}")
    model, cassette = environ.get("BATOS_MODEL"), environ.get("BATOS_CASSETTE")
    url = environ.get("BATOS_MODEL_URL", "")
    if url and not url.startswith(("http://", "https://")):
        raise SettingsProblem(f"BATOS_MODEL_URL begins with http:// or https://, not {url!r}")
    servers = _names(environ, "BATOS_WEAVER")
    for server in servers:
        if not server.startswith(("http://", "https://")) and not SERVER.fullmatch(server):
            raise SettingsProblem(
                f"BATOS_WEAVER is `embedded`, NAMEs of `batos serve-model`, or URLs with http://, not {server!r}"
            )
    return Settings(
        policy=chosen,
        model=Path(model) if model else None,
        adapter=environ.get("BATOS_ADAPTER") or "shipped",
        url=url,
        model_name=environ.get("BATOS_MODEL_NAME", ""),
        key=environ.get("BATOS_MODEL_KEY", ""),
        timeout=_number(environ, "BATOS_MODEL_TIMEOUT", 120.0),
        cassette=Path(cassette) if cassette else None,
        record=mode == "record",
        temperature=_number(environ, "BATOS_JIT_TEMPERATURE", 0.0, most=2.0),
        repairs=int(_number(environ, "BATOS_JIT_REPAIRS", 2)),
        tokens_per_hour=int(_number(environ, "BATOS_JIT_TOKENS_PER_HOUR", 0)),
        probation=int(_number(environ, "BATOS_JIT_PROBATION", 20)),
        review=_names(environ, "BATOS_JIT_REVIEW"),
        weaver=servers,
        adapters=Path(environ.get("BATOS_ADAPTERS") or _data_home(environ) / "batos" / "adapters"),
        weaver_base=Path(environ["BATOS_WEAVER_BASE"]) if environ.get("BATOS_WEAVER_BASE") else None,
        room=max(1, int(_number(environ, "BATOS_WEAVER_ROOM", 4))),
        patience=_number(environ, "BATOS_WEAVER_PATIENCE", 10.0),
    )


def check_policy(chosen: str) -> str:
    """The policy, if it is one. Raises SettingsProblem."""
    if chosen not in POLICIES:
        raise SettingsProblem(f"--jit (BATOS_JIT) is one of {', '.join(POLICIES)}, not {chosen!r}")
    return chosen


def _names(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in environ.get(name, "").split(",") if each.strip())


def _data_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or "~") / ".local" / "share")


def _number(environ: Mapping[str, str], name: str, default: float, most: float = float("inf")) -> float:
    text = environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SettingsProblem(f"{name} is a number, not {text!r}") from None
    if not 0 <= value <= most or value == float("inf"):
        upto = "up" if most == float("inf") else f"to {most:g}"
        raise SettingsProblem(f"{name} is a number from 0 {upto}, not {text!r}")
    return value
