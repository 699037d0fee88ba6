"""The kernel's log: a JSON object a line, beside the image, so that programs can read it and nobody's pipe fills."""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
import traceback
from pathlib import Path

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in PLAIN}
        if record.exc_info and record.exc_info[0] is not None:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))[-20_000:]
        return json.dumps(line, default=str, ensure_ascii=False)


class Plain(logging.Formatter):
    """For people: time, level, what, and the rest as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%H:%M:%S", time.localtime(record.created)) + f".{int(record.msecs):03d}"
        rest = "  ".join(f"{key}={value}" for key, value in vars(record).items() if key not in PLAIN)
        text = f"{when} {record.levelname.lower():7} {record.getMessage()}  {rest}".rstrip()
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))[-20_000:].rstrip()
        return text


def log_to(path: Path | None, form: str = "json", level: str = "info") -> logging.Handler:
    """Sends what the kernel logs to `path` (8 MB, then a second file), or to stderr if there is none. `form`: json or
    text."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler()
    else:
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=8_000_000, backupCount=1, encoding="utf-8", delay=True
        )
    handler.setFormatter(JsonLines() if form == "json" else Plain())
    root = logging.getLogger("batos")
    root.addHandler(handler)
    root.setLevel(level.upper())
    root.propagate = False
    return handler
