"""What a kernel tells as data, in rows for a person."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .screen import visible


def summary(row: Any) -> str:
    """A map as one line: what it tells of itself, or its values with the names of those that need one."""
    if not isinstance(row, dict):
        return visible(compact(row))
    if "told" in row:
        return visible("  ".join(str(row[key]) for key in ("transaction", "told", "user") if row.get(key)))
    words = [str(row[key]) for key in PLAIN if row.get(key)]
    words += [f"{key} {compact(value)}" for key, value in row.items() if key not in PLAIN and value not in (None, "")]
    return visible("  ".join(words).replace("\n", " "))


PLAIN = ("id", "name", "when", "who", "what", "note")  # values that say themselves what they are


def compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def kernel_facts(status: dict[str, Any]) -> list[tuple[str, str]]:
    """What `:who` shows of a kernel's status: a fact a row, of what it does not tell none. `batos top` shows more."""
    many = "" if status.get("workers") == 1 else "s"
    done = status.get("transactions", {})
    rows = (
        ("image", visible(str(status.get("image", "")))),
        ("kernel", _words(status, pid="process {}", up="up {:.0f} s", workers="{} worker" + many, policy="jit {}")),
        ("messages", _words(status, running="{} running", queued="{} waiting", approvals="{} wait for a decision")),
        ("commits", _words(done, commits="{:,} in all", conflicts="{:,} conflicts", failures="{:,} errors")),
        ("memory", _megabytes(status, resident_bytes="{:,.0f} MB", image_bytes="image {:,.1f} MB")),
    )
    return [(name, text) for name, text in rows if text]


def session_rows(sessions: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A session a row, under a heading."""
    rows: list[tuple[str, ...]] = [("session", "as", "messages", "waiting", "now")]
    for each in sessions:
        now = f"{each['since']:.0f} s  {visible(each['doing'])}" if each["running"] else "idle"
        name = visible(each["name"]) or "?"
        rows.append((name, visible(each["as"]), f"{each['handled']:,}", str(each["queued"]), now))
    return rows


def _words(data: dict[str, Any], **forms: str) -> str:
    return ", ".join(form.format(data[key]) for key, form in forms.items() if data.get(key) is not None)


def _megabytes(data: dict[str, Any], **forms: str) -> str:
    return _words({key: data[key] / 2**20 for key in forms if data.get(key) is not None}, **forms)
