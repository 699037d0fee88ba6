"""Real answers of a real model, kept in a file and found again by the hash of the question.

For tests that must be quick and the same everywhere. An answer from a cassette says so: its source's engine is
"recorded", and `recorded` tells when and by which engine the real one was made. A question that is not on the
cassette is an error, never a guess.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock
from typing import Any

from .engine import Completion, Engine, Message, OnText, Options, Source, prompt_hash
from .errors import Cancelled, EngineMissing, EngineRefused

FORMAT = 1


class RecordedEngine:
    """See `engine.Engine`. With `live` it records: asks the live engine what is missing, and keeps the answer."""

    name = "recorded"

    def __init__(self, cassette: Path, live: Engine | None = None) -> None:
        self._path = cassette
        self._live = live
        self.style = getattr(live, "style", "small")
        self._lock = Lock()
        self._answers = self._read()

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Completion:
        if cancelled is not None and cancelled.is_set():
            raise Cancelled("cancelled before the answer was looked up")
        key = prompt_hash(messages, options)
        with self._lock:
            kept = self._answers.get(key)
            if kept is None:
                if self._live is None:
                    raise EngineRefused(
                        f"the cassette {self._path} has no answer to question {key}; it answers only what was recorded"
                    )
                live = self._live.complete(messages, options, on_text, cancelled)
                kept = self._answers[key] = _kept(messages, options, live)
                self._write()
                return _played(kept, key, options)
        if on_text is not None:
            on_text(kept["text"])
        return _played(kept, key, options)

    def describe(self) -> str:
        mode = f"recording from {self._live.describe()}" if self._live is not None else "replaying"
        return f"recorded: {len(self._answers)} answers in {self._path} ({mode})"

    def close(self) -> None:
        if self._live is not None:
            self._live.close()

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            data = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            if self._live is not None:
                return {}
            raise EngineMissing(f"the cassette {self._path} does not exist") from None
        except (OSError, ValueError) as problem:
            raise EngineMissing(f"the cassette {self._path} cannot be read: {problem}") from problem
        if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("answers"), dict):
            raise EngineMissing(f"{self._path} is not a cassette of format {FORMAT}")
        return dict(data["answers"])

    def _write(self) -> None:
        about = "Answers recorded from a real model; see jit/recorded.py. Replayed ones are marked in their provenance."
        data = {"format": FORMAT, "about": about, "answers": dict(sorted(self._answers.items()))}
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(draft, self._path)


def _kept(messages: Sequence[Message], options: Options, live: Completion) -> dict[str, Any]:
    return {
        "text": live.text,
        "tokens": live.tokens,
        "prompt_tokens": live.prompt_tokens,
        "seconds": round(live.seconds, 3),
        "finish": live.finish,
        "engine": live.source.engine,
        "model": live.source.model,
        "digest": live.source.digest,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "question": [m.content for m in messages][-1] + options.prefill,
    }


def _played(kept: dict[str, Any], key: str, options: Options) -> Completion:
    source = Source(
        engine="recorded",
        model=kept["model"],
        digest=kept["digest"],
        adapter=options.adapter,
        seed=options.seed,
        temperature=options.temperature,
        prompt_hash=key,
        recorded=f"{kept['made']} from {kept['engine']}",
    )
    return Completion(kept["text"], kept["tokens"], kept["prompt_tokens"], kept["seconds"], kept["finish"], source)
